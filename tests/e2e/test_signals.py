"""Signals at every point of every command: nothing is lost, nothing stays behind.

The rows of docs/semantics.md, "The process around it".
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import replace

import pytest

from s3_xfer.units import MIB
from tests.e2e.program import COPY, PREFIX, PROFILES, PROGRAM, QUICK, US, Program, end_of
from tests.fault_server import Fault, InjectedFault
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.world import DST, SRC, World

OBJECTS = 120
SLOW_RETRIES = ("--retry-delay", "60", "--concurrency", "4")
IGNORING = 'trap "" $0; exec "$@"'  # of a shell: ignores the signal that comes first


# What each command waits for while it gets the signal.
WAITING = {
    "copy": ("HeadBucket", COPY),
    "check": ("ListObjectsV2", ("check", *PREFIX, *PROFILES)),
    "uploads": ("ListMultipartUploads", ("uploads", "s3://dst-bucket/", "--dest-profile", US)),
    "doctor": ("UploadPartCopy", ("doctor", *PREFIX, *PROFILES)),
    "policy": ("GetCallerIdentity", ("policy", *PREFIX, *PROFILES)),
}
SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)


def slow_copy(world: World, *, delay_s: float) -> InjectedFault:
    """Store large and small objects, and make every copy take a while."""
    for number in range(OBJECTS):
        world.server.put(SRC, f"in/{number:03}", size=1 if number % 2 else 40 * MIB)
    world.server.forget_requests()
    copies = ("CopyObject", "UploadPartCopy")
    return world.server.inject(
        Fault.slow(copies, delay_s=delay_s, key=lambda key: "preflight" not in key)
    )


def until_copying(world: World) -> None:
    """Wait until large and small objects are on their way."""
    world.server.wait_for("UploadPartCopy", count=4)
    world.server.wait_for("CopyObject", count=2)


def until_told(child: subprocess.Popen[str], word: str) -> None:
    """Read stderr up to a line with ``word``."""
    assert child.stderr
    for line in child.stderr:
        if word in line:
            return
    raise AssertionError(f"{word!r} was never said")


def test_a_deadline_stops_in_order(world: World, program: Program) -> None:
    """With its own code and a way to go on, in which it is left out."""
    for number in range(60):
        world.server.put(SRC, f"in/{number:02}", size=1)
    slow = world.server.inject(
        Fault.slow("CopyObject", delay_s=0.5, key=lambda key: "preflight" not in key)
    )

    first = program.run(
        *COPY, *QUICK, "--concurrency", "2", "--deadline", "3s", "--report", "r.jsonl"
    )
    slow.remove()
    second = program.run(*COPY, *QUICK, "--from-report", "r.jsonl")

    assert first.code == 124, first.said
    assert "Stopped (deadline): copied" in first.out
    assert "--deadline" not in first.out
    assert (second.code, len(world.arrived())) == (0, 60)


def test_a_copy_stopped_in_its_checks_says_how_to_go_on(world: World, program: Program) -> None:
    """The report that it names is there, and leads to a complete copy."""
    world.server.put(SRC, "in/x", size=1)
    stopped = threading.Event()
    world.server.inject(Fault.call("HeadBucket", lambda _: stopped.wait(PATIENCE_S)))
    child = program.start(*COPY, *QUICK, "--report", "r.jsonl")
    world.server.wait_for("HeadBucket")
    child.send_signal(signal.SIGTERM)
    until_told(child, "stopping: ")
    stopped.set()
    ended = end_of(child)
    done = program.run(*COPY, *QUICK, "--from-report", "r.jsonl")

    assert ended.code == 143, ended.said
    assert "--from-report r.jsonl --report r-2.jsonl" in ended.out
    assert (done.code, set(world.arrived())) == (0, {"out/x"})


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        (signal.SIGINT, 130, "Ctrl-C"),
        (signal.SIGTERM, 143, "SIGTERM"),
        (signal.SIGHUP, 129, "SIGHUP"),
    ],
)
def test_a_stopped_copy_is_accounted_for_and_can_be_completed(
    world: World, program: Program, number: signal.Signals, code: int, reason: str
) -> None:
    """Uploads are aborted, --json is one object, and the report leads to a complete copy."""
    slow = slow_copy(world, delay_s=0.1)
    child = program.start(*COPY, *QUICK, "--report", "r.jsonl", "--json")
    until_copying(world)

    child.send_signal(number)
    done = end_of(child)

    assert done.code == code, done.said
    metrics = done.json()
    copied = metrics["files_copied_successfully"]
    assert metrics["cancelled_by"] == reason
    assert "stopping: waiting for answers under way, Ctrl-C again to leave at once" in done.err
    assert world.server.uploads(DST) == []
    assert metrics["uploads_left_behind"] == []
    assert len(world.arrived()) == copied < OBJECTS
    report = lines_of(program.directory / "r.jsonl")
    missing = {line["source_key"] for line in report if line["status"] != "not_listed"}
    assert len(missing) + copied == metrics["total_files_found"] == OBJECTS
    assert metrics["files_not_attempted"] > 0

    slow.remove()
    again = program.run(*COPY, *QUICK, "--from-report", "r.jsonl", "--json")

    assert again.code == 0, again.said
    assert again.json()["files_copied_successfully"] == OBJECTS - copied
    assert len(world.arrived()) == OBJECTS


def test_a_stop_during_the_listing_says_that_there_may_be_more(
    world: World, program: Program
) -> None:
    """Ctrl-C between two pages: the summary does not claim a total, the report says where."""
    for number in range(1010):
        world.server.put(SRC, f"in/{number:04}", size=1)
    stopped = threading.Event()
    world.server.inject(Fault.call("ListObjectsV2", lambda _: stopped.wait(PATIENCE_S), after=1))
    child = program.start(*COPY, "--report", "r.jsonl")
    world.server.wait_for("ListObjectsV2", count=2)

    child.send_signal(signal.SIGINT)
    until_told(child, "stopping: ")
    stopped.set()
    done = end_of(child)

    assert done.code == 130, done.said
    assert " of 1,000 objects found so far" in done.out
    assert "there may be more objects than found" in done.out
    last = lines_of(program.directory / "r.jsonl")[-1]
    assert (last["status"], last["start_after"]) == ("not_listed", "in/0999")


def test_a_second_ctrl_c_leaves_at_once(world: World, program: Program) -> None:
    """When answers do not come, a second Ctrl-C ends it; the unfinished report is no input."""
    slow_copy(world, delay_s=600)
    child = program.start(*COPY, *QUICK, "--report", "r.jsonl")
    until_copying(world)
    child.send_signal(signal.SIGINT)
    until_told(child, "stopping: ")
    time.sleep(0.4)  # sooner, it counts as the same Ctrl-C, repeated by a wrapper

    began_s = time.monotonic()
    child.send_signal(signal.SIGINT)
    done = end_of(child)

    assert (done.code, done.out) == (130, "")
    assert time.monotonic() - began_s < 9  # the first one would wait for ten seconds
    assert not (program.directory / "r.jsonl").exists()
    again = program.run(*COPY, "--from-report", "r.jsonl.partial")
    assert (again.code, again.out) == (3, "")
    assert "error: r.jsonl.partial belongs to a run that was killed" in again.err


def test_a_stop_during_the_checks_writes_nothing(world: World, program: Program) -> None:
    """Ctrl-C while access is checked ends the run without an object or an upload."""
    world.server.put(SRC, "in/x", size=1)
    stopped = threading.Event()
    world.server.inject(Fault.call("HeadBucket", lambda _: stopped.wait(PATIENCE_S)))
    child = program.start(*COPY)
    world.server.wait_for("HeadBucket")

    child.send_signal(signal.SIGINT)
    until_told(child, "stopping: ")
    stopped.set()
    done = end_of(child)

    assert done.code == 130, done.said
    assert (world.arrived(), world.server.uploads(DST)) == ({}, [])
    assert "Traceback" not in done.err


# ------------------------------------------------------------- between two tries of a request

SMALL, BIG = 1, 40 * MIB
# What fails, how large the objects are, the options, and whether S3 has certainly done nothing.
PARTS, OTHER_PARTS = f"{'0' * 32}-5", f"{'f' * 32}-5"
CAUGHT: dict[str, tuple[tuple[str, int, str], int, tuple[str, ...], bool]] = {
    "throttled": (("CopyObject", 503, "SlowDown"), SMALL, ("--engine", "crt"), True),
    "throttled-managed": (("CopyObject", 503, "SlowDown"), SMALL, ("--engine", "managed"), True),
    "conflict": (("CopyObject", 409, "OperationAborted"), SMALL, (), True),
    "internal": (("CopyObject", 500, "InternalError"), SMALL, ("--engine", "crt"), False),
    "internal-managed": (
        ("CopyObject", 500, "InternalError"),
        SMALL,
        ("--engine", "managed"),
        False,
    ),
    "looking": (("HeadObject", 503, "SlowDown"), SMALL, ("--skip-identical",), True),
    "looking-large": (("HeadObject", 503, "SlowDown"), BIG, ("--skip-identical",), True),
    "parts": (("UploadPartCopy", 503, "SlowDown"), BIG, (), False),
    "opening": (("CreateMultipartUpload", 503, "SlowDown"), BIG, (), False),
    "completing": (("CompleteMultipartUpload", 500, "InternalError"), BIG, (), False),
}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("case", CAUGHT)
def test_what_is_caught_between_two_tries_was_interrupted(
    world: World, program: Program, case: str
) -> None:
    """Not attempted where S3 has done nothing, else interrupted; never blamed on S3."""
    (operation, status, code), size, options, is_untouched = CAUGHT[case]
    for number in range(6):
        world.server.put(SRC, f"in/{number}", size=size, etag=PARTS)
        if "--skip-identical" in options:  # of the same size, and no ETag tells whether it is it
            world.server.put(DST, f"out/{number}", size=size, etag=OTHER_PARTS)
    there = world.arrived()
    world.server.inject(
        Fault.error(operation, status, code, key=lambda key: "preflight" not in key)
    )
    child = program.start(*COPY, *QUICK, *SLOW_RETRIES, *options, "--no-preflight", "--json")
    world.server.wait_for(operation, count=2)
    time.sleep(0.3)

    child.send_signal(signal.SIGINT)
    done = end_of(child)

    metrics = done.json()
    before, stopping, after = done.err.partition("stopping: ")
    assert (done.code, metrics["cancelled_by"], stopping) == (130, "Ctrl-C", "stopping: "), before
    assert "failed: " not in done.err
    assert set(metrics["errors_by_class"]) <= ({"Interrupted"} if not is_untouched else set())
    assert metrics["files_not_attempted"] + metrics["files_interrupted"] == 6
    assert metrics["total_bytes_transferred"] == 0
    assert (
        after.splitlines()[-1]
        .split(" rate=")[0]
        .endswith(
            f" ended objects=0/6 bytes=0B/{size * 6 // MIB}.0MiB" if size > 1 else "bytes=0B/6B"
        )
    )
    assert (world.arrived(), world.server.uploads(DST)) == (there, [])


def test_the_summary_of_a_stop_gives_no_advice_that_does_not_apply(
    world: World, program: Program
) -> None:
    """A stop that catches a throttled run says that it was stopped, and how to go on."""
    for number in range(6):
        world.server.put(SRC, f"in/{number}", size=80 * MIB // 6)
    world.server.inject(Fault.error("CopyObject", 503, "SlowDown"))
    child = program.start(*COPY, *SLOW_RETRIES, "--no-preflight")
    world.server.wait_for("CopyObject", count=2)

    child.send_signal(signal.SIGTERM)
    done = end_of(child)

    assert done.code == 143, done.said
    assert "Stopped (SIGTERM): copied 0 of 6 objects" in done.out
    assert "  failed          0\n" in done.out
    assert "  retries" not in done.out  # none was sent
    for word in ("Throttled", "lower --concurrency", "6/6"):
        assert word not in done.said, word


# ----------------------------------------------------------------- outside the copying itself


@SIGNALS
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    world: World, program: Program, number: signal.Signals, code: int
) -> None:
    """As nohup and a shell's background jobs have it: the copy goes on to its end."""
    del code
    for key in ("in/x", "in/y"):
        world.server.put(SRC, key, size=1)
    copying = threading.Event()
    world.server.inject(Fault.call("CopyObject", lambda _: copying.wait(PATIENCE_S)))
    command = replace(program, command=("/bin/sh", "-c", IGNORING, number.name[3:], *PROGRAM))
    child = command.start(*COPY, *QUICK)
    world.server.wait_for("CopyObject", count=2)

    child.send_signal(number)
    time.sleep(0.3)
    copying.set()
    done = end_of(child)

    assert (done.code, len(world.arrived())) == (0, 2), done.said
    assert "stopping" not in done.err


