"""Wait for a server that is away, instead of failing every object against it.

While every request to an endpoint fails for a temporary reason, nothing new is sent and no request
spends its repetitions. A small request of its own asks whether the server answers again, after a
growing wait; then one request of the run is tried, and if that is answered all go on.

The first answer of a server is not waited for: a wrong endpoint would look like an outage.

How many requests whose connection was reset are sent again without a wait is decided here, too.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.run_log import RunLog
from s3_xfer.text import printable

SUSPECTED_AFTER_S = 2.0  # without an answer to any request
SUSPECTED_AFTER_MANY_S = 0.5  # if requests for many objects have failed
MANY_OBJECTS = 16  # more than an object that the server cannot copy explains
WAIT_MIN_S, WAIT_MAX_S = 1.0, 10.0  # between two probes
WAIT_SHARE = 0.5  # of the time that the server has been away: so much longer a wait may last
TRIAL_PATIENCE_S = 10.0  # for the answer to one request of the run, before another is tried
RESENDS_PER_ANSWER = 0.25  # of requests that were reset: at once, as long as no more are
RESENDS_MAX = 32  # saved up; there from the start, so that the first resets cost no wait
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage as people are told of it."""

    endpoint: str
    since: datetime
    next_try_s: float
    gives_up_at: datetime
    is_answering: bool = False  # the probe, but no request of the run

    def __str__(self) -> str:
        what = "has failed every request" if self.is_answering else "has not answered"
        wait = f"{self.next_try_s:.0f} s" if self.next_try_s >= 1 else f"{self.next_try_s:.1f} s"
        return (
            f"The server {self.endpoint} {what} since {_clock(self.since)}; "
            f"trying again in {wait}; giving up at {_clock(self.gives_up_at)}"
        )

    @property
    def final_text(self) -> str:
        """What is said when the run gives up on the server."""
        what = "failed every request" if self.is_answering else "did not answer"
        from_until = f"from {_clock(self.since)} until {_clock(self.gives_up_at)}"
        return f"the server {self.endpoint} {what} {from_until}"

    @property
    def short_text(self) -> str:
        """The same in a few words, for a line with others."""
        return f"waiting for the server since {_clock(self.since)}"


