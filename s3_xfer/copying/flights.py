"""Many single-request copies under way at once, without a thread for each.

A worker lines an object up and takes the next; the answer arrives in the sender's thread and, in
the ordinary case, ends the object and sends the first in line right there. So in a long copy
one thread does nearly everything, and threads hardly take the interpreter away from each other.
What takes longer leaves that thread at once: a repetition is put off until it is due, a pace is
kept by others, and everything that has to ask S3 again (a condition that failed, an ETag that
differs) or goes in parts is done *on the ground*, by threads that may wait.

Refuses to judge for itself: what an answer means, what is worth repeating and what counts as
copied is asked of the same :mod:`.answers`, :mod:`.retry` and :class:`.copier.ObjectCopier` that
serve the other engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from s3_xfer.copying import answers, verify
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.copier import Done, ObjectCopier
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.copying.engine import SingleSender
from s3_xfer.copying.hooks import Trail
from s3_xfer.copying.renewal import Renewal, not_renewed
from s3_xfer.copying.retry import RetryPolicy
from s3_xfer.errors import ErrorClass, ErrorInfo, ObjectError, RetryAction, translate
from s3_xfer.model import Copied, CopyTask, NotAttempted, Outcome
from s3_xfer.pipeline.later import Later
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.slots import Slots
from s3_xfer.pipeline.stop import StopFlag

_OPERATION = "CopyObject"
_OVERDUE_CHECK_S = 1.0
_CHECKS_PER_TIMEOUT = 4  # at least: a short time-out is looked at more often


@dataclass(slots=True, eq=False)
class _Flight:
    """One object under way. ``done`` is told its outcome, with the task as it was handed over."""

    handed_over: CopyTask
    task: CopyTask
    done: Done
    ambiguous: bool = False  # S3 may have copied it without our knowing
    attempts: int = 0
    sent_at_s: float = 0.0
    renewed: bool = False  # its credentials, after S3 called them expired
    error: Exception | None = None  # of the last answer
    give_up: Callable[[], None] | None = None

    @property
    def trail(self) -> Trail:
        """What the other engine would have of it."""
        return Trail(ambiguous=self.ambiguous)


class Flights:
    """Copies what :meth:`start` is given. Thread-safe.

    At most ``limit`` single requests are under way, and ``ground_threads`` objects on the ground;
    an answer may take ``read_timeout_s``. ``output_shape`` is botocore's for ``CopyObject``.
    ``on_crash`` is told what must not happen.
    """

    def __init__(
        self,
        *,
        sender: SingleSender,
        copier: ObjectCopier,
        output_shape: Any,
        retry: RetryPolicy,
        renewal: Renewal,
        pacer: Pacer,
        stop: StopFlag,
        metrics: TransferCounter,
        limit: int,
        ground_threads: int,
        read_timeout_s: float,
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._sender = sender
        self._copier = copier
        self._output_shape = output_shape
        self._retry = retry
        self._renewal = renewal
        self._pacer = pacer
        self._stop = stop
        self._metrics = metrics
        self._read_timeout_s = read_timeout_s
        self._on_crash = on_crash
        self._air: Slots[_Flight] = Slots(limit, stop)
        self._ground: Slots[_Flight] = Slots(2 * ground_threads, stop)
        self._ground_crew = ThreadPoolExecutor(ground_threads, thread_name_prefix="s3-xfer-ground")
        # Threads of their own: those on the ground may wait for a place in the air, which is only
        # free when what is in the air has landed.
        self._landing_crew = ThreadPoolExecutor(
            ground_threads, thread_name_prefix="s3-xfer-landing"
        )
        self._later = Later(stop, on_crash=on_crash)
        self._under_way: dict[_Flight, None] = {}  # in the order in which they were sent
        self._closed = False
        self._overdue_check_s = min(_OVERDUE_CHECK_S, read_timeout_s / _CHECKS_PER_TIMEOUT)
        self._later.call(self._overdue_check_s, self._give_up_overdue)

    # ------------------------------------------------------------------- from the workers

    def start(self, task: CopyTask, done: Done) -> None:
        """Begin to copy ``task``; wait only for room. ``done`` is called once, by any thread."""
        flight = _Flight(task, task, done)
        if self._copier.is_ready(task):
            self._launch(flight)
        elif self._ground.line_up(flight):
            self._begin_on_ground()
        else:
            done(task, NotAttempted(task))

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything that was started has ended; return False after ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        if self._stop.is_set():  # nobody frees a place for those in line any more
            self._begin_on_ground()
            while (flight := self._air.next()) is not None:
                self._told(self._send, flight)
        # In this order: what is on the ground may still take off.
        return self._ground.wait_until_empty(timeout_s) and self._air.wait_until_empty(
            max(0.0, until_s - time.monotonic())
        )

    def close(self) -> None:
        """Give up whatever is still under way; its outcome is told to nobody."""
        self._closed = True
        self._later.close()
        for flight in list(self._under_way):
            if flight.give_up:
                flight.give_up()
        self._ground_crew.shutdown(wait=False)
        self._landing_crew.shutdown(wait=False)
        self._sender.close()

    # -------------------------------------------------------------------------- in the air

    def _launch(self, flight: _Flight) -> None:
        """Line ``flight`` up, with credentials that will do for a while; send what can be sent."""
        try:
            self._sender.refresh()
        except Exception as error:  # noqa: BLE001 - no credentials: an end like any other
            failed = self._copier.conclude(flight.task, flight.trail, not_renewed(error))
            flight.done(flight.handed_over, failed)
            return
        if self._air.line_up(flight):
            self._depart()
        else:
            flight.done(flight.handed_over, NotAttempted(flight.task))

    def _depart(self) -> None:
        """Send what is in line while there is room; a pace is kept by another thread."""
        while self._pacer.is_free:
            flight = self._air.next()
            if flight is None:
                return
            self._told(self._send, flight)
        if self._air.has_line:
            self._later.call(0.0, self._depart_at_pace)

    def _depart_at_pace(self) -> None:
        """Send the first in line when the pace allows it, and come back for the next."""
        flight = self._air.next()
        if flight is not None:
            self._told(self._send, flight)
            self._later.call(0.0, self._depart_at_pace)

    def _send(self, flight: _Flight) -> None:
        """Send the request, for the first time or again. Waits for nothing but the pace."""
        self._pacer.wait()
        if self._stop.is_set():
            self._land(flight, self._copier.conclude(flight.task, flight.trail, self._why(flight)))
            return
        flight.attempts += 1
        flight.sent_at_s = time.monotonic()
        self._under_way[flight] = None
        self._metrics.request_sent(_OPERATION)
        flight.give_up = self._sender.send(flight.task, partial(self._answered, flight))

    def _answered(self, flight: _Flight, answer: Answer) -> None:
        """Take the answer, in the sender's thread: nothing here may wait or raise."""
        self._under_way.pop(flight, None)
        flight.give_up = None
        if not self._closed:
            self._told(self._judge, flight, answer)
            self._depart()

    def _judge(self, flight: _Flight, answer: Answer) -> None:
        source, etag = flight.task.source, answers.copied_etag(answer)
        if etag is None:
            self._refused(flight, answer)
            return
        self._pacer.accepted(flight.sent_at_s)
        if etag != source.etag and _contradicts(source.etag, etag, answer):
            self._on_ground(self._verify, flight, etag)
        else:
            self._land(flight, Copied(flight.task, source.size, etag, engine=self._sender.name))

    def _refused(self, flight: _Flight, answer: Answer) -> None:
        """Put the repetition off until it is due, or let the error stand."""
        error, info = self._error_of(answer, flight.attempts)
        flight.error = error
        flight.ambiguous |= info.error_class in answers.AMBIGUOUS
        throttled = info.error_class.retry_action is RetryAction.SLOW_DOWN
        if throttled and self._pacer.throttled(flight.sent_at_s):
            self._air.shrink()
        if info.error_class is ErrorClass.CREDENTIALS_EXPIRED and not flight.renewed:
            self._on_ground(self._renew, flight, error)
            return
        delay_s = self._retry.delay_before_retry_s(info.error_class, flight.attempts)
        if delay_s is None:
            self._on_ground(self._conclude, flight, error)
        else:
            self._metrics.retried(throttled=throttled)
            again = self._line_up_again if self._air.park() else self._send_again
            self._later.call(delay_s, partial(again, flight))

    def _line_up_again(self, flight: _Flight) -> None:
        """Let what was parked be the next."""
        if self._is_refreshed(flight):
            self._air.line_up_again(flight)
            self._depart()
        else:
            self._air.unpark()

    def _send_again(self, flight: _Flight) -> None:
        """Send what has kept its place."""
        if self._is_refreshed(flight):
            self._send(flight)

    def _is_refreshed(self, flight: _Flight) -> bool:
        """Return whether there are credentials that will do for a while; without, it has failed."""
        try:
            self._sender.refresh()
        except Exception as error:  # noqa: BLE001 - no credentials: an end like any other
            self._on_ground(self._conclude, flight, not_renewed(error))
            return False
        return True

    def _error_of(self, answer: Answer, attempts: int) -> tuple[Exception, ErrorInfo]:
        """Return the exception that the other engine would have raised, and what it means."""
        if answer.error:
            answers.tell_attempts(answer.error, attempts)
            return answer.error, translate(answer.error)
        parsed = answers.parsed_answer(answer, self._output_shape, attempts=attempts)
        info = answers.facts_of(_OPERATION, parsed, None)
        if "Error" in parsed or info is None:
            error = answers.error_of(parsed, _OPERATION)
            return error, info or translate(error)
        return ObjectError(info), info

    def _why(self, flight: _Flight) -> Exception:
        """Return why a flight is not sent (again) in a run that was stopped."""
        return flight.error or ObjectError.of(
            ErrorClass.INTERRUPTED, f"stopped: {self._stop.reason}"
        )

    def _land(self, flight: _Flight, outcome: Outcome) -> None:
        try:
            flight.done(flight.handed_over, outcome)
        finally:
            self._air.free(success=isinstance(outcome, Copied))

    def _give_up_overdue(self) -> None:
        """Give up what waits too long for an answer: it then fails as timed out."""
        overdue_s = time.monotonic() - self._read_timeout_s
        for flight in list(self._under_way):
            if flight.sent_at_s > overdue_s:
                break
            if flight.give_up:
                flight.give_up()
        if not self._stop.is_set():
            self._later.call(self._overdue_check_s, self._give_up_overdue)

    # ---------------------------------------------------------------------- on the ground

    def _on_ground(self, work: Callable[..., None], flight: _Flight, *arguments: Any) -> None:
        """Let ``work`` land a flight, in a thread that may ask S3; it takes no place."""
        self._submit(self._landing_crew, work, flight, *arguments)

    def _submit(
        self,
        crew: ThreadPoolExecutor,
        work: Callable[..., None],
        flight: _Flight,
        *arguments: Any,
    ) -> None:
        def work_and_depart() -> None:
            self._told(work, flight, *arguments)
            self._depart()

        crew.submit(work_and_depart)

    def _told(self, work: Callable[..., None], flight: _Flight, *arguments: Any) -> None:
        """Do ``work``; what must not happen is told, and keeps nobody else from landing."""
        try:
            work(flight, *arguments)
        except BaseException as error:  # noqa: BLE001 - it ends the run
            self._on_crash(error)

    def _begin_on_ground(self) -> None:
        """Give what is in line for the ground to its threads, while there is room."""
        while (flight := self._ground.next()) is not None:
            self._submit(self._ground_crew, self._prepare, flight)

    def _prepare(self, flight: _Flight) -> None:
        """Ask what must be asked first; then take off, or copy in parts right here."""
        try:
            ready = self._copier.prepare(flight.task)
            if not isinstance(ready, CopyTask):
                flight.done(flight.handed_over, ready)
            elif self._copier.is_single(ready):
                flight.task = ready
                self._launch(flight)
            else:
                flight.done(flight.handed_over, self._copier.copy_prepared(ready))
        finally:
            self._ground.free(success=True)
            self._begin_on_ground()

    def _renew(self, flight: _Flight, error: Exception) -> None:
        """Send again what was refused as expired, if there are other credentials; once."""
        flight.renewed = True
        try:
            again = not self._stop.is_set() and self._renewal.renew(flight.sent_at_s)
        except ObjectError as failed:
            error, again = failed, False
        if again:
            self._metrics.retried(throttled=False)
            self._send_again(flight)
        else:
            self._conclude(flight, error)

    def _conclude(self, flight: _Flight, error: Exception) -> None:
        self._land(flight, self._copier.conclude(flight.task, flight.trail, error))

    def _verify(self, flight: _Flight, etag: str) -> None:
        self._land(flight, self._copier.verified(flight.task, etag, by=self._sender.name))


def _contradicts(source_etag: str, etag: str, answer: Answer) -> bool:
    return not verify.may_differ(source_etag, etag, answers.encryption_of(answer))
