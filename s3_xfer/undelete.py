"""Takes back the deletes of a sync, by its report.

On a versioned bucket an object comes back when the delete marker that the sync added is removed, by
its version: only while that marker is the newest, and what was deleted is right below it. Elsewhere
its backup is copied back, if the sync has made one. Nothing is ever overwritten, and no version of
an object is deleted: done twice, it does nothing more.
"""

from __future__ import annotations

import enum
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from s3_xfer.access.clients import open_clients
from s3_xfer.copying import lookup
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.side_copies import SideCopies
from s3_xfer.copying.verify import bare_etag
from s3_xfer.errors import ErrorClass, ObjectError, check_fields, checked_call, translate
from s3_xfer.ledger.metrics import ERRORS_KEPT, MetricsCollector, info_text
from s3_xfer.ledger.report import (
    NOT_RESTORED,
    RESTORED,
    WOULD_RESTORE,
    ReportWriter,
    error_fields,
)
from s3_xfer.model import AccountContext, CopyTask, Failed, S3Object
from s3_xfer.options import CopyOptions, ReportScope, RunMode
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.sources.deleted_rows import DeletedObject, DeletedObjects
from s3_xfer.text import printable

_BATCH = 1000  # objects that are worked on before more are read
_NEWEST = 2  # entries of a key: the marker, and what is right below it


class Restored(enum.Enum):
    """How the undo of one delete ended. The value is the status in a report."""

    RESTORED = RESTORED
    WOULD_RESTORE = WOULD_RESTORE  # of a dry run
    NOT_RESTORED = NOT_RESTORED


