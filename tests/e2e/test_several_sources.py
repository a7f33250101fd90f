"""Several sources on one command line: nothing is run, and the answer is what to run instead."""

from __future__ import annotations

import shlex

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from tests.e2e.program import PROFILES, Done, Program
from tests.world import DST, SRC, World

DESTINATION = "s3://dst-bucket/all/"


def lines_of(done: Done) -> list[str]:
    """Return the commands that an answer has."""
    return [line.strip() for line in done.err.splitlines() if line.startswith("  s3-xfer ")]


def test_the_lines_of_the_answer_copy_each_source(world: World, program: Program) -> None:
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
    assert untouched == {"all/x/gone", "all/kept"}
    assert [run.code for run in runs] == [0, 0, 0], [run.said for run in runs]
    assert set(world.arrived()) == {"all/kept", "all/x/1", "all/it em/1", "all/other/1"}


def test_single_objects_keep_their_names(world: World, program: Program) -> None:
    """Also where the destination's slash was left out."""
    for key in ("a/1", "b/2"):
        world.server.put(SRC, key, size=1)

    urls = ("s3://src-bucket/a/1", "s3://src-bucket/b/2", "s3://dst-bucket/all")
    refused = program.run("copy", *PROFILES, *urls)
    runs = [program.run(*shlex.split(line)[1:]) for line in lines_of(refused)]

    assert [run.code for run in runs] == [0, 0], refused.said + "".join(run.said for run in runs)
    assert set(world.arrived()) == {"all/1", "all/2"}


@pytest.mark.parametrize(
    ("args", "lines"),
    [
        (
            ("copy", "--recursive", "s3://aaa/x/", "s3://bbb", "s3://ddd", "--report", "a.b/r"),
            [
                "s3-xfer copy s3://aaa/x/ s3://ddd/x/ --recursive --report a.b/r",
                "s3-xfer copy s3://bbb/ s3://ddd/bbb/ --recursive --report a.b/r-2",
            ],
        ),
        (
            ("copy", "s3://aaa/x", "s3://aaa/y", "s3://ddd/", "--journal", "s3://jjj/k.db"),
            [
                "s3-xfer copy s3://aaa/x s3://ddd/x --journal s3://jjj/k.db",
                "s3-xfer copy s3://aaa/y s3://ddd/y --journal s3://jjj/k-2.db",
            ],
        ),
        (
            ("check", "s3://aaa/x", "s3://aaa/y", "s3://ddd/", "--source-external-id", "hush"),
            [
                "s3-xfer check s3://aaa/x s3://ddd/x "
                '--source-external-id "$S3_XFER_SOURCE_EXTERNAL_ID"',
                "s3-xfer check s3://aaa/y s3://ddd/y "
                '--source-external-id "$S3_XFER_SOURCE_EXTERNAL_ID"',
            ],
        ),
        (
            ("doctor", "s3://aaa/x", "s3://aaa/y", "s3://ddd/", "--time-limit", "5s", "--quiet"),
            [
                "s3-xfer doctor s3://aaa/x s3://ddd/x --time-limit 5s --quiet",
                "s3-xfer doctor s3://aaa/y s3://ddd/y --time-limit 5s --quiet",
            ],
        ),
        (
            (
                *("copy", "--include", "b c", "s3://aaa/x/", "s3://aaa/y/", "s3://ddd/"),
                *("--recursive", "--include", "*.d", "--tags", "copy", "--tags", "skip"),
            ),
            [
                "s3-xfer copy s3://aaa/x/ s3://ddd/x/ --include 'b c' --recursive "
                "--include '*.d' --tags skip",
                "s3-xfer copy s3://aaa/y/ s3://ddd/y/ --include 'b c' --recursive "
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
            ("copy", "--recursive", "s3://aaa/x/", "s3://bbb/x", "s3://ddd/"),
            "s3://aaa/x/ and s3://bbb/x would both be copied to s3://ddd/x/",
        ),
        (
            ("copy", "s3://aaa/1/x", "s3://aaa/2/x", "s3://ddd/"),
            "would both be copied to s3://ddd/x",
        ),
        (
            ("sync", "s3://aaa/x/", "s3://ddd/x/y/", "s3://ddd/"),
            "copies would be written to s3://ddd/x/, where s3://ddd/x/y/ is copied from",
        ),
        (
            ("copy", "s3://aaa/x", "s3://ddd/x", "s3://ddd/"),
            "would both be copied to s3://ddd/x",
        ),
        (
            ("copy", "s3://aaa/x/", "s3://aaa/y/", "s3://ddd/", "--files-from", "l"),
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
        (("copy", "s3://aaa/x", "s3://B_B/y", "s3://ddd/"), "'B_B' is not a bucket name"),
    ],
)
def test_what_lines_cannot_do_is_said(program: Program, args: tuple[str, ...], words: str) -> None:
    """There are no lines where one would overwrite what another copies, or is about one source."""
    done = program.run(*args)

    assert (done.code, done.out, lines_of(done)) == (ExitCode.USAGE, "", [])
    assert words in done.err
    assert "Signature" not in done.err
