"""The recipe of a plan: validate, list everything once, cut, write the document. Nothing is copied.

The place of the plan is looked at first, so that no long listing is made in vain. What the
destination has is not looked at.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from datetime import UTC, datetime
from typing import Any

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.errors import ValidationError, checked_call, not_accepted
from s3_xfer.ledger.journal.description import describe
from s3_xfer.ledger.result import RunState
from s3_xfer.model import S3Object
from s3_xfer.options import CopyOptions, Delete, Identical, ReportScope, RunMode
from s3_xfer.options.moments import moment_before
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.planning.selection import Selection
from s3_xfer.planning.shards import SHARDS_MAX, ShardCutter
from s3_xfer.planning.steps import listing_steps
from s3_xfer.plans.document import PLAN, Plan
from s3_xfer.plans.result import PlanResult
from s3_xfer.plans.survey import Survey
from s3_xfer.runs.copy_setup import CopySetup
from s3_xfer.runs.run import Run
from s3_xfer.sources.sorted_objects import SortedObjects
from s3_xfer.sources.source import Batch
from s3_xfer.spec import CopySpec
from s3_xfer.version import VERSION
from s3_xfer.wording import message

_log = logging.getLogger("s3_xfer")


class PlanRun(Run[PlanResult]):
    """One plan being made. Every method may be called from any thread.

    Its state is in a copy's words: ``COPYING`` while it lists.
    """

    operation: CopySpec

    @checked_call
    def __init__(
        self,
        operation: CopySpec,
        *,
        storage: PlanStorage,
        shards: int | None = None,
        parallelism: int | None = None,
    ) -> None:
        _require_count("shards", shards)
        _require_count("parallelism", parallelism)
        frozen = frozen_for_plan(operation)
        _require_apart(storage, frozen)
        self._description = describe(frozen)
        options = dataclasses.replace(
            frozen.options,
            inventory=operation.options.inventory,
            mode=RunMode.DRY_RUN,
            identical=Identical.COPY,
            compare_by=CopyOptions().compare_by,
        )
        super().__init__(dataclasses.replace(frozen, options=options), thread_name="s3-xfer-plan")
        self._storage = storage
        self._shards, self._parallelism = shards, parallelism
        self._setup = CopySetup(
            self.operation,
            self._keys,
            ledger=self._ledger,
            requests=self._requests,
            notes=self._notes,
            is_starved=lambda: True,
            is_planning=True,
        )
        self._cutter = ShardCutter()
        # An inventory has its rows in no order.
        self._unordered = SortedObjects(self._keys[0].source.bucket) if options.inventory else None
        began = self._metrics.snapshot().start_time
        self._selection = Selection(options, relative_key=self._keys.relative_key, began=began)
        self._survey = Survey(options, listing_steps(self._keys, began=began))
        self._start()

    def _validate(self) -> bool:
        self._storage.require_new(PLAN)
        self._setup.read_files()
        self._setup.examine_access(self._open_clients(overwrite=self.operation.overwrite))
        return True

    def _leave_all(self) -> None:
        """Do nothing: a plan that was not begun leaves nothing."""

    def _work(self) -> None:
        source = self._setup.source()
        assert source  # noqa: S101 - validated: a prefix
        try:
            for batch in source.batches():
                if self._stop.is_set():
                    return
                self._add(batch)
            for page in self._unordered.pages() if self._unordered else ():
                if self._stop.is_set():
                    return
                self._cutter.add(_range_of(page), page.items)
            if source.is_exhausted():
                self._ledger.listing_completed()
                self._notes += self._selection.notes()
        except Exception as error:  # noqa: BLE001 - the run's reason to end
            self._ledger.abort(error, "listing the source")
        finally:
            source.close()
            source.join(self.operation.options.stop_grace_s)

    def _add(self, batch: Batch[S3Object]) -> None:
        objects = self._selection.wanted(batch.items)
        self._ledger.found(objects, batch.keys)
        self._survey.add(self._keys.tasks(objects))
        if self._unordered:
            self._unordered.add(objects)
        else:
            self._cutter.add(_range_of(batch), objects)

    def _end(self) -> PlanResult:
        is_complete = self._metrics.snapshot().listing_complete
        plan = self._write() if is_complete else None
        self._metrics.finish()
        self._state = RunState.COMPLETED if plan else RunState.COPY_FAILED
        return PlanResult(
            location=self._storage.url,
            plan=plan,
            metrics=self.snapshot(),
            notes=self.notes,
            aborted_by=None if plan else self._ledger.aborted_by,
            cancelled_by=None if plan or self._ledger.aborted_by else self._stop.reason,
        )

    def _write(self) -> Plan:
        self._survey.left_out.update(self._selection.left_out)
        shards = self._cutter.cut(self._shards or self._cutter.auto_count())
        if self._shards and len(shards) < self._shards:
            self._notes.append(
                f"the plan has {len(shards):,} shards, not {self._shards:,}: there are not enough "
                "objects for more"
            )
        plan = Plan(
            plan_id=uuid.uuid4().hex,
            created_at=datetime.now(UTC),
            tool_version=VERSION,
            source_url=self._keys[0].source.url,
            destination_url=self._keys[0].destination.url,
            description=self._description,
            parallelism=min(self._parallelism or len(shards), len(shards)),
            survey=self._survey.to_dict(self._setup.prices),
            shards=shards,
        )
        if not self._storage.write_new(PLAN, plan.to_json()):
            raise self._storage.taken()
        _log.info("plan made", extra={"s3_xfer": {"plan": self._storage.url, **plan.survey}})
        return plan


def _range_of(page: Batch[S3Object]) -> KeyRange:
    """Return the range that a page of a listing has everything of."""
    assert page.keys  # noqa: S101 - nothing was named one by one
    return page.keys


def _require_count(name: str, count: int | None) -> None:
    if count is not None and not 1 <= count <= SHARDS_MAX:
        raise not_accepted(name, count, f"a number from 1 to {SHARDS_MAX:,}")


def _require_apart(storage: PlanStorage, operation: CopySpec) -> None:
    """Refuse a plan of which a shard would copy what others write."""
    keys = operation.key_map()
    if keys.may_meet_own_copies and keys.destination.key.startswith(keys.source.key):
        raise ValidationError(
            f"{keys.destination.url} may lie inside {keys.source.url}: a shard would copy what "
            "others have copied",
            remedy="choose a destination outside the source prefix",
        )
    storage.require_outside(keys.source, keys.destination)


def frozen_for_plan(operation: CopySpec) -> CopySpec:
    """Return ``operation`` as each of its shards is to do it: durations become moments.

    Raises:
        ValidationError: it cannot be done in shards.
    """
    _require_prefix(operation)
    options, now = operation.options, datetime.now(UTC)
    moments: dict[str, Any] = {
        name: moment_before(text, now).isoformat()
        for name in ("newer_than", "older_than")
        if (text := getattr(options, name)) is not None
    }
    options = dataclasses.replace(
        options,
        **moments,
        report_path=None,
        report_scope=ReportScope.NOT_COPIED,
        journal=None,
        inventory=None,  # it says where to cut; a shard lists what is there then
    )
    return dataclasses.replace(operation, options=options)


def _require_prefix(operation: CopySpec) -> None:
    options = operation.options
    if not operation.recursive:
        raise ValidationError(
            "a single object cannot be cut into shards", remedy=message("give {recursive=True}")
        )
    names = ("objects", "where", "rename")
    chosen = [name for name in names if getattr(operation, name) is not None]
    if chosen:
        raise ValidationError(
            f"a plan cannot keep {' and '.join(chosen)}: its shards would not have them",
            remedy="use filters instead",
        )
    if options.from_report_path or options.files_from:
        raise ValidationError(
            "a shard lists its range, so a plan is not made from what names some of the objects",
            remedy=message("leave out {from_report_path} and {files_from}"),
        )
    if options.mode is RunMode.DRY_RUN:
        raise ValidationError(
            "a plan copies nothing, and a dry run of its shards would not either",
            remedy=message("leave out {mode=dry-run}"),
        )
    if options.delete is Delete.EXTRA:
        raise ValidationError(
            "a shard does not know what the others copy, so none can delete",
            remedy=message("leave out {delete=extra}"),
        )
