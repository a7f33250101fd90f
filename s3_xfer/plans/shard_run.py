"""One attempt at one shard of a plan: what it does, and what it leaves beside the plan.

Two attempts at once do no harm: copies of the same objects are the same, and only one record
completes the shard. A repeated attempt leaves alone what an earlier one has copied.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.declarations import JournalRole, declarations_of
from s3_xfer.errors import PlanError, S3XferError, ValidationError
from s3_xfer.ledger.journal.description import operation_fields
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import CopyResult, RunState
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions, Identical, JournalUse
from s3_xfer.planning.shards import Shard
from s3_xfer.plans.document import PLAN, Plan, parse_plan
from s3_xfer.plans.progress_notes import NOTE_INTERVAL_S, ProgressNotes
from s3_xfer.plans.records import (
    ShardRecord,
    attempt_name,
    begun_name,
    done_name,
    progress_name,
    read_record,
    report_name,
)
from s3_xfer.runs.copy import CopyRun
from s3_xfer.runs.observers import NOBODY, Observers
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

AUTO = "auto"
# Set by this program's users, by Kubernetes for the pods of an Indexed Job, by AWS Batch for the
# jobs of an array.
OWN_VARIABLE = "S3_XFER_SHARD"
ENGINE_VARIABLES = ("JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX")
# This machine's and S3's. What is taken for older than it is, is copied once more.
CLOCKS_DIFFER_AT_MOST = timedelta(minutes=5)
MAY_CHANGE = (JournalRole.REMEMBERED, JournalRole.PER_RUN)


def shard_number(shard: int | str, env: Mapping[str, str]) -> int:
    """Return the number of the shard that ``shard`` names; ``auto`` takes it from ``env``.

    ``S3_XFER_SHARD`` comes before what an engine has set. An AWS Batch job that is no array is the
    only shard.

    Raises:
        ValidationError: it is no number of a shard, or the environment says none, or several.
    """
    if shard != AUTO:
        return _number(str(shard), "the shard")
    names = [name for name in (OWN_VARIABLE, *ENGINE_VARIABLES) if env.get(name)]
    numbers = {name: _number(env[name], name) for name in names}
    if OWN_VARIABLE in numbers:
        return numbers[OWN_VARIABLE]
    if len(set(numbers.values())) > 1:
        raise ValidationError(
            f"the environment names several shards: {', '.join(sorted(numbers))}",
            remedy=f"set {OWN_VARIABLE}, which comes first",
        )
    if numbers:
        return next(iter(numbers.values()))
    if env.get("AWS_BATCH_JOB_ID"):
        return 0  # an array of one is no array
    raise ValidationError(
        f"the environment does not say which shard this is: none of {OWN_VARIABLE}, "
        f"{', '.join(ENGINE_VARIABLES)} is set",
        remedy="run it in an Indexed Job or an array job, or give the number of the shard",
    )


def _number(text: str, name: str) -> int:
    if not re.fullmatch("[0-9]{1,100}", text):
        raise ValidationError(
            f"{name} is {text!r}, not the number of a shard", remedy="numbers begin at 0"
        )
    return int(text)


def read_plan(storage: PlanStorage) -> Plan:
    """Return the plan in ``storage``.

    Raises:
        PlanError: there is none, or it is damaged.
    """
    contents = storage.read(PLAN)
    if contents is None:
        raise PlanError(
            f"there is no plan in {storage.url}", remedy="check the name, or make the plan first"
        )
    return parse_plan(contents, name=storage.name_of(PLAN))


def _allowed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``changes`` if a shard may differ by them from the others.

    Raises:
        ValidationError: they decide what is copied, and how, which the plan says.
    """
    roles = {name: option.journal for name, option in declarations_of(CopyOptions).items()}
    free = {name for name, role in roles.items() if role in MAY_CHANGE} - {"report_path"}
    strange = sorted(changes.keys() - free - {"journal"})
    if strange:
        raise ValidationError(
            f"a shard is not given {', '.join(strange)}: the plan says what is copied, and how",
            remedy="leave that out, or make another plan with it",
        )
    return dict(changes)


