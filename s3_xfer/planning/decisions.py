"""What happens to one object: the decision, and the steps that make it.

A step is a small pure function. It looks at a task and, where it is known, at its counterpart at
the destination, and returns a decision, or None to leave it to the next step. The first answer
stands; a task that no step answers is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from s3_xfer.errors import ObjectError
from s3_xfer.model import CopyTask, Failed, Outcome, S3Object, Skipped, SkipReason


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy the object."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the object alone, for this reason."""

    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Refuse:
    """The object cannot be copied; it fails with this error before anything is sent."""

    error: ObjectError


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The object that the destination has at a task's key.

    ``is_identical`` says whether it is proven to hold the source's content; None: not asked.
    """

    found: S3Object
    is_identical: bool | None = None


Decision: TypeAlias = Copy | Skip | Refuse
Step: TypeAlias = Callable[[CopyTask, Counterpart | None], Decision | None]

COPY = Copy()


def decide(steps: Sequence[Step], task: CopyTask, counterpart: Counterpart | None) -> Decision:
    """Return the first decision of ``steps`` about ``task``; to copy it if there is none."""
    for step in steps:
        decision = step(task, counterpart)
        if decision is not None:
            return decision
    return COPY


def outcome_of(decision: Skip | Refuse, task: CopyTask) -> Outcome:
    """Return the outcome of a task that is decided without a copy."""
    if isinstance(decision, Skip):
        return Skipped(task, decision.reason)
    return Failed(task, decision.error)
