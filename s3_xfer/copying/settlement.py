"""How a copy ended, where one answer alone does not say it.

An ETag that contradicts the source's may be no MD5. A 412 may come from the condition on the source
or from the one on the destination. A lost answer may have been a success. Another request settles
it, and then the outcome is certain or the object has failed.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import replace

import botocore.exceptions as bc

from s3_xfer.copying import lookup, verify
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.optional_headers import IF_NONE_MATCH
from s3_xfer.copying.request_state import TransferState
from s3_xfer.errors import ErrorClass, ObjectError, translate
from s3_xfer.model import (
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    Outcome,
    Skipped,
    SkipReason,
)

_CONDITIONAL = ("CopyObject", "CompleteMultipartUpload")  # what carries If-None-Match
_COPIES = ("CopyObject", "UploadPartCopy")
# What an error means whose source is as it was listed.
_FALSE_BLAME = {
    ErrorClass.SOURCE_CHANGED: ErrorClass.CONDITION_REFUSED,
    ErrorClass.SOURCE_VANISHED: ErrorClass.SOURCE_NOT_FOUND,
}

# S3 is there, and its answers do not say what it did.
_ANSWERED_BADLY = (ErrorClass.EMPTY_RESPONSE, ErrorClass.SERVER_ERROR)


class OutcomeSettler:
    """Settles the outcomes of one run's copies; thread-safe."""

    def __init__(self, context: CopyContext) -> None:
        self._context = context

    def conclude(self, task: CopyTask, transfer: TransferState, error: Exception) -> Outcome:
        """Return how a copy ended whose last answer was ``error``. Never raises."""
        try:
            return self.settle(task, transfer, error) or self.failed(task, error)
        except Exception as another:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self.failed(task, another)

    def verified(self, task: CopyTask, etag: str, *, engine: str = "managed") -> Outcome:
        """Return how a copy ended whose ``etag`` is another than the source's. Never raises."""
        source = task.source
        try:
            _, answer = lookup.head(self._context.source, source)
            if verify.etag_is_md5(answer):
                message = f"ETag {source.etag} became {etag}"
                raise ObjectError.of(ErrorClass.MISMATCH, message, attempts=1)  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self.failed(task, error)
        return Copied(task, source.size, etag, engine=engine)

    def settle(self, task: CopyTask, transfer: TransferState, error: Exception) -> Outcome | None:
        """Return the outcome that ``error`` hides, or None if the error is the outcome.

        Without overwriting, a 412 may mean an existing object: ours, if an earlier answer was
        lost. Where no answer could be read, the copy may be there all the same. ``UploadLost`` may
        mean that our upload was completed, and a part's 404 the upload instead of the source.
        Where the run was stopped and S3 has certainly not done the one request of a copy, the copy
        was not attempted.

        Raises:
            ObjectError: the upload is gone, and the source is not.
            Exception: of any kind that the clients raise.
        """
        info = translate(error)
        error_class = info.error_class
        if error_class is ErrorClass.SOURCE_VANISHED and self._is_about_upload(task, error):
            raise ObjectError(replace(info, error_class=ErrorClass.UPLOAD_LOST)) from error
        may_exist = error_class is ErrorClass.SOURCE_CHANGED and not self._context.overwrite
        if may_exist and self._destination_exists(task, error):
            arrived = self._arrived(task, transfer) if transfer.ambiguous else None
            return arrived or Skipped(task, SkipReason.EXISTS)
        if error_class is ErrorClass.UPLOAD_LOST and transfer.ambiguous:
            return self._arrived(task, transfer)
        if error_class in _FALSE_BLAME and self._is_false_blame(task, error):
            blamed = replace(info, error_class=_FALSE_BLAME[error_class])
            return self.failed(task, ObjectError(blamed))
        if error_class in _ANSWERED_BADLY and transfer.ambiguous:
            return self._arrived(task, transfer, since_s=transfer.began_at_s)
        is_untouched = self._context.is_single(task) and not transfer.ambiguous
        if error_class is ErrorClass.INTERRUPTED and is_untouched:
            return NotAttempted(task)
        return None

    def drops_condition(self, task: CopyTask, error: Exception) -> bool:
        """Return whether to send the copy again, from now on without ``If-None-Match``.

        OpenStack Swift 2.38 answers a copy that has it by 412 although there is nothing. Only
        asked where the program has looked before the copy. Never raises.
        """
        context = self._context
        if context.overwrite or not context.looks_first or not isinstance(error, bc.ClientError):
            return False
        if translate(error).error_class is not ErrorClass.SOURCE_CHANGED:
            return False
        if error.operation_name not in _CONDITIONAL or "copy-source" in _condition_of(error):
            return False
        try:
            exists = lookup.existing_counterpart(context.destination, task) is not None
        except Exception:  # noqa: BLE001 - then the error stands
            return False
        return not exists and context.hooks.optional.leave_out(IF_NONE_MATCH)

    def arrived_before(self, task: CopyTask) -> Copied | None:
        """Return a copied outcome if the first try of ``task`` had arrived after all.

        Raises:
            Exception: of any kind that the clients raise.
        """
        return self._arrived(task, TransferState(ambiguous=True))

    def not_begun(self, task: CopyTask, error: Exception) -> Outcome:
        """Return the outcome of a copy that ``error`` ended before anything was written."""
        if translate(error).error_class is ErrorClass.INTERRUPTED:
            return NotAttempted(task)
        return self.failed(task, error)

    def failed(self, task: CopyTask, error: Exception) -> Outcome:
        """Return the outcome of a copy that ``error`` ended; call it while handling the error."""
        info = translate(error)
        unexpected = info.error_class is ErrorClass.UNEXPECTED
        return Failed(task, ObjectError(info), traceback.format_exc() if unexpected else "")

    def _destination_exists(self, task: CopyTask, error: Exception) -> bool:
        """Return whether a 412 means an existing destination rather than a changed source."""
        if not isinstance(error, bc.ClientError) or error.operation_name == "UploadPartCopy":
            return False
        condition = _condition_of(error)
        if "copy-source" in condition:
            return False
        if self._context.looks_first:  # the service may mean something else by a 412
            return lookup.existing_counterpart(self._context.destination, task) is not None
        if error.operation_name == "CompleteMultipartUpload" or condition:
            return True
        return self._source_is_unchanged(task)

    def _is_about_upload(self, task: CopyTask, error: Exception) -> bool:
        is_of_part = isinstance(error, bc.ClientError) and error.operation_name == "UploadPartCopy"
        return is_of_part and self._source_is_unchanged(task)

    def _is_false_blame(self, task: CopyTask, error: Exception) -> bool:
        """Return whether ``error``, of a copy, denies a source that is there with its ETag."""
        is_of_copy = not isinstance(error, bc.ClientError) or error.operation_name in _COPIES
        return is_of_copy and self._source_is_unchanged(task)

    def _source_is_unchanged(self, task: CopyTask) -> bool:
        """Return whether a HEAD, without a condition, finds the ETag that was listed."""
        try:
            lookup.require_unchanged(self._context.source, task.source)
        except Exception:  # noqa: BLE001 - then the error stands
            return False
        return True

    def _arrived(
        self, task: CopyTask, transfer: TransferState, *, since_s: float | None = None
    ) -> Copied | None:
        """Return a copied outcome if the destination holds exactly what this run wrote.

        With ``since_s``, on ``time.monotonic``'s clock, it must also be as young as that: what was
        there before the copy may be the same content with other metadata.
        """
        try:
            found, answer = lookup.head_destination(self._context.destination, task)
        except bc.ClientError:
            return None
        part_etags = [transfer.part_etags[number] for number in sorted(transfer.part_etags)]
        expected = verify.multipart_etag(part_etags) if part_etags else task.source.etag
        size_bytes = task.source.size
        if found.size != size_bytes or not verify.prove_same_content(
            expected or "", found.etag, size_bytes
        ):
            return None
        if since_s is not None and not lookup.is_younger(answer, time.monotonic() - since_s):
            return None
        return Copied(task, task.source.size, found.etag, parts=max(1, len(part_etags)))


def _condition_of(error: bc.ClientError) -> str:
    """Return the condition that S3 says does not hold, in lower case; empty if it names none."""
    return str(error.response["Error"].get("Condition", "")).lower()
