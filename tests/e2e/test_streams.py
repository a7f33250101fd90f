"""Streams that are closed, full, or lose their reader: what cannot be printed changes no exit code.

The rows of docs/semantics.md, "The process around it".
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.e2e.program import COPY, PREFIX, PROFILES, SCRIPT, US, Program
from tests.patience import PATIENCE_S
from tests.uploads.test_janitor import leave
from tests.world import SRC, World

OBJECTS = 3
ARN = "arn:aws:iam::222222222222:role/copier"
# Every command, with the exit code that it has when everything can be printed.
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "copy": (COPY, 1),
    "json": ((*COPY, "--json"), 1),
    "verbose": ((*COPY, "--verbose", "--progress", "plain"), 1),
    "quiet": ((*COPY, "--quiet"), 1),
    "dry-run": ((*COPY, "--dry-run"), 0),
    "refused": ((*COPY, "--source-bucket-owner", "999999999999"), 3),
    "resume": (("resume", "copy.db", *PROFILES), 1),
    "check": (("check", *PREFIX, *PROFILES), 5),
    "interactive": (("interactive", *PREFIX, *PROFILES, "--yes"), 1),
    "nobody-to-ask": (("interactive", *PREFIX, *PROFILES), 2),
    "doctor": (("doctor", *PREFIX, *PROFILES), 0),
    "policy": (("policy", *PREFIX, "--dest-role-arn", ARN), 0),
    "uploads": (("uploads", "s3://dst-bucket/", "--dest-profile", US), 0),
    "runbook": (("runbook", "--all"), 0),
    "help": (("--help",), 0),
    "help-of-a-command": (("copy", "--help"), 0),
    "version": (("--version",), 0),
    "usage": (("copy",), 2),
}
Start = Callable[[Program, tuple[str, ...]], "subprocess.Popen[bytes]"]


def by_shell(redirection: str) -> Start:
    """Return what starts the program with this redirection."""

    def start(program: Program, args: tuple[str, ...]) -> subprocess.Popen[bytes]:
        script = f'exec "$@" {redirection}'
        return _start(program, ("/bin/sh", "-c", script, "sh", *program.command, *args))

    return start


def reader_leaves(*streams: str) -> Start:
    """Return what starts the program with pipes for these streams that nobody reads."""

    def start(program: Program, args: tuple[str, ...]) -> subprocess.Popen[bytes]:
        reads, writes = os.pipe()
        os.close(reads)
        try:
            return _start(program, (*program.command, *args), **dict.fromkeys(streams, writes))
        finally:
            os.close(writes)

    return start


def _start(program: Program, command: tuple[str, ...], **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=streams.get("stdout", subprocess.PIPE),
        stderr=streams.get("stderr", subprocess.PIPE),
        env=dict(program.env),
        cwd=program.directory,
    )


ALL_CLOSED = by_shell("<&- >&- 2>&-")
WAYS = {
    "no-stdin": by_shell("<&-"),
    "no-stdout": by_shell(">&-"),
    "no-stderr": by_shell("2>&-"),
    "full-stdout": by_shell(">/dev/full"),
    "full-stderr": by_shell("2>/dev/full"),
    "stdout-unread": reader_leaves("stdout"),
    "stderr-unread": reader_leaves("stderr"),
}
# For the commands other than copy: the same, several at once.
COMBINED = {
    "all-closed": ALL_CLOSED,
    "all-full": by_shell(">/dev/full 2>/dev/full"),
    "all-unread": reader_leaves("stdout", "stderr"),
}


@pytest.fixture
def stage(world: World, program: Program) -> Program:
    """Three objects that arrive, one that cannot, a journal of that, and an unfinished upload."""
    for number in range(OBJECTS):
        world.server.put(SRC, f"in/{number}", size=1)
    world.server.put(SRC, "in/cold", size=1, storage_class="GLACIER")
    leave(world, "in/old", "id-old", age=timedelta(days=3))
    return program


def check_ends(program: Program, args: tuple[str, ...], code: int, ways: dict[str, Start]) -> None:
    """Assert that ``args`` end with ``code`` and without a traceback, whatever the streams are."""
    children = {name: start(program, args) for name, start in ways.items()}
    for name, child in children.items():
        out, err = child.communicate(timeout=PATIENCE_S)
        said = (out or b"") + (err or b"")
        assert child.returncode == code, (name, said.decode())
        assert b"Traceback" not in said, name
        assert b"Exception" not in said, name


@pytest.mark.one_in(3)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_cannot_be_printed_changes_no_exit_code(
    world: World, stage: Program, command: str
) -> None:
    """Every command, with streams that are closed, full and unread."""
    args, code = COMMANDS[command]
    if command == "resume":
        for name in COMBINED:
            assert stage.run(*COPY, "--journal", f"{name}.db").code == 1
        for name, start in COMBINED.items():
            check_ends(stage, ("resume", f"{name}.db", *PROFILES), code, {name: start})
    else:
        check_ends(stage, args, code, COMBINED)
    expected = OBJECTS if command in ("copy", "json", "verbose", "quiet", "interactive") else None
    if expected:
        assert len(world.arrived()) == expected


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_copy_with_one_stream_missing(
    world: World, stage: Program, options: tuple[str, ...]
) -> None:
    """Each of the three streams, closed, full or without a reader."""
    check_ends(stage, (*COPY, *options), 1, WAYS)
    assert len(world.arrived()) == OBJECTS


def test_the_script_with_every_stream_closed(world: World, stage: Program) -> None:
    """scripts/s3_copy.py is judged by its copy as well."""
    script = replace(stage, command=SCRIPT)
    check_ends(script, (*PREFIX, *PROFILES, "--yes"), 1, COMBINED)
    assert len(world.arrived()) == OBJECTS


def test_files_do_not_get_what_is_meant_for_a_closed_stream(world: World, stage: Program) -> None:
    """Report and journal are opened when the numbers of the closed streams are free."""
    args = (*COPY, "--report", "r.jsonl", "--journal", "j.db", "--report-all")
    check_ends(stage, args, 1, {"closed": ALL_CLOSED})

    report = (stage.directory / "r.jsonl").read_text().splitlines()
    assert len(report) == OBJECTS + 2  # one that failed, and the last line, with counts
    assert all(line.startswith('{"status"') for line in report)
    assert len(world.arrived()) == OBJECTS


def test_a_full_stdout_is_told_on_stderr(stage: Program) -> None:
    """What is lost is said once, where it can be."""
    child = by_shell(">/dev/full")(stage, ("policy", *PREFIX, "--dest-role-arn", ARN))
    _, err = child.communicate(timeout=PATIENCE_S)

    text = b"note: not everything could be printed on stdout: No space left on device\n"
    assert (child.returncode, err.count(text)) == (0, 1), err


def test_a_report_that_no_file_can_take_is_refused(world: World, stage: Program) -> None:
    """A device is no file: nothing is copied for a report that would be lost."""
    done = stage.run(*COPY, "--report", "/dev/full")

    assert (done.code, world.arrived()) == (3, {}), done.said
    assert "the report /dev/full cannot be written: it is not a regular file" in done.err