def test_a_terminal_that_goes_away_stops_the_copy(world: World, program: Program) -> None:
    """A dropped ssh session: uploads are aborted, and the report leads to a complete copy."""
    slow = slow_copy(world, delay_s=0.1)
    with program.terminal(*COPY, *QUICK, "--report", "r.jsonl") as terminal:
        until_copying(world)
        assert terminal.hang_up() == 129

    assert world.server.uploads(DST) == []
    assert len(world.arrived()) < OBJECTS
    slow.remove()
    again = program.run(*COPY, *QUICK, "--from-report", "r.jsonl")
    assert (again.code, len(world.arrived())) == (0, OBJECTS), again.said


@SIGNALS
@pytest.mark.one_in(2)
@pytest.mark.parametrize("command", ["copy", "check", "uploads", "doctor", "policy"])
def test_a_signal_before_anything_is_written(
    world: World, program: Program, command: str, number: signal.Signals, code: int
) -> None:
    """Every command ends with the signal's own code, and leaves nothing behind."""
    world.server.put(SRC, "in/x", size=1)
    waits_for, args = WAITING[command]
    gate = threading.Event()
    world.server.inject(Fault.call(waits_for, lambda _: gate.wait(PATIENCE_S)))
    child = program.start(*args)
    world.server.wait_for(waits_for)

    child.send_signal(number)
    if command in ("copy", "check"):
        until_told(child, "stopping: ")
    else:
        time.sleep(0.2)
    gate.set()
    done = end_of(child)

    assert done.code == code, done.said
    assert (world.arrived(), world.server.uploads(DST)) == ({}, [])
    assert "Traceback" not in done.err


