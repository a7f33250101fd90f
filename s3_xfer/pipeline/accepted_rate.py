"""The rate of requests that a server accepts, found from what it refuses.

There is none until the first throttle. At a throttle the rate steps down below what the server
accepted. A step is on trial until its effect is known: where the server refuses the same share as
before, the refusals do not depend on the rate, and the step is undone. Where the refusals end,
there is a limit, and the rate follows the curve of TCP CUBIC (RFC 9438): back after two seconds, a
plateau, and growth that ends in doubling within a second. So a limit that rose tenfold is found in
six seconds. When the rate has grown far beyond what is sent, it is dropped. Answers to requests
that were sent before a step are not counted: they say nothing about the new rate. In the last
seconds of a run the rate does not grow: what is refused then waits for its repetition, and the run
with it.

What a server accepted in some time is its limit and what it had saved up before, at most. That is
little in a long time; so the limit is known well when the rate has grown until it was too high, and
not when the first requests of a run are refused. After that the rate grows at once.

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
_LARGE_SHARE = 0.15  # of refusals: a step at once, and another before they are taken for noise
_DEVIATIONS = 4.0  # standard ones, that chance is given
_ANSWERS_MIN = 20  # before a measurement may be ended early
_SETTLED_RATIO = 1.15  # of the rate before: an unpaced rate that grows faster is not judged yet
_LENGTH_S, _SENT_MIN, _LENGTH_MAX_S = 0.25, 20, 2.0  # what a measurement needs to be complete
_ROUND_TRIP_MAX_S = 0.25  # a longer one is that of a server that stood still
_DRAINED_AFTER_S = 0.05  # later, nothing is refused for what was sent before a step
_BURST_S = 0.1  # a server that was not used to the full accepts so much more at once
_MOMENTS_S = 0.05  # between the moments since which is counted, at least
_TRIAL_MIN_S, _TRIAL_MAX_S = 0.1, 1.0
_TOLERATED = 0.02  # of refusals, below a limit
_END_S = 2.0  # of a run: in them no higher rate is tried
_SHARE_MIN = 1e-6  # no share is impossible
_EVIDENCE = 4.0  # logarithm of the likelihood ratio that decides a trial
_REMAINDER = 0.1  # of the refusals, at most, if a step removes their cause
_NOISE_DOUBT = 100  # accepted requests, imagined: few answers prove little
_NOISE_ANSWERS_MAX = 20_000  # what is older counts less


class _Measurement:
    """Counts since ``start_s``, which is None until the first answer that is to be counted.

    Threads increase the counters without a lock: a lost count does no harm.
    """

    __slots__ = ("accepted", "refused", "sent", "start_s")

    def __init__(self) -> None:
        self.restart(None)

    def restart(self, start_s: float | None) -> None:
        self.start_s = start_s
        self.sent = self.accepted = self.refused = 0

    def length_s(self, now_s: float) -> float:
        return now_s - (self.start_s or now_s)

    def sent_per_s(self, now_s: float) -> float:
        return self.sent / max(self.length_s(now_s), _LENGTH_TOO_SHORT_S)

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
class _Moment:
    """How much had been answered then, and whether the rate had just stepped down.

    ``has_refused``: the latest answer was a throttle.
    """

    at_s: float
    accepted: int
    refused: int
    has_stepped: bool
    has_refused: bool


class _History:
    """What was accepted since some moments of the past, and what rate that proves."""

    def __init__(self) -> None:
        self._moments: list[_Moment] = []
        self._accepted = self._refused = 0  # in the measurements that have ended
        self._has_stepped = False

    def begin(self, *, has_stepped: bool) -> None:
        """Forget all moments: the rate is another one."""
        self._moments.clear()
        self._has_stepped = has_stepped

    def forget(self, before_s: float) -> None:
        """Forget what was earlier: the limit may have been another one."""
        self._moments = [moment for moment in self._moments if moment.at_s >= before_s]

    def add(self, measurement: _Measurement) -> None:
        """Keep the counts of a measurement that ends."""
        self._accepted += measurement.accepted
        self._refused += measurement.refused

    def note(self, measurement: _Measurement, now_s: float, *, has_refused: bool = False) -> None:
        """Note this moment, if it is not too close to the one before.

        Of many refusals the 1st, 2nd, 4th, 8th... are noted.
        """
        is_close = self._moments and now_s < self._moments[-1].at_s + _MOMENTS_S
        if is_close and not (has_refused and measurement.refused.bit_count() == 1):
            return
        self._moments.append(
            _Moment(
                now_s,
                self._accepted + measurement.accepted,
                self._refused + measurement.refused,
                has_stepped=self._has_stepped,
                has_refused=has_refused,
            )
        )
        self._has_stepped = False

    def accepted_per_s(self, measurement: _Measurement, now_s: float) -> float:
        """Return the highest rate that what was accepted since any of the moments proves, or 0.

        A server accepts as much as its limit allows, and what it had saved up before. It has saved
        up nothing while it refuses much, nor when a rate that was too high has just stepped down.
        """
        proven_per_s = 0.0
        for moment in self._moments:
            accepted = self._accepted + measurement.accepted - moment.accepted
            refused = self._refused + measurement.refused - moment.refused
            is_refusing = moment.has_refused and refused > _LARGE_SHARE * (accepted + refused)
            saved_up_s = 0.0 if moment.has_stepped or is_refusing else _BURST_S
            length_s = now_s - moment.at_s + saved_up_s
            if length_s >= _LENGTH_TOO_SHORT_S:
                proven_per_s = max(proven_per_s, accepted / length_s)
        return proven_per_s


@dataclass(frozen=True, slots=True)
class _Curve:
    """The rate over time after a step down at ``since_s`` from ``peak_per_s``.

    A peak that ``is_rough`` was measured in a moment: the rate grows beyond it at once.
    """

    peak_per_s: float
    since_s: float
    is_rough: bool = False

    def rate_per_s(self, now_s: float) -> float:
        return max(_RATE_MIN_PER_S, self.peak_per_s * self._factor(now_s))

    def _factor(self, now_s: float) -> float:
        elapsed = (now_s - self.since_s) / _RECOVERY_S
        if self.is_rough:
            return float((1 - _DECREASE_RATIO) * _GROWTH_FACTOR**elapsed)
        distance = elapsed - 1
        growth = _GROWTH_FACTOR ** max(0.0, distance - _PLATEAU)
        return float((1 + _DECREASE_RATIO * min(distance, _PLATEAU) ** 3) * growth)

    @property
    def start_per_s(self) -> float:
        """The lowest rate, with which it begins."""
        return self.peak_per_s * (1 - _DECREASE_RATIO)

    def is_back(self, now_s: float) -> bool:
        """Return whether the rate is what it was before the step, as far as that is known."""
        return self.is_rough or now_s > self.since_s + _RECOVERY_S


class _Effect(enum.Enum):
    """What a step down did to the share of requests that are refused."""

    UNKNOWN = enum.auto()
    NONE = enum.auto()
    SOME = enum.auto()  # or the share grew meanwhile


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
        if abs(evidence) < _EVIDENCE:
            return _Effect.UNKNOWN
        is_same = evidence > 0 and not measurement.is_below(before)
        return _Effect.NONE if is_same else _Effect.SOME


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
    now and then. ``left`` returns how many requests are still to come, or None while more may come.
    """

    def __init__(self) -> None:
        self.left: Callable[[], int | None] = lambda: None
        self._hold_until_s: float | None = None  # near the end of the run
        self._curve: _Curve | None = None  # None: as fast as can be
        self._trial: _Trial | None = None
        self._stepped_at_s = float("-inf")
        self._counted_from_s = float("-inf")  # answers to what was sent earlier do not count
        self._round_trip_s = 0.0  # of the latest request that was refused
        self._noise = _Noise()
        self._measurement = _Measurement()
        self._history = _History()
        self._sent_per_s = 0.0  # in the measurement before

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
            self._restart(now_s())
        measurement.accepted += 1

    def count_refused(self, sent_at_s: float, now_s: float) -> bool:
        """Count one throttle; the rate may step down.

        Returns whether it is one of too many, after which one request less is to be in flight.
        """
        measurement = self._measurement
        if measurement.start_s is None:
            self._restart(now_s)
        measurement.refused += 1
        self._history.note(measurement, now_s, has_refused=True)
        self._round_trip_s = now_s - sent_at_s
        is_too_many = measurement.exceeds(self._noise.share)
        if not self._trial and self._is_significant(now_s):
            self._step_down(now_s)
        return is_too_many

    def _is_significant(self, now_s: float) -> bool:
        """Return whether the refusals call for a step down before the measurement is complete."""
        measurement = self._measurement
        curve = self._curve
        if curve and curve.is_back(now_s):
            return measurement.exceeds(self._noise.share)
        if measurement.length_s(now_s) < _LENGTH_TOO_SHORT_S or measurement.answered < _ANSWERS_MIN:
            return False
        return measurement.exceeds(max(_LARGE_SHARE, self._noise.share))

    def update(self, now_s: float) -> None:
        """Draw the conclusions from what was counted, once it is enough."""
        if self._measurement.start_s is not None:
            self._history.note(self._measurement, now_s)
        if self._trial:
            self._judge(self._trial, now_s)
        elif self._measurement.is_complete(now_s):
            self._end_measurement(now_s)

    def _end_measurement(self, now_s: float) -> None:
        """Use the current measurement, and begin another one."""
        measurement = self._measurement
        sent_before_per_s = self._sent_per_s
        self._sent_per_s = measurement.sent_per_s(now_s)
        is_settled = self._curve or self._sent_per_s <= _SETTLED_RATIO * sent_before_per_s
        if not measurement.exceeds(self._noise.share):
            if self._curve is None:
                self._noise.learn(measurement)
        elif is_settled:
            self._step_down(now_s)
            return
        if self._curve is None and measurement.start_s is not None:
            self._history.forget(measurement.start_s)
        self._restart(now_s)
        if self._curve and self._should_release(self._curve, now_s):
            self._curve = None
        elif self._curve and self._is_at_end(self._curve, now_s):
            self._hold(self._curve, now_s)

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
            case _Effect.SOME if measurement.exceeds(max(_TOLERATED, self._noise.share)):
                self._step_down(now_s)
            case _Effect.SOME:
                self._settle(now_s)
            case _Effect.UNKNOWN if length_s > _TRIAL_MAX_S:
                self._settle(now_s)

    def _undo(self, trial: _Trial, now_s: float) -> None:
        """Return to the rate before the trial: the server refuses as much at any rate."""
        self._noise.learn(self._measurement)
        earlier = trial.undone
        self._curve = earlier and replace(
            earlier, since_s=earlier.since_s + now_s - self._stepped_at_s
        )
        self._trial = None
        self._history.begin(has_stepped=False)
        self._restart(now_s)

    def _settle(self, now_s: float) -> None:
        """Keep the step: there is a limit. What is refused below it is noise."""
        self._noise.learn(self._measurement)
        self._trial = None
        self._sent_per_s = self._measurement.sent_per_s(now_s)
        self._restart(now_s)

    def _restart(self, now_s: float) -> None:
        """Begin another measurement."""
        self._history.add(self._measurement)
        self._measurement.restart(now_s)
        self._history.note(self._measurement, now_s)

    def _step_down(self, now_s: float, *, again: _Trial | None = None) -> None:
        """Step down from what was accepted, or from the rate that grew until it was too high.

        ``again`` is the trial that had no effect, if that is why.
        """
        curve, accepted_per_s = self._curve, self._accepted_recently(now_s)
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
        self._curve = _Curve(max(_RATE_MIN_PER_S, accepted_per_s), now_s, is_rough=curve is None)
        self._history.begin(has_stepped=True)
        self._stepped_at_s = now_s
        self._counted_from_s = now_s + min(self._round_trip_s, _ROUND_TRIP_MAX_S) + _DRAINED_AFTER_S
        self._measurement.restart(None)

    def _should_release(self, curve: _Curve, now_s: float) -> bool:
        """Return whether the rate grew far beyond what is sent; not if only the sending fell."""
        used_per_s = max(self._sent_per_s, curve.peak_per_s)
        return curve.rate_per_s(now_s) > _RELEASE_FACTOR * used_per_s + _RATE_MIN_PER_S

    def _is_at_end(self, curve: _Curve, now_s: float) -> bool:
        """Return whether what is left takes a moment, or would if none of it took many requests."""
        left = self.left()
        if left is None or left > _END_S * curve.peak_per_s:
            return False
        self._hold_until_s = self._hold_until_s or now_s + 2 * _END_S
        return now_s < self._hold_until_s

    def _hold(self, curve: _Curve, now_s: float) -> None:
        """Stay at the rate that is known: a refusal now would make the run end later."""
        proven_per_s = self._history.accepted_per_s(self._measurement, now_s)
        self._curve = _Curve(
            max(curve.peak_per_s, proven_per_s), max(curve.since_s, now_s - _RECOVERY_S)
        )

    def _accepted_recently(self, now_s: float) -> float:
        """Return what the server accepts per second, as far as is known."""
        accepted_per_s = self._history.accepted_per_s(self._measurement, now_s)
        if self._trial:
            return accepted_per_s
        if self._curve:
            return max(accepted_per_s, self._curve.start_per_s)
        sent_per_s = max(self._sent_per_s, self._measurement.sent_per_s(now_s))
        return min(accepted_per_s, sent_per_s * (1 - self._measurement.refused_share))
