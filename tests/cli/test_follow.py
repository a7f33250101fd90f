"""A run and its terminal: bars, signals, and leaving in good order."""

from __future__ import annotations

import re
import signal
import time

import pytest

from tests.cli.fake_core import CHECKED
from tests.cli.program import COPY, fake, in_terminal, start
from tests.patience import PATIENCE_S
from tests.terminal import Terminal


def two_bars(text: str, columns: int) -> bool:
    """Return whether there is one bar for objects and one for bytes, none broken in two."""
    lines = [line for line in text.splitlines() if "objects " in line or "bytes " in line]
    starts = [line.split()[0] for line in lines]
    return starts == ["objects", "bytes"] and max(map(len, lines)) <= columns


def redrawn(terminal: Terminal, word: str, columns: int) -> str:
    """Return the screen after bars with ``word`` were drawn over themselves a few times."""
    terminal.until_seen(lambda text: word in text and two_bars(text, columns), word)
    drawn = terminal.raw.count("objects ")
    terminal.until_seen(lambda _: terminal.raw.count("objects ") > drawn + 3, "redrawn bars")
    return terminal.until_seen(lambda text: two_bars(text, columns), "two bars")


@pytest.mark.parametrize("columns", [60, 80])
def test_bars_are_redrawn_in_place(columns: int) -> None:
    """While it runs there is one bar for objects and one for bytes, whatever the width."""
    gates = {"FAKE_GATES": f"{CHECKED} 150 350"}
    with in_terminal("ok", *COPY, columns=columns, env=gates) as terminal:
        terminal.until("checking access…")
        terminal.let_go()
        assert "ETA" not in redrawn(terminal, "listing…", columns)
        terminal.let_go()
        assert "listing…" not in redrawn(terminal, "ETA", columns)
        terminal.let_go()
        assert terminal.end() == 0
        assert "objects ━" not in terminal.text
        assert "Copied all 400 objects" in terminal.text
        assert not terminal.screen.cursor.hidden


def test_failures_are_told_above_the_bars() -> None:
    """The first failures appear while the run lasts, the bars stay below them."""
    with in_terminal("fails", *COPY, columns=120, env={"FAKE_GATES": "150"}) as terminal:
        told = "failed: s3://src/data/000007.bin"
        text = terminal.until(told, "objects ━")
        terminal.let_go()
        assert text.index("failed: ") < text.index("objects ━")
        assert terminal.end() == 1


def test_a_terminal_gets_colours_and_a_re_run_that_can_be_copied() -> None:
    """On a terminal the summary is coloured, and its command is continued, never broken."""
    with in_terminal("fails", *COPY, "--report", "r.jsonl", columns=60) as terminal:
        assert terminal.end() == 1
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.raw).replace("\r", "")
        command = "--recursive --from-report r.jsonl --report r-2.jsonl\n"
        assert command in re.sub(r" \\\n +", " ", plain)
        assert max(map(len, plain.partition("\nCopied ")[2].splitlines())) <= 60
        assert re.search(r"\x1b\[1;33mCopied 390 of 400 objects", terminal.raw)


def test_no_color_is_respected_in_a_terminal() -> None:
    """With NO_COLOR nothing is coloured, bars and summary included."""
    with in_terminal("fails", *COPY, env={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 1
        assert "Copied 390" in terminal.raw
        assert not re.search(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m", terminal.raw)


def test_a_dumb_terminal_gets_lines() -> None:
    """Where nothing can be redrawn, progress is log lines without escapes."""
    with in_terminal("ok", *COPY, columns=200, env={"TERM": "dumb"}) as terminal:
        assert terminal.end() == 0
        assert " ended objects=400/400 " in terminal.raw
        assert "\x1b[?25l" not in terminal.raw


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_a_signal_stops_the_run_and_the_summary_still_comes(
    number: signal.Signals, code: int, reason: str
) -> None:
    """The first signal cancels; what was done is accounted for, and the exit code says why."""
    with in_terminal("slow", *COPY, columns=100) as terminal:
        terminal.until("objects ━")
        terminal.child.kill(number)
        assert terminal.end() == code
        assert "stopping: waiting for answers under way" in terminal.text
        assert f"Stopped ({reason}): copied " in terminal.text
        assert "not tried" in terminal.text
        assert not terminal.screen.cursor.hidden


@pytest.mark.long
def test_a_second_ctrl_c_leaves_at_once() -> None:
    """When a run does not stop soon enough, a second Ctrl-C ends it and shows the cursor."""
    with in_terminal("deaf", *COPY, columns=100) as terminal:
        terminal.until("objects ━")
        terminal.child.kill(signal.SIGINT)
        terminal.until("stopping: ")
        time.sleep(0.5)  # sooner, it counts as the same Ctrl-C, repeated by a wrapper
        began_s = time.monotonic()
        terminal.child.kill(signal.SIGINT)
        assert terminal.end() == 130
        assert time.monotonic() - began_s < PATIENCE_S  # the run itself takes half an hour
        assert "Stopped" not in terminal.text
        assert not terminal.screen.cursor.hidden


def test_a_ctrl_c_that_arrives_twice_counts_once() -> None:
    """Wrappers repeat the terminal's Ctrl-C; two at the same moment still end in order."""
    with in_terminal("slow", *COPY, columns=100) as terminal:
        terminal.until("objects ━")
        terminal.child.kill(signal.SIGINT)
        terminal.child.kill(signal.SIGINT)
        assert terminal.end() == 130
        assert "Stopped (Ctrl-C): copied " in terminal.text


def test_sigusr1_prints_a_line_now() -> None:
    """SIGUSR1 asks for one progress line, also where progress is off, and changes nothing."""
    child = start("slow", *COPY, "--progress", "none")
    assert child.stderr
    assert child.stderr.readline().startswith("note: ")
    child.send_signal(signal.SIGUSR1)
    assert re.search(r"Z (listing|copying) objects=\d+/\d+\+? ", child.stderr.readline())
    child.terminate()
    _, errors = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 143
    assert "objects=" not in errors


def test_a_stuck_worker_does_not_keep_the_process() -> None:
    """The result is complete, so a thread that never returns is left behind."""
    done = fake("stuck", *COPY)  # which fails when it does not end
    assert done.returncode == 0
    assert "Copied all 400 objects" in done.stdout


def test_a_lost_stderr_does_not_stop_the_copy() -> None:
    """When whoever read the progress goes away, the run goes on and its result counts."""
    child = start("ok", *COPY, "--progress", "plain")
    assert child.stderr
    assert child.stdout
    child.stderr.close()
    assert "Copied all 400 objects" in child.stdout.read()
    child.stdout.close()
    assert child.wait(timeout=PATIENCE_S) == 0


@pytest.mark.parametrize("options", [(), ("--progress", "none"), ("--progress", "plain")])
def test_a_note_is_printed_once(options: tuple[str, ...]) -> None:
    """While the run lasts; logs that gather both streams have it once."""
    done = fake("ok", *COPY, *options)

    assert (done.stdout + done.stderr).lower().count("note: the source prefix is taken as") == 1
