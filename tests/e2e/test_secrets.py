"""What must never be printed: secrets, and lines that a key or a message has forged."""

from __future__ import annotations

import pytest

from s3_xfer.units import MIB
from tests.e2e.program import COPY, PREFIX, QUICK, Program
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, SRC, World

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG-secret-of-the-environment",
    "AWS_SESSION_TOKEN": "FwoGZXIvYXdzE-token-of-the-environment",
    "S3_XFER_DEST_EXTERNAL_ID": "external-id-of-the-environment",
}
GIVEN = "external-id-of-the-command-line"
ROLE = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"


@pytest.mark.parametrize("ends", ["well", "with failures", "refused by STS", "refused", "aborted"])
def test_no_secret_is_printed_or_written(world: World, program: Program, ends: str) -> None:
    """No secret key, session token or external id is in any output or report, however it ends."""
    server = world.server
    server.put(SRC, "in/x", size=1)
    server.put(SRC, "in/large", size=20 * MIB)
    server.require_external_id(ROLE, GIVEN if ends != "refused by STS" else "another")
    if ends == "with failures":
        server.put(SRC, "in/cold", size=1, storage_class="GLACIER")
    elif ends == "refused":
        server.revoke(SRC, DESTINATION_ACCOUNT)
    elif ends == "aborted":
        server.inject(Fault.error("CopyObject", 403, "InvalidAccessKeyId", "No such key."))

    done = program.run(
        *("copy", *PREFIX, *QUICK, "--endpoint-url", server.url, "--dest-role-arn", ROLE),
        *("--dest-external-id", GIVEN, "--source-profile", "them", "--verbose"),
        *("--report", "r.jsonl", "--report-all"),
        AWS_ACCESS_KEY_ID=DESTINATION_KEY,
        **SECRETS,
    )

    codes = {"well": 0, "with failures": 1, "aborted": 4}
    assert done.code == codes.get(ends, 3), done.said
    written = "".join(path.read_text() for path in program.directory.glob("r.jsonl*"))
    assert bool(written) == (done.code != 3)
    for secret in (*SECRETS.values(), GIVEN, "the-secret-key"):
        assert secret not in done.said
        assert secret not in written
    if done.code in codes.values() and done.code:
        assert '--dest-external-id "$S3_XFER_DEST_EXTERNAL_ID"' in done.out


@pytest.mark.parametrize("granted", ["everything", "nothing"])
@pytest.mark.parametrize(
    "command",
    [
        ("doctor",),
        ("doctor", "--json"),
        ("policy",),
        ("policy", "--format", "terraform"),
        ("policy", "--format", "cloudformation"),
        ("policy", "--revert"),
    ],
    ids=" ".join,
)
def test_no_secret_is_in_a_policy_or_a_doctors_report(
    world: World, program: Program, command: tuple[str, ...], granted: str
) -> None:
    """What is printed to be pasted, and what was found out, hold no secret either."""
    world.server.put(SRC, "in/x", size=1)
    world.server.require_external_id(ROLE, GIVEN)
    if granted == "nothing":
        world.server.revoke(SRC, DESTINATION_ACCOUNT)
    trusted = ("--trusted", ROLE) if command[0] == "policy" else ()

    done = program.run(
        *(command[0], *PREFIX, *command[1:], *trusted, "--endpoint-url", world.server.url),
        *("--dest-role-arn", ROLE, "--dest-external-id", GIVEN, "--source-profile", "them"),
        AWS_ACCESS_KEY_ID=DESTINATION_KEY,
        **SECRETS,
    )

    assert done.code == (3 if (command[0], granted) == ("doctor", "nothing") else 0), done.said
    assert "copier" in done.out
    for secret in (*SECRETS.values(), GIVEN, "the-secret-key"):
        assert secret not in done.said


@pytest.mark.parametrize("command", ["doctor", "policy"])
def test_keys_cannot_forge_policies_or_doctors_reports(
    world: World, program: Program, command: str
) -> None:
    """A prefix with a newline or an escape sequence begins no line of its own."""
    prefix = "in/\nFORGED\x1b[2J/"
    world.server.put(SRC, f"{prefix}x", size=1)
    world.server.deny(SRC, DESTINATION_ACCOUNT, ["s3:GetObject"])
    who = ("--principal", ROLE)

    done = program.run(
        command, f"s3://{SRC}/{prefix}", PREFIX[1], "--recursive", "--dest-profile", "us", *who
    )

    assert "FORGED" in done.out, done.said
    assert_not_forged(done.said, "FORGED")


def test_plain_http_to_another_machine_is_told_loudly(program: Program) -> None:
    """Only a named endpoint goes around TLS, and every run and doctor's report says so."""
    place = (*PREFIX, "--dest-profile", "us", "--endpoint-url", "http://192.0.2.1:9")
    quick = ("--read-timeout", "1", "--retries", "0")

    done = program.run("doctor", *place, *quick)

    assert "WITHOUT TLS: requests to http://192.0.2.1:9 can be read" in done.out


def test_keys_cannot_forge_output(world: World, program: Program) -> None:
    """A key with a newline or an escape sequence is spelled out wherever it is printed."""
    forged = "FORGED objects=9/9 everything is fine"
    hostile = (
        "\n" + forged,
        "\r" + forged,
        "\x1b[2J\x1b[31m" + forged,
        "\x9b2J",
        "\u202e" + forged,
    )
    for key in hostile:
        world.server.put(SRC, f"in/{key}", size=1, storage_class="GLACIER")
    world.server.put(SRC, "in/ok\n" + forged, size=1)

    for extra in (("--verbose",), ("--quiet",), ("--json",)):
        done = program.run(*COPY, *QUICK, "--report", "r.jsonl", *extra)
        assert done.code == 1, done.said
        assert_not_forged(done.said, forged)
        assert_not_forged((program.directory / "r.jsonl").read_text(), forged)


@pytest.mark.parametrize(
    "args",
    [
        ("s3://src-bucket/in/\nFORGED\x1b[2J", "s3://dst-bucket/out/"),
        ("s3://src-bucket/\nFORGED\x1b[2J/", "s3://dst-bucket/out/", "--recursive"),
        ("s3://src-bucket/in/", "s3://dst\nFORGED\x1b[2J/", "--recursive"),
        ("\nFORGED\x1b[2J", "s3://dst-bucket/out/"),
        (*PREFIX, "--from-report", "\nFORGED\x1b[2J"),
        (*PREFIX, "--source-profile", "\nFORGED\x1b[2J"),
    ],
)
def test_arguments_cannot_forge_output(
    world: World, program: Program, args: tuple[str, ...]
) -> None:
    """Names that come from elsewhere are spelled out in the message that refuses them."""
    done = program.run("copy", *args, "--dest-profile", "us")

    assert done.code == 3, done.said
    assert "FORGED" in done.err
    assert_not_forged(done.said, "FORGED")


def test_messages_of_the_server_cannot_forge_output(world: World, program: Program) -> None:
    """What a server says is printed on the line where it belongs."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "Access\nFORGED", "no\nFORGED"))

    for extra in (("--verbose",), ("--json",)):
        done = program.run(*COPY, *QUICK, *extra)
        assert done.code == 1
        assert "no\\nFORGED" in done.said or "no\\\\nFORGED" in done.said
        assert_not_forged(done.said, "FORGED")


def assert_not_forged(text: str, forged: str) -> None:
    """Assert that no line begins with ``forged`` and no control character is in ``text``."""
    assert not [line for line in text.split("\n") if line.lstrip().startswith(forged)]
    assert all(character.isprintable() or character == "\n" for character in text)
