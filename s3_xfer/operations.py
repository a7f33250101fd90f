"""The public entry: describe a copy or a check, start it, and read its result.

:class:`S3CopyOperation` and :class:`S3CheckOperation` are frozen descriptions that can be started.
``start()`` returns a run at once; ``run()`` waits for its end. They hold no state: one operation
can be started any number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.access.clients import journal_storage
from s3_xfer.comparison import CompareResult
from s3_xfer.errors import checked_call
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.journal.description import operation_fields
from s3_xfer.ledger.journal.session import read_journal
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, Outcome
from s3_xfer.options import JournalUse
from s3_xfer.runs.check import CheckRun
from s3_xfer.runs.copy import CopyRun
from s3_xfer.runs.observers import Observers
from s3_xfer.spec import CheckSpec, CopySpec


@dataclass(frozen=True, kw_only=True)
class S3CopyOperation(CopySpec):
    """One copy: what, from where, to where, as whom.

    ``source_key`` is a key, or with ``recursive`` a prefix, which means a directory: ``data``
    stands for ``data/``. A ``destination_key`` that is empty or ends in ``/`` receives a single
    object under its own name. ``batch_size`` is the number of objects that the listing hands to
    the workers at a time. Without ``overwrite`` existing keys are left alone, atomically.

    Raises:
        ValidationError: a name is invalid, the batch size is out of range, or source and
            destination overlap.
    """

    @classmethod
    @checked_call
    def resume(
        cls,
        journal: str | Path,
        *,
        source: AccountContext | None = None,
        destination: AccountContext | None = None,
        source_external_id: str | None = None,
        destination_external_id: str | None = None,
        batch_size: int | None = None,
        **changes: Any,
    ) -> S3CopyOperation:
        """Return the operation that goes on from ``journal``, a file or an ``s3://`` URL.

        Everything is as the journal says, except what is given: accounts where they say something
        (sessions and external ids are not in a journal), and fields of :class:`CopyOptions` that
        do not change what is copied. ``destination`` also reaches a journal in S3.

        Raises:
            JournalError: there is none, it is damaged, or a run is using it.
            ValidationError: a changed option is wrong.
        """
        place = journal_storage(str(journal), destination or AccountContext())
        description, _ = read_journal(place)
        described = operation_fields(
            description,
            source=(source or AccountContext(), source_external_id),
            destination=(destination or AccountContext(), destination_external_id),
            changes=changes | {"journal": str(journal), "journal_use": JournalUse.RESUME},
        )
        size = {} if batch_size is None else {"batch_size": batch_size}
        return cls(**(described | size))

    @checked_call
    def start(
        self,
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CopyRun:
        """Begin in the background and return the run.

        ``on_outcome`` is called with how each object ended, ``on_progress`` with the numbers every
        ``progress_interval_s`` seconds and at the end; each in one thread of its own. What one of
        them raises ends the run. A slow ``on_outcome`` is treated as :meth:`CopyRun.outcomes` says.

        Raises:
            ValidationError: an argument is of another kind, or out of range.
        """
        return CopyRun(self, observers=_observers(on_outcome, on_progress, progress_interval_s))

    def run(
        self,
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CopyResult:
        """Copy, wait for the end and return it; see :meth:`start` and :meth:`CopyRun.result`.

        An exception meanwhile (Ctrl-C is one) cancels the copy; it is raised again once the copy
        has ended.
        """
        with self.start(
            on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
        ) as run:
            return run.result()

    async def run_async(
        self,
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CopyResult:
        """Copy, without holding up the event loop; see :meth:`run`.

        When the task is cancelled, so is the copy, and the task ends once the copy has. The
        functions are called in threads of the run, not in the loop.
        """
        async with self.start(
            on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
        ) as run:
            return await run.result_async()


@dataclass(frozen=True, kw_only=True)
class S3CheckOperation(CheckSpec):
    """One comparison of a source with what a copy of it has made.

    Locations and accounts mean what they mean in :class:`S3CopyOperation`; without an account of
    its own the source is listed with the destination's credentials. ``compare`` are compared
    besides sizes and ETags. Of ``options`` it uses ``concurrency``, ``retries``, ``retry_delay_s``,
    ``read_timeout_s``, ``stop_grace_s``, ``request_payer``, ``max_requests_per_s``, ``deadline``
    and ``report_path``; the report has a line for each object that is missing, different, extra or
    not compared, and :attr:`~s3_xfer.CopyOptions.from_report_path` takes the first two.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    @checked_call
    def start(
        self,
        *,
        on_outcome: Callable[[CompareResult], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CheckRun:
        """Begin in the background and return the run.

        ``on_outcome`` is called with how each object compares, ``on_progress`` with the numbers
        every ``progress_interval_s`` seconds and at the end; each in one thread of its own. What
        one of them raises ends the run. A slow ``on_outcome`` is treated as
        :meth:`CheckRun.outcomes` says.

        Raises:
            ValidationError: an argument is of another kind, or out of range.
        """
        return CheckRun(self, observers=_observers(on_outcome, on_progress, progress_interval_s))

    def run(
        self,
        *,
        on_outcome: Callable[[CompareResult], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CheckResult:
        """Compare, wait for the end and return it; see :meth:`start` and :meth:`CheckRun.result`.

        An exception meanwhile (Ctrl-C is one) cancels the check; it is raised again once the check
        has ended.
        """
        with self.start(
            on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
        ) as run:
            return run.result()

    async def run_async(
        self,
        *,
        on_outcome: Callable[[CompareResult], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
    ) -> CheckResult:
        """Compare, without holding up the event loop; see :meth:`run`.

        When the task is cancelled, so is the check, and the task ends once the check has. The
        functions are called in threads of the run, not in the loop.
        """
        async with self.start(
            on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
        ) as run:
            return await run.result_async()


def _observers(
    on_outcome: Callable[[Any], object] | None,
    on_progress: Callable[[TransferMetrics], object] | None,
    progress_interval_s: float,
) -> Observers:
    return Observers(
        on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
    )
