"""How each object of a job ended, by what the job says and what a check of both sides shows.

What the job says is not enough to call an object copied: the check has to agree. Where that finds
nothing to compare the content by, the size must be the same and the copy not older than the job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from s3_xfer.batch.job_objects import JobObject
from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.copying.verify import prove_same_content
from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.model import Copied, CopyTask, Failed, S3Object

ENGINE = "batch"
_OLDER = "the job says that it was copied, and what is there is older than the job"
_NOT_SAID = "not in the job's report: it was not tried"
_BOTH_GONE = "the job says that it was copied; now neither side has it"
_SOURCE_GONE = "the source is gone, and the copy is not that of the planned object"


@dataclass(frozen=True, slots=True)
class Left:
    """Not copied, or not proven to be, and no error tells why."""

    task: CopyTask
    reason: str


JobEnd: TypeAlias = Copied | Failed | Left | CompareResult  # the last: missing, or different


def end_of(found: JobObject, began: datetime | None) -> JobEnd:
    """Return how an object ended. ``began`` is when the job was created."""
    if not found.is_tried:
        return Left(found.task, _NOT_SAID)
    if found.error:
        return Failed(found.task, ObjectError(found.error))
    if found.comparison is None:
        error = ObjectError.of(ErrorClass.SOURCE_VANISHED, _BOTH_GONE)
        return Failed(found.task, error)
    return _said_copied(found.task, found.comparison, began)


def _said_copied(task: CopyTask, shown: CompareResult, began: datetime | None) -> JobEnd:
    copy = shown.destination
    if shown.error:
        return Failed(task, shown.error)
    if copy is None or shown.status is CompareStatus.DIFFERENT:
        return shown
    if _bears_out(shown.status, task.source, copy, began):
        source = replace(task.source, size=copy.size)
        return Copied(replace(task, source=source), copy.size, copy.etag, engine=ENGINE)
    if shown.status is CompareStatus.EXTRA:
        return Failed(task, ObjectError.of(ErrorClass.SOURCE_VANISHED, _SOURCE_GONE))
    return Left(task, _OLDER)


def _bears_out(
    status: CompareStatus, planned: S3Object, copy: S3Object, began: datetime | None
) -> bool:
    """Return whether what a check shows of a copy bears out that the job has made it."""
    if status is CompareStatus.SAME:
        return True
    if status is CompareStatus.SAME_SIZE:
        return _is_newer(copy, began)
    if copy.size != planned.size:  # the source is gone since, and the plan knows what it was
        return False
    return prove_same_content(planned.etag, copy.etag, copy.size) or _is_newer(copy, began)


def _is_newer(copy: S3Object, began: datetime | None) -> bool:
    """Return whether a copy is not older than the job; a listing has whole seconds."""
    if not (copy.last_modified and began):
        return False
    return copy.last_modified >= began.replace(microsecond=0)
