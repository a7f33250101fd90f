"""The functions of a program that watch a run: each is called from one thread of its own.

None of them can hold the copy up by more than :mod:`s3_xfer.pipeline.stream` says. What one raises
ends the run, as its reason. A run has ended once they have seen everything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from s3_xfer.errors import check_fields, not_accepted
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.pipeline.stream import Stream

OnProgress: TypeAlias = Callable[[TransferMetrics], object]
INTERVAL_MIN_S, INTERVAL_MAX_S = 0.05, 3600.0


@dataclass(frozen=True, kw_only=True)
class Observers:
    """What a program wants to be told. ``progress_interval_s`` is from one call to the next.

    With ``misses_nothing`` the run waits for the reader of its outcomes as long as it takes.

    Raises:
        ValidationError: one is no function, or the interval is out of range.
    """

    on_outcome: Callable[[Any], object] | None = None
    on_progress: OnProgress | None = None
    progress_interval_s: float = 1.0
    misses_nothing: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if not INTERVAL_MIN_S <= self.progress_interval_s <= INTERVAL_MAX_S:
            expected = f"between {INTERVAL_MIN_S} and {INTERVAL_MAX_S} seconds"
            raise not_accepted("progress_interval_s", self.progress_interval_s, expected)


NOBODY = Observers()


class ObserverThreads:
    """Calls the observers of one run. ``on_error`` gets what they raise, and what they were."""

    def __init__(
        self,
        observers: Observers,
        outcomes: Stream[Any],
        snapshot: Callable[[], TransferMetrics],
        on_error: Callable[[BaseException, str], None],
    ) -> None:
        self._observers = observers
        self._outcomes = outcomes
        self._snapshot = snapshot
        self._on_error = on_error
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to call them."""
        if self._observers.on_outcome and self._outcomes.open():
            self._begin(self._pass_outcomes, "s3-xfer-outcomes")
        if self._observers.on_progress:
            self._begin(self._pass_progress, "s3-xfer-progress")

    def finish(self) -> None:
        """Let them see what is left, and wait for that. May be called again."""
        self._outcomes.close()
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def is_current_thread(self) -> bool:
        """Return whether an observer is the caller."""
        return threading.current_thread() in self._threads

    def _begin(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _pass_outcomes(self) -> None:
        on_outcome = self._observers.on_outcome
        assert on_outcome  # noqa: S101 - the thread is for it
        try:
            for outcome in self._outcomes:
                on_outcome(outcome)
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._outcomes.leave()
            self._on_error(error, "calling on_outcome")

    def _pass_progress(self) -> None:
        on_progress, interval_s = self._observers.on_progress, self._observers.progress_interval_s
        assert on_progress  # noqa: S101 - the thread is for it
        try:
            while not self._is_over.wait(interval_s):
                on_progress(self._snapshot())
            on_progress(self._snapshot())
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._on_error(error, "calling on_progress")
