"""What a probe of access is: one step of a copy, tried as the copy would do it, with a finding.

There is one list of them, :mod:`~s3_xfer.access.probes`: a run's preflight raises the first failed
finding, the doctor collects all findings, and a diagnosis repeats the copy of a denied object. A
probe shows no more than it tried: other objects may lie under other keys or owners.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from s3_xfer.access.clients import Clients
from s3_xfer.errors import Diagnosis, ErrorInfo, PreflightError, translate
from s3_xfer.listing.pages import RememberingReader
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.s3_client import S3Client

if TYPE_CHECKING:
    from s3_xfer.access.identities import Identities

SOURCE, DESTINATION, BOTH = "source", "destination", "both"
RANGE_MIN_BYTES = 5 * 1024 * 1024  # API reference, CopySourceRange: source "greater than 5 MB"
_PROBE_NAME = ".s3-xfer-preflight-"
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Verdict(enum.Enum):
    """How a probe ended. The value is what is shown."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"  # no request that could be sent would have shown it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one probe found, safe to print. ``probe`` and ``side`` are its name in a report.

    A failed one of a request has a ``refusal``, which a run raises. ``is_needed`` is whether the
    copy cannot do without it. ``diagnosis`` is what a denial means, once that was looked into.
    """

    probe: str
    side: str
    verdict: Verdict
    evidence: str
    is_needed: bool = True
    refusal: PreflightError | None = None
    diagnosis: Diagnosis | None = None

    @property
    def leaves_doubt(self) -> bool:
        """Whether something that the copy needs was not proven."""
        return self.is_needed and self.verdict is Verdict.UNPROVEN

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "check": self.probe,
            "side": self.side,
            "verdict": self.verdict.value,
            "needed": self.is_needed,
            "evidence": self.evidence,
            "diagnosis": self.diagnosis.to_dict() if self.diagnosis else None,
        }


class UnprovenError(Exception):
    """A probe can show nothing either way. The message is the evidence.

    With a ``refusal`` something was denied that the copy may not need. ``is_needed`` is False if
    the copy works without what could not be shown.
    """

    def __init__(
        self, evidence: str, *, refusal: PreflightError | None = None, is_needed: bool = True
    ) -> None:
        super().__init__(evidence)
        self.evidence = evidence
        self.refusal = refusal
        self.is_needed = is_needed


@dataclass(slots=True)
class ProbeContext:
    """What the probes of one copy share, and what they have seen so far.

    ``source_by_copier`` sends requests about source objects with the destination's credentials;
    only the doctor and a diagnosis have it. ``copier`` has the same credentials and no headers, and
    ``identities`` know who sends the requests; both are the doctor's. ``source_pages`` has the
    first page of the source, once it was listed. ``key`` is where an upload is opened, a key of no
    object if it is empty. ``sample`` are source objects; ``chosen`` are those that the doctor tries
    one by one, ``unreadable`` the keys that it may not read, and ``tags`` the tags that it could
    read, by key.
    ``focus`` is the object that was tried last; ``upload`` names the open upload.
    """

    clients: Clients
    keys: KeyMap
    options: CopyOptions
    source_by_copier: S3Client | None = None
    copier: S3Client | None = None
    identities: Identities | None = None
    source_pages: RememberingReader | None = None
    key: str = ""
    sample: Sequence[S3Object] = ()
    chosen: Sequence[S3Object] = ()
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    focus: S3Object | None = None
    upload: Mapping[str, Any] | None = None

    @property
    def copies_tags(self) -> bool:
        """Whether the copy reads and writes tags."""
        return self.options.tags is TagPolicy.COPY

    @property
    def subject(self) -> S3Object | None:
        """A source object to try, rather one that can be read; None if none is known."""
        return self.focus or self.readable or next(iter(self.sample), None)

    @property
    def readable(self) -> S3Object | None:
        """An object that a one-part copy can read, rather one where a byte is enough."""
        usable = [item for item in self.sample if is_readable(item)]
        large = [item for item in usable if item.size > RANGE_MIN_BYTES]
        return next(iter(large or usable), None)

    @property
    def large(self) -> S3Object | None:
        """An object of the sample that is copied in parts; None if there is none."""
        threshold = self.options.multipart_threshold_bytes
        return next((item for item in self.sample if item.size >= threshold), None)

    def abort_upload(self) -> ErrorInfo | None:
        """Abort the open upload, if there is one; return why it could not be aborted."""
        upload, self.upload = self.upload, None
        return answer(self.clients.destination.abort_multipart_upload, upload) if upload else None


@dataclass(frozen=True, slots=True)
class Probe:
    """One entry of the list. ``name`` and ``side`` are what a report shows.

    ``examine`` returns the evidence, or None if there was nothing to try. It raises
    PreflightError if the copy would be refused, and UnprovenError if nothing is shown.
    """

    name: str
    side: str
    examine: Callable[[ProbeContext], str | None]

    def run(self, context: ProbeContext) -> Finding | None:
        """Return what the probe found; None if there was nothing to try."""
        try:
            evidence = self.examine(context)
        except UnprovenError as error:
            finding = self.finding(Verdict.UNPROVEN, error.evidence)
            return replace(finding, refusal=error.refusal, is_needed=error.is_needed)
        except PreflightError as refusal:
            return replace(self.finding(Verdict.FAILED, refusal.problem), refusal=refusal)
        return self.finding(Verdict.PASSED, evidence) if evidence else None

    def finding(self, verdict: Verdict, evidence: str) -> Finding:
        """Return a finding of this probe."""
        return Finding(probe=self.name, side=self.side, verdict=verdict, evidence=evidence)


def is_readable(item: S3Object) -> bool:
    """Return whether a part can be copied from an object: it has content, at hand."""
    return bool(item.size) and item.storage_class not in _ARCHIVED


def probe_key(destination: S3Location) -> str:
    """Return a key of no object below a prefix; for a single object its own, which stays as it is.

    Policies that name one key allow no other.
    """
    if destination.key and not destination.key.endswith("/"):
        return destination.key
    return f"{destination.key}{_PROBE_NAME}{uuid.uuid4().hex}"


def answer(request: Callable[..., Any], arguments: Mapping[str, Any]) -> ErrorInfo | None:
    """Send ``request``; return why it was refused, None if it was not. Never raises."""
    try:
        request(**arguments)
    except Exception as error:  # noqa: BLE001 - a refusal is an answer
        return translate(error)
    return None