class NotRestored(enum.Enum):
    """Why an object was not brought back. The value is what reports show."""

    THERE = "it is there already"
    ANOTHER_THERE = "another object is there now"
    LATER_MARKER = "it was deleted once more since"
    NOT_KEPT = "neither a version nor a backup of it is kept"
    FAILED = "an error"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOutcome:
    """How the undo of one delete ended; with the ``error``, where one has kept it from that."""

    item: DeletedObject
    """What the report says was deleted, and how."""
    status: Restored
    """How the undo ended."""
    reason: NotRestored | None = None
    """Why the object is not back; None if it is."""
    error: ObjectError | None = None
    """The error that has kept it from coming back."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def is_missing(self) -> bool:
        """Whether the object is not back."""
        return self.status is Restored.NOT_RESTORED and self.reason is not NotRestored.THERE

    def to_dict(self) -> dict[str, Any]:
        """Return the line of a report."""
        target = self.item.deleted
        return {
            "status": self.status.value,
            "destination_bucket": target.bucket,
            "destination_key": target.key,
            "size": target.size,
            "etag": target.etag,
            **({"reason": self.reason.value} if self.reason else {}),
            **(error_fields(self.error) if self.error else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """How an undo ended: objects by outcome, and a line for each of the first failures."""

    restored: int = 0
    """Objects that came back."""
    would_restore: int = 0
    """Objects that a dry run would bring back."""
    there_already: int = 0
    """Objects that were there; nothing was done."""
    not_restored: int = 0
    """Objects that could not be brought back."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many could not, by reason."""
    errors: tuple[str, ...] = ()
    """The first failures, a line each."""
    report_path: Path | None = None
    """The report; None if none was asked for."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def is_complete(self) -> bool:
        """Whether all is back, or would be."""
        return not self.not_restored

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "restored": self.restored,
            "would_restore": self.would_restore,
            "there_already": self.there_already,
            "not_restored": self.not_restored,
            "reasons": dict(self.reasons),
            "errors": list(self.errors),
            "report": str(self.report_path) if self.report_path else None,
        }


@checked_call
def undo(
    report: str | Path,
    *,
    account: AccountContext | None = None,
    on_outcome: Callable[[UndoOutcome], object] | None = None,
    **options: Any,
) -> UndoResult:
    """Bring back what the sync has deleted whose report this is, wait for the end and return it.

    ``account`` reaches the bucket; ``options`` are fields of :class:`~s3_xfer.CopyOptions`, among
    them ``mode`` for a dry run and ``report_path``. ``on_outcome`` is called in this thread.

    Raises:
        ReportError: the file is no complete report, or nothing that it names can come back.
        PreflightError: the credentials cannot be used.
        ValidationError: an option is wrong.
    """
    items = DeletedObjects(Path(report))
    chosen = CopyOptions(**options)
    with Undo(account or AccountContext(), chosen) as undoing:
        return undoing.run(items, on_outcome=on_outcome)


class Undo:
    """Brings objects back, with the credentials of ``account``. For one thread.

    Raises:
        PreflightError: the credentials cannot be used.
    """

    def __init__(self, account: AccountContext, options: CopyOptions) -> None:
        self._options = options
        self._stop = StopFlag()
        requests = RequestPolicy.of(
            options, counter=MetricsCollector(uuid.uuid4().hex), stop=self._stop
        )
        same_credentials = replace(
            account, profile=None, role_arn=None, external_id=None, session=None
        )
        clients = open_clients(
            source=same_credentials,
            destination=account,
            options=options,
            overwrite=False,
            requests=requests,
        )
        self.warnings = clients.warnings()
        self._client = clients.destination
        self._copies = SideCopies(
            CopyContext(
                source=clients.source,
                destination=clients.destination,
                hooks=clients.destination_hooks,
                options=options,
                overwrite=False,
                looks_first=not clients.destination_is_aws,
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._copies.__exit__(kind, error, traceback)

    def run(
        self,
        items: DeletedObjects,
        *,
        on_outcome: Callable[[UndoOutcome], object] | None = None,
    ) -> UndoResult:
        """Bring ``items`` back; an exception, such as Ctrl-C, leaves the rest as it is.

        Raises:
            ReportError: the report cannot be written.
        """
        path = self._options.report_path
        report = ReportWriter(path, ReportScope.ALL) if path else None
        counts: Counter[Restored] = Counter()
        reasons: Counter[NotRestored] = Counter()
        errors: list[str] = []
        try:
            for outcome in self._outcomes(items):
                counts[outcome.status] += 1
                reasons.update([outcome.reason] if outcome.reason else [])
                if outcome.is_missing and len(errors) < ERRORS_KEPT:
                    errors.append(_error_line(outcome))
                if report:
                    report.repeat(outcome.to_dict())
                if on_outcome:
                    on_outcome(outcome)
        except BaseException:
            if report:
                report.leave()
            raise
        there = reasons[NotRestored.THERE]
        return UndoResult(
            restored=counts[Restored.RESTORED],
            would_restore=counts[Restored.WOULD_RESTORE],
            there_already=there,
            not_restored=counts[Restored.NOT_RESTORED] - there,
            reasons={reason.value: count for reason, count in reasons.items()},
            errors=tuple(errors),
            report_path=report.finish() if report else None,
        )

    def _outcomes(self, items: DeletedObjects) -> Iterator[UndoOutcome]:
        remaining = iter(items)
        with ThreadPoolExecutor(self._options.threads, thread_name_prefix="s3-xfer-undo") as pool:
            try:
                while batch := list(islice(remaining, _BATCH)):
                    yield from pool.map(self._bring_back, batch)
            except BaseException:
                self._stop.set("stopped")  # the rest is not waited for
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    # ---------------------------------------------------------------- in the pool's threads

    def _bring_back(self, item: DeletedObject) -> UndoOutcome:
        """Return how the undo of one delete ended. Never raises."""
        try:
            by_marker = self._by_marker(item)
        except Exception as error:  # noqa: BLE001 - that object's failure
            if item.backup is None:
                return _failed(item, ObjectError(translate(error)))
            by_marker = None
        try:
            return by_marker or self._by_backup(item)
        except Exception as error:  # noqa: BLE001 - that object's failure
            return _failed(item, ObjectError(translate(error)))

    def _by_marker(self, item: DeletedObject) -> UndoOutcome | None:
        """Remove the marker that hides the object; None if nothing of it is below."""
        target = item.deleted
        newest, below = self._newest(target)
        if newest is None:
            return None
        if "ETag" in newest:
            is_same = bare_etag(newest["ETag"]) == bare_etag(target.etag)
            return _left(item, NotRestored.THERE if is_same else NotRestored.ANOTHER_THERE)
        if item.marker_id and newest["VersionId"] != item.marker_id:
            return _left(item, NotRestored.LATER_MARKER)
        if below is None or bare_etag(below.get("ETag", "")) != bare_etag(target.etag):
            return None
        if not self._is_dry_run:
            self._client.delete_object(
                Bucket=target.bucket, Key=target.key, VersionId=newest["VersionId"]
            )
        return self._done(item)

    def _newest(self, target: S3Object) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return the newest entry of a key, a version or a marker, and the one right below it."""
        listed: Any = self._client.list_object_versions(
            Bucket=target.bucket, Prefix=target.key, MaxKeys=_NEWEST
        )
        entries = [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]
        own = [entry for entry in entries if entry["Key"] == target.key]
        newest = next((entry for entry in own if entry["IsLatest"]), None)
        return newest, next((entry for entry in own if entry is not newest), None)

    def _by_backup(self, item: DeletedObject) -> UndoOutcome:
        """Copy the backup back, if there is one."""
        target, backup = item.deleted, item.backup
        if backup is None:
            return _left(item, NotRestored.NOT_KEPT)
        if self._is_dry_run:
            lookup.head(self._client, backup)
            return self._done(item)
        copy = self._copies.copy(CopyTask(backup, target.bucket, target.key))
        if isinstance(copy, S3Object):
            return self._done(item)
        if isinstance(copy, Failed):
            if copy.error.info.error_class is ErrorClass.KEY_TAKEN:
                return _left(item, NotRestored.ANOTHER_THERE)
            return _failed(item, copy.error)
        return _failed(item, ObjectError.of(ErrorClass.INTERRUPTED, "stopped"))

    @property
    def _is_dry_run(self) -> bool:
        return self._options.mode is RunMode.DRY_RUN

    def _done(self, item: DeletedObject) -> UndoOutcome:
        status = Restored.WOULD_RESTORE if self._is_dry_run else Restored.RESTORED
        return UndoOutcome(item=item, status=status)


def _left(item: DeletedObject, reason: NotRestored) -> UndoOutcome:
    return UndoOutcome(item=item, status=Restored.NOT_RESTORED, reason=reason)


def _failed(item: DeletedObject, error: ObjectError) -> UndoOutcome:
    return replace(_left(item, NotRestored.FAILED), error=error)


def _error_line(outcome: UndoOutcome) -> str:
    why = info_text(outcome.error.info) if outcome.error else (outcome.reason or "")
    text = why.value if isinstance(why, NotRestored) else why
    return f"{printable(outcome.item.deleted.url)} -> {text}"
