"""One object, from task to outcome.

Large objects get their metadata and tags when the upload is created; tags that do not fit into a
header are set afterwards. Every failure becomes one :class:`~s3_xfer.model.Failed` with its facts.
Only an answer of S3 proves that an object is copied.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import botocore.exceptions as bc

from s3_xfer.copying import lookup, verify
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.managed_when_needed import ManagedWhenNeeded
from s3_xfer.copying.multipart_uploader import MultipartUploader
from s3_xfer.copying.request_state import TransferState
from s3_xfer.copying.settlement import OutcomeSettler
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, translate
from s3_xfer.model import Copied, CopyReason, CopyTask, Outcome, S3Object, Skipped, SkipReason
from s3_xfer.options import CompareBy, SourceCheck, TagPolicy
from s3_xfer.planning.steps import Copy, Counterpart, Skip, counterpart_steps, decide, outcome_of

UNSEEN = (
    "what is at the destination may not be looked at (s3:GetObject and s3:ListBucket), and this "
    "service may ignore the condition not to overwrite it"
)


class ObjectCopier:
    """Copies objects, one by one; thread-safe.

    ``uploader`` copies the large ones, as far as it does; otherwise the managed ``engine`` does.
    """

    def __init__(
        self,
        context: CopyContext,
        engine: ManagedWhenNeeded,
        uploader: MultipartUploader | None = None,
    ) -> None:
        self.context = context
        self.settler = OutcomeSettler(context)
        self._steps = counterpart_steps(context.compare, overwrite=context.overwrite)
        self._engine = engine
        self._uploader = uploader

    def copy(self, task: CopyTask) -> Outcome:
        """Return how the copy of ``task`` ended. Never raises."""
        ready = self.prepare(task)
        return self.copy_prepared(ready) if isinstance(ready, CopyTask) else ready

    def is_ready(self, task: CopyTask) -> bool:
        """Return whether one request copies ``task``, with nothing to be asked before."""
        if self.context.options.if_tag or task.source.needs_lookup:
            return False
        return self.context.is_single(task) and not self._asks(task)

    def prepare(self, task: CopyTask) -> CopyTask | Outcome:
        """Find out what the copy needs to know, or return how it ended. Never raises."""
        try:
            was_named = task.source.needs_lookup
            if was_named:
                resolved, _ = lookup.head(self.context.source, task.source)
                task = replace(task, source=resolved)
            if why := self.context.reason_to_skip(task.source, was_named=was_named):
                return Skipped(task, why)
            if not self._asks(task):
                return task
            counterpart = self._counterpart(task)
            decision = decide(self._steps, task, counterpart)
            if decision == Skip(SkipReason.EXISTS) and task.earlier_error:
                return self.settler.arrived_before(task) or outcome_of(decision, task)
            if decision == Skip(SkipReason.IDENTICAL) and not self.context.is_single(task):
                self._repeat_late_tags(task)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self.settler.not_begun(task, error)
        if not isinstance(decision, Copy):
            return outcome_of(decision, task)
        reason = counterpart.copy_reason if counterpart else CopyReason.NEW
        return replace(task, reason=reason)

    def copy_prepared(self, task: CopyTask) -> Outcome:
        """Return how the copy of a prepared ``task`` by the managed engine ended. Never raises."""
        try:
            try:
                return self._attempt(task)
            except Exception as error:
                if translate(error).error_class.retry_action is not RetryAction.RESTART_OBJECT:
                    raise
            return self._attempt(task)  # once more: the upload was beyond repair
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self.settler.failed(task, error)

    def _asks(self, task: CopyTask) -> bool:
        """Return whether the steps need the counterpart of ``task``.

        Without overwriting, the condition on the copy decides; but some services ignore it, and
        for a large object it decides only after all parts. What the destination's listing did not
        have may have come since.
        """
        context = self.context
        if not self._steps:
            return False
        if context.overwrite:
            return not task.is_compared_by_listing
        return context.looks_first or not context.is_single(task)

    def _counterpart(self, task: CopyTask) -> Counterpart | None:
        context = self.context
        if context.overwrite:
            return lookup.compared_counterpart(
                context.source, context.destination, task, context.compare or CompareBy.AUTO
            )
        try:
            return lookup.existing_counterpart(context.destination, task)
        except bc.ClientError as error:
            info = translate(error)
            if info.error_class is not ErrorClass.ACCESS_DENIED:
                raise
            if context.looks_first:
                raise ObjectError(replace(info, message=UNSEEN)) from error
            return None  # the condition on the copy decides

    def _attempt(self, task: CopyTask) -> Outcome:
        with self.context.hooks.transfers.of(task.destination_key) as transfer:
            transfer.ambiguous = task.earlier_error is not None
            try:
                return self._send(task, transfer)
            except Exception as error:  # noqa: BLE001 - raised again unless it hides an outcome
                if not self.settler.drops_condition(task, error):
                    return self._settled(task, transfer, error)
            try:
                return self._send(task, transfer)
            except Exception as error:  # noqa: BLE001 - raised again unless it hides an outcome
                return self._settled(task, transfer, error)

    def _send(self, task: CopyTask, transfer: TransferState) -> Outcome:
        copy = self._copy_single if self.context.is_single(task) else self._copy_in_parts
        if self.context.options.source_check is SourceCheck.CONDITION:
            return copy(task, transfer)
        lookup.require_unchanged(self.context.source, task.source)
        outcome = copy(task, transfer)
        lookup.require_unchanged(self.context.source, task.source)
        return outcome

    def _settled(self, task: CopyTask, transfer: TransferState, error: Exception) -> Outcome:
        """Return the outcome that ``error`` hides; raise it if there is none."""
        settled = self.settler.settle(task, transfer, error)
        if settled is None:
            raise error
        return settled

    def _copy_single(self, task: CopyTask, transfer: TransferState) -> Outcome:
        self._engine.copy_single(task)
        etag = transfer.answer["CopyObjectResult"]["ETag"]
        if verify.contradicts(task.source.etag, etag, transfer.answer):
            return self.settler.verified(task, etag)
        return Copied(task, task.source.size, etag)

    def _copy_in_parts(self, task: CopyTask, transfer: TransferState) -> Outcome:
        transfer.whole_range = f"bytes=0-{task.source.size - 1}"
        late_tags = self._prepare_upload(task.source, transfer)
        counter = self.context.hooks.requests.counter
        on_bytes = partial(counter.parts_finished, task)
        if not (self._uploader and self._uploader.copy(task, transfer, on_bytes)):
            self._engine.copy_in_parts(task, on_bytes)
        if late_tags:
            self._tag(task, late_tags)
        return Copied(
            task,
            task.source.size,
            transfer.answer["ETag"],
            parts=len(transfer.part_etags),
            engine=self._uploader.engine if self._uploader else "managed",
        )

    def _prepare_upload(self, source: S3Object, transfer: TransferState) -> list[dict[str, str]]:
        """Put metadata and tags into the headers of the upload; return tags that do not fit."""
        _, answer = lookup.head(self.context.source, source)
        transfer.create_headers.update(lookup.metadata_headers(answer))
        if self.context.options.tags is TagPolicy.SKIP:
            return []
        tag_set = lookup.tags(self.context.source, source)
        tag_count = lookup.tag_count(answer)
        if len(tag_set) < tag_count:
            message = f"HeadObject counts {tag_count} tags, GetObjectTagging has {len(tag_set)}"
            raise ObjectError.of(ErrorClass.EMPTY_RESPONSE, message, attempts=1)
        header = lookup.tag_header(tag_set)
        if header:
            transfer.create_headers["x-amz-tagging"] = header
        return tag_set if header is None else []

    def _repeat_late_tags(self, task: CopyTask) -> None:
        """Set tags that do not fit into an upload's header, in case an earlier run did not."""
        if self.context.options.tags is TagPolicy.COPY:
            tag_set = lookup.tags(self.context.source, task.source)
            if lookup.tag_header(tag_set) is None:
                self._tag(task, tag_set)

    def _tag(self, task: CopyTask, tag_set: Any) -> None:
        try:
            self.context.destination.put_object_tagging(
                Bucket=task.destination_bucket,
                Key=task.destination_key,
                Tagging={"TagSet": tag_set},
            )
        except Exception as error:
            info = translate(error)
            if info.error_class.retry_action is RetryAction.END_RUN:
                raise
            raise ObjectError(replace(info, error_class=ErrorClass.TAGS_NOT_COPIED)) from error
