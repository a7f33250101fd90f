"""Several sources on one command line: one run, or where that is refused what to run instead."""

from __future__ import annotations

import shlex
import threading

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from tests.e2e.program import PROFILES, Done, Program, end_of
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.world import DST, SRC, World

DESTINATION = "s3://dst-bucket/all/"


def lines_of(done: Done) -> list[str]:
    """Return the commands that an answer has."""
    return [line.strip() for line in done.err.splitlines() if line.startswith("  s3-xfer ")]


def test_several_sources_are_one_run(world: World, program: Program) -> None:
    """With one summary, one report, and a command to check all of it."""
    for key in ("x/1", "deep/it em/1", "one.csv"):
        world.server.put(SRC, key, size=1)
    sources = ("s3://src-bucket/x/", "s3://src-bucket/deep/it em", "s3://src-bucket/one.csv")
    typed = ("--recursive", *PROFILES, *sources, "s3://dst-bucket/all")

    dry = program.run("copy", *typed, "--dry-run", "--json")
    copied = program.run("copy", *typed, "--report", "r.jsonl")
    (check,) = (line.strip() for line in copied.out.splitlines() if line.startswith("  s3-xfer"))
    checked = program.run(*shlex.split(check)[1:])
    synced = program.run("sync", *sources, "s3://dst-bucket/all", *PROFILES, "--json")

    assert dry.json()["planned_requests"] == {"CopyObject": 3, "ListObjectsV2": 3}
    assert copied.code == 0, copied.said
    assert "s3://src-bucket/x/ and 2 more -> s3://dst-bucket/all/" in copied.out
    assert set(world.arrived()) == {"all/x/1", "all/it em/1", "all/one.csv"}
    assert checked.code == 0, checked.said
    assert "No difference: 3 objects" in checked.out
    assert synced.json()["files_skipped"] == 3


def test_a_killed_run_of_several_sources_is_resumed(world: World, program: Program) -> None:
    """Nothing that the journal has is copied again, and nothing of any source is lost."""
    for number in range(30):
        world.server.put(SRC, f"x/{number}", size=1)
        world.server.put(SRC, f"y/{number}", size=1)
    killed = threading.Event()
    held = world.server.inject(
        Fault.call("CopyObject", lambda _: killed.wait(PATIENCE_S), after=40)
    )
    child = program.start(
        *("copy", "--recursive", *PROFILES, "--journal", "j.db", "--concurrency", "4"),
        *("s3://src-bucket/x/", "s3://src-bucket/y/", DESTINATION),
    )
    world.server.wait_for("CopyObject", count=41)
    child.kill()
    end_of(child)
    held.remove()
    killed.set()
    copied_before = set(world.arrived())
    world.server.forget_requests()
    resumed = program.run("resume", "j.db", *PROFILES)

    assert resumed.code == 0, resumed.said
    assert len(copied_before) == 40
    assert len(world.arrived()) == 60
    assert world.sent("CopyObject") <= 20 + 4


def test_the_lines_of_the_answer_sync_each_source(world: World, program: Program) -> None:
    """Each source gets a place named like it, and no line takes away what another one copied."""
    for key in ("x/1", "x/2.csv", "deep/it em/1", "other/1"):
        world.server.put(SRC, key, size=1)
    world.server.put(DST, "all/x/gone", size=1)
    world.server.put(DST, "all/kept", size=1)
    sources = ("s3://src-bucket/x/", "s3://src-bucket/deep/it em", "s3://src-bucket/other/")

    typed = (*sources, DESTINATION, *PROFILES, "--delete", "--max-delete", "90%", "--yes")
    refused = program.run("sync", *typed, "--exclude", "*.csv", "--report", "r.jsonl")
    untouched = set(world.arrived())
    runs = [program.run(*shlex.split(line)[1:]) for line in lines_of(refused)]

    assert (refused.code, refused.out) == (ExitCode.USAGE, ""), refused.said
    assert "and s3-xfer sync --delete takes one" in refused.err
    assert untouched == {"all/x/gone", "all/kept"}
    assert [run.code for run in runs] == [0, 0, 0], [run.said for run in runs]
    assert set(world.arrived()) == {"all/kept", "all/x/1", "all/it em/1", "all/other/1"}


def test_a_policy_has_the_statements_of_all_sources(program: Program) -> None:
    """In one document for each bucket; what is the same for all is in it once."""
    done = program.run(
        *("policy", "-r", "s3://aaa/x/", "s3://bbb/y/", "s3://ddd/", "--format", "json"),
        *("--principal", "arn:aws:iam::222222222222:role/copier", "--skip-identical"),
    )

    assert done.code == 0, done.said
    for resource in ("aaa/x/*", "bbb/y/*", "ddd/x/*", "ddd/y/*"):
        assert f"arn:aws:s3:::{resource}" in done.out
    assert done.out.count('"arn:aws:s3:::ddd"') == 1


