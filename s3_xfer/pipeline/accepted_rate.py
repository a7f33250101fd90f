"""The rate of requests that a server accepts, found from what it refuses.

There is none until the first throttle. At a throttle the rate steps down below what the server
accepted. A step is on trial until its effect is known: where the server refuses the same share as
before, the refusals do not depend on the rate, and the step is undone. Where the refusals end,
there is a limit, and the rate follows the curve of TCP CUBIC (RFC 9438): back after two seconds, a
plateau, and growth that ends in doubling within a second. So a limit that rose tenfold is found in
six seconds. When the rate has grown far beyond what is sent, it is dropped. Answers to requests
that were sent before a step are not counted: they say nothing about the new rate.

The share that is refused at any rate is the noise. The next step needs significantly more refusals
than that.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

_DECREASE_RATIO = 0.12  # of what was accepted, at once after a throttle
_RECOVERY_S = 2.0  # until the rate is back at what was accepted
_RATE_MIN_PER_S = 1.0
_PLATEAU = 1.3  # times _RECOVERY_S beyond that, before the rate grows exponentially
_GROWTH_FACTOR = 8.0  # in each further _RECOVERY_S
_RELEASE_FACTOR = 4.0  # times what is really sent
_LENGTH_TOO_SHORT_S = 0.05  # a shorter measurement is not used
_BUSY_RATIO = 0.5  # of what the pace allows
_LARGE_SHARE = 0.15  # of refusals: a step at once, and another before they are taken for noise
_DEVIATIONS = 4.0  # standard ones, that chance is given
_ANSWERS_MIN = 20  # before a measurement may be ended early
_ANSWERS_MANY = 100
_SETTLED_RATIO = 1.15  # of the rate before: an unpaced rate that grows faster is not judged yet
_LENGTH_S, _SENT_MIN, _LENGTH_MAX_S = 0.25, 20, 2.0  # what a measurement needs to be complete
_ROUND_TRIP_MAX_S = 0.25  # a longer one is that of a server that stood still
_DRAINED_AFTER_S = 0.05  # later, nothing is refused for what was sent before a step
_BURST_S = 0.1  # a server that was not used to the full accepts so much more at once
_TRIAL_MIN_S = 0.1
_SHARE_MIN = 1e-6  # no share is impossible
_EVIDENCE = 4.0  # logarithm of the likelihood ratio that decides a trial
_REMAINDER = 0.1  # of the refusals, at most, if a step removes their cause
_NOISE_DOUBT = 50  # accepted requests, imagined: few answers prove little
_NOISE_ANSWERS_MAX = 20_000  # what is older counts less


class _Measurement:
    """Counts since ``start_s``, which is None until the first answer that is to be counted.

    Threads increase the counters without a lock: a lost count does no harm.
    """

    __slots__ = (
        "accepted",
        "accepted_at_s",
        "first_refused_sent_s",
        "refused",
        "sent",
        "start_s",
    )

    def __init__(self) -> None:
        self.restart(None)

    def restart(self, start_s: float | None) -> None:
        self.start_s = start_s
        self.sent = self.accepted = self.refused = 0
        self.first_refused_sent_s = 0.0
        self.accepted_at_s: list[tuple[int, float]] = []  # at the 1st, 2nd, 4th, 8th... refusal

    def count_refused(self, sent_at_s: float, now_s: float) -> None:
        if not self.refused:
            self.first_refused_sent_s = sent_at_s
        self.refused += 1
        if self.refused.bit_count() == 1:
            self.accepted_at_s.append((self.accepted, now_s))

    def accepted_while_refusing_per_s(self, now_s: float) -> float:
        """Return the rate since the latest of some refusals that is long enough ago, or 0.

        While a server refuses because of the rate, it accepts as much as it can, and no more.
        """
        for accepted_before, since_s in reversed(self.accepted_at_s):
            if now_s - since_s >= _LENGTH_TOO_SHORT_S:
                return (self.accepted - accepted_before) / (now_s - since_s)
        return 0.0

    def length_s(self, now_s: float) -> float:
        return now_s - (self.start_s or now_s)

    def is_complete(self, now_s: float) -> bool:
        """Return whether it lasted long enough, for as much as was sent."""
        length_s = self.length_s(now_s)
        return length_s >= _LENGTH_MAX_S or (length_s >= _LENGTH_S and self.sent >= _SENT_MIN)

    @property
    def answered(self) -> int:
        return self.accepted + self.refused

    @property
    def refused_share(self) -> float:
        return self.refused / max(1, self.answered)

    def exceeds(self, share: float) -> bool:
        """Return whether more was refused than a random ``share`` explains."""
        expected = share * self.answered
        return self.refused > 1 + expected + _DEVIATIONS * math.sqrt(expected)

    def is_below(self, share: float) -> bool:
        """Return whether less was refused than a random ``share`` explains."""
        expected = share * self.answered
        return self.refused < expected - _DEVIATIONS * math.sqrt(expected)


@dataclass(frozen=True, slots=True)
class _Curve:
    """The rate over time after a step down at ``since_s`` from ``peak_per_s``."""

    peak_per_s: float
    since_s: float

    def rate_per_s(self, now_s: float) -> float:
        distance = (now_s - self.since_s - _RECOVERY_S) / _RECOVERY_S
        growth = _GROWTH_FACTOR ** max(0.0, distance - _PLATEAU)
        curve = 1 + _DECREASE_RATIO * min(distance, _PLATEAU) ** 3
        return float(max(_RATE_MIN_PER_S, self.peak_per_s * curve * growth))

    def is_back(self, now_s: float) -> bool:
        """Return whether the rate is what it was before the step."""
        return now_s > self.since_s + _RECOVERY_S

    def is_growing(self, now_s: float) -> bool:
        return now_s > self.since_s + (1 + _PLATEAU) * _RECOVERY_S


class _Effect(enum.Enum):
    """What a step down did to the share of requests that are refused."""

    UNKNOWN = enum.auto()
    NONE = enum.auto()
    SOME = enum.auto()  # or the share grew meanwhile
    ENDED = enum.auto()  # it is what it is at any rate


@dataclass(frozen=True, slots=True)
class _Trial:
    """A step down whose effect is not known yet."""

    refused_before: int
    answered_before: int
    noise: float
    undone: _Curve | None  # what is returned to without an effect; None: not paced
    is_repeated: bool = False  # the step before had none

    @property
    def share_before(self) -> float:
        return self.refused_before / self.answered_before

    @property
    def needs_another(self) -> bool:
        """Whether one step without an effect proves little: there is a limit, or many refusals."""
        is_doubtful = self.undone is not None or self.share_before > _LARGE_SHARE
        return is_doubtful and not self.is_repeated

    def effect(self, measurement: _Measurement) -> _Effect:
        """Compare two explanations by their likelihood: the share stayed, or a tenth of it did."""
        before = self.share_before
        if measurement.exceeds(before):
            return _Effect.SOME
        refused, answered = measurement.refused, measurement.answered
        refused_in_all = self.refused_before + refused
        answered_in_all = self.answered_before + answered
        same = refused_in_all / answered_in_all
        rest = min(max(self.noise, _REMAINDER * before), 0.9 * before)
        evidence = (
            _log_likelihood(refused_in_all, answered_in_all, same)
            - _log_likelihood(self.refused_before, self.answered_before, before)
            - _log_likelihood(refused, answered, rest)
        )
        if evidence < -_EVIDENCE:
            return _Effect.ENDED
        if evidence < _EVIDENCE:
            return _Effect.UNKNOWN
        return _Effect.SOME if measurement.is_below(before) else _Effect.NONE


def _log_likelihood(refused: int, answered: int, share: float) -> float:
    """Return how likely it is that so many are refused at random, as a logarithm."""
    share = min(max(share, _SHARE_MIN), 1 - _SHARE_MIN)
    return refused * math.log(share) + (answered - refused) * math.log(1 - share)


class _Noise:
    """The share of requests that is refused at any rate, as far as is known."""

    def __init__(self) -> None:
        self._refused = self._answered = 0.0

    @property
    def share(self) -> float:
        return self._refused / (self._answered + _NOISE_DOUBT)

    def learn(self, measurement: _Measurement) -> None:
        """Add what was measured at a rate that is no reason to refuse."""
        if measurement.exceeds(self.share) or measurement.is_below(self.share):
            self._refused = self._answered = 0.0
        self._refused += measurement.refused
        self._answered += measurement.answered
        excess = self._answered / _NOISE_ANSWERS_MAX
        if excess > 1:
            self._refused /= excess
            self._answered /= excess


class AcceptedRate:
    """The rate that the server accepts, as far as is known. Not thread-safe, except the counters.

    All times are of one monotonic clock. Tell it what is sent and answered, and call :meth:`update`
    now and then.
    """

    def __init__(self) -> None:
        self._curve: _Curve | None = None  # None: as fast as can be
        self._trial: _Trial | None = None
        self._stepped_at_s = float("-inf")
        self._counted_from_s = float("-inf")  # answers to what was sent earlier do not count
        self._round_trip_s = 0.0  # of the latest request that was refused
        self._noise = _Noise()
        self._measurement = _Measurement()
        self._sent_per_s = self._accepted_per_s = 0.0  # in the measurement before

    @property
    def is_limited(self) -> bool:
        """Whether there is a rate that is not to be exceeded."""
        return self._curve is not None

    def per_s(self, now_s: float) -> float | None:
        """Return how many requests may be sent per second; None: as many as can be."""
        return self._curve.rate_per_s(now_s) if self._curve else None

    def count_sent(self, number: int = 1) -> int:
        """Count requests that are sent now, and return how many were in this measurement."""
        self._measurement.sent += number
        return self._measurement.sent

    def counts(self, sent_at_s: float) -> bool:
        """Return whether the answer to a request that was sent then says anything."""
        return sent_at_s > self._counted_from_s

    def count_accepted(self, now_s: Callable[[], float]) -> None:
        """Count one answer that is no throttle."""
        measurement = self._measurement
        if measurement.start_s is None:
            measurement.restart(now_s())
        measurement.accepted += 1

    def count_refused(self, sent_at_s: float, now_s: float) -> bool:
        """Count one throttle; the rate may step down.

        Returns whether so much was refused that most requests in flight should be waited for.
        """
        measurement = self._measurement
        if measurement.start_s is None:
            measurement.restart(now_s)
        measurement.count_refused(sent_at_s, now_s)
        self._round_trip_s = now_s - sent_at_s
        if self._trial or not self._is_significant(now_s):
            return False
        is_many = self.is_limited or measurement.refused_share > _LARGE_SHARE
        self._step_down(now_s)
        return is_many

    def _is_significant(self, now_s: float) -> bool:
        """Return whether the refusals call for a step down before the measurement is complete."""
        measurement = self._measurement
        curve = self._curve
        if curve and curve.is_back(now_s):
            return measurement.exceeds(self._noise.share)
        if curve and measurement.length_s(now_s) < _LENGTH_TOO_SHORT_S:
            return False
        if measurement.answered < _ANSWERS_MIN:
            return False
        if measurement.answered > _ANSWERS_MANY and measurement.length_s(now_s) < _BURST_S:
            return False  # where answers are many, a moment longer tells the limit better
        return measurement.exceeds(max(_LARGE_SHARE, self._noise.share))

    def update(self, now_s: float) -> None:
        """Draw the conclusions from what was counted, once it is enough."""
        if self._trial:
            self._judge(self._trial, now_s)
        elif self._measurement.is_complete(now_s):
            self._end_measurement(now_s)

    def _end_measurement(self, now_s: float) -> None:
        """Use the current measurement, and begin another one."""
        measurement = self._measurement
        sent_before_per_s = self._sent_per_s
        self._note_rates(now_s)
        is_settled = self._curve or self._sent_per_s <= _SETTLED_RATIO * sent_before_per_s
        if not measurement.exceeds(self._noise.share):
            if self._curve is None:
                self._noise.learn(measurement)
        elif is_settled:
            self._step_down(now_s)
            return
        measurement.restart(now_s)
        rate_per_s = self.per_s(now_s)
        if rate_per_s and self._should_release(rate_per_s):
            self._curve = None

    def _judge(self, trial: _Trial, now_s: float) -> None:
        """End the trial if the effect of the step is known; if it was too small, take another."""
        measurement = self._measurement
        length_s = measurement.length_s(now_s)
        if length_s < _TRIAL_MIN_S:
            return
        match trial.effect(measurement):
            case _Effect.NONE if trial.needs_another:
                self._step_down(now_s, again=trial)
            case _Effect.NONE:
                self._undo(trial, now_s)
            case _Effect.SOME:
                self._step_down(now_s)
            case _Effect.ENDED if measurement.exceeds(self._noise.share):
                self._step_down(now_s)
            case _Effect.ENDED:
                self._settle(now_s)
            case _Effect.UNKNOWN if length_s > _RECOVERY_S:
                self._settle(now_s)

    def _undo(self, trial: _Trial, now_s: float) -> None:
        """Return to the rate before the trial: the server refuses as much at any rate."""
        self._noise.learn(self._measurement)
        earlier = trial.undone
        self._curve = earlier and replace(
            earlier, since_s=earlier.since_s + now_s - self._stepped_at_s
        )
        self._trial = None
        self._measurement.restart(now_s)

    def _settle(self, now_s: float) -> None:
        """Keep the step: there is a limit. What is refused below it is noise."""
        self._noise.learn(self._measurement)
        self._trial = None
        self._note_rates(now_s)
        self._measurement.restart(now_s)

    def _step_down(self, now_s: float, *, again: _Trial | None = None) -> None:
        """Step down from what was accepted, or from the rate that grew until it was too high.

        ``again`` is the trial that had no effect, if that is why.
        """
        curve, accepted_per_s = self._curve, self._accepted_recently(now_s)
        if curve and curve.is_growing(now_s) and self._is_busy(now_s):
            accepted_per_s = max(self._accepted_per_s, self._reached_per_s(curve, now_s))
        if curve:
            accepted_per_s = min(accepted_per_s, curve.rate_per_s(now_s))
        measurement = self._measurement
        self._trial = _Trial(
            measurement.refused,
            measurement.answered,
            self._noise.share,
            undone=again.undone if again else curve,
            is_repeated=again is not None,
        )
        self._curve = _Curve(max(_RATE_MIN_PER_S, accepted_per_s), now_s)
        self._stepped_at_s = now_s
        self._counted_from_s = now_s + min(self._round_trip_s, _ROUND_TRIP_MAX_S) + _DRAINED_AFTER_S
        self._measurement.restart(None)

    def _reached_per_s(self, curve: _Curve, now_s: float) -> float:
        """Return how much was sent when the server began to live on what it had saved up."""
        sent_per_s = self._measurement.sent / self._measurement_s(now_s)
        since_s = self._measurement.first_refused_sent_s - _BURST_S
        return min(sent_per_s, curve.rate_per_s(since_s))

    def _note_rates(self, now_s: float) -> None:
        """Keep what was sent and accepted, for the time until there is another measurement."""
        length_s = self._measurement_s(now_s)
        self._sent_per_s = self._measurement.sent / length_s
        if self._is_busy(now_s):
            self._accepted_per_s = self._measurement.accepted / length_s

    def _measurement_s(self, now_s: float) -> float:
        return max(self._measurement.length_s(now_s), _LENGTH_TOO_SHORT_S)

    def _should_release(self, rate_per_s: float) -> bool:
        """Return whether the rate grew far beyond what is sent; not if only the sending fell."""
        peak_per_s = self._curve.peak_per_s if self._curve else 0.0
        return rate_per_s > _RELEASE_FACTOR * max(self._sent_per_s, peak_per_s) + _RATE_MIN_PER_S

    def _accepted_recently(self, now_s: float) -> float:
        """Return what the server accepts per second, by the latest measurement that can be used.

        A low count while little was sent says nothing about the server.
        """
        measurement = self._measurement
        length_s = measurement.length_s(now_s)
        if length_s < _LENGTH_TOO_SHORT_S and self._accepted_per_s:
            return self._accepted_per_s
        saved_up_s = 0.0 if self._curve else _BURST_S
        accepted_per_s = max(
            measurement.accepted / max(length_s + saved_up_s, _LENGTH_TOO_SHORT_S),
            measurement.accepted_while_refusing_per_s(now_s),
        )
        if self._is_busy(now_s):
            return accepted_per_s
        return max(accepted_per_s, self._accepted_per_s)

    def _is_busy(self, now_s: float) -> bool:
        """Return whether about as much was sent as may be."""
        rate_per_s, measurement = self.per_s(now_s) or 0.0, self._measurement
        return measurement.sent >= _BUSY_RATIO * rate_per_s * measurement.length_s(now_s)
