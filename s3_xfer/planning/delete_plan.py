"""What a sync would delete: known before the first object is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s3_xfer.errors import check_fields

EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePlan:
    """The objects that only the destination has, and that no filter protects."""

    count: int
    """How many objects would be deleted."""
    size_bytes: int
    """Their sizes together."""
    of_objects: int
    """How many objects the destination has under the prefix."""
    allowed: int
    """How many may be deleted, by ``max_delete``."""
    examples: tuple[str, ...]
    """The first keys, in order."""
    fingerprint: str
    """Stands for exactly these objects."""
    is_versioned: bool | None
    """Whether the bucket keeps what is deleted; None if that is not known."""
    backup: str = ""
    """The URL of the prefix that each is copied to before; empty without one."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def is_too_much(self) -> bool:
        """Whether the limit keeps it from being carried out."""
        return self.count > self.allowed

    @property
    def effect(self) -> str:
        """What deleting does to them, in words."""
        if self.backup:
            return f"each is copied to {self.backup} first"
        if self.is_versioned:
            return "adds delete markers: the bucket is versioned, so they can be restored"
        if self.is_versioned is None:
            return "may be irreversible: whether the bucket is versioned could not be seen"
        return "irreversible: the bucket is not versioned"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "objects": self.count,
            "bytes": self.size_bytes,
            "destination_objects": self.of_objects,
            "allowed": self.allowed,
            "too_much": self.is_too_much,
            "versioned": self.is_versioned,
            "backup": self.backup or None,
        }
