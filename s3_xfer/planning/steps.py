"""The steps of a copy: one function for each reason not to copy an object.

A step is pure. It looks at a task and, where it is known, at its counterpart at the destination,
and returns a decision, or None to leave it to the next step. The first decision stands; what no
step decides about is copied.

Those of :func:`listing_steps` need nothing but the task; the producer asks them. Those of
:func:`counterpart_steps` look at the destination's object; the copier asks them once it has
looked that up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from s3_xfer.comparison import CompareStatus
from s3_xfer.errors import ErrorClass, ObjectError, check_fields
from s3_xfer.model import (
    KEY_MAX_BYTES,
    CopyReason,
    CopyTask,
    Failed,
    Outcome,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import PART_MAX_BYTES, PARTS_MAX, CompareBy
from s3_xfer.planning.mapping import KeyMap, KeyMaps

_UTF8_MAX_BYTES = 4  # of one character


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The object that the destination has at a task's key.

    ``status`` is how it compares with the source's; None: it was not compared.
    """

    found: S3Object
    status: CompareStatus | None = None

    @property
    def copy_reason(self) -> CopyReason:
        """Why a copy replaces it."""
        is_different = self.status is CompareStatus.DIFFERENT
        return CopyReason.DIFFERENT if is_different else CopyReason.UNPROVEN


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy the object."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the object alone, for this reason."""

    reason: SkipReason
    """Why."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The object cannot be copied; it fails before anything is sent."""

    error: ObjectError
    """Why."""

    def __post_init__(self) -> None:
        check_fields(self)


Decision: TypeAlias = Copy | Skip | Refuse
Step: TypeAlias = Callable[[CopyTask, Counterpart | None], Decision | None]

COPY = Copy()


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do about one object, by what both sides have now."""

    task: CopyTask
    """The object, and where it would go."""
    decision: Decision
    """What would be done about it."""

    def __post_init__(self) -> None:
        check_fields(self)


def planned(outcome: Outcome) -> Planned:
    """Return what a dry run with this outcome has decided."""
    match outcome:
        case Skipped(task, SkipReason.DRY_RUN):
            return Planned(task, COPY)
        case Skipped(task, reason):
            return Planned(task, Skip(reason))
        case Failed(task, error):
            return Planned(task, Refuse(error))
    raise AssertionError(f"a dry run has no outcome like {outcome}")


def decide(
    steps: Sequence[Step], task: CopyTask, counterpart: Counterpart | None = None
) -> Decision:
    """Return the first decision of ``steps`` about ``task``; to copy it if there is none."""
    for step in steps:
        if decision := step(task, counterpart):
            return decision
    return COPY


def outcome_of(decision: Skip | Refuse, task: CopyTask) -> Outcome:
    """Return the outcome of a task that is decided without a copy."""
    if isinstance(decision, Skip):
        return Skipped(task, decision.reason)
    return Failed(task, decision.error)


def listing_steps(
    keys: KeyMap | KeyMaps, *, began: datetime, last: Step | None = None
) -> tuple[Step, ...]:
    """Return the steps that decide by the listing alone. ``began`` is when the copy began.

    ``last`` is a step of the run's own.
    """
    return (
        *((skip_own_copies(began),) if keys.may_meet_own_copies else ()),
        skip_marker_of_prefix,
        refuse_empty_key,
        refuse_long_key,
        refuse_too_large,
        *((last,) if last else ()),
    )


def counterpart_steps(compare: CompareBy | None, *, overwrite: bool) -> tuple[Step, ...]:
    """Return the steps that decide by what is at the destination.

    Without ``overwrite`` every existing object is left alone, identical or not; with it, and
    without a rule to ``compare`` by, every object is copied without a look.
    """
    if not overwrite:
        return (skip_existing,)
    return (skip_identical,) if compare else ()


def skip_own_copies(began: datetime) -> Step:
    """Return the step that skips what appeared after ``began``: this run may have written it."""

    def skip_if_newer(task: CopyTask, _: Counterpart | None) -> Decision | None:
        modified = task.source.last_modified
        return Skip(SkipReason.APPEARED_LATER) if modified and modified > began else None

    return skip_if_newer


def skip_marker_of_prefix(task: CopyTask, _: Counterpart | None) -> Decision | None:
    """Skip the empty object that marks the source prefix, as consoles leave for a folder.

    It has no copy in the root of a bucket, where its key would be empty.
    """
    is_marker = not task.destination_key and task.source.size == 0
    return Skip(SkipReason.MARKER) if is_marker else None


def refuse_empty_key(task: CopyTask, _: Counterpart | None) -> Decision | None:
    """Refuse a copy to the empty key, which cannot exist."""
    if task.destination_key:
        return None
    return Refuse(ObjectError.of(ErrorClass.EMPTY_KEY, task.source.key))


def refuse_long_key(task: CopyTask, _: Counterpart | None) -> Decision | None:
    """Refuse a destination key that is longer than S3 allows."""
    length_bytes = _length_bytes(task.destination_key)
    if length_bytes <= KEY_MAX_BYTES:
        return None
    return Refuse(ObjectError.of(ErrorClass.KEY_TOO_LONG, f"{length_bytes:,} bytes"))


def is_possible_key(key: str) -> bool:
    """Return whether an object can have this key."""
    return bool(key) and _length_bytes(key) <= KEY_MAX_BYTES


def _length_bytes(key: str) -> int:
    """Return the length of a key; of one that is short enough anyway, an upper bound."""
    bound = len(key) * _UTF8_MAX_BYTES
    return bound if bound <= KEY_MAX_BYTES else len(key.encode("utf-8", "surrogatepass"))


def refuse_too_large(task: CopyTask, _: Counterpart | None) -> Decision | None:
    """Refuse an object that no upload has enough parts for."""
    size_bytes, limit_bytes = task.source.size, PARTS_MAX * PART_MAX_BYTES
    if size_bytes <= limit_bytes:
        return None
    message = f"{size_bytes:,} bytes; {PARTS_MAX:,} parts of 5 GiB hold {limit_bytes:,}"
    return Refuse(ObjectError.of(ErrorClass.SIZE_REFUSED, message))


def skip_existing(_task: CopyTask, counterpart: Counterpart | None) -> Decision | None:
    """Skip what exists at the destination."""
    return Skip(SkipReason.EXISTS) if counterpart else None


def skip_identical(_task: CopyTask, counterpart: Counterpart | None) -> Decision | None:
    """Skip what the destination is proven to hold already."""
    is_identical = counterpart is not None and counterpart.status is CompareStatus.SAME
    return Skip(SkipReason.IDENTICAL) if is_identical else None