@pytest.mark.parametrize(
    ("args", "lines"),
    [
        (
            ("sync", "s3://aaa/x/", "s3://bbb", "s3://ddd", "--delete", "--report", "a.b/r"),
            [
                "s3-xfer sync s3://aaa/x/ s3://ddd/x/ --delete --report a.b/r",
                "s3-xfer sync s3://bbb/ s3://ddd/bbb/ --delete --report a.b/r-2",
            ],
        ),
        (
            ("doctor", "s3://aaa/x", "s3://aaa/y", "s3://ddd/", "--journal", "s3://jjj/k.db"),
            [
                "s3-xfer doctor s3://aaa/x s3://ddd/x --journal s3://jjj/k.db",
                "s3-xfer doctor s3://aaa/y s3://ddd/y --journal s3://jjj/k-2.db",
            ],
        ),
        (
            ("doctor", "s3://aaa/x", "s3://aaa/y", "s3://ddd/", "--source-external-id", "hush"),
            [
                "s3-xfer doctor s3://aaa/x s3://ddd/x "
                '--source-external-id "$S3_XFER_SOURCE_EXTERNAL_ID"',
                "s3-xfer doctor s3://aaa/y s3://ddd/y "
                '--source-external-id "$S3_XFER_SOURCE_EXTERNAL_ID"',
            ],
        ),
        (
            (
                *("sync", "--include", "b c", "s3://aaa/x", "s3://aaa/y/", "s3://ddd/"),
                *("--delete", "--include", "*.d", "--tags", "copy", "--tags", "skip"),
            ),
            [
                "s3-xfer sync s3://aaa/x s3://ddd/x/ --include 'b c' --delete "
                "--include '*.d' --tags skip",
                "s3-xfer sync s3://aaa/y/ s3://ddd/y/ --include 'b c' --delete "
                "--include '*.d' --tags skip",
            ],
        ),
    ],
)
def test_options_are_repeated_as_typed(
    program: Program, args: tuple[str, ...], lines: list[str]
) -> None:
    """Each line writes files of its own; a secret is not shown."""
    done = program.run(*args)

    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert lines_of(done) == lines
    assert "hush" not in done.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ("sync", "--delete", "s3://aaa/x/", "s3://bbb/x", "s3://ddd/"),
            "s3://aaa/x/ and s3://bbb/x/ would both be copied to s3://ddd/x/",
        ),
        (
            ("doctor", "s3://aaa/1/x", "s3://aaa/2/x", "s3://ddd/"),
            "would both be copied to s3://ddd/x",
        ),
        (
            ("sync", "--delete", "s3://aaa/x/", "s3://aaa/y/", "s3://ddd/", "--files-from", "l"),
            "--files-from is about the objects of one",
        ),
        (
            ("copy", "s3://aaa/my", "key", "s3://ddd/"),
            "and 'key' is not an S3 URL. A key with spaces has to be quoted.",
        ),
        (
            ("copy", "s3://aaa/x", "https://aaa.example/y?X-Amz-Signature=0", "s3://ddd/"),
            "'https://aaa.example/y' is not an S3 URL",
        ),
        (("doctor", "s3://aaa/x", "s3://B_B/y", "s3://ddd/"), "'B_B' is not a bucket name"),
    ],
)
def test_what_lines_cannot_do_is_said(program: Program, args: tuple[str, ...], words: str) -> None:
    """There are no lines where one would overwrite what another copies, or is about one source."""
    done = program.run(*args)

    assert (done.code, done.out, lines_of(done)) == (ExitCode.USAGE, "", [])
    assert words in done.err
    assert "Signature" not in done.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("s3://aaa/x", "s3://B_B/y", "s3://ddd/"), "'B_B' is not a bucket name"),
        (("s3://aaa/1/x", "s3://aaa/2/x", "s3://ddd/"), "both be copied to s3://ddd/x"),
        (("s3://aaa/x/", "s3://aaa/y/", "s3://ddd/"), "add --recursive"),
        (
            ("s3://a-a/x", "s3://a-a/y", "s3://ddd/", "--files-from", "l"),
            "--files-from FILE is about one",
        ),
    ],
)
def test_sources_that_make_no_sense_are_refused(
    program: Program, args: tuple[str, ...], words: str
) -> None:
    """As wrong values are, before any request."""
    done = program.run("copy", *args)

    assert (done.code, done.out) == (ExitCode.REFUSED, "")
    assert words in done.err
