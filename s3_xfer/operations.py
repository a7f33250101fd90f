"""The public entry: describe a copy or a check, start it, and read its result.

:class:`S3CopyOperation` and :class:`S3CheckOperation` are frozen descriptions that can be started.
``start()`` returns a run at once; ``run()`` waits for its end. They hold no state: one operation
can be started any number of times.
"""

from __future__ import annotations

import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from s3_xfer.comparison import CompareField, CompareResult, Extra, FailOn
from s3_xfer.declarations import check_values, declarations_of
from s3_xfer.errors import JournalError, ValidationError, checked_call, not_accepted
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.journal.description import operation_fields
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, NotAttempted, Outcome, S3Location
from s3_xfer.options import CopyOptions, Identical, JournalUse, ReportScope, RunMode
from s3_xfer.planning.steps import Planned, planned
from s3_xfer.run_log import LOGGER
from s3_xfer.runs.copy import CopyRun
from s3_xfer.runs.observers import Observers
from s3_xfer.runs.run import Run
from s3_xfer.runs.run_end import ResultT
from s3_xfer.spec import CheckSpec, CopySpec
from s3_xfer.spelling import near_names
from s3_xfer.text import reason_of

if TYPE_CHECKING:
    from s3_xfer.runs.check import CheckRun

OutcomeT = TypeVar("OutcomeT")


