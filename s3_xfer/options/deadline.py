"""A deadline is a duration from the start of a run, or a moment in ISO 8601."""

from __future__ import annotations

from datetime import datetime, timedelta

from s3_xfer.errors import ValidationError
from s3_xfer.units import parse_duration


def deadline_at(deadline: str, start: datetime) -> datetime:
    """Return the moment that ``deadline`` names for a run that starts at ``start``.

    Raises:
        ValidationError: ``deadline`` names none, or one that has passed at ``start``.
    """
    moment = moment_of(deadline, start)
    if moment <= start:
        raise ValidationError(
            f"the deadline {deadline!r} has passed: it is {start:%Y-%m-%dT%H:%M:%S%z}",
            remedy="give a later one, or none",
        )
    return moment


def moment_of(deadline: str, start: datetime) -> datetime:
    """Return the moment that ``deadline`` names, also one that has passed.

    Raises:
        ValidationError: ``deadline`` names none.
    """
    try:
        return start + timedelta(seconds=parse_duration(deadline))
    except ValidationError:
        pass
    except OverflowError as error:
        raise _no_deadline(deadline) from error
    try:
        moment = datetime.fromisoformat(deadline)
    except ValueError as error:
        raise _no_deadline(deadline) from error
    if moment.tzinfo is None:
        raise ValidationError(
            f"the deadline {deadline!r} has no time zone",
            remedy="add one: Z for UTC, or an offset like +02:00",
        )
    return moment


def _no_deadline(deadline: str) -> ValidationError:
    return ValidationError(
        f"{deadline!r} is not a deadline",
        remedy="write it as a duration (90m, 2h) or as a moment (2026-03-01T06:00:00Z)",
    )
