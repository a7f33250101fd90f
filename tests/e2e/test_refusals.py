"""What is refused: the words, the exit code, what is on stdout, and a destination left alone."""

from __future__ import annotations

import re

import pytest

from tests.e2e.program import COPY, PREFIX, PROFILES, Program
from tests.e2e.shop import Shop
from tests.fault_server.odd_listings import ODD_PREFIXES
from tests.world import DESTINATION_ACCOUNT, DST, SOURCE_ACCOUNT, SRC, World

OUT = "s3://dst-bucket/out/"
_REQUEST_ID = re.compile(r" \(request id [0-9A-F]+\)")

# arguments, the first line of the message, where the runbook explains it
BY_S3 = {
    "missing source bucket": (
        ("s3://no-such-bucket/in/", OUT, "--recursive", *PROFILES),
        "s3://no-such-bucket/in/ cannot be listed: "
        "NoSuchBucket: The specified bucket does not exist",
        "bucket-missing",
    ),
    "missing source bucket of one key": (
        ("s3://no-such-bucket/in/x", OUT, *PROFILES),
        "the bucket of s3://no-such-bucket/in/x does not exist: "
        "NoSuchBucket: The specified bucket does not exist",
        "bucket-missing",
    ),
    "missing destination bucket": (
        ("s3://src-bucket/in/", "s3://no-such-bucket/out/", "--recursive", *PROFILES),
        "the destination bucket no-such-bucket does not exist",
        "bucket-missing",
    ),
    "missing key": (
        ("s3://src-bucket/in/nothing", OUT, *PROFILES),
        "there is no object s3://src-bucket/in/nothing",
        "nothing-to-copy",
    ),
    "key that is a prefix": (
        ("s3://src-bucket/in", OUT, *PROFILES),
        "there is no object s3://src-bucket/in",
        "nothing-to-copy",
    ),
    "empty prefix": (
        ("s3://src-bucket/nothing/", OUT, "--recursive", *PROFILES),
        "there is nothing under s3://src-bucket/nothing/",
        "nothing-to-copy",
    ),
    "unknown profile": (
        (*PREFIX, "--dest-profile", "nobody"),
        "the destination side cannot use profile 'nobody': "
        "The config profile (nobody) could not be found",
        "configuration",
    ),
    "unknown source profile": (
        (*PREFIX, "--dest-profile", "us", "--source-profile", "nobody"),
        "the source side cannot use profile 'nobody': "
        "The config profile (nobody) could not be found",
        "configuration",
    ),
    "no credentials": (
        PREFIX,
        "no AWS credentials were found for the destination side",
        "credentials-refused",
    ),
    "nobody listens": (
        (*PREFIX, *PROFILES, "--endpoint-url", "http://127.0.0.1:9", "--retries", "0"),
        "s3://src-bucket/in/ cannot be listed: EndpointConnectionError: Could not connect to the "
        'endpoint URL: "http://127.0.0.1:9/src-bucket?list-type=2&prefix=in%2F&encoding-type=url"',
        "network",
    ),
}

BY_INPUT = {
    "prefix without --recursive": (
        ("s3://src-bucket/in/", OUT),
        "s3://src-bucket/in/ is a prefix",
        "add --recursive for everything under it",
    ),
    "bucket without --recursive": (
        ("s3://src-bucket", OUT),
        "s3://src-bucket/ is a whole bucket",
        "add --recursive for all of it",
    ),
    "same object": (
        ("s3://src-bucket/in/x", "s3://src-bucket/in/"),
        "s3://src-bucket/in/x would be copied onto itself",
        "choose another destination",
    ),
    "prefix into itself": (
        ("s3://src-bucket/in/", "s3://src-bucket/in/sub/", "--recursive"),
        "s3://src-bucket/in/sub/ lies inside s3://src-bucket/in/: "
        "the copy would list and copy its own results without end",
        "choose a destination outside the source prefix",
    ),
    "prefix over itself": (
        ("s3://src-bucket/in/sub/", "s3://src-bucket/in/", "--recursive"),
        "s3://src-bucket/in/sub/ lies inside s3://src-bucket/in/: "
        "copies could overwrite objects that are still to be copied",
        "choose a destination that does not contain the source prefix",
    ),
    "no price file": (
        ("s3://src-bucket/in/", OUT, "--recursive", "--prices", "/no/such/prices.toml"),
        "price file /no/such/prices.toml: cannot be read: No such file or directory",
        "write put, list and get in US dollars per 1,000 requests; see docs/semantics.md",
    ),
    "no URL": (
        ("src-bucket/in/", OUT, "--recursive"),
        "'src-bucket/in/' is not an S3 URL",
        "write it as s3://BUCKET/KEY or s3://BUCKET/PREFIX/",
    ),
    "no bucket name": (
        ("s3://src-bucket/in/", "s3://Dst_Bucket/", "--recursive"),
        "'Dst_Bucket' is not a bucket name",
        "bucket names are 3 to 63 lower-case letters, digits, dots and hyphens",
    ),
    "report that is not there": (
        (*PREFIX, "--from-report", "missing.jsonl"),
        "the report missing.jsonl cannot be read: No such file or directory",
        "give the file that --report wrote",
    ),
}


def refused(done_code: int, out: str, err: str) -> list[str]:
    """Return the lines of the one message of a refused run."""
    assert (done_code, out) == (3, ""), out + err
    assert err.count("error: ") == 1, err
    message = err[err.index("error: ") :]
    return _REQUEST_ID.sub("", message).splitlines()


