"""The signals that ask the program to end, and what they do at each point of it.

Python delivers them in the main thread. During a run the handler only sets attributes, because one
that took a lock could wait for the code that it interrupted; the loop that follows the run reads
them. Elsewhere it raises KeyboardInterrupt, as Python's own does. A signal that was ignored when
the program began stays ignored: nohup and shells do that to jobs in the background.
"""

from __future__ import annotations

import enum
import os
import signal
import time
from types import FrameType
from typing import NoReturn

from s3_xfer.cli.exit_codes import BY_CTRL_C, BY_SIGHUP, BY_SIGTERM, ExitCode, code_of_stop

_REASONS = {
    signal.SIGINT: BY_CTRL_C,
    signal.SIGTERM: BY_SIGTERM,
    signal.SIGHUP: BY_SIGHUP,  # the terminal or the ssh session is gone
}
# Wrappers (make, uv, docker) repeat a Ctrl-C that the terminal already sent to the whole group.
_SAME_CTRL_C_S = 0.3
_SHOW_CURSOR = b"\x1b[?25h\r\n"


class _Now(enum.Enum):
    """What the program is doing when a signal comes."""

    NO_RUN = enum.auto()
    RUN = enum.auto()
    AFTER_RUN = enum.auto()  # it prints the result


class StopSignals:
    """What signals have asked for so far, in this process."""

    def __init__(self) -> None:
        self._now = _Now.NO_RUN
        self._first: signal.Signals | None = None
        self._first_at_s = 0.0
        self._result = ExitCode.OK
        self.wants_progress_line = False  # SIGUSR1 since the last line

    @property
    def reason(self) -> str | None:
        """The reason to stop, as results name it; None if nothing asked for it."""
        return _REASONS[self._first] if self._first else None

    def install(self) -> None:
        """Receive the signals from now on."""
        handlers = dict.fromkeys(_REASONS, self._on_stop)
        for number, handler in {**handlers, signal.SIGUSR1: self._on_progress_line}.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)

    def run_begins(self) -> None:
        """State that a run begins: the first signal stops it, the next ends the process."""
        self._now = _Now.RUN

    def run_ended(self, result: ExitCode) -> None:
        """State how the run has ended: a signal cannot change that any more."""
        self._result = result
        self._now = _Now.AFTER_RUN

    def no_run(self) -> None:
        """State that nothing is running: a signal ends the command.

        Raises:
            KeyboardInterrupt: one came a moment ago.
        """
        self._now = _Now.NO_RUN
        if self._first:
            raise KeyboardInterrupt

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        if self._now is _Now.AFTER_RUN:
            _leave(self._result)
        is_first = self._first is None
        if is_first:
            self._first, self._first_at_s = signal.Signals(number), time.monotonic()
        if self._now is _Now.NO_RUN:
            raise KeyboardInterrupt
        if not is_first and time.monotonic() - self._first_at_s > _SAME_CTRL_C_S:
            _leave(code_of_stop(_REASONS[signal.Signals(number)]))

    def _on_progress_line(self, _number: int, _frame: FrameType | None) -> None:
        self.wants_progress_line = True


SIGNALS = StopSignals()  # a process has one set of handlers


def _leave(code: ExitCode) -> NoReturn:
    """End the process now, with the terminal's cursor visible. Multipart uploads may stay open."""
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(code)
