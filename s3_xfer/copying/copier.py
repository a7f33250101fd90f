"""One object, from task to outcome.

Reads top to bottom: resolve what is not known, copy, settle what is doubtful, verify. Whatever
goes wrong becomes one :class:`~s3_xfer.model.Failed` with the facts; nothing escapes. Refuses to
report an object as copied unless S3's own answer, or a second look, proves it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import botocore.exceptions as bc

from s3_xfer.copying import lookup, verify
from s3_xfer.copying.continuing import Continuing
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.copying.engine import CopyEngine
from s3_xfer.copying.hooks import RequestHooks, Trail
from s3_xfer.copying.identical import is_identical
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, translate
from s3_xfer.model import (
    KEY_MAX_BYTES,
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import CopyOptions, Identical, TagPolicy

UNSEEN = (
    "what is at the destination may not be looked at (s3:GetObject and s3:ListBucket), and this "
    "service may ignore the condition not to overwrite it"
)
OBJECT_ATTEMPTS = 2  # whole objects are started again once, when their upload is beyond repair


Done = Callable[[CopyTask, Outcome], None]


class OneByOne:
    """Starts copies by making them: each holds its thread until the object is copied."""

    def __init__(self, copy: Callable[[CopyTask], Outcome]) -> None:
        self._copy = copy

    def start(self, task: CopyTask, done: Done) -> None:
        """Copy ``task``, and tell ``done`` how it ended."""
        done(task, self._copy(task))

    def drain(self, timeout_s: float) -> bool:  # noqa: ARG002 - there is nothing to wait for
        """Return True: what was started has ended."""
        return True

    def close(self) -> None:
        """Do nothing."""


class ObjectCopier:
    """Copies single objects for the workers of one run; thread-safe.

    ``source`` reads metadata and tags, ``destination`` writes; ``hooks`` are those attached to
    ``destination``. Without ``overwrite`` every copy carries ``If-None-Match``; ``looks_first``
    asks for the key besides, where the service may ignore the condition. ``continuing`` knows the
    uploads of earlier runs.
    """

    def __init__(
        self,
        *,
        engine: CopyEngine,
        source: Any,
        destination: Any,
        hooks: RequestHooks,
        metrics: TransferCounter,
        options: CopyOptions,
        overwrite: bool,
        looks_first: bool,
        continuing: Continuing | None = None,
    ) -> None:
        self._engine = engine
        self._continuing = continuing
        self._source = source
        self._destination = destination
        self._hooks = hooks
        self._metrics = metrics
        self._options = options
        self._overwrite = overwrite
        self._looks_first = looks_first

    def copy(self, task: CopyTask) -> Outcome:
        """Return how the copy of ``task`` ended. Never raises."""
        ready = self.prepare(task)
        return self.copy_prepared(ready) if isinstance(ready, CopyTask) else ready

    def is_ready(self, task: CopyTask) -> bool:
        """Return whether one request copies ``task``, with nothing to be asked before."""
        looks = self._leaves_identical() or (self._looks_first and not self._overwrite)
        known = bool(task.source.etag) and self.is_single(task)
        return known and not looks and check_key(task) is None

    def is_single(self, task: CopyTask) -> bool:
        """Return whether ``task`` is small enough for a single request."""
        return task.source.size < self._options.multipart_threshold_bytes

    def prepare(self, task: CopyTask) -> CopyTask | Outcome:
        """Find out what the copy needs to know, or return how it ended. Never raises."""
        try:
            refused = check_key(task)
            if refused:
                return Failed(task, refused)
            if not task.source.etag:
                found, _ = lookup.head(self._source, task.source)
                task = CopyTask(found, task.destination_bucket, task.destination_key)
            # Of a large object one would find out only after all its parts.
            look = not self._overwrite and (self._looks_first or not self.is_single(task))
            if look and self._exists(task):
                return Skipped(task, SkipReason.EXISTS)
            if self._leaves_identical() and is_identical(self._source, self._destination, task):
                if not self.is_single(task):
                    self._repeat_late_tags(task)
                return Skipped(task, SkipReason.IDENTICAL)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._failed(task, error)
        return task

    def conclude(self, task: CopyTask, trail: Trail, error: Exception) -> Outcome:
        """Return how a single request ended whose last answer was ``error``. Never raises."""
        try:
            return self._settle(task, trail, error) or self._failed(task, error)
        except Exception as another:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._failed(task, another)

    def verified(self, task: CopyTask, etag: str, *, by: str) -> Outcome:
        """Return how a single request ended whose ``etag`` contradicts the source's.

        ``by`` is the engine. Never raises.
        """
        try:
            self._check_contradiction(task.source, etag)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._failed(task, error)
        return Copied(task, task.source.size, etag, engine=by)

    def copy_prepared(self, task: CopyTask) -> Outcome:
        """Return how the copy of a prepared ``task`` ended. Never raises."""
        for objects_started in range(1, OBJECT_ATTEMPTS + 1):
            with self._hooks.trail(task.destination_key) as trail:
                try:
                    return self._copy_once(task, trail)
                except Exception as error:  # noqa: BLE001 - translated right here, once
                    settled = self._settle(task, trail, error)
                    if settled:
                        return settled
                    retry_action = translate(error).error_class.retry_action
                    if (
                        retry_action is not RetryAction.RESTART_OBJECT
                        or objects_started == OBJECT_ATTEMPTS
                    ):
                        return self._failed(task, error)
        raise AssertionError("unreachable")

    # ------------------------------------------------------------------------- copying

    def _copy_once(self, task: CopyTask, trail: Trail) -> Outcome:
        if not self.is_single(task):
            return self._copy_in_parts(task, trail)
        self._engine.copy_single(task, trail)
        etag = trail.answer["CopyObjectResult"]["ETag"]
        if not verify.may_differ(task.source.etag, etag, trail.answer):
            self._check_contradiction(task.source, etag)
        return Copied(task, task.source.size, etag)

    def _copy_in_parts(self, task: CopyTask, trail: Trail) -> Outcome:
        late_tags = self._prepare_upload(task.source, trail)
        key = task.destination_key

        def on_bytes(done: int) -> None:
            self._metrics.parts_finished(key, done)

        if not (self._continuing and self._continuing.go_on(task, trail, on_bytes)):
            self._engine.copy_in_parts(task, trail, on_bytes)
        if late_tags:
            self._tag(task, late_tags)
        return Copied(task, task.source.size, trail.answer["ETag"], parts=len(trail.part_etags))

    def _leaves_identical(self) -> bool:
        """Return whether identical objects are left alone; without overwriting, all are."""
        return self._overwrite and self._options.identical is Identical.SKIP

    def _repeat_late_tags(self, task: CopyTask) -> None:
        """Set tags that do not go with an upload: an earlier run may have ended before them."""
        if self._options.tags is TagPolicy.COPY:
            tag_set = lookup.tags(self._source, task.source)
            if lookup.tag_header(tag_set) is None:
                self._tag(task, tag_set)

    def _prepare_upload(self, source: S3Object, trail: Trail) -> list[dict[str, str]]:
        """Fill the headers of the upload with metadata and tags; return tags that do not fit."""
        _, answer = lookup.head(self._source, source)
        trail.create_headers.update(lookup.metadata_headers(answer))
        if self._options.tags is TagPolicy.SKIP:
            return []
        tag_set = lookup.tags(self._source, source)
        if len(tag_set) < lookup.tag_count(answer):
            raise ObjectError.of(
                ErrorClass.EMPTY_RESPONSE,
                f"HeadObject counts {lookup.tag_count(answer)} tags, "
                f"GetObjectTagging has {len(tag_set)}",
                attempts=1,
            )
        header = lookup.tag_header(tag_set)
        if header is None:
            return tag_set
        if header:
            trail.create_headers["x-amz-tagging"] = header
        return []

    def _tag(self, task: CopyTask, tag_set: list[dict[str, str]]) -> None:
        try:
            self._destination.put_object_tagging(
                Bucket=task.destination_bucket,
                Key=task.destination_key,
                Tagging={"TagSet": tag_set},
            )
        except Exception as error:
            info = translate(error)
            if info.error_class.retry_action is RetryAction.END_RUN:
                raise
            raise ObjectError(replace(info, error_class=ErrorClass.TAGS_NOT_COPIED)) from error

    # ----------------------------------------------------------------------- verifying

    def _check_contradiction(self, source: S3Object, etag: str) -> None:
        """Raise if the source's ETag was an MD5, and ``etag`` is another."""
        if lookup.etag_was_md5(self._source, source):
            raise ObjectError.of(
                ErrorClass.MISMATCH, f"ETag {source.etag} became {etag}", attempts=1
            )

    def _exists(self, task: CopyTask) -> bool:
        """Return whether the destination has the key.

        Where it may not be asked: False if the condition on the copy decides as well.
        """
        try:
            self._head_destination(task)
        except bc.ClientError as error:
            info = translate(error)
            if info.error_class is ErrorClass.SOURCE_VANISHED:  # 404: HEAD has no more to say
                return False
            if info.error_class is not ErrorClass.ACCESS_DENIED:
                raise
            if self._looks_first:
                raise ObjectError(replace(info, message=UNSEEN)) from error
            return False
        return True

    def _head_destination(self, task: CopyTask) -> Mapping[str, Any]:
        answer: Mapping[str, Any]
        place = {"Bucket": task.destination_bucket, "Key": task.destination_key}
        try:
            answer = self._destination.head_object(**place)
        except bc.ClientError as error:
            if not lookup.is_wordless(error):
                raise
            lookup.ask_why(error, lambda: self._destination.get_object_tagging(**place))
            answer = self._destination.head_object(**place)
        return answer

    # ------------------------------------------------------------------------ settling

    def _settle(self, task: CopyTask, trail: Trail, error: Exception) -> Outcome | None:
        """Return the true outcome where ``error`` alone does not tell it, else None.

        A 412 may come from either condition, and an answer that was lost may have been a
        success: the repetition then meets our own object, or no upload any more.
        """
        info = translate(error)
        if info.error_class is ErrorClass.SOURCE_CHANGED and not self._overwrite:
            if not self._destination_exists_condition(task, error):
                return None
            arrived = self._arrived(task, trail) if trail.ambiguous else None
            return arrived or Skipped(task, SkipReason.EXISTS)
        if info.error_class is ErrorClass.UPLOAD_LOST and trail.ambiguous:
            return self._arrived(task, trail)
        return None

    def _destination_exists_condition(self, task: CopyTask, error: Exception) -> bool:
        """Return whether a 412 means an existing destination rather than a changed source."""
        if not isinstance(error, bc.ClientError) or error.operation_name == "UploadPartCopy":
            return False
        if error.operation_name == "CompleteMultipartUpload":
            return True
        condition = str(error.response["Error"].get("Condition", "")).lower()
        if condition:
            return "copy-source" not in condition
        try:
            lookup.head(self._source, task.source)  # pinned: answers 412 if the source changed
        except bc.ClientError:
            return False
        return True

    def _arrived(self, task: CopyTask, trail: Trail) -> Copied | None:
        """Return a copied outcome if the destination holds exactly what this run wrote."""
        try:
            answer = self._head_destination(task)
        except bc.ClientError:
            return None
        etags = (trail.part_etags[number] for number in sorted(trail.part_etags))
        expected = verify.multipart_etag(etags) if trail.part_etags else task.source.etag
        if answer["ContentLength"] != task.source.size or answer["ETag"] != expected:
            return None
        return Copied(task, task.source.size, answer["ETag"], parts=max(1, len(trail.part_etags)))

    # ------------------------------------------------------------------------- failing

    def _failed(self, task: CopyTask, error: Exception) -> Outcome:
        info = translate(error)
        interrupted = info.error_class is ErrorClass.INTERRUPTED
        if interrupted and info.attempts == 0 and self.is_single(task):
            return NotAttempted(task)  # its one request was never sent
        unexpected = info.error_class is ErrorClass.UNEXPECTED
        return Failed(task, ObjectError(info), traceback.format_exc() if unexpected else "")


def check_key(task: CopyTask) -> ObjectError | None:
    """Return an error if the destination key cannot exist, before anything is sent."""
    length_bytes = len(task.destination_key.encode("utf-8", "surrogatepass"))
    if length_bytes > KEY_MAX_BYTES:
        return ObjectError.of(ErrorClass.KEY_TOO_LONG, f"{length_bytes:,} bytes")
    if length_bytes == 0:
        return ObjectError.of(ErrorClass.EMPTY_KEY, task.source.key)
    return None
