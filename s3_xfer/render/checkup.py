"""A check-up as lines: what was tried, how it ended, the evidence; explanations below."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.access.doctor import CheckUp
from s3_xfer.findings import Diagnosis, Finding, Verdict
from s3_xfer.units import format_duration

_WORDS = {Verdict.PASSED: "ok", Verdict.FAILED: "FAILED", Verdict.UNPROVEN: "unproven"}


def check_up_lines(result: CheckUp) -> Iterator[str]:
    """Return one line per check, then the diagnosis of every denial, then the end of it all."""
    yield from (_line(one) for one in result.findings)
    for diagnosis in _each_once(result):
        yield ""
        yield from diagnosis.lines()
    yield ""
    yield f"{_verdict(result)} ({format_duration(result.duration_s)})"
    if any(one.diagnosis for one in result.findings):
        yield "All that it needs, to paste: s3-xfer policy, with the same arguments"


def _each_once(result: CheckUp) -> Iterator[Diagnosis]:
    """Return the diagnoses; two checks can fail for want of the same statements."""
    seen = set()
    for one in result.findings:
        if one.diagnosis and (what := (one.diagnosis.action, one.diagnosis.missing)) not in seen:
            seen.add(what)
            yield one.diagnosis


def _line(one: Finding) -> str:
    return f"{_WORDS[one.verdict]:<8}  {one.side:<11}  {one.check:<19}  {one.evidence}"


def _verdict(result: CheckUp) -> str:
    failed = sum(one.verdict is Verdict.FAILED for one in result.findings)
    unproven = sum(one.verdict is Verdict.UNPROVEN for one in result.findings)
    if failed:
        return f"This copy would be refused: {failed} of {len(result.findings)} checks failed"
    if unproven:
        return f"Nothing speaks against this copy; {unproven} of {len(result.findings)} unproven"
    return "Everything that this copy needs is allowed"
