"""The objects of a run, or of a plan, by size and by storage class; bounded, whatever is listed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.errors import check_fields
from s3_xfer.units import GIB, KIB, MIB

# The upper bounds of the sizes, included; None for everything above.
SIZE_BOUNDS = (0, 64 * KIB, MIB, 16 * MIB, 128 * MIB, 5 * GIB)
_BOUNDS = (*SIZE_BOUNDS, None)
_CLASSES_MAX = 20  # AWS has ten; a service may answer anything
_OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCount:
    """How many objects, their bytes, and how many of them failed (of a check: differ)."""

    objects: int = 0
    size_bytes: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)

    def __add__(self, other: ObjectCount) -> ObjectCount:
        return ObjectCount(
            objects=self.objects + other.objects,
            size_bytes=self.size_bytes + other.size_bytes,
            failed=self.failed + other.failed,
        )

    def to_dict(self) -> dict[str, int]:
        """Return plain JSON values."""
        return {"objects": self.objects, "bytes": self.size_bytes, "failed": self.failed}

    @classmethod
    def from_dict(cls, values: Mapping[str, int]) -> ObjectCount:
        """Return what :meth:`to_dict` has written."""
        return cls(objects=values["objects"], size_bytes=values["bytes"], failed=values["failed"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Counts by size, in the order of ``SIZE_BOUNDS`` and one above, and by storage class."""

    sizes: tuple[ObjectCount, ...] = (ObjectCount(),) * len(_BOUNDS)
    storage_classes: Mapping[str, ObjectCount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "sizes": [
                {"up_to": bound, **count.to_dict()}
                for bound, count in zip(_BOUNDS, self.sizes, strict=True)
            ],
            "storage_classes": {
                name: count.to_dict() for name, count in sorted(self.storage_classes.items())
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Breakdown:
        """Return what :meth:`to_dict` has written, perhaps among other values."""
        return cls(
            sizes=tuple(map(ObjectCount.from_dict, values["sizes"])),
            storage_classes={
                name: ObjectCount.from_dict(count)
                for name, count in values["storage_classes"].items()
            },
        )

    def __add__(self, other: Breakdown) -> Breakdown:
        names = [*self.storage_classes, *other.storage_classes]
        none = ObjectCount()
        return Breakdown(
            sizes=tuple(mine + its for mine, its in zip(self.sizes, other.sizes, strict=True)),
            storage_classes={
                name: self.storage_classes.get(name, none) + other.storage_classes.get(name, none)
                for name in names
            },
        )


class BreakdownRecorder:
    """Adds up objects. Not thread-safe: its owner has a lock."""

    def __init__(self) -> None:
        self._sizes = [[0, 0, 0] for _ in _BOUNDS]
        self._classes: dict[str, list[int]] = {}

    def add(self, size_bytes: int, storage_class: str, *, failed: bool) -> None:
        """Count one object."""
        of_class = self._classes.get(storage_class)
        if of_class is None:
            name = storage_class if len(self._classes) < _CLASSES_MAX else _OTHERS
            of_class = self._classes.setdefault(name, [0, 0, 0])
        for count in (self._sizes[bisect_left(SIZE_BOUNDS, size_bytes)], of_class):
            count[0] += 1
            count[1] += size_bytes
            count[2] += failed

    def breakdown(self) -> Breakdown:
        """Return what was added so far."""
        return Breakdown(
            sizes=tuple(_count(count) for count in self._sizes),
            storage_classes={name: _count(count) for name, count in self._classes.items()},
        )


def _count(values: list[int]) -> ObjectCount:
    objects, size_bytes, failed = values
    return ObjectCount(objects=objects, size_bytes=size_bytes, failed=failed)
