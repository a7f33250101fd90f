"""The doctor: every step of a copy tried before it, each a line with its evidence.

The same probes as before every run, and more: several objects, what the tags need, the journal,
regions, identities. It goes on after a failure. Once the clients are open, the probes end after a
time limit whether S3 answers or not; opening them has a limit of its own. What is opened is
aborted, and what cannot be aborted is named. A probe without proof is ``unproven``, with the
reason; so is one that got no answer in time.
"""

from __future__ import annotations

import dataclasses
import enum
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.access.credentials import session_for
from s3_xfer.access.diagnosis import AccessDiagnoser, diagnose_refusal
from s3_xfer.access.documents import Principal
from s3_xfer.access.identities import Identities
from s3_xfer.access.probe import (
    BOTH,
    DESTINATION,
    SOURCE,
    Finding,
    Probe,
    ProbeContext,
    Verdict,
    answer,
)
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, PreflightError, RunAborted, check_fields, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, OpenUpload
from s3_xfer.options import Delete, RunMode, TagPolicy
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from s3_xfer.wording import message

TIME_LIMIT_S = 10.0  # of the probes
OPENING_LIMIT_S = 30.0  # of imports, credentials and roles before them
_CLEAN_UP_S = 2.5  # after the probes, for aborting what is open
_READ_TIMEOUT_S = 3.0
# What a service says that cannot answer just now: nothing is proven either way.
_NO_ANSWER = frozenset(
    {
        ErrorClass.TIMEOUT,
        ErrorClass.INTERRUPTED,
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.CONFLICT,
    }
)


