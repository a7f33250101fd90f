"""A program in a terminal whose screen can be read, and whose keyboard can be used."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

_ROWS = 50
_CTRL_CS = 20


class Terminal:
    """One program, started in a terminal. Everything that never comes fails the test."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        patience_s: float,
        columns: int = 80,
        directory: Path | None = None,
    ) -> None:
        self._patience_s = patience_s
        self.screen = pyte.Screen(columns, _ROWS)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env={"TERM": "xterm-256color", **env},
            cwd=directory,
            dimensions=(_ROWS, columns),
            encoding="utf-8",
            timeout=patience_s,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def until(self, *words: str) -> str:
        """Return the screen as soon as it shows all of ``words``."""
        return self.until_seen(lambda text: all(word in text for word in words), repr(words))

    def until_seen(self, seen: Callable[[str], bool], what: str) -> str:
        """Return the screen as soon as ``seen`` says so; ``what`` it looks for."""
        end_s = time.monotonic() + self._patience_s
        while time.monotonic() < end_s:
            alive = self._read()
            if seen(self.text):
                return self.text
            if not alive:
                break
        raise AssertionError(f"not seen: {what}; the screen is:\n{self.text}")

    def answer(self, question: str, reply: str) -> None:
        """Wait for a question and answer it."""
        self.until(question)
        self.child.sendline(reply)

    def interrupt(self) -> int:
        """Press Ctrl-C until the program has ended; return its exit code.

        Once is enough, except in the instant in which readline sets up a prompt: Python loses it.
        """
        for _ in range(_CTRL_CS):
            self.child.sendintr()
            end_s = time.monotonic() + self._patience_s / _CTRL_CS
            while time.monotonic() < end_s:
                if not self._read():
                    return self.end()
        raise AssertionError(f"Ctrl-C does not end it; the screen is:\n{self.text}")

    def let_go(self) -> None:
        """Open the gate of the scripted core at which it waits."""
        self.child.kill(signal.SIGUSR2)

    def end(self) -> int:
        """Read until the program has ended; return its exit code."""
        end_s = time.monotonic() + self._patience_s
        while self._read():
            assert time.monotonic() < end_s, f"it does not end; the screen is:\n{self.text}"
        self.child.wait()
        code: int | None = self.child.exitstatus
        assert code is not None, f"killed by signal {self.child.signalstatus}"
        return code

    def hang_up(self) -> int:
        """Take the terminal away, as a dropped connection does; return the exit code."""
        process = self.child.ptyproc
        process.fileobj.close()
        end_s = time.monotonic() + self._patience_s
        while process.isalive():
            assert time.monotonic() < end_s, "it does not end without its terminal"
            time.sleep(0.05)
        code: int | None = process.exitstatus
        assert code is not None, f"killed by signal {process.signalstatus}"
        return code

    @property
    def text(self) -> str:
        """What the screen shows now."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def _read(self) -> bool:
        try:
            chunk: str = self.child.read_nonblocking(65536, timeout=0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += chunk
        self._stream.feed(chunk)
        return True
