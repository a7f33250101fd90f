"""What a dry run does with each task: it finds out what a copy would do, and writes nothing.

Where a copy leaves alone what exists or is identical, the destination's object is looked up, one
HEAD for each. On AWS a copy asks with a condition instead; a dry run has nothing to put it on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from s3_xfer.access.clients import Clients
from s3_xfer.copying import lookup
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.settlement import OutcomeSettler
from s3_xfer.errors import ErrorClass, translate
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.model import CopyReason, CopyTask, Outcome, S3Object, Skipped, SkipReason
from s3_xfer.options import CompareBy
from s3_xfer.pipeline.executor import Processor
from s3_xfer.planning.steps import Copy, Counterpart, counterpart_steps, decide, outcome_of
from s3_xfer.spec import CopySpec

UNSEEN = (
    "what is at the destination may not be looked at (s3:GetObject and s3:ListBucket), so objects "
    "that exist there were counted as copied"
)


class DryRunProcessor(Processor[CopyTask]):
    """Records in ``ledger`` how each task would end. Thread-safe.

    ``on_unseen`` is called, once, if the destination's objects may not be looked at.
    """

    def __init__(
        self,
        spec: CopySpec,
        clients: Clients,
        *,
        ledger: Ledger,
        on_unseen: Callable[[], None],
        judge: Callable[[S3Object], bool] | None = None,
    ) -> None:
        self._context = CopyContext(
            source=clients.source,
            destination=clients.destination,
            hooks=clients.destination_hooks,
            options=spec.options,
            overwrite=spec.overwrite,
            looks_first=not clients.destination_is_aws,
            compare=spec.compare_by,
            judge=judge,
        )
        self._steps = counterpart_steps(spec.compare_by, overwrite=spec.overwrite)
        self._settler = OutcomeSettler(self._context)
        self._ledger = ledger
        self._on_unseen = on_unseen
        self._is_unseen = False
        options = spec.options
        looks = options.files_from or options.inventory or options.if_tag
        waits = self._steps or judge or looks
        super().__init__(self._find_out, threads=options.threads if waits else 1)

    def _find_out(self, task: CopyTask) -> None:
        if self._ledger.begin(task):
            self._ledger.end(task, self._outcome(task))

    def _outcome(self, task: CopyTask) -> Outcome:
        asks = bool(self._steps) and not task.is_compared_by_listing
        context = self._context
        was_named = task.source.needs_lookup
        is_judged = was_named and context.judge is not None
        try:
            if not task.source.size_is_known or ((asks or is_judged) and was_named):
                resolved, _ = lookup.head(self._context.source, task.source)
                task = replace(task, source=resolved)
            if why := context.reason_to_skip(task.source, was_named=was_named):
                return Skipped(task, why)
            if not asks:
                return Skipped(task, SkipReason.DRY_RUN)
            counterpart = self._counterpart(task)
            decision = decide(self._steps, task, counterpart)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._settler.not_begun(task, error)
        if isinstance(decision, Copy):
            reason = counterpart.copy_reason if counterpart else CopyReason.NEW
            return Skipped(replace(task, reason=reason), SkipReason.DRY_RUN)
        return outcome_of(decision, task)

    def _counterpart(self, task: CopyTask) -> Counterpart | None:
        context = self._context
        if context.overwrite:
            return lookup.compared_counterpart(
                context.source, context.destination, task, context.compare or CompareBy.AUTO
            )
        try:
            return lookup.existing_counterpart(context.destination, task)
        except Exception as error:
            if context.looks_first or translate(error).error_class is not ErrorClass.ACCESS_DENIED:
                raise
        if not self._is_unseen:
            self._is_unseen = True
            self._on_unseen()
        return None
