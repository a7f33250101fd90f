"""What a probe of access yields: a finding, with its verdict and its evidence.

Plain values that people and machines read. Every string is safe to print.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from s3_xfer.errors import Diagnosis, PreflightError
from s3_xfer.model import S3Object

SOURCE, DESTINATION, BOTH = "source", "destination", "both"


class Verdict(enum.Enum):
    """How a probe ended. The value is what is shown."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"  # no request that could be sent would have shown it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one probe found. ``probe`` and ``side`` are its name in a report.

    A failed one of a request has a ``refusal``, which a run raises. ``subject`` is the source
    object that was tried, ``diagnosis`` what a denial means, once that was looked into.
    """

    probe: str
    side: str
    verdict: Verdict
    evidence: str
    refusal: PreflightError | None = None
    subject: S3Object | None = None
    diagnosis: Diagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "check": self.probe,
            "side": self.side,
            "verdict": self.verdict.value,
            "evidence": self.evidence,
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
        }