class OutageListener(Protocol):
    """Is told how outages begin, go on and end. Thread-safe."""

    def outage(self, endpoint: str, outage: Outage | None) -> None:
        """Take the newest state of ``endpoint``; None: it answers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagePolicy:
    """What all endpoints of a run have in common.

    A run gives up on a server that was away for ``limit_s``, by ``give_up``; 0 waits for none.
    """

    limit_s: float
    stop: StopFlag
    listener: OutageListener
    give_up: Callable[[Outage], None]
    log: RunLog


class _Phase(enum.Enum):
    OPEN = enum.auto()  # requests are sent
    SUSPECTED = enum.auto()  # none is sent until the first probe
    AWAY = enum.auto()  # none is sent
    TRIAL = enum.auto()  # one is sent


class _Failures:
    """The failures since the last answer. Not thread-safe."""

    def __init__(self) -> None:
        self.since_s: float | None = None
        self.since = datetime.now(UTC)
        self._keys: set[str] = set()
        self._next_suspicion_s = 0.0

    def add(self, key: str, now_s: float) -> None:
        """Add that of a request about ``key``."""
        if self.since_s is None:
            self.since_s, self.since = now_s, datetime.now(UTC)
            self._next_suspicion_s = 0.0
        if len(self._keys) < MANY_OBJECTS:
            self._keys.add(key)

    def clear(self) -> None:
        """Forget them: there was an answer."""
        self.since_s = None
        self._keys.clear()

    def are_suspicious(self, now_s: float) -> bool:
        """Return whether the server may be away."""
        after_s = SUSPECTED_AFTER_MANY_S if self._are_many else SUSPECTED_AFTER_S
        return self._length_s(now_s) >= after_s and now_s >= self._next_suspicion_s

    def are_outage(self, now_s: float, *, is_answering: bool) -> bool:
        """Return whether the server is away, given whether it answers a probe.

        If not, the next suspicion comes later.
        """
        self._next_suspicion_s = now_s + SUSPECTED_AFTER_MANY_S
        has_lasted = self._length_s(now_s) >= SUSPECTED_AFTER_S
        return not is_answering or (self._are_many and has_lasted)

    @property
    def _are_many(self) -> bool:
        return len(self._keys) >= MANY_OBJECTS

    def _length_s(self, now_s: float) -> float:
        return now_s - (self.since_s or now_s)


class _ResendBudget:
    """How many requests may be sent again at once whose new connection was reset.

    Each answer adds a little, so that it is many while resets are rare, and a server that resets
    most connections is not asked twice as often. Thread-safe.
    """

    def __init__(self) -> None:
        self._left = float(RESENDS_MAX)
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Add the share of one answer."""
        if self._left < RESENDS_MAX:  # without the lock: a lost count does no harm
            self._left += RESENDS_PER_ANSWER

    def spend(self) -> bool:
        """Take one; return False if there is none."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class OutageMonitor:
    """Knows whether one endpoint is away, and holds requests back while it is. Thread-safe.

    ``probe`` sends one small request, in a thread of the monitor, and returns whether the server
    answered, whatever it said. It must not raise. Without a ``policy`` no server ever is away.
    """

    def __init__(
        self,
        endpoint: str,
        policy: OutagePolicy | None,
        *,
        probe: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = printable(endpoint)
        self._policy = policy if policy and policy.limit_s else None
        self._probe = probe
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._on_resume: list[Callable[[], None]] = []
        self._phase = _Phase.OPEN
        self._trials = 0  # requests that may be sent now although the server is away
        self._is_calm = False  # the last request was answered; false before the first answer too
        self._was_answered = False
        self._failures = _Failures()
        self._resends = _ResendBudget()
        self._is_watching = False  # there is a thread that probes

    # ------------------------------------------------------------ what those that send call

    def answered(self) -> None:
        """State that the server answered a request. Costs nothing while nothing fails."""
        self._resends.earn()
        if not self._is_calm:
            with self._changed:
                self._was_answered = self._is_calm = True
                self._failures.clear()
                self._set(_Phase.OPEN)

    def failed(self, key: str) -> bool:
        """State that a request about ``key`` failed for a temporary reason.

        Returns whether the server may be away: :meth:`is_away` tells then.
        """
        with self._changed:
            if not self._was_answered or self._is_over:
                return False
            self._is_calm = False
            now_s = self._monotonic()
            self._failures.add(key, now_s)
            if self._phase is _Phase.TRIAL:
                self._set(_Phase.AWAY)
            elif self._failures.are_suspicious(now_s) and not self._is_watching:
                self._is_watching = True
                self._set(_Phase.SUSPECTED)
                name = "s3-xfer-outage"
                thread = threading.Thread(
                    target=self._watch, args=(self._policy,), name=name, daemon=True
                )
                thread.start()
            return self._phase is not _Phase.OPEN

    def may_resend(self, *, was_used: bool) -> bool:
        """Return whether a request whose connection was reset may be sent again at once.

        Not while the server may be away. A connection that ``was_used`` before was probably closed
        while it was idle; a new one only counts as long as such resets are rare.
        """
        return self._phase is _Phase.OPEN and (was_used or self._resends.spend())

    def is_away(self) -> bool:
        """Wait until it is known whether the server is away; False if the run is stopped.

        A request that failed while it is away is sent again, and not counted.
        """
        with self._changed:
            while self._phase is _Phase.SUSPECTED and not self._is_over:
                self._changed.wait(_POLL_S)
            return self._phase is not _Phase.OPEN and not self._is_over

    def wait(self) -> None:
        """Return when a request may be sent, or at once when the run is stopped."""
        if self._phase is not _Phase.OPEN:
            with self._changed:
                while not self._may_send():
                    self._changed.wait(_POLL_S)

    def may_send(self) -> bool:
        """Return whether a request may be sent now; if not, ``on_resume`` tells when."""
        if self._phase is _Phase.OPEN:
            return True
        with self._changed:
            return self._may_send()

    def on_resume(self, function: Callable[[], None]) -> None:
        """Call ``function``, in any thread, each time when requests may be sent again."""
        self._on_resume.append(function)

    def _may_send(self) -> bool:
        if self._phase is _Phase.OPEN or self._is_over:
            return True
        if self._phase is not _Phase.TRIAL or not self._trials:
            return False
        self._trials -= 1
        return True

    @property
    def _is_over(self) -> bool:
        return self._policy is None or self._policy.stop.is_set()

    def _set(self, phase: _Phase) -> None:
        self._phase = phase
        self._trials = int(phase is _Phase.TRIAL)
        self._changed.notify_all()

    # ------------------------------------------------------------------ in the monitor's thread

    def _watch(self, policy: OutagePolicy) -> None:
        """Find out whether the server is away, and wait until it is not, or the run ends."""
        try:
            since_s = self._confirm()
            if since_s is not None:
                self._wait_for_answers(policy, since_s + policy.limit_s)
        finally:
            with self._changed:
                self._is_watching = False
                self._set(_Phase.OPEN)
            policy.listener.outage(self._endpoint, None)
            self._resume()

    def _confirm(self) -> float | None:
        """Return since when this is an outage; None if only some objects fail."""
        is_answering = self._probe()
        with self._changed:
            is_away = self._failures.are_outage(self._monotonic(), is_answering=is_answering)
            if self._phase is not _Phase.SUSPECTED or not is_away:
                return None
            self._set(_Phase.AWAY)
            return self._failures.since_s

    def _wait_for_answers(self, policy: OutagePolicy, ends_s: float) -> None:
        limit_s = policy.limit_s
        since = self._failures.since
        news = Outage(self._endpoint, since, 0.0, since + timedelta(seconds=limit_s))
        while True:
            left_s = max(0.0, ends_s - self._monotonic())
            wait_s = min(WAIT_MAX_S, left_s, max(WAIT_MIN_S, WAIT_SHARE * (limit_s - left_s)))
            news = replace(news, next_try_s=wait_s)
            policy.log.warning("%s", news)
            policy.listener.outage(self._endpoint, news)
            if not self._is_still(_Phase.AWAY, wait_s):
                return
            if self._monotonic() >= ends_s:
                policy.give_up(news)
                return
            is_answering = self._probe()
            news = replace(news, is_answering=is_answering)
            if is_answering and not self._is_trial_failed():
                break

    def _is_trial_failed(self) -> bool:
        """Let one request be sent; return False if one was answered, or the run is stopped."""
        if not self._move(_Phase.AWAY, _Phase.TRIAL):
            return False
        self._resume()
        self._is_still(_Phase.TRIAL, TRIAL_PATIENCE_S)
        self._move(_Phase.TRIAL, _Phase.AWAY)
        return self._phase is _Phase.AWAY and not self._is_over

    def _move(self, old: _Phase, new: _Phase) -> bool:
        with self._changed:
            is_old = self._phase is old
            if is_old:
                self._set(new)
            return is_old

    def _is_still(self, phase: _Phase, timeout_s: float) -> bool:
        """Wait, and return whether ``phase`` has lasted so long; a stop of the run ends it."""
        until_s = self._monotonic() + timeout_s
        with self._changed:
            while self._phase is phase and not self._is_over:
                left_s = until_s - self._monotonic()
                if left_s <= 0:
                    return True
                self._changed.wait(min(left_s, _POLL_S))
            return False

    def _resume(self) -> None:
        for function in self._on_resume:
            function()


class OutageMonitors:
    """The monitors of a run, one for each endpoint. Thread-safe."""

    def __init__(self, policy: OutagePolicy | None = None) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._monitors: dict[str, OutageMonitor] = {}

    def of(self, endpoint: str, probe: Callable[[], bool] | None) -> OutageMonitor:
        """Return the monitor of ``endpoint``; the first one that asks says how it is probed.

        Without a ``probe`` the endpoint never is away.
        """
        if not self._policy or not probe:
            return OutageMonitor(endpoint, None, probe=lambda: True)
        with self._lock:
            if endpoint not in self._monitors:
                self._monitors[endpoint] = OutageMonitor(endpoint, self._policy, probe=probe)
            return self._monitors[endpoint]


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"
