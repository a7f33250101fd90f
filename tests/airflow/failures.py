"""The ways in which tasks fail, each brought about on the fault server."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_plugin import S3CrossAccountCheckOperator, S3CrossAccountCopyOperator
from airflow_plugin._compat import BaseOperator
from s3_xfer.units import MIB
from tests.airflow.stage import Stage
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC

FOLDER = f"s3://{DST}/reports/"
JOURNAL = f"s3://{DST}/journals/one.db"
ROLE = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"
NOBODY = "http://127.0.0.1:9"
_PASSING = {"request_retries": 0, "second_chance": "skip"}
# One at a time: when the large object begins, the small ones have ended.
_IN_PARTS = {"multipart_threshold_bytes": 16 * MIB, "part_size_bytes": 8 * MIB, "concurrency": 1}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One way to fail: what is done about it, and how it comes about.

    The task copies five objects, or compares them, with ``changes`` of its arguments; before, the
    world is changed by ``prepare``, and ``connections`` are changed. ``stop`` is called in a thread
    once the task copies, and ends it.
    """

    title: str
    advice: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Stage], object] = lambda _: None
    operator: type[BaseOperator] = S3CrossAccountCopyOperator
    stop: Callable[[Any], object] | None = None


def _deny(bucket: str, *actions: str) -> Callable[[Stage], None]:
    return lambda stage: stage.server.deny(bucket, DESTINATION_ACCOUNT, actions)


def _answer(*error: Any, **where: Any) -> Callable[[Stage], object]:
    return lambda stage: stage.server.inject(Fault.error(*error, **where))


def _begin_journal(stage: Stage) -> None:
    stage.execute(
        journal=JOURNAL, multipart_threshold_bytes=None, part_size_bytes=None, concurrency=None
    )


def _foreign_report(stage: Stage) -> None:
    stage.server.put(DST, "reports/mine.jsonl", size=1)


def _slow_large_object(stage: Stage) -> None:
    stage.server.put(SRC, "in/large", size=LARGE)
    stage.server.inject(Fault.slow("UploadPartCopy", delay_s=60, key="out/large"))


def _differences(stage: Stage) -> None:
    stage.execute()
    stage.server.put(SRC, "in/1", size=11)
    stage.server.put(SRC, "in/new", size=10)
    stage.server.put(DST, "out/extra", size=1)


def _many_extra_objects(stage: Stage) -> None:
    stage.execute()
    for number in range(20):
        stage.server.put(DST, f"out/old/{number}", size=1)


def _uncomparable(stage: Stage) -> None:
    stage.execute()
    stage.server.inject(Fault.error("HeadObject", 503, "SlowDown", key="out/1"))


def _mark_failed(task: Any) -> None:
    """As Airflow 3 does; 2.x also raises an exception in the task."""
    task.on_kill()


def _end_by_timeout(_: Any) -> None:
    """As Airflow's clock does: its handler raises in the main thread."""
    signal.raise_signal(signal.SIGALRM)


