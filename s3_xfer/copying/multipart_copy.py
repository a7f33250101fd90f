"""Copies one large object as a multipart upload, with its metadata and tags.

Both are sent when the upload is created; tags that do not fit into a header are set afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from s3_xfer.copying import lookup
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.managed import ManagedEngine
from s3_xfer.copying.multipart_resumer import MultipartResumer
from s3_xfer.copying.request_state import TransferState
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, translate
from s3_xfer.model import Copied, CopyTask, S3Object
from s3_xfer.options import TagPolicy


class MultipartCopier:
    """Copies large objects of known size and ETag; thread-safe.

    All methods raise what the clients raise, and ObjectError if tags were not copied.
    """

    def __init__(
        self, context: CopyContext, engine: ManagedEngine, resumer: MultipartResumer | None
    ) -> None:
        self._context = context
        self._engine = engine
        self._resumer = resumer

    def copy(self, task: CopyTask, transfer: TransferState) -> Copied:
        """Copy ``task``: finish the upload of an earlier run, or begin one."""
        late_tags = self._prepare_upload(task.source, transfer)
        counter = self._context.hooks.requests.counter
        on_bytes = partial(counter.parts_finished, task.destination_key)
        if not (self._resumer and self._resumer.resume(task, transfer, on_bytes)):
            self._engine.copy_in_parts(task, on_bytes)
        if late_tags:
            self._tag(task, late_tags)
        return Copied(
            task, task.source.size, transfer.answer["ETag"], parts=len(transfer.part_etags)
        )

    def repeat_late_tags(self, task: CopyTask) -> None:
        """Set tags that do not fit into an upload's header, in case an earlier run did not."""
        if self._context.options.tags is TagPolicy.COPY:
            tag_set = lookup.tags(self._context.source, task.source)
            if lookup.tag_header(tag_set) is None:
                self._tag(task, tag_set)

    def _prepare_upload(self, source: S3Object, transfer: TransferState) -> list[dict[str, str]]:
        """Fill the headers of the upload with metadata and tags; return tags that do not fit."""
        _, answer = lookup.head(self._context.source, source)
        transfer.create_headers.update(lookup.metadata_headers(answer))
        if self._context.options.tags is TagPolicy.SKIP:
            return []
        tag_set = lookup.tags(self._context.source, source)
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

    def _tag(self, task: CopyTask, tag_set: Any) -> None:
        try:
            self._context.destination.put_object_tagging(
                Bucket=task.destination_bucket,
                Key=task.destination_key,
                Tagging={"TagSet": tag_set},
            )
        except Exception as error:
            info = translate(error)
            if info.error_class.retry_action is RetryAction.END_RUN:
                raise
            raise ObjectError(replace(info, error_class=ErrorClass.TAGS_NOT_COPIED)) from error