class ShardCopy:
    """One attempt at the shard ``number`` of the plan in ``storage``; a context manager.

    Accounts and ``changes`` (fields of ``CopyOptions`` that do not change what is copied) replace
    what the plan says. ``earlier`` is the record of the attempt that has completed the shard. How
    far it has come is noted beside the plan every ``note_interval_s``.

    Raises:
        PlanError: the plan is missing or damaged.
        ValidationError: a changed option is wrong.
    """

    def __init__(
        self,
        storage: PlanStorage,
        number: int,
        *,
        source: tuple[AccountContext, str | None] = (AccountContext(), None),
        destination: tuple[AccountContext, str | None] = (AccountContext(), None),
        batch_size: int | None = None,
        changes: Mapping[str, Any],
        note_interval_s: float = NOTE_INTERVAL_S,
    ) -> None:
        self.plan = read_plan(storage)
        self.number = number
        self._storage = storage
        self._attempt = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:12]}"
        self._folder: TemporaryDirectory[str] | None = None  # of the report, until it is delivered
        self._progress: ProgressNotes | None = None
        self._note_interval_s = note_interval_s
        self._sides = {"source": source, "destination": destination}
        self._changes = _allowed(changes)
        self._batch_size = batch_size
        shard = self.shard
        self.earlier = read_record(storage, done_name(number), self.plan, shard) if shard else None
        self.operation = self._operation(shard)

    @property
    def shard(self) -> Shard | None:
        """The shard; None if the plan has no such number."""
        shards = self.plan.shards
        return shards[self.number] if self.number < len(shards) else None

    @property
    def nothing_to_do(self) -> str:
        """Why there is nothing to do; empty if there is something."""
        if self.shard is None:
            return (
                f"nothing to do: the plan has {len(self.plan.shards):,} shards, "
                f"and none with the number {self.number}"
            )
        if self.earlier:
            return f"nothing to do: shard {self.number} is done (attempt {self.earlier.attempt})"
        return ""

    @property
    def source(self) -> AccountContext:
        """How the source is reached."""
        return self.operation.source

    @property
    def destination(self) -> AccountContext:
        """How the destination is reached."""
        return self.operation.destination

    def _operation(self, shard: Shard | None) -> CopySpec:
        fields = operation_fields(
            dict(self.plan.description),
            source=self._sides["source"],
            destination=self._sides["destination"],
            changes={
                **self._changes,
                "journal_use": JournalUse.CONTINUE,
            },
        )
        if self._batch_size is not None:
            fields["batch_size"] = self._batch_size
        options = fields["options"]
        if options.max_requests_per_s and "max_requests_per_s" not in self._changes:
            share = options.max_requests_per_s / self.plan.parallelism
            options = replace(options, max_requests_per_s=share)
        ranges = {"key_ranges": shard.ranges} if shard else {}
        return CopySpec(**(fields | {"options": options} | ranges))

    def start(self, observers: Observers = NOBODY) -> CopyRun:
        """Begin in the background and return the run.

        Raises:
            PlanError: it cannot be noted beside the plan that there is an attempt.
        """
        note = f'{{"attempt": "{self._attempt}"}}'.encode()
        is_first = self._storage.write_new(begun_name(self.number), note)
        self._folder = TemporaryDirectory(prefix="s3-xfer-")
        report = Path(self._folder.name) / "report.jsonl"
        self.operation = replace(
            self.operation, options=replace(self.operation.options, report_path=report)
        )
        if not is_first:
            self._leave_out_what_arrived()
        run = CopyRun(self.operation, observers=observers)
        name, interval_s = progress_name(self.number), self._note_interval_s
        self._progress = ProgressNotes(self._storage, name, run.snapshot, interval_s=interval_s)
        return run

    def _leave_out_what_arrived(self) -> None:
        """Let the copy skip what an earlier attempt has copied, and nothing that is older."""
        if self.operation.options.identical is not Identical.COPY:
            return  # the plan leaves out more than that
        options = replace(self.operation.options, identical=Identical.SKIP)
        since = self.plan.created_at - CLOCKS_DIFFER_AT_MOST
        self.operation = replace(self.operation, options=options, identical_since=since)

    def finish(self, result: CopyResult) -> ShardRecord:
        """Leave report and record beside the plan, the completing one last; return the record.

        Raises:
            PlanError: they cannot be written. Another attempt does no harm.
        """
        report = ""
        if result.report_path:
            report = report_name(self.number, self._attempt)
            self._storage.write_file(report, result.report_path)
        return self._leave(
            is_done=result.state is RunState.COMPLETED,
            is_permanent=result.is_permanent_failure,
            report=report,
            result={
                **result.to_dict(),
                "report": self._storage.name_of(report) if report else None,
            },
        )

    def refused(self, error: S3XferError) -> ShardRecord:
        """Leave a record of an attempt that was refused because of ``error``; return it."""
        now = datetime.now(UTC)
        metrics = TransferMetrics(
            operation_id=self._attempt, duration_s=0.0, start_time=now, end_time=now
        )
        return self._leave(
            is_done=False,
            is_permanent=error.is_permanent,
            report="",
            result={
                **metrics.to_dict(),
                "errors": [printable(error.problem)],
                "errors_omitted": 0,
                "state": RunState.VALIDATION_FAILED.value,
            },
        )

    def _leave(self, **ended: Any) -> ShardRecord:
        record = ShardRecord(shard=self.number, attempt=self._attempt, **ended)
        contents = record.to_json(self.plan)
        self._storage.write_new(attempt_name(self.number, self._attempt), contents)
        if record.is_done:
            self._storage.write_new(done_name(self.number), contents)
        return record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._progress:
            self._progress.close()
        if self._folder:
            self._folder.cleanup()
