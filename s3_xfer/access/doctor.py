"""The doctor: every step of a copy tried before it, each a line with its evidence.

The same probes as before every run, and more: identities, regions, what the tags need. It goes on
after a failure. Once the clients are open, it is over in ten seconds whether S3 answers or not;
opening them has a limit of its own. What is opened is aborted, and what cannot be aborted is named.
A probe without proof is ``unproven``, with the reason.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.access.diagnosis import AccessDiagnoser, diagnose_refusal
from s3_xfer.access.documents import Principal
from s3_xfer.access.probe import BOTH, Finding, Probe, ProbeContext, Verdict, answer
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import PreflightError, RunAborted, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import OpenUpload
from s3_xfer.options import RunMode, TagPolicy
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable, s3_url

TIME_LIMIT_S = 10.0  # of the probes
OPENING_LIMIT_S = 30.0  # of imports, credentials and roles before them
_CLEAN_UP_S = 2.5  # of the probes' limit, kept for aborting what is open
_READ_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What the doctor found, in order."""

    findings: tuple[Finding, ...]
    duration_s: float

    @property
    def failed(self) -> bool:
        """Whether the copy would be refused."""
        return any(finding.verdict is Verdict.FAILED for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "passed": not self.failed,
            "checks": [finding.to_dict() for finding in self.findings],
            "duration_seconds": round(self.duration_s, 3),
        }


def examine(
    spec: CopySpec, *, principal: Principal | None = None, time_limit_s: float = TIME_LIMIT_S
) -> DoctorReport:
    """Try every step of ``spec``.

    The probes end after ``time_limit_s`` seconds at the latest, which begin when the clients are
    open; opening them ends after ``OPENING_LIMIT_S``. ``principal`` is who copies, where STS does
    not say it.
    """
    began_s = time.monotonic()
    examination = _Examination(spec, principal)
    try:
        if not _in_thread(examination.open, OPENING_LIMIT_S):
            examination.stop.set(f"the clients were not open within {OPENING_LIMIT_S:g} seconds")
        elif not _in_thread(examination.probe, time_limit_s - _CLEAN_UP_S):
            examination.stop.set(f"no answer within {time_limit_s:g} seconds")
            _in_thread(examination.abort_uploads, min(time_limit_s, _CLEAN_UP_S))
    except KeyboardInterrupt:
        examination.stop.set("interrupted")
        _in_thread(examination.wait_until_clean, _CLEAN_UP_S)
        raise
    return DoctorReport(tuple(examination.report()), time.monotonic() - began_s)


def _in_thread(work: Callable[[], None], time_limit_s: float) -> bool:
    """Do ``work`` in a thread; return whether it ended in time."""
    thread = threading.Thread(target=work, name="s3-xfer-doctor", daemon=True)
    thread.start()
    thread.join(max(0.0, time_limit_s))
    return not thread.is_alive()