@SIGNALS
def test_a_signal_at_a_question(
    world: World, program: Program, number: signal.Signals, code: int
) -> None:
    """Nothing is written, and the exit code names the signal."""
    world.server.put(SRC, "in/x", size=1)
    with program.terminal("interactive", *PREFIX, *PROFILES) as terminal:
        terminal.until("[y/N]")
        terminal.child.kill(number)
        assert terminal.end() == code
        assert terminal.text.endswith("stopped; nothing was written")
    assert world.arrived() == {}


def test_a_signal_while_the_last_uploads_are_aborted(world: World, program: Program) -> None:
    """All that can arrive has arrived by then: the exit code is that of the copy."""
    world.server.put(SRC, "in/x", size=40 * MIB)
    world.server.put(SRC, "in/y", size=1)
    world.server.inject(Fault.error("UploadPartCopy", 403, "AccessDenied"))
    refuse = Fault.error("AbortMultipartUpload", 503, "SlowDown", key=lambda key: key == "out/x")
    world.server.inject(refuse)
    sweeping = threading.Event()
    hold = Fault.call(
        "AbortMultipartUpload",
        lambda _: sweeping.wait(PATIENCE_S),
        key=lambda key: key == "out/x",
        after=4,
    )
    world.server.inject(hold)
    child = program.start(*COPY, *QUICK, "--no-preflight", "--json")
    world.server.wait_for("AbortMultipartUpload", count=5)
    child.send_signal(signal.SIGHUP)
    until_told(child, "stopping: ")
    sweeping.set()
    done = end_of(child)

    assert done.code == 1, done.said
    assert set(world.arrived()) == {"out/y"}
    assert len(done.json()["uploads_left_behind"]) == 1


@SIGNALS
def test_a_signal_while_the_result_is_printed(
    world: World, program: Program, number: signal.Signals, code: int
) -> None:
    """The copy is complete: the exit code is its own, and the process ends at once."""
    del code
    world.server.put(SRC, "in/x", size=1)
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writes, bytes(65536))
    os.set_blocking(writes, True)
    child = subprocess.Popen(
        [*program.command, *COPY],
        stdin=subprocess.DEVNULL,
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(program.env),
        cwd=program.directory,
    )
    os.close(writes)
    until_told(child, " ended objects=1/1")
    time.sleep(0.5)
    assert child.poll() is None

    child.send_signal(number)

    assert (child.wait(PATIENCE_S), set(world.arrived())) == (0, {"out/x"})
    os.close(reads)
    child.communicate()
