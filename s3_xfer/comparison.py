"""What a comparison says about one object, as values.

"Same" means proven by S3: an equal ETag, an equal checksum, or nothing in either. What has the same
size and no proof is a status of its own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from s3_xfer.errors import ObjectError, check_fields
from s3_xfer.model import CopyTask, S3Object


@dataclass(frozen=True, slots=True)
class Pair:
    """A source object and the one at its destination key; one of them may be absent."""

    source: S3Object | None
    destination: S3Object | None


class CompareStatus(enum.Enum):
    """How an object compares. The value is what reports and JSON show."""

    SAME = "same"  # proven
    SAME_SIZE = "same_size"  # and nothing to compare the content by
    DIFFERENT = "different"
    MISSING = "missing"  # at the destination
    EXTRA = "extra"  # at the destination, and not at the source
    NOT_COMPARED = "not_compared"  # S3 did not tell what had to be asked


DIFFERENCES = (CompareStatus.MISSING, CompareStatus.DIFFERENT, CompareStatus.EXTRA)


class FailOn(enum.Enum):
    """What a check counts as a difference."""

    DIFFERENCE = "difference"  # what is missing, different or extra
    SAME_SIZE = "same-size"  # also what has the same size, and no proof of the same content

    @property
    def differences(self) -> tuple[CompareStatus, ...]:
        """The statuses that are differences."""
        return (*DIFFERENCES, CompareStatus.SAME_SIZE) if self is FailOn.SAME_SIZE else DIFFERENCES


class CompareField(enum.Enum):
    """What is compared besides sizes and ETags. Each asks S3 about objects one by one."""

    CHECKSUMS = "checksums"  # of the content, where ETags prove nothing: two HEADs
    METADATA = "metadata"  # user metadata and the standard headers: two HEADs
    TAGS = "tags"  # two GetObjectTagging


class Extra(enum.Enum):
    """Whether what only the destination has is a difference."""

    COUNT = "count"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """How one object compares."""

    status: CompareStatus
    """How it compares."""
    task: CopyTask | None = None
    """The copy that it is about; None for an extra object."""
    destination: S3Object | None = None
    """The object at the destination, where it was seen."""
    reasons: tuple[str, ...] = ()
    """What differs: size, content, metadata, tags."""
    detail: str = ""
    """Which names differ."""
    proof: str = ""
    """Why it counts as the same."""
    error: ObjectError | None = None
    """Why it was not compared."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def size_bytes(self) -> int:
        """The source's size, or that of an extra object."""
        compared = self.task.source if self.task else self.destination
        return compared.size if compared else 0
