"""Plans for programs: make one, copy a shard of it, merge what all shards have left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3_xfer.access.plan_storage import open_storage
from s3_xfer.errors import S3XferError, checked_call
from s3_xfer.ledger.journal.description import is_same_copy
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext
from s3_xfer.plans.document import PLAN, Plan
from s3_xfer.plans.merge import WAIT_LIMIT_S, Merge
from s3_xfer.plans.merged_result import MergedResult
from s3_xfer.plans.plan_run import PlanRun, frozen_for_plan
from s3_xfer.plans.shard_run import AUTO, ShardCopy, read_plan, shard_number
from s3_xfer.runs.copy import CopyRun
from s3_xfer.spec import CopySpec


@checked_call
def make_plan(
    operation: CopySpec,
    out: str | Path,
    *,
    shards: int | None = None,
    parallelism: int | None = None,
    reuse: bool = False,
) -> Plan:
    """List what ``operation`` would copy, cut it into shards, and write the plan; copy nothing.

    ``out`` is a folder or an ``s3://`` URL, which the destination's credentials write. Without
    ``shards`` there are as many as fit, 200 at most. ``parallelism`` is how many run at the same
    time: so many share ``max_requests_per_s``; by default all of them. With ``reuse`` a plan of
    the same copy that is there already is returned as it is.

    Raises:
        PlanError: there is a plan already (with ``reuse``: of another copy), or it cannot be
            written.
        ValidationError: the operation cannot be done in shards.
        S3XferError: the copy would be refused, or an error ended the listing.
    """
    storage = open_storage(str(out), operation.destination)
    if reuse and storage.read(PLAN) is not None:
        plan = read_plan(storage)
        if not is_same_copy(plan.description["identity"], frozen_for_plan(operation)):
            raise storage.taken(of="another copy")
        return plan
    with PlanRun(operation, storage=storage, shards=shards, parallelism=parallelism) as run:
        result = run.result()
    if result.aborted_by:
        raise result.aborted_by
    assert result.plan  # noqa: S101 - nobody else could have stopped it
    return result.plan


@checked_call
def copy_shard(
    plan: str | Path,
    shard: int | str = AUTO,
    *,
    source: AccountContext | None = None,
    destination: AccountContext | None = None,
    watch: Callable[[CopyRun], object] | None = None,
    **changes: Any,
) -> CopyResult | None:
    """Copy one shard of a plan, wait for the end and leave its record beside the plan.

    ``auto`` takes the number from the environment, as Kubernetes and AWS Batch set it. Accounts
    and ``changes``, fields of :class:`~s3_xfer.CopyOptions` that do not change what is copied,
    replace what the plan says. ``watch`` is called with the run, and returns when that has ended;
    what it raises cancels the run and is raised. Returns None if nothing is to be done: the shard
    is done, or the plan has none with that number.

    Raises:
        PlanError: the plan is missing or damaged, or the record cannot be written.
        S3XferError: the copy was refused; nothing was written but its record.
    """
    destination = destination or AccountContext()
    with ShardCopy(
        open_storage(str(plan), destination),
        shard_number(shard, os.environ),
        source=(source or AccountContext(), None),
        destination=(destination, None),
        changes=changes,
    ) as attempt:
        if attempt.nothing_to_do:
            return None
        try:
            with attempt.start() as run:
                if watch:
                    watch(run)
                result = run.result()
        except S3XferError as error:
            attempt.refused(error)
            raise
        attempt.finish(result)
        return result


@checked_call
def merge_plan(
    plan: str | Path,
    *,
    destination: AccountContext | None = None,
    wait: bool = False,
    wait_limit_s: float = WAIT_LIMIT_S,
    report_path: Path | None = None,
) -> MergedResult:
    """Return what all shards of a plan have done so far, as one result.

    With ``wait`` it returns once each shard is done or has failed for good, or, with
    ``stalled_for_s`` set, when nothing has happened in any shard for ``wait_limit_s``. What is left
    is written to ``report_path``, from which a copy goes on.

    Raises:
        PlanError: the plan, or what belongs to it, is missing or damaged.
        ValidationError: ``wait_limit_s`` is not above 0.
        ReportError: the report cannot be written.
    """
    merging = Merge(open_storage(str(plan), destination or AccountContext()))
    result = merging.wait(limit_s=wait_limit_s) if wait else merging.read()
    return merging.write_report(result, report_path) if report_path else result