FAILURES = (
    Failure(
        title="Reading the source is denied",
        advice="Send the statement that the log names to the owners of the source bucket; "
        "[access](../access.md) has all that a copy needs. Then clear the task.",
        changes={"source_aws_conn_id": None},
        prepare=lambda stage: stage.server.revoke(SRC, DESTINATION_ACCOUNT),
    ),
    Failure(
        title="Reading the objects is denied",
        advice="Listing is allowed, and reading is not: the bucket's policy has to name both the "
        "bucket and `…/*`.",
        prepare=_deny(SRC, "s3:GetObject"),
    ),
    Failure(
        title="Writing the destination is denied",
        advice="The role of the destination's connection needs the missing action in its policy.",
        prepare=_deny(DST, "s3:PutObject"),
    ),
    Failure(
        title="The destination bucket does not exist",
        advice="Correct the name, or make the bucket, in the account of the connection.",
        changes={"destination_bucket": "no-such-bucket"},
    ),
    Failure(
        title="The source bucket does not exist",
        advice="Correct the name.",
        changes={"source_bucket": "no-such-bucket"},
    ),
    Failure(
        title="The bucket belongs to another account",
        advice="Somebody else has a bucket of this name, or the number is wrong: ask before you "
        "change either.",
        changes={"dest_bucket_owner": "999999999999"},
    ),
    Failure(
        title="There is nothing at the source",
        advice="Look whether the prefix is right. If a partition may be empty, give "
        '`on_empty="skip"` or `"succeed"`.',
        changes={"source_key": "2026-01-01/"},
    ),
    Failure(
        title="Nothing at the source, and the task is skipped",
        advice='Nothing: `on_empty="skip"` asks for it.',
        changes={"source_key": "2026-01-01/", "on_empty": "skip"},
    ),
    Failure(
        title="A prefix without recursive",
        advice="Add the argument.",
        changes={"recursive": False},
    ),
    Failure(
        title="An argument has a wrong value",
        advice="Correct it; a template shows what it became under *Rendered Templates*.",
        changes={"concurrency": "many"},
    ),
    Failure(
        title="The connection does not exist",
        advice="Make it, or correct its name. Nothing was sent with the worker's own identity.",
        changes={"dest_aws_conn_id": "s3_xfer_us"},
    ),
    Failure(
        title="The connection's role cannot be assumed",
        advice="Compare the role's trust policy with the worker's identity and the external id "
        "([access](../access.md#a-role-with-an-external-id)).",
        connections={"us": {"role_arn": ROLE}},
        prepare=lambda stage: stage.server.require_external_id(ROLE, "agreed"),
    ),
    Failure(
        title="The access key is refused",
        advice="Renew the key in the connection.",
        prepare=_answer("ListObjectsV2", 403, "InvalidAccessKeyId"),
    ),
    Failure(
        title="S3 cannot be reached",
        advice="Airflow tries again by itself. If it lasts, look at the endpoint in the "
        "connection, at the worker's network, proxy and VPC endpoint.",
        changes=_PASSING,
        connections={
            "us": {"endpoint_url": NOBODY},
            "them": {"endpoint_url": NOBODY},
        },
    ),
    Failure(
        title="One object is denied",
        advice="Everything else was copied. Look at the object's key, owner and encryption in the "
        "report, then clear the task: it copies what is missing.",
        changes={"report_path": FOLDER},
        prepare=_answer("CopyObject", 403, "AccessDenied", key="out/3"),
    ),
    Failure(
        title="One object failed for a temporary reason",
        advice="Nothing, while retries are left: the next one copies what is missing.",
        changes={"report_path": FOLDER, **_PASSING},
        prepare=_answer("CopyObject", 500, "InternalError", key="out/3"),
    ),
    Failure(
        title="S3 asks for fewer requests until the end",
        advice="Let fewer tasks run at once (a pool), give `max_requests_per_second=`, or a longer "
        "`retry_delay` ([when it fails](airflow.md#when-it-fails)).",
        changes=_PASSING,
        prepare=_answer("CopyObject", 503, "SlowDown", key="out/3"),
    ),
    Failure(
        title="The task is marked failed",
        advice="Clear the task to go on: it copies what is missing.",
        changes=_IN_PARTS,
        prepare=_slow_large_object,
        stop=_mark_failed,
    ),
    Failure(
        title="The task takes longer than execution_timeout",
        advice="Give it more time; with a `journal` the next try goes on within large objects too "
        "([retries](airflow.md#retries)).",
        changes=_IN_PARTS,
        prepare=_slow_large_object,
        stop=_end_by_timeout,
    ),
    Failure(
        title="The journal belongs to another copy",
        advice="Let `journal` end in `/`: then the operator names the file "
        "([reports](airflow.md#reports)).",
        changes={"journal": JOURNAL, "destination_key": "elsewhere/"},
        prepare=_begin_journal,
    ),
    Failure(
        title="The report would replace another file",
        advice="Let `report_path` end in `/`.",
        changes={"report_path": f"{FOLDER}mine.jsonl"},
        prepare=_foreign_report,
    ),
    Failure(
        title="A sync would delete more than max_delete",
        advice='Look at what would be deleted with `mode="dry-run"`. If it is right, allow it '
        "([sync](sync.md)).",
        changes={"delete": "extra", "max_delete": 10},
        prepare=_many_extra_objects,
    ),
    Failure(
        title="preflight_only finds that the copy would be refused",
        advice="As above; nothing was copied, nor would have been.",
        changes={"preflight_only": True},
        prepare=_deny(DST, "s3:PutObject"),
    ),
    Failure(
        title="A check finds differences",
        advice="Copy with the report: "
        "`from_report_path=\"{{ ti.xcom_pull('verify')['report'] }}\"`. What is extra, only a sync "
        "deletes.",
        changes={"report_path": FOLDER},
        prepare=_differences,
        operator=S3CrossAccountCheckOperator,
    ),
    Failure(
        title="A check cannot compare some objects",
        advice="Nothing, while retries are left.",
        changes={"compare": "metadata", "request_retries": 0},
        prepare=_uncomparable,
        operator=S3CrossAccountCheckOperator,
    ),
)
