"""A stand-in for S3's control API: it creates jobs, runs their manifests, and writes their reports.

Every object of a manifest is copied by a real CopyObject request, sent to the S3 server that the
``client`` belongs to. A job has run when CreateJob is answered; DescribeJob then shows its stages,
one at each question. AWS's order of the report's last columns, its two names for the report, and
its idempotency by the client's token are those of the documentation.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAMESPACE = "{http://awss3control.amazonaws.com/doc/2018-08-20/}"
_BUCKET_ARN = "arn:aws:s3:::"


@dataclass
class Job:
    """One job; ``stages`` are what is still to be shown, the last one for ever."""

    job_id: str
    created: datetime
    stages: list[str]
    total: int = 0
    succeeded: int = 0
    failed: int = 0


@dataclass
class ControlServer:
    """The API at ``url``. What is to go wrong is set before a job is created.

    ``failures`` are rows by key (code, status, message), ``untried`` keys have no row, ``lies`` are
    reported as copied and are not. ``refusal`` is the answer to every request.
    """

    client: S3Client
    stages: list[str] = field(default_factory=lambda: ["New", "Active", "Complete"])
    failures: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    untried: set[str] = field(default_factory=set)
    lies: set[str] = field(default_factory=set)
    refusal: tuple[int, str, str] | None = None
    report_name: str = "manifest.json"
    status_first: bool = True
    damage: bool = False
    url: str = ""
    requests: list[str] = field(default_factory=list)
    bodies: list[ElementTree.Element] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)  # by token
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serving(self) -> Iterator[ControlServer]:
        """Answer requests inside the block."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                self._answer(self.rfile.read(length))

            def do_GET(self) -> None:
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                with api.lock:
                    status, text = api.answer(self.command, self.path, body)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """Return status and document for one request."""
        self.requests.append(f"{method} {path}")
        if self.refusal:
            status, code, message = self.refusal
            said = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
            return status, f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
        if method == "POST" and path == "/v20180820/jobs":
            root = ElementTree.fromstring(body)
            self.bodies.append(root)
            token = root.findtext(f"{_NAMESPACE}ClientRequestToken", "")
            if token not in self.jobs:
                self.jobs[token] = self._run(root)
            job_id = self.jobs[token].job_id
            return 200, f"<CreateJobResult><JobId>{job_id}</JobId></CreateJobResult>"
        job_id = path.rpartition("/")[2]
        job = next(job for job in self.jobs.values() if job.job_id == job_id)
        return 200, _described(job)

    def _run(self, root: ElementTree.Element) -> Job:
        job = Job(f"job-number-{len(self.jobs)}", datetime.now(UTC), list(self.stages))
        location = root.find(f"{_NAMESPACE}Manifest/{_NAMESPACE}Location")
        assert location is not None
        bucket, _, key = _text(location, "ObjectArn").removeprefix(_BUCKET_ARN).partition("/")
        stored = self.client.get_object(Bucket=bucket, Key=key)
        assert stored["ETag"].strip('"') == _text(location, "ETag")
        rows: dict[str, list[list[str]]] = {"succeeded": [], "failed": []}
        copying = root.find(f"{_NAMESPACE}Operation/{_NAMESPACE}S3PutObjectCopy")
        assert copying is not None
        for source, written in csv.reader(io.StringIO(stored["Body"].read().decode())):
            job.total += 1
            if unquote(written) in self.untried:
                continue
            status, last = self._copy(source, unquote(written), copying)
            rows[status].append([source, written, "", status, *last])
        job.succeeded, job.failed = len(rows["succeeded"]), len(rows["failed"])
        if job.succeeded + job.failed:
            self._report(root, job, rows)
        return job

    def _copy(
        self, bucket: str, key: str, copying: ElementTree.Element
    ) -> tuple[str, tuple[str, str, str]]:
        if key in self.failures:
            code, status, message = self.failures[key]
            return "failed", self._columns(code, status, message)
        if key not in self.lies:
            prefix = copying.findtext(f"{_NAMESPACE}TargetKeyPrefix", "")
            self.client.copy_object(
                Bucket=_text(copying, "TargetResource").removeprefix(_BUCKET_ARN),
                Key=f"{prefix}/{key}" if prefix else key,
                CopySource={"Bucket": bucket, "Key": key},
            )
        return "succeeded", self._columns("", "200", "Successful")

    def _columns(self, code: str, status: str, message: str) -> tuple[str, str, str]:
        return (status, code, message) if self.status_first else (code, status, message)

    def _report(
        self, root: ElementTree.Element, job: Job, rows: dict[str, list[list[str]]]
    ) -> None:
        place = root.find(f"{_NAMESPACE}Report")
        assert place is not None
        bucket = _text(place, "Bucket").removeprefix(_BUCKET_ARN)
        folder = f"{_text(place, 'Prefix')}/job-{job.job_id}"
        results = []
        for status, written in rows.items():
            if written:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerows(written)
                data = text.getvalue().encode()
                key = f"{folder}/results/{status}.csv"
                digest = hashlib.md5(data).hexdigest()
                stored = data + (b"x" if self.damage else b"")
                self.client.put_object(Bucket=bucket, Key=key, Body=stored)
                result = {"TaskExecutionStatus": status, "Bucket": bucket, "Key": key}
                results.append({**result, "MD5Checksum": digest})
        schema = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
        manifest = {"Format": "Report_CSV_20180820", "Results": results, "ReportSchema": schema}
        self.client.put_object(
            Bucket=bucket,
            Key=f"{folder}/{self.report_name}",
            Body=json.dumps(manifest).encode(),
        )


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{_NAMESPACE}{name}", "")


def _described(job: Job) -> str:
    stage = job.stages.pop(0) if len(job.stages) > 1 else job.stages[0]
    return (
        f"<DescribeJobResult><Job><JobId>{job.job_id}</JobId><Status>{stage}</Status>"
        f"<CreationTime>{job.created:%Y-%m-%dT%H:%M:%S.%fZ}</CreationTime>"
        "<FailureReasons><member><FailureCode>Threshold</FailureCode>"
        "<FailureReason>too many</FailureReason></member></FailureReasons>"
        f"<ProgressSummary><TotalNumberOfTasks>{job.total}</TotalNumberOfTasks>"
        f"<NumberOfTasksSucceeded>{job.succeeded}</NumberOfTasksSucceeded>"
        f"<NumberOfTasksFailed>{job.failed}</NumberOfTasksFailed>"
        "<Timers><ElapsedTimeInActiveSeconds>7</ElapsedTimeInActiveSeconds></Timers>"
        "</ProgressSummary></Job></DescribeJobResult>"
    )
