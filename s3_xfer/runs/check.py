"""The recipe of a check: two listings merged, and S3 asked about what they leave open.

A check that was stopped, or whose listing was not in order, does not end as complete: what the rest
would have shown is not known, so the report stays ``.partial``.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from s3_xfer.access import lookups
from s3_xfer.access.clients import Clients
from s3_xfer.comparison import CompareResult, CompareStatus, Extra, Pair
from s3_xfer.copying.compare import Comparer
from s3_xfer.copying.request_policy import Shared
from s3_xfer.errors import ErrorClass, PreflightError, checked_call
from s3_xfer.ledger.comparison import CheckResult, Comparison
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import RunState
from s3_xfer.listing.parallel import Listing
from s3_xfer.listing.whole import every_object, listing_of
from s3_xfer.model import Failed, S3Location, S3Object
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.selection import Selection
from s3_xfer.run_log import LOGGER
from s3_xfer.runs.execution import Execution
from s3_xfer.runs.observers import NOBODY, Observers
from s3_xfer.runs.run import Run
from s3_xfer.runs.run_inputs import RunInputs
from s3_xfer.s3_client import S3Client
from s3_xfer.sources.named_pairs import NamedPairs
from s3_xfer.sources.paired import PairedSource, pair_up
from s3_xfer.sources.source import Batch, Source
from s3_xfer.spec import CheckSpec

_PAIRS_WAITING = 1024


class CheckRun(Run[CheckResult]):
    """One check under way. Every method may be called from any thread.

    Its state is in a copy's words: ``COPYING`` while it compares.
    """

    operation: CheckSpec

    @checked_call
    def __init__(
        self,
        operation: CheckSpec,
        *,
        observers: Observers = NOBODY,
        shared: Shared | None = None,
        logger: logging.Logger = LOGGER,
    ) -> None:
        super().__init__(
            operation,
            thread_name="s3-xfer-check",
            observers=observers,
            shared=shared,
            logger=logger,
        )
        self._ledger.comparison = Comparison(fail_on=operation.fail_on)
        self._source: Source[Pair] | None = None
        self._is_named = False  # by an input: copies are looked up one by one
        self._comparer: Comparer | None = None
        self._listings: list[Listing] = []
        self._is_complete = False
        self._empty = set[int]()  # the numbers of key maps that have no object
        self._selection = Selection(
            operation.options,
            relative_key=self._keys.relative_key,
            began=self._metrics.snapshot().start_time,
        )
        self._start()

    def snapshot(self) -> TransferMetrics:
        """Return the numbers of this instant, in a copy's words.

        Found are source objects so far, copied those that do not differ, skipped those of them
        that have the same size and no proof, failed those that differ or could not be compared
        (with ``FailOn.SAME_SIZE`` also those without proof).
        """
        totals = self._ledger.comparison.totals()
        counts = totals.counts
        return dataclasses.replace(
            self._metrics.snapshot(),
            files_copied_successfully=counts[CompareStatus.SAME],
            files_skipped=totals.not_proven,
            files_failed=totals.differences + counts[CompareStatus.NOT_COMPARED],
        )

    def recent_failures(self) -> tuple[Failed, ...]:
        """Return objects that could not be compared, among the first hundred of interest."""
        notable = self._ledger.comparison.totals().notable
        return tuple(
            Failed(result.task, result.error) for result in notable if result.task and result.error
        )

    def outcomes(self) -> Iterator[CompareResult]:
        """Return how objects compare, as it happens, until the last one.

        See :meth:`~s3_xfer.runs.run.Run.read_outcomes`.
        """
        return self.read_outcomes()

    # ------------------------------------------------------------------------ the stages

    def _validate(self) -> bool:
        named = self._read_inputs()
        clients = self._open_clients(overwrite=True)
        pairs = [self._pairs(clients, keys) for keys in self._keys]
        self._source = named or PairedSource(chain.from_iterable(pairs), self._listings)
        self._comparer = Comparer(
            clients.source, clients.destination, self._keys, self.operation.compare
        )
        self._ledger.report.open()
        return True

    def _read_inputs(self) -> Source[Pair] | None:
        """Return what a list or an inventory names; None without one."""
        inputs = RunInputs(self.operation, self._keys, requests=self._requests, notes=self._notes)
        inputs.read_list()
        inputs.read_inventory()
        named = inputs.source(_not_listed)
        self._is_named = named is not None
        return NamedPairs(named) if named else None

    def _pairs(self, clients: Clients, keys: KeyMap) -> Iterator[Pair]:
        """Return the pairs of one source, in order; refuse what cannot be compared at all."""
        source, destination = keys.source, keys.destination
        if keys.is_of_prefix:
            self._require(keys, lambda: lookups.first_source_objects(clients.source, source))
            lookups.first_destination_objects(clients.destination, destination)
            return pair_up(
                self._listed(clients.source, source, counterpart=destination),
                self._listed(clients.destination, destination, counterpart=source),
                keys,
            )
        single = self._require(keys, lambda: [lookups.source_object(clients.source, source)])
        first_page = lookups.first_destination_objects(clients.destination, destination)
        # A key comes before all those that it is the beginning of.
        copies = [found for found in first_page if found.key == destination.key]
        return pair_up(single, copies, keys)

    def _require(self, keys: KeyMap, look: Callable[[], Sequence[S3Object]]) -> Sequence[S3Object]:
        """Return what a look at one source finds; nothing only where its partner has something.

        Raises:
            PreflightError: there is nothing, or S3 refuses.
        """
        try:
            return look()
        except PreflightError as refusal:
            is_nothing = refusal.error_class is ErrorClass.NOTHING_TO_COPY
            if keys.partner is None or not is_nothing or keys.partner in self._empty:
                raise
            self._empty.add(keys.number)
            return ()

    def _listed(
        self, client: S3Client, location: S3Location, *, counterpart: S3Location
    ) -> Iterator[S3Object]:
        """Return the objects of one side, in order, read a little ahead by one thread.

        The empty object that marks a prefix is left out where it can have no counterpart: a copy
        skips it, too.
        """
        listing = listing_of(client, location)
        self._listings.append(listing)
        objects = every_object(listing, self._stop)
        return objects if counterpart.key else self._without_marker(objects, location)

    def _without_marker(
        self, objects: Iterable[S3Object], location: S3Location
    ) -> Iterator[S3Object]:
        for found in objects:
            if found.key == location.key and found.size == 0:
                self._notes.append(
                    f"{location.url} was left out: it marks the prefix itself, for which the other "
                    "side has no key"
                )
            else:
                yield found

    def _work(self) -> None:
        assert self._source and self._comparer  # noqa: S101, PT018 - validated
        options, ledger = self.operation.options, self._ledger
        executor: Executor[Pair] = Executor(
            capacity=_PAIRS_WAITING, stop=self._stop, on_error=ledger.abort
        )
        execution = Execution(
            self._source,
            executor,
            plan=self._plan,
            not_attempted=lambda _: ledger.cut_off(),
            ledger=ledger,
            stop=self._stop,
            batch_size=1,
        )
        processor = Processor(self._compare, threads=options.threads)
        all_ended = execution.run(processor, grace_s=options.stop_grace_s)
        is_exhausted = not self._source.remaining()
        is_cut_off = ledger.is_cut_off or ledger.aborted_by is not None
        self._is_complete = all_ended and is_exhausted and not is_cut_off
        if self._is_complete:
            self._notes += self._selection.notes()

    def _plan(self, batch: Batch[Pair]) -> Sequence[Pair]:
        """Count the source objects of a batch; return the pairs that S3 has to be asked about."""
        pairs = [pair for pair in batch.items if self._is_selected(pair)]
        self._ledger.left_out(self._selection.left_out, self._selection.left_out_bytes)
        self._ledger.found([pair.source for pair in pairs if pair.source], batch.keys)
        return [pair for pair in pairs if self._is_named or self._is_open(pair)]

    def _is_selected(self, pair: Pair) -> bool:
        """Return whether the filters leave a pair in: about an extra object only those of keys."""
        if pair.source:
            return self._selection.wants(pair.source)
        assert pair.destination  # noqa: S101 - a pair has one of them
        keys = self._keys.of_copy(pair.destination)
        return self._selection.wants_key(keys.relative_key_of_copy(pair.destination))

    def _is_open(self, pair: Pair) -> bool:
        """Return whether the listings leave a pair open; record what they tell about it."""
        assert self._comparer  # noqa: S101 - validated
        if pair.source is None and self.operation.extra is Extra.IGNORE:
            return False
        result = self._comparer.by_listing(pair)
        if result:
            self._ledger.record_comparison(result)
        return result is None

    def _compare(self, pair: Pair) -> None:
        """Ask S3 about a pair that the listings leave open, or that was not listed."""
        assert self._comparer  # noqa: S101 - validated
        if self._is_named and pair.source:
            self._ledger.record_comparison(self._comparer.by_looking(pair.source))
        else:
            self._ledger.record_comparison(self._comparer.by_asking(pair))

    def _leave_all(self) -> None:
        """Do nothing: a check that has not begun leaves nothing."""

    def _end(self) -> CheckResult:
        ledger = self._ledger
        self._metrics.finish()
        self._state = RunState.COMPLETED if self._is_complete else RunState.COPY_FAILED
        report_path = self._finish_report()
        result = CheckResult(
            metrics=self._metrics.snapshot(),
            totals=ledger.comparison.totals(),
            notes=self.notes,
            aborted_by=ledger.aborted_by,
            cancelled_by=None if self._is_complete or ledger.aborted_by else self._stop.reason,
            report_path=report_path,
            compare=self.operation.compare,
            history=self._metrics.history(),
        )
        self._log.info("check ended", extra={"s3_xfer": result.to_dict()})
        return result

    def _finish_report(self) -> Path | None:
        if self._is_complete:
            return self._ledger.finish_report((), ())
        self._ledger.report.leave()
        return None


def _not_listed(_: object) -> Listing:
    raise AssertionError("what is named one by one is not listed")
