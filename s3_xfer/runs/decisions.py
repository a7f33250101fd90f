"""What the producer decides about an object, before anything is asked about it alone.

The listing of the source decides first, then, where it was read beside that, the listing of the
destination. What both leave open goes to the copier, which asks S3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from s3_xfer.comparison import CompareStatus
from s3_xfer.copying.compare_rules import status_by_listing
from s3_xfer.model import CopyReason, CopyTask, S3Object
from s3_xfer.options import TagPolicy
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.planning.steps import (
    COPY,
    Copy,
    Counterpart,
    Decision,
    Step,
    counterpart_steps,
    decide,
    listing_steps,
)
from s3_xfer.spec import CopySpec


class ProducerDecisions:
    """The decisions of one copy by its listings. For one thread.

    ``began`` is when the copy began, ``last`` a step of the run's own.
    """

    def __init__(
        self, spec: CopySpec, keys: KeyMaps, *, began: datetime, last: Step | None = None
    ) -> None:
        self._listing_steps = listing_steps(keys, began=began, last=last)
        self._counterpart_steps = counterpart_steps(spec.compare_by, overwrite=spec.overwrite)
        self._compare = spec.compare_by if spec.overwrite else None
        self._identical_since = spec.identical_since
        self._repeats_tags = spec.options.tags is TagPolicy.COPY
        self._large_bytes = spec.options.multipart_threshold_bytes

    def decide(
        self, task: CopyTask, counterparts: Mapping[str, S3Object] | None
    ) -> tuple[CopyTask, Decision]:
        """Return what is to be done about ``task``, and the task with what is known by now.

        ``counterparts`` are the destination's objects by the key of the source; None if it was
        not listed.
        """
        decision = decide(self._listing_steps, task)
        if counterparts is None or not isinstance(decision, Copy):
            return task, decision
        return self._by_counterpart(task, counterparts.get(task.source.key))

    def _by_counterpart(self, task: CopyTask, found: S3Object | None) -> tuple[CopyTask, Decision]:
        if found is None:
            return replace(task, reason=CopyReason.NEW, is_compared_by_listing=True), COPY
        if self._is_of_before(found):
            return replace(task, is_compared_by_listing=True), COPY
        status = status_by_listing(task.source, found, self._compare) if self._compare else None
        if self._compare and (status is None or self._may_lack_tags(task, status)):
            return task, COPY  # the copier looks
        counterpart = Counterpart(found, status)
        decision = decide(self._counterpart_steps, task, counterpart)
        reason = counterpart.copy_reason if isinstance(decision, Copy) else None
        return replace(task, reason=reason, is_compared_by_listing=True), decision

    def _is_of_before(self, found: S3Object) -> bool:
        """Return whether no earlier attempt at this copy can have written ``found``."""
        since, modified = self._identical_since, found.last_modified
        return bool(self._compare and since and modified and modified < since)

    def _may_lack_tags(self, task: CopyTask, status: CompareStatus) -> bool:
        """Return whether an earlier run may have copied the content without its many tags."""
        is_large = task.source.size >= self._large_bytes
        return status is CompareStatus.SAME and is_large and self._repeats_tags