class Startable(ABC, Generic[OutcomeT, ResultT]):
    """What can be started any number of times, and ends with a result."""

    @abstractmethod
    def start(
        self,
        *,
        on_outcome: Callable[[OutcomeT], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
        logger: logging.Logger | None = None,
    ) -> Run[ResultT]:
        """Begin in the background and return the run."""

    def run(
        self,
        *,
        on_outcome: Callable[[OutcomeT], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
        logger: logging.Logger | None = None,
    ) -> ResultT:
        """Start, wait for the end and return its result; the arguments are those of ``start``.

        An exception meanwhile (Ctrl-C is one) cancels the run; it is raised again once the run has
        ended. So is what the run's own ``result`` raises.
        """
        with self.start(
            on_outcome=on_outcome,
            on_progress=on_progress,
            progress_interval_s=progress_interval_s,
            logger=logger,
        ) as run:
            return run.result()

    async def run_async(
        self,
        *,
        on_outcome: Callable[[OutcomeT], object] | None = None,
        on_progress: Callable[[TransferMetrics], object] | None = None,
        progress_interval_s: float = 1.0,
        logger: logging.Logger | None = None,
    ) -> ResultT:
        """Do the same without holding up the event loop.

        When the task is cancelled, so is the run, and the task ends once the run has. The functions
        are called in threads of the run, not in the loop.
        """
        async with self.start(
            on_outcome=on_outcome,
            on_progress=on_progress,
            progress_interval_s=progress_interval_s,
            logger=logger,
        ) as run:
            return await run.result_async()


@dataclass(frozen=True, kw_only=True)
class S3CopyOperation(CopySpec, Startable[Outcome, CopyResult]):
    """One copy: what, from where, to where, as whom.

    ``source_key`` is a key, or with ``recursive`` a prefix, which means a directory: ``data``
    stands for ``data/``. A ``destination_key`` that is empty or ends in ``/`` receives a single
    object under its own name. ``batch_size`` is the number of objects that the listing hands to
    the workers at a time. Without ``overwrite`` existing keys are left alone, atomically.

    A program may choose, of everything under a prefix: ``objects`` are keys or S3Objects to copy
    in place of the listing (an iterator is read by one run); ``where`` returns whether an object
    is wanted; ``rename`` returns what follows ``destination_key`` in the key of its copy, by
    default what follows ``source_key``. Two objects that get the same key are not both copied. The
    functions are called in one thread; what they raise ends the run.

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
        try:
            from s3_xfer.access.journal_storage import journal_storage  # noqa: PLC0415 - few need it
            from s3_xfer.ledger.journal.session import read_journal  # noqa: PLC0415
        except OSError as error:  # no more files can be opened
            raise JournalError(f"no journal can be read: {reason_of(error)}") from error

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
        logger: logging.Logger | None = None,
    ) -> CopyRun:
        """Begin in the background and return the run.

        ``on_outcome`` is called with how each object ended, ``on_progress`` with the numbers every
        ``progress_interval_s`` seconds and at the end; each in one thread of its own. What one of
        them raises ends the run. A slow ``on_outcome`` is treated as :meth:`CopyRun.outcomes` says.

        Raises:
            ValidationError: an argument is of another kind, or out of range.
        """
        observers = observers_of(on_outcome, on_progress, progress_interval_s)
        return CopyRun(self, observers=observers, logger=logger or LOGGER)

    def plan(self) -> Iterator[Planned]:
        """Yield what a run would do about each object, as it is found, without writing anything.

        These are the decisions that a dry run counts, with the same requests. They come in no
        order, and wait for the loop; one that is left ends the listing.

        Raises:
            S3XferError: the run would be refused, or an error ended the listing.
        """
        options = dataclasses.replace(
            self.options,
            mode=RunMode.DRY_RUN,
            report_path=None,
            report_scope=ReportScope.NOT_COPIED,
            journal=None,
            journal_use=JournalUse.BEGIN,
        )
        operation = dataclasses.replace(self, options=options)
        with CopyRun(operation, observers=Observers(misses_nothing=True)) as run:
            for outcome in run.outcomes():
                if not isinstance(outcome, NotAttempted):
                    yield planned(outcome)
            result = run.result()
        if result.aborted_by or result.cancelled_by:
            result.raise_for_failures()


@dataclass(frozen=True, kw_only=True)
class S3SyncOperation(S3CopyOperation):
    """Brings everything under a prefix up to date at the destination: a copy of what differs.

    It is a recursive :class:`S3CopyOperation` that leaves alone what is the same at both sides, by
    the rule ``compare_by`` of its options, and copies the rest.

    Raises:
        ValidationError: as of a copy.
    """

    def __post_init__(self) -> None:
        check_values(self)
        object.__setattr__(self, "recursive", True)
        options = dataclasses.replace(self.options, identical=Identical.SKIP)
        object.__setattr__(self, "options", options)
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class S3CheckOperation(CheckSpec, Startable[CompareResult, CheckResult]):
    """One comparison of a source with what a copy of it has made.

    Locations and accounts mean what they mean in :class:`S3CopyOperation`; without an account of
    its own the source is listed with the destination's credentials. ``compare`` are compared
    besides sizes and ETags. Of ``options`` it uses ``concurrency``, ``retries``, ``retry_delay_s``,
    ``read_timeout_s``, ``stop_grace_s``, ``request_payer``, ``max_requests_per_s``, ``deadline``,
    ``files_from`` with its form, ``inventory`` (only what these name is compared, by one HEAD each,
    or two) and ``report_path``; the report has a line for each object that is missing, different,
    extra or not compared, and :attr:`~s3_xfer.CopyOptions.from_report_path` takes the first two.

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
        logger: logging.Logger | None = None,
    ) -> CheckRun:
        """Begin in the background and return the run.

        ``on_outcome`` is called with how each object compares, ``on_progress`` with the numbers
        every ``progress_interval_s`` seconds and at the end; each in one thread of its own. What
        one of them raises ends the run. A slow ``on_outcome`` is treated as
        :meth:`CheckRun.outcomes` says.

        Raises:
            ValidationError: an argument is of another kind, or out of range.
        """
        from s3_xfer.runs.check import CheckRun  # noqa: PLC0415 - no copy needs it

        observers = observers_of(on_outcome, on_progress, progress_interval_s)
        return CheckRun(self, observers=observers, logger=logger or LOGGER)


def observers_of(
    on_outcome: Callable[[Any], object] | None,
    on_progress: Callable[[TransferMetrics], object] | None,
    progress_interval_s: float,
) -> Observers:
    """Return the functions that watch a run."""
    return Observers(
        on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=progress_interval_s
    )


def copy(
    source: str | S3Location | Sequence[str | S3Location],
    destination: str | S3Location,
    *,
    recursive: bool = False,
    overwrite: bool = True,
    source_account: AccountContext | None = None,
    destination_account: AccountContext | None = None,
    on_progress: Callable[[TransferMetrics], object] | None = None,
    **options: Any,
) -> CopyResult:
    """Copy ``source`` to ``destination``, wait for the end and return it.

    Both are ``s3://BUCKET/KEY`` URLs or locations; of several sources each is copied under
    ``destination``, by its last name. ``options`` are fields of :class:`CopyOptions`.
    What was not copied is in the result: ``copy(...).raise_for_failures()`` raises if there is any.

    Raises:
        ValidationError: an argument is wrong, or no option has that name.
        S3XferError: the copy was refused; nothing was written.
    """
    return S3CopyOperation.between(
        locations(source, source_account),
        location("destination", destination, destination_account),
        recursive=recursive,
        overwrite=overwrite,
        options=options_of(options),
    ).run(on_progress=on_progress)


def sync(
    source: str | S3Location | Sequence[str | S3Location],
    destination: str | S3Location,
    *,
    source_account: AccountContext | None = None,
    destination_account: AccountContext | None = None,
    on_progress: Callable[[TransferMetrics], object] | None = None,
    **options: Any,
) -> CopyResult:
    """Copy what is new or different under ``source``; see :func:`copy` for the arguments.

    Raises:
        ValidationError: an argument is wrong, or no option has that name.
        S3XferError: the sync was refused; nothing was written.
    """
    return S3SyncOperation.between(
        locations(source, source_account),
        location("destination", destination, destination_account),
        options=options_of(options),
    ).run(on_progress=on_progress)


def check(
    source: str | S3Location | Sequence[str | S3Location],
    destination: str | S3Location,
    *,
    recursive: bool = False,
    compare: Collection[CompareField | str] = (),
    extra: Extra = Extra.COUNT,
    fail_on: FailOn = FailOn.DIFFERENCE,
    source_account: AccountContext | None = None,
    destination_account: AccountContext | None = None,
    on_progress: Callable[[TransferMetrics], object] | None = None,
    **options: Any,
) -> CheckResult:
    """Compare ``source`` with the copies at ``destination``; see :func:`copy` for the arguments.

    Raises:
        ValidationError: an argument is wrong, or no option has that name.
        S3XferError: the check was refused.
    """
    return S3CheckOperation.between(
        locations(source, source_account),
        location("destination", destination, destination_account),
        recursive=recursive,
        compare=compare,
        extra=extra,
        fail_on=fail_on,
        options=options_of(options),
    ).run(on_progress=on_progress)


def locations(given: object, account: AccountContext | None) -> list[S3Location]:
    """Return the places that the argument ``source`` gives: one, or several in a sequence."""
    is_several = isinstance(given, Sequence) and not isinstance(given, str)
    several = given if is_several and isinstance(given, Sequence) and given else [given]
    return [location("source", each, account) for each in several]


def location(name: str, given: object, account: AccountContext | None) -> S3Location:
    """Return the place that the argument ``name`` gives, reached by ``account`` if there is one."""
    if isinstance(given, S3Location):
        return given if account is None else dataclasses.replace(given, account=account)
    if isinstance(given, str):
        return S3Location.parse(given, account=account)
    raise not_accepted(name, given, "an s3:// URL or an S3Location")


def options_of(given: Mapping[str, Any]) -> CopyOptions:
    """Return the options that keyword arguments give.

    Raises:
        ValidationError: there is no such option, or it takes no such value.
    """
    known = declarations_of(CopyOptions)
    for name in given:
        if name not in known:
            near = " or ".join(near_names(name, known))
            raise ValidationError(
                f"there is no option {name}",
                remedy=f"did you mean {near}?" if near else "see the fields of CopyOptions",
            )
    return CopyOptions(**given)
