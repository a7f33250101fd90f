"""Makes a plan: lists the source once, and splits it into what a job can copy and the rest.

Nothing but pages of the listing is requested. Both halves are written as they are found, so memory
does not grow with them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from s3_xfer.access.documents import Principal
from s3_xfer.access.plan_storage import PlanStorage
from s3_xfer.batch.expressible import copy_operation, target_prefix, why_not
from s3_xfer.batch.plan import MANIFEST, OBJECTS, PLAN, POLICIES, REST, BatchPlan, write_plan
from s3_xfer.batch.policies import job_policies
from s3_xfer.errors import ErrorClass, PreflightError, ReportError, ValidationError
from s3_xfer.ledger.journal.description import describe
from s3_xfer.ledger.prices import (
    AWS_PRICES,
    BATCH_JOB_USD,
    BATCH_OBJECT_USD,
    Prices,
    read_prices,
)
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import CopyTask, Failed, S3Location
from s3_xfer.options import CopyOptions, Preflight, ReportScope
from s3_xfer.planning.steps import Copy, Refuse
from s3_xfer.sources.prefix import KEYS_PER_PAGE
from s3_xfer.text import printable, reason_of
from s3_xfer.units import GIB

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

MANIFEST_MAX_BYTES = 5 * GIB  # one PutObject
_PRIORITY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """What a job needs besides a copy. ``manifest`` and ``report`` are prefixes of the job's own.

    Raises:
        ValidationError: the role is none.
    """

    role_arn: str
    manifest: S3Location
    report: S3Location
    source_keys: tuple[str, ...] = ()

    @property
    def role(self) -> Principal:
        """The role that makes the copies, in whose account the job is."""
        role = Principal.parse(self.role_arn)
        if role.kind != "role" or not role.account.isdecimal():
            raise ValidationError(
                f"{printable(self.role_arn)} is not the ARN of a role that a job can assume",
                remedy="write it as arn:aws:iam::123456789012:role/NAME",
            )
        return role


def bucket_or_url(text: str) -> S3Location:
    """Return the location that ``BUCKET``, ``BUCKET/PREFIX`` or a URL names."""
    return S3Location.parse(text if text.startswith("s3://") else f"s3://{text}")


def make_plan(operation: S3CopyOperation, settings: JobSettings, storage: PlanStorage) -> BatchPlan:
    """Write the plan of a job that makes the copy ``operation`` into ``storage``; return it.

    Raises:
        ValidationError: a job cannot make this copy.
        PlanError: there is a plan already, or it cannot be written.
        PreflightError: there is nothing to copy.
        ReportError: the disk is full.
        S3XferError: the source cannot be listed.
    """
    prefix, role = target_prefix(operation), settings.role
    keys = operation.key_map()
    storage.require_outside(keys.source, keys.destination)
    _require_outside(keys.source, manifest=settings.manifest, report=settings.report)
    storage.require_new(PLAN)
    with TemporaryDirectory(prefix="s3-xfer-") as name:
        return _make_plan(operation, settings, storage, Path(name), role=role, prefix=prefix)


def _make_plan(
    operation: S3CopyOperation,
    settings: JobSettings,
    storage: PlanStorage,
    folder: Path,
    *,
    role: Principal,
    prefix: str,
) -> BatchPlan:
    """List into files in ``folder``, and keep these in ``storage``, the plan itself last."""
    token = uuid.uuid4().hex
    with _Split(folder, prefix) as split:
        _list_into(operation, split)
    if not split.objects and not split.rest:
        raise PreflightError(
            f"there is nothing under {operation.key_map().source.url} for a job",
            error_class=ErrorClass.NOTHING_TO_COPY,
        )
    keys = operation.key_map()
    plan = BatchPlan(
        token=token,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        account_id=role.account,
        region=operation.destination.region,
        source=(keys.source.bucket, keys.source.key),
        destination=(keys.destination.bucket, keys.destination.key),
        manifest=(settings.manifest.bucket, _below(settings.manifest.key, f"{token}/{MANIFEST}")),
        manifest_md5=split.manifest_md5,
        report=(settings.report.bucket, _below(settings.report.key, token)),
        objects=split.objects,
        bytes=split.bytes,
        rest=dict(split.rest),
        costs_usd=_costs(operation.options, split.objects, split.found),
        request={},
        identity=describe(operation)["identity"],
    )
    plan = dataclasses.replace(plan, request=_request(plan, operation.options, role, prefix))
    policies = _write_policies(folder, plan, operation.options, role, settings.source_keys)
    for name in (MANIFEST, OBJECTS, REST, *policies):
        storage.write_file(name, folder / name)
    write_plan(storage, plan)
    return plan


def _require_outside(source: S3Location, **places: S3Location) -> None:
    """Refuse a place where the files of the job would be among what is copied next time."""
    for name, place in places.items():
        if place.bucket == source.bucket and _below(place.key, "-").startswith(source.key):
            raise ValidationError(
                f"the {name} of the job would lie inside {source.url}, among what is copied",
                remedy="give it another place",
            )


def _cannot_write(error: OSError) -> ReportError:
    return ReportError(
        f"the files of the plan cannot be written: {reason_of(error)}",
        remedy="make room for temporary files, or set TMPDIR to a disk that has it",
    )


def _below(prefix: str, name: str) -> str:
    return f"{prefix.rstrip('/')}/{name}" if prefix.strip("/") else name


class _Split:
    """Writes the objects of a job to its manifest, and the others to a report."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.objects = self.bytes = self.found = 0
        self.rest: Counter[str] = Counter()
        self.manifest_md5 = ""
        self._folder = folder
        self._prefix = prefix
        self._hash = hashlib.md5(usedforsecurity=False)
        self._manifest_bytes = 0

    def __enter__(self) -> _Split:
        self._objects_report = ReportWriter(self._folder / OBJECTS, ReportScope.ALL)
        self._rest_report = ReportWriter(self._folder / REST, ReportScope.ALL)
        try:
            self._manifest = (self._folder / MANIFEST).open("wb")
        except OSError as error:
            raise _cannot_write(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._manifest.close()
        if kind:
            self._objects_report.leave()
            self._rest_report.leave()
            return
        self._objects_report.finish()
        self._rest_report.finish()
        self.manifest_md5 = self._hash.hexdigest()

    def take(self, task: CopyTask) -> None:
        """Put an object that is to be copied where it belongs."""
        self.found += 1
        reason = why_not(task, self._prefix)
        if not reason and self._manifest_bytes > MANIFEST_MAX_BYTES - 4096:
            reason = "the manifest is full: one request writes 5 GiB"
        if reason:
            self.rest[reason] += 1
            self._rest_report.left(task, reason)
            return
        row = f"{task.source.bucket},{quote(task.source.key, safe='/')}\n".encode("ascii")
        try:
            self._manifest.write(row)
        except OSError as error:
            raise _cannot_write(error) from error
        self._hash.update(row)
        self._manifest_bytes += len(row)
        self.objects += 1
        self.bytes += task.source.size
        self._objects_report.left(task, "")

    def refuse(self, task: CopyTask, decision: Refuse) -> None:
        """Note an object that no copy can make."""
        self.found += 1
        failed = Failed(task, decision.error)
        self.rest[failed.error.info.error_class.description] += 1
        self._rest_report.record(failed)


def _list_into(operation: S3CopyOperation, split: _Split) -> None:
    options = dataclasses.replace(operation.options, preflight=Preflight.SKIP)
    for planned in dataclasses.replace(operation, options=options).plan():
        if isinstance(planned.decision, Copy):
            split.take(planned.task)
        elif isinstance(planned.decision, Refuse):
            split.refuse(planned.task, planned.decision)


def _request(
    plan: BatchPlan, options: CopyOptions, role: Principal, prefix: str
) -> Mapping[str, object]:
    """Return what CreateJob is asked; submitting adds the ETag of the manifest."""
    arn = f"arn:{role.partition}:s3:::"
    copying = copy_operation(options, bucket_arn=f"{arn}{plan.destination[0]}", folder=prefix)
    bucket, key = plan.manifest
    return {
        "AccountId": plan.account_id,
        "ConfirmationRequired": False,
        "ClientRequestToken": plan.token,
        "Priority": _PRIORITY,
        "RoleArn": role.arn,
        "Description": f"s3-xfer {plan.token}",
        "Operation": {"S3PutObjectCopy": copying},
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"{arn}{bucket}/{key}", "ETag": ""},
        },
        "Report": {
            "Bucket": f"{arn}{plan.report[0]}",
            "Prefix": plan.report[1],
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "ReportScope": "AllTasks",
            "ExpectedBucketOwner": plan.account_id,
        },
    }


def _write_policies(
    folder: Path,
    plan: BatchPlan,
    options: CopyOptions,
    role: Principal,
    source_keys: tuple[str, ...],
) -> list[str]:
    """Write the policies; return their names."""
    documents = job_policies(
        options,
        role=role,
        region=plan.region,
        source=plan.source,
        destination=plan.destination,
        manifest=plan.manifest,
        report=plan.report,
        source_keys=source_keys,
    )
    (folder / POLICIES).mkdir()
    for name, document in documents.items():
        (folder / POLICIES / name).write_text(json.dumps(document, indent=2) + "\n")
    return [f"{POLICIES}/{name}" for name in documents]


def _costs(options: CopyOptions, objects: int, found: int) -> Mapping[str, float]:
    """Return the price of the job, what is counted by S3 in it, and of the listings."""
    prices: Prices = read_prices(options.prices_path) if options.prices_path else AWS_PRICES
    pages = -(-found // KEYS_PER_PAGE)
    return {
        "copies": prices.bill({"CopyObject": objects}, options.storage_class).usd,
        "job": BATCH_JOB_USD + BATCH_OBJECT_USD * objects if objects else 0.0,
        "listings": prices.bill({"ListObjectsV2": 3 * pages}).usd,  # plan, and both to verify
    }
