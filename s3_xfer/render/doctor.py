"""The doctor's report as lines: what was tried, how it ended, the evidence; diagnoses below."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.access.doctor import Conclusion, DoctorReport
from s3_xfer.access.probe import Verdict
from s3_xfer.errors import Diagnosis
from s3_xfer.units import format_duration
from s3_xfer.wording import LIBRARY, Wording

_WORDS = {Verdict.PASSED: "ok", Verdict.FAILED: "FAILED", Verdict.UNPROVEN: "unproven"}


def doctor_text(report: DoctorReport, *, wording: Wording = LIBRARY) -> str:
    """Return what was tried, what is denied and why, in lines for a log."""
    return "\n".join(doctor_lines(report, wording))


def doctor_lines(report: DoctorReport, wording: Wording) -> Iterator[str]:
    """Return one line per finding, then the diagnosis of every denial, then the summary."""
    for finding in report.findings:
        word = _WORDS[finding.verdict]
        yield f"{word:<8}  {finding.side:<11}  {finding.probe:<19}  {wording.say(finding.evidence)}"
    for diagnosis in _distinct_diagnoses(report):
        yield ""
        yield from diagnosis.lines(wording)
    yield ""
    yield f"{_summary(report)} ({format_duration(report.duration_s)})"


def _distinct_diagnoses(report: DoctorReport) -> Iterator[Diagnosis]:
    """Return each diagnosis once; two probes can fail for the same reason."""
    shown = set()
    for finding in report.findings:
        diagnosis = finding.diagnosis
        if diagnosis and (key := (diagnosis.action, diagnosis.causes[:1])) not in shown:
            shown.add(key)
            yield diagnosis


def _summary(report: DoctorReport) -> str:
    findings = report.findings
    failed = sum(1 for finding in findings if finding.verdict is Verdict.FAILED)
    doubtful = sum(1 for finding in findings if finding.leaves_doubt)
    if report.conclusion is Conclusion.REFUSED:
        return f"This copy would be refused: {failed} of {len(findings)} checks failed"
    if report.conclusion is Conclusion.UNPROVEN:
        return f"No check failed, but {doubtful} of {len(findings)} could not be made"
    return "Everything that this copy needs is allowed"
