"""Copies one prepared object with the managed engine: in one request, or as a multipart upload.

An object whose upload is beyond repair is started again, once. Large objects get their metadata and
tags when the upload is created; tags that do not fit into a header are set afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s3_xfer.copying import lookup, verify
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.copying.engine import CopyEngine
from s3_xfer.copying.multipart_resumer import MultipartResumer
from s3_xfer.copying.request_state import TransferState, TransferStates
from s3_xfer.copying.settlement import OutcomeSettler
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, translate
from s3_xfer.model import Copied, CopyTask, Outcome, S3Object
from s3_xfer.options import CopyOptions, TagPolicy

OBJECT_ATTEMPTS = 2  # an object is started again once, when its upload is beyond repair


class ManagedCopier:
    """Copies objects of known size and ETag; thread-safe.

    ``source`` reads metadata and tags, ``destination`` writes; ``transfers`` are those of the hooks
    on ``destination``. ``resumer`` knows the uploads of earlier runs.
    """

    def __init__(
        self,
        *,
        engine: CopyEngine,
        source: Any,
        destination: Any,
        transfers: TransferStates,
        settler: OutcomeSettler,
        counter: TransferCounter,
        options: CopyOptions,
        resumer: MultipartResumer | None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._destination = destination
        self._transfers = transfers
        self._settler = settler
        self._counter = counter
        self._options = options
        self._resumer = resumer

    def copy(self, task: CopyTask) -> Outcome:
        """Return how the copy of ``task`` ended. Never raises."""
        try:
            for attempts_left in reversed(range(OBJECT_ATTEMPTS)):
                outcome = self._attempt(task, may_restart=attempts_left > 0)
                if outcome:
                    return outcome
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._settler.failed(task, error)
        raise AssertionError("unreachable")

    def _attempt(self, task: CopyTask, *, may_restart: bool) -> Outcome | None:
        """Return how the copy ended; None if the object is to be started again."""
        with self._transfers.of(task.destination_key) as transfer:
            try:
                return self._copy_once(task, transfer)
            except Exception as error:  # noqa: BLE001 - translated right here, once
                settled = self._settler.settle(task, transfer, error)
                if settled:
                    return settled
                retry_action = translate(error).error_class.retry_action
                if retry_action is RetryAction.RESTART_OBJECT and may_restart:
                    return None
                return self._settler.failed(task, error)

    def _copy_once(self, task: CopyTask, transfer: TransferState) -> Outcome:
        if task.source.size >= self._options.multipart_threshold_bytes:
            return self._copy_in_parts(task, transfer)
        self._engine.copy_single(task, transfer)
        etag = transfer.answer["CopyObjectResult"]["ETag"]
        if not verify.may_differ(task.source.etag, etag, transfer.answer):
            self._settler.check_contradiction(task.source, etag)
        return Copied(task, task.source.size, etag)

    def _copy_in_parts(self, task: CopyTask, transfer: TransferState) -> Outcome:
        late_tags = self._prepare_upload(task.source, transfer)
        key = task.destination_key

        def on_bytes(finished: int) -> None:
            self._counter.parts_finished(key, finished)

        if not (self._resumer and self._resumer.resume(task, transfer, on_bytes)):
            self._engine.copy_in_parts(task, transfer, on_bytes)
        if late_tags:
            self._tag(task, late_tags)
        return Copied(
            task, task.source.size, transfer.answer["ETag"], parts=len(transfer.part_etags)
        )

    def repeat_late_tags(self, task: CopyTask) -> None:
        """Set tags that do not fit into an upload's header: an earlier run may have ended before.

        Raises:
            ObjectError: the tags were not set.
            Exception: of any kind that the clients raise.
        """
        if self._options.tags is TagPolicy.COPY:
            tag_set = lookup.tags(self._source, task.source)
            if lookup.tag_header(tag_set) is None:
                self._tag(task, tag_set)

    def _prepare_upload(self, source: S3Object, transfer: TransferState) -> list[dict[str, str]]:
        """Fill the headers of the upload with metadata and tags; return tags that do not fit."""
        _, answer = lookup.head(self._source, source)
        transfer.create_headers.update(lookup.metadata_headers(answer))
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
            transfer.create_headers["x-amz-tagging"] = header
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