class _Examination:
    """Works in threads of its own; what it found so far can be read at any time."""

    def __init__(self, spec: CopySpec, principal: Principal | None) -> None:
        self.stop = StopFlag()
        options = dataclasses.replace(spec.options, retries=0, read_timeout_s=_READ_TIMEOUT_S)
        self._spec = dataclasses.replace(spec, options=options)
        self._keys = spec.key_map()
        self._principal = principal
        self._findings: list[Finding] = []
        self._clients: Clients | None = None
        self._diagnoser: AccessDiagnoser | None = None
        self._why_not_tried = ""
        self._is_clean = threading.Event()
        self._is_clean.set()

    def open(self) -> None:
        """Open the clients of the run and of the diagnosis. Never raises."""
        spec, counter = self._spec, MetricsCollector("doctor")
        try:
            clients = self._clients = open_clients(
                source=spec.source,
                destination=spec.destination,
                options=spec.options,
                overwrite=spec.overwrite,
                requests=RequestPolicy.of(spec.options, counter=counter, stop=self.stop),
            )
            self._add("transport", Verdict.UNPROVEN, *clients.warnings())
            self._diagnoser = AccessDiagnoser(clients, self._keys, spec, principal=self._principal)
        except PreflightError as error:
            self._add("credentials", Verdict.FAILED, f"{error.problem}; next: {error.remedy}")
            self._why_not_tried = "not tried without credentials"
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._note(error)

    def probe(self) -> None:
        """Try what can be tried with open clients. Never raises."""
        if not self._clients or not self._diagnoser:
            return
        by_copier = self._diagnoser.experiments.source_by_copier
        context = ProbeContext(
            self._clients, self._keys, self._spec.options, source_by_copier=by_copier
        )
        self._is_clean.clear()
        try:
            for probe in self._probes():
                finding = _finding(probe, context)
                if finding:
                    self._findings.append(_explained(finding, context, self._diagnoser))
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._note(error)
        finally:
            context.abort_upload()
            self._is_clean.set()

    def wait_until_clean(self) -> None:
        """Wait until :meth:`probe` has aborted what it has opened; do it here if it takes long."""
        if not self._is_clean.wait(_CLEAN_UP_S / 2):
            self.abort_uploads()

    def abort_uploads(self) -> None:
        """Abort what :meth:`probe`, which may still wait for an answer, has opened."""
        for upload in self._open_uploads():
            arguments = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
            assert self._clients  # noqa: S101 - an upload was opened
            answer(self._clients.destination.abort_multipart_upload, arguments)

    def report(self) -> Iterator[Finding]:
        """Return the findings, and a line for each probe that did not come to its end."""
        findings = (*self._findings, *self._left_behind())
        yield from findings
        reported = {(finding.probe, finding.side) for finding in findings}
        for probe in self._probes():
            if (probe.name, probe.side) not in reported:
                yield probe.finding(Verdict.UNPROVEN, self.stop.reason or self._why_not_tried)

    def _probes(self) -> Iterator[Probe]:
        """Return every probe that this copy calls for, in the order of the report."""
        spec, with_tags = self._spec, self._spec.options.tags is TagPolicy.COPY
        yield from (probes.source_identity, probes.destination_identity)
        yield from (probes.source_bucket, probes.destination_bucket)
        if spec.recursive:
            yield probes.list_source
        yield probes.head
        if with_tags:
            yield probes.tags
        if spec.options.mode is not RunMode.DRY_RUN:
            yield from (probes.open_upload, probes.read_for_copy)
            if with_tags:
                yield probes.write_tags
            yield probes.clean_up
        if not spec.overwrite:
            yield probes.existing

    def _add(self, name: str, verdict: Verdict, *texts: str) -> None:
        self._findings += [
            Finding(probe=name, side=BOTH, verdict=verdict, evidence=text) for text in texts
        ]

    def _note(self, error: Exception) -> None:
        info = translate(error)
        self._why_not_tried = printable(f"not tried after {info.code} {info.message}".strip())

    def _left_behind(self) -> Iterator[Finding]:
        for upload in self._open_uploads():
            evidence = (
                f"upload {printable(upload.upload_id)} to {s3_url(upload.bucket, upload.key)} "
                "could not be aborted and costs money until it is (s3:AbortMultipartUpload)"
            )
            yield probes.clean_up.finding(Verdict.FAILED, evidence)

    def _open_uploads(self) -> tuple[OpenUpload, ...]:
        return self._clients.destination_hooks.uploads.open_uploads() if self._clients else ()


def _finding(probe: Probe, context: ProbeContext) -> Finding | None:
    """Return what ``probe`` found; an answer that would end a run is a failure."""
    try:
        return probe.run(context)
    except RunAborted as error:
        return probe.finding(Verdict.FAILED, f"{error.problem}; next: {error.remedy}")


def _explained(finding: Finding, context: ProbeContext, diagnoser: AccessDiagnoser) -> Finding:
    """Return a failed finding with its diagnosis, or with the remedy where there is none."""
    if not finding.refusal:
        return finding
    diagnosis = diagnose_refusal(finding.refusal, context.subject, diagnoser)
    if diagnosis or not finding.refusal.remedy:
        return dataclasses.replace(finding, diagnosis=diagnosis)
    evidence = f"{finding.evidence}; next: {finding.refusal.remedy}"
    return dataclasses.replace(finding, evidence=evidence)
