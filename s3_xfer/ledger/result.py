"""How a run ended: the value that callers, summaries and exit codes are made from."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from s3_xfer.errors import CopyFailed, Diagnosis, ErrorClass, RunAborted, RunCancelled, check_fields
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.model import Failed, OpenUpload
from s3_xfer.planning.delete_plan import DeletePlan
from s3_xfer.units import plural
from s3_xfer.wording import Message, message

_CLASSES = {member.value: member for member in ErrorClass}
_USD_DECIMALS = 6  # one request costs fractions of a cent


class RunState(enum.Enum):
    """Where a run is. The value is what logs and JSON show."""

    INITIALIZED = "INITIALIZED"
    VALIDATING = "VALIDATING"
    COPYING = "COPYING"
    COMPLETED = "COMPLETED"  # everything found was copied, or skipped on request
    VALIDATION_FAILED = "VALIDATION_FAILED"  # refused; nothing was written
    COPY_FAILED = "COPY_FAILED"  # objects failed, or the run ended early


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyResult:
    """The end of one run."""

    state: RunState
    """``COMPLETED``, or ``COPY_FAILED`` if something is missing."""
    metrics: TransferMetrics
    """The numbers at the end."""
    failures: tuple[Failed, ...] = ()
    """The first failures, at most a hundred; the report has all."""
    uploads_left_behind: tuple[OpenUpload, ...] = ()
    """Uploads that S3 refused to abort; they cost money until they are."""
    notes: tuple[str, ...] = ()
    """What the user should know, in order."""
    aborted_by: RunAborted | None = None
    """The error that ended the run early."""
    cancelled_by: str | None = None
    """What stopped it early: a person, a signal, a deadline."""
    report_path: Path | None = None
    """The report; None without one, or if it could not be written."""
    planned_requests: Mapping[str, int] = field(default_factory=dict)
    """What a real run would send, by operation; only of a dry run."""
    why_managed: str = ""
    """Why the CRT engine sent nothing; empty if it did."""
    bill: Bill | None = None
    """What the requests cost, by the prices given."""
    planned_bill: Bill | None = None
    """What those of a real run would cost; only of a dry run."""
    diagnoses: tuple[Diagnosis, ...] = ()
    """What each kind of denial means."""
    journal: str | None = None
    """The name of the journal; None without one."""
    resumable: bool = False
    """Whether the journal says that something is left to do."""
    uploads_kept: tuple[OpenUpload, ...] = ()
    """Uploads that stay open for the run that goes on."""
    is_first_copy_elsewhere: bool = False
    """Whether a whole copy was made on a service that is not AWS, which may have lost
    metadata or tags without a word."""
    delete_plan: DeletePlan | None = None
    """What a sync found to delete; None if it did not come to that."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What the first kind of denial means; None if nothing was denied."""
        return next(iter(self.diagnoses), None)

    @property
    def is_permanent_failure(self) -> bool:
        """Whether the same copy would fail the same way: every failure has a permanent reason."""
        if self.aborted_by:
            return self.aborted_by.is_permanent
        metrics = self.metrics
        if self.cancelled_by or metrics.files_not_attempted or not metrics.files_failed:
            return False
        return not any(_CLASSES[name].is_transient for name in metrics.errors_by_class)

    def raise_for_failures(self) -> None:
        """Return if everything was copied or skipped on request.

        Raises:
            RunAborted: an error ended the run early.
            RunCancelled: the run was asked to end early.
            CopyFailed: the run finished, some objects were not copied.
        """
        if self.aborted_by:
            raise self.aborted_by
        metrics = self.metrics
        if self.cancelled_by:
            copied = plural(metrics.files_copied_successfully, "object")
            raise RunCancelled(
                f"the run was stopped ({self.cancelled_by}) after {copied}",
                remedy=self._remedy(),
            )
        if metrics.files_failed:
            raise CopyFailed(
                f"{plural(metrics.files_failed, 'object')} of {metrics.total_files_found:,} failed;"
                f" the first: {metrics.errors_encountered[0]}",
                remedy=self._remedy(),
                error_class=self.failures[0].error.error_class if self.failures else None,
            )

    def _remedy(self) -> Message:
        """Return how to copy the rest: from the journal, else from the report, if there is one."""
        if self.resumable:
            return message("go on from its journal: {RESUME}", journal=self.journal)
        if self.report_path:
            return message("{RUN_FROM_REPORT}", report=self.report_path)
        return message("{RUN_WITHOUT_REPORT}")

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics' plain values with state, notes and ends added."""
        return {
            **self.metrics.to_dict(),
            "state": self.state.value,
            "aborted_by": self.aborted_by.problem if self.aborted_by else None,
            "cancelled_by": self.cancelled_by,
            "uploads_left_behind": [asdict(upload) for upload in self.uploads_left_behind],
            "journal": self.journal,
            "resumable": self.resumable,
            "uploads_kept": [asdict(upload) for upload in self.uploads_kept],
            "notes": list(self.notes),
            "report": str(self.report_path) if self.report_path else None,
            "planned_requests": dict(self.planned_requests),
            "why_managed": self.why_managed,
            "estimated_request_cost_usd": _usd(self.bill),
            "planned_request_cost_usd": _usd(self.planned_bill),
            "price_list": self.bill.price_list if self.bill else None,
            "delete_plan": self.delete_plan.to_dict() if self.delete_plan else None,
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
            "diagnoses": [diagnosis.to_dict() for diagnosis in self.diagnoses],
        }


def _usd(bill: Bill | None) -> float | None:
    return round(bill.usd, _USD_DECIMALS) if bill else None