@pytest.mark.parametrize(("args", "problem", "section"), BY_S3.values(), ids=BY_S3)
def test_what_s3_or_the_configuration_refuses_is_named(
    world: World, program: Program, args: tuple[str, ...], problem: str, section: str
) -> None:
    """The message names the problem, the next step and the runbook; nothing is written."""
    world.server.put(SRC, "in/x", size=1)

    done = program.run("copy", *args, "--json")

    assert done.json()["state"] == "VALIDATION_FAILED"
    message = refused(done.code, "", done.err)
    assert message[0] == f"error: {problem}"
    assert message[1].startswith("Next: ")
    assert message[2:] == [f"See docs/runbook.md#{section} (s3-xfer runbook {section})"]
    assert_untouched(world)


@pytest.mark.parametrize(("args", "problem", "remedy"), BY_INPUT.values(), ids=BY_INPUT)
def test_what_makes_no_sense_is_refused_without_a_request(
    world: World, program: Program, args: tuple[str, ...], problem: str, remedy: str
) -> None:
    """Wrong input is told with what to do instead, and S3 is not asked at all."""
    done = program.run("copy", *args, *PROFILES)

    section = "report-unusable" if "--from-report" in args else "invalid-input"
    assert refused(done.code, done.out, done.err) == [
        f"error: {problem}",
        f"Next: {remedy}.",
        f"See docs/runbook.md#{section} (s3-xfer runbook {section})",
    ]
    assert world.server.requests == []


DENIED = {
    "listing": (
        (SRC, SOURCE_ACCOUNT, ["s3:ListBucket"]),
        "s3://src-bucket/in/ cannot be listed: AccessDenied: Access Denied",
    ),
    "reading": (
        (SRC, DESTINATION_ACCOUNT, ["s3:GetObject"]),
        "the destination's credentials may not read s3://src-bucket/in/x: "
        "AccessDenied: Access Denied",
    ),
    "writing": (
        (DST, DESTINATION_ACCOUNT, ["s3:PutObject"]),
        "s3://dst-bucket/out/ cannot be written: AccessDenied: Access Denied",
    ),
}


@pytest.mark.parametrize(("denial", "problem"), DENIED.values(), ids=DENIED)
def test_a_missing_right_is_a_permission_error_before_the_transfer(
    world: World, program: Program, denial: tuple[str, str, list[str]], problem: str
) -> None:
    """Denied listing, reading or writing is told before anything is written, with the place."""
    world.server.put(SRC, "in/x", size=1)
    world.server.deny(*denial)

    done = program.run(*COPY, "--quiet")

    message = refused(done.code, done.out, done.err)
    assert message[0] == f"error: {problem}"
    assert message[1].startswith("Next: ")
    assert message[2] == "See docs/runbook.md#access-denied (s3-xfer runbook access-denied)"
    assert message[3].startswith("Diagnosis: s3:")
    assert done.err.startswith("error: "), "--quiet prints the message and nothing else"
    assert_untouched(world)


def test_a_source_account_that_granted_nothing_refuses_the_copy(shop: Shop) -> None:
    """Both accounts work by themselves, but without a grant B's credentials read nothing of A."""
    shop.fill({"in/x": b"content"})
    shop.accounts.cross_account_access = False

    done = shop.program.run(*COPY)

    message = refused(done.code, done.out, done.err)
    assert message[0].startswith(
        "error: the destination's credentials may not read s3://src-bucket/in/x: AccessDenied"
    )
    assert "s3:GetObject" in message[1]
    assert message[2] == "See docs/runbook.md#access-denied (s3-xfer runbook access-denied)"
    assert message[3].startswith("Diagnosis: s3:GetObject to arn:aws:iam::222222222222:role/")
    shop.accounts.cross_account_access = True
    assert shop.arrived() == {}
    assert "Uploads" not in shop.destination.list_multipart_uploads(Bucket=DST)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("s3://src-bucket/in/",), "Missing argument 'DESTINATION'"),
        ((*PREFIX, "--concurency", "8"), "--concurrency"),
    ],
)
def test_wrong_usage_exits_2(
    world: World, program: Program, args: tuple[str, ...], words: str
) -> None:
    """A command line that cannot be understood is told so on stderr, and nothing happens."""
    done = program.run("copy", *args)

    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "\nHelp: s3-xfer copy --help\n" in done.err
    assert world.server.requests == []


def assert_untouched(world: World) -> None:
    """Assert that the destination is as it was: no object, no upload."""
    assert world.arrived() == {}
    assert world.server.uploads(DST) == []
    assert world.server.count("CopyObject") == 0


@pytest.mark.parametrize(
    "command",
    [COPY, (*COPY, "--dry-run"), (*COPY, "--no-preflight"), ("check", *PREFIX, *PROFILES)],
    ids=["copy", "dry run", "no preflight", "check"],
)
def test_listing_that_cannot_be_believed_ends_every_command(
    world: World, program: Program, command: tuple[str, ...]
) -> None:
    """Exit code 4; the key, the prefix and the service are named, and nothing is copied."""
    world.server.put(SRC, "in2/x", size=1)
    world.server.inject(ODD_PREFIXES["no heed"]())

    done = program.run(*command)

    said = " ".join(done.said.split())
    assert done.code == 4, said
    assert "listed the key 'in2/x', which does not begin with the prefix 'in/'" in said
    assert "Next: give the message to the provider of the S3 service" in said
    world.assert_untouched()