class Conclusion(enum.Enum):
    """What the findings come to. The value is what JSON shows."""

    ALLOWED = "allowed"  # everything that this copy needs was proven
    REFUSED = "refused"
    UNPROVEN = "unproven"  # nothing failed, and something that is needed was not proven


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """What the doctor found, in order."""

    findings: tuple[Finding, ...]
    """What each check found, in the order of the checks."""
    duration_s: float
    """How long they took together."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def conclusion(self) -> Conclusion:
        """What the findings come to: one failed probe refuses, one needed proof leaves doubt."""
        if any(finding.verdict is Verdict.FAILED for finding in self.findings):
            return Conclusion.REFUSED
        if any(finding.leaves_doubt for finding in self.findings):
            return Conclusion.UNPROVEN
        return Conclusion.ALLOWED

    @property
    def is_refused(self) -> bool:
        """Whether the copy would be refused."""
        return self.conclusion is Conclusion.REFUSED

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "passed": self.conclusion is Conclusion.ALLOWED,
            "conclusion": self.conclusion.value,
            "checks": [finding.to_dict() for finding in self.findings],
            "duration_seconds": round(self.duration_s, 3),
        }


def examine(
    spec: CopySpec, *, principal: Principal | None = None, time_limit_s: float = TIME_LIMIT_S
) -> DoctorReport:
    """Try every step of ``spec``.

    The probes end after ``time_limit_s`` seconds at the latest, which begin when the clients are
    open; opening them ends after ``OPENING_LIMIT_S``, and aborting what the probes opened takes a
    few seconds more at most. ``principal`` is who copies, where STS does not say it.
    """
    began_s = time.monotonic()
    given = spec.options.principal
    examination = _Examination(spec, principal or (Principal.parse(given) if given else None))
    try:
        if not _in_thread(examination.open, OPENING_LIMIT_S):
            examination.stop.set(f"the clients were not open within {OPENING_LIMIT_S:g} seconds")
        elif not _in_thread(examination.probe, time_limit_s):
            examination.stop.set(f"no answer within {time_limit_s:g} seconds")
            _in_thread(examination.abort_uploads, _CLEAN_UP_S)
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
        self._ended: set[Probe] = set()
        self._sides = {SOURCE, DESTINATION}  # whose credentials could be had
        self._clients: Clients | None = None
        self._identities: Identities | None = None
        self._diagnoser: AccessDiagnoser | None = None
        self._why_not_tried = ""
        self._is_clean = threading.Event()
        self._is_clean.set()

    def open(self) -> None:
        """Open the clients of the run and of the diagnosis. Never raises."""
        spec, counter = self._spec, MetricsCollector("doctor")
        try:
            accounts = self._accounts()
            if not self._sides:
                return
            clients = open_clients(
                source=accounts[SOURCE],
                destination=accounts[DESTINATION],
                options=spec.options,
                overwrite=spec.overwrite,
                requests=RequestPolicy.of(spec.options, counter=counter, stop=self.stop),
            )
            self._add("transport", Verdict.UNPROVEN, *clients.warnings())
            self._identities = Identities(clients, self._keys, self._principal)
            self._diagnoser = AccessDiagnoser(clients, self._keys, spec, self._identities)
            self._clients = clients
        except PreflightError as error:
            self._refuse(error, BOTH)
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._note(error)

    def _accounts(self) -> dict[str, AccountContext]:
        """Return the accounts of both sides, with credentials that are known to exist.

        A side whose credentials cannot be had is noted; the other's stand in for it, and its
        own probes are left out.
        """
        spec = self._spec
        given = {SOURCE: spec.source, DESTINATION: spec.destination}
        if not spec.source.names_credentials:
            session_for(spec.destination, side=DESTINATION)
            return given
        for side, account in given.items():
            try:
                session_for(account, side=side)
            except PreflightError as error:
                self._sides.discard(side)
                self._refuse(error, side)
        working = next(iter(self._sides), None)
        return given if len(self._sides) != 1 else dict.fromkeys(given, given[str(working)])

    def probe(self) -> None:
        """Try what can be tried with open clients. Never raises."""
        if not self._clients or not self._diagnoser:
            return
        experiments = self._diagnoser.experiments
        context = ProbeContext(
            self._clients,
            self._keys,
            self._spec.options,
            source_by_copier=experiments.source_by_copier,
            copier=experiments.copier,
            identities=self._identities,
        )
        self._is_clean.clear()
        try:
            for probe in self._probes():
                if not self._is_possible(probe):
                    continue
                finding = _finding(probe, context)
                if finding:
                    self._findings.append(_explained(finding, context, self._diagnoser))
                self._ended.add(probe)
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._note(error)
        finally:
            context.abort_upload()
            self._findings += self._sweep_lost()
            self._is_clean.set()

    def _sweep_lost(self) -> list[Finding]:
        """Abort the uploads whose answer was lost; return a finding for each that may stay."""
        assert self._clients  # noqa: S101 - the caller has opened them
        uploads, bucket = self._clients.destination_hooks.uploads, self._keys.destination.bucket
        return [
            probes.clean_up.finding(Verdict.UNPROVEN, line)
            for line in uploads.sweep(self._clients.destination, bucket, None)
        ]

    def wait_until_clean(self) -> None:
        """Wait until :meth:`probe` has aborted what it has opened; do it here if it takes long."""
        if not self._is_clean.wait(_CLEAN_UP_S / 2):
            self.abort_uploads()

    def _is_possible(self, probe: Probe) -> bool:
        """Return whether a probe has the credentials that it is about."""
        needs = {SOURCE, DESTINATION} if probe in _NEED_BOTH else {probe.side}
        return needs <= self._sides

    def abort_uploads(self) -> None:
        """Abort what :meth:`probe`, which may still wait for an answer, has opened."""
        for upload in self._open_uploads():
            arguments = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
            assert self._clients  # noqa: S101 - an upload was opened
            answer(self._clients.destination.abort_multipart_upload, arguments)

    def report(self) -> Iterator[Finding]:
        """Return the findings, and a line for each probe that did not come to its end."""
        yield from self._findings
        yield from self._left_behind()
        for probe in self._probes():
            if probe not in self._ended:
                reason = self.stop.reason or self._why_not_tried
                is_needed = probe not in _NOT_NEEDED
                finding = probe.finding(Verdict.UNPROVEN, reason)
                yield dataclasses.replace(finding, is_needed=is_needed)

    def _probes(self) -> Iterator[Probe]:
        """Return every probe that this copy calls for, in the order of the report.

        Identities come last, as an STS that does not answer costs time.
        """
        spec, with_tags = self._spec, self._spec.options.tags is TagPolicy.COPY
        is_dry_run = spec.options.mode is RunMode.DRY_RUN
        yield from (probes.source_bucket, probes.destination_bucket)
        if spec.is_of_prefix:
            yield probes.list_and_choose
        if not is_dry_run or not spec.is_of_prefix:
            yield probes.head_if_needed if spec.is_of_prefix else probes.head
        if spec.options.if_tag:
            yield probes.tags_always_read
        if not is_dry_run:
            yield from (probes.open_upload, probes.read_for_copy)
            if with_tags:
                yield from (probes.tags, probes.write_tags)
            yield probes.clean_up
            if spec.options.journal:
                yield probes.journal
        else:
            yield probes.head_by_copier
        if not spec.overwrite:
            yield probes.existing
        if spec.options.delete is Delete.EXTRA:
            yield from (probes.list_destination, probes.look_for_delete)
            if spec.options.backup_prefix and not is_dry_run:
                yield probes.backup
            yield from (probes.versioning, probes.delete)
        yield from (probes.source_identity, probes.destination_identity)

    def _add(self, name: str, verdict: Verdict, *texts: str) -> None:
        self._findings += [
            Finding(probe=name, side=BOTH, verdict=verdict, evidence=text, is_needed=False)
            for text in texts
        ]

    def _refuse(self, error: PreflightError, side: str) -> None:
        evidence = _with_remedy(error.problem, error.remedy)
        finding = Finding(probe="credentials", side=side, verdict=Verdict.FAILED, evidence=evidence)
        self._findings.append(dataclasses.replace(finding, diagnosis=error.diagnosis))
        self._why_not_tried = "not tried without credentials"

    def _note(self, error: Exception) -> None:
        info = translate(error)
        self._why_not_tried = printable(f"not tried after {info.code} {info.message}".strip())

    def _left_behind(self) -> Iterator[Finding]:
        told = "".join(finding.evidence for finding in self._findings)
        cleaned = [one.verdict for one in self._findings if one.probe == probes.clean_up.name]
        # Unproven: the service has no way to abort any.
        verdict = Verdict.UNPROVEN if Verdict.UNPROVEN in cleaned else Verdict.FAILED
        for upload in self._open_uploads():
            left = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
            evidence = probes.left_open(left)
            if evidence not in told:
                finding = probes.clean_up.finding(verdict, evidence)
                yield dataclasses.replace(finding, is_needed=verdict is Verdict.FAILED)

    def _open_uploads(self) -> tuple[OpenUpload, ...]:
        return self._clients.destination_hooks.uploads.open_uploads() if self._clients else ()


_NEED_BOTH = (probes.tags, probes.read_for_copy)
_NOT_NEEDED = (
    probes.source_identity,
    probes.destination_identity,
    probes.source_bucket,
    probes.destination_bucket,
    probes.clean_up,
)


def _finding(probe: Probe, context: ProbeContext) -> Finding | None:
    """Return what ``probe`` found; an answer that would end a run is a failure."""
    try:
        return probe.run(context)
    except RunAborted as error:
        return probe.finding(Verdict.FAILED, _with_remedy(error.problem, error.remedy))


def _explained(finding: Finding, context: ProbeContext, diagnoser: AccessDiagnoser) -> Finding:
    """Return a finding of a denial with its diagnosis, or with the remedy where there is none."""
    refusal = finding.refusal
    if not refusal:
        return finding
    if refusal.error_class in _NO_ANSWER:
        return dataclasses.replace(finding, verdict=Verdict.UNPROVEN)
    diagnosis = diagnose_refusal(refusal, context.subject, diagnoser)
    if diagnosis or not refusal.remedy or finding.verdict is not Verdict.FAILED:
        return dataclasses.replace(finding, diagnosis=diagnosis)
    evidence = _with_remedy(finding.evidence, refusal.remedy)
    return dataclasses.replace(finding, evidence=evidence)


def _with_remedy(problem: str, remedy: str) -> str:
    return message("{problem}; next: {remedy}", problem=problem, remedy=remedy)
