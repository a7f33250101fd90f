"""Moments as people write them: a duration from or before another moment, or a date with a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from s3_xfer.errors import ValidationError
from s3_xfer.units import parse_duration

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def moment_after(text: str, start: datetime, *, name: str) -> datetime:
    """Return the moment ``text`` after ``start``, or the moment that it says, called ``name``.

    Raises:
        ValidationError: ``text`` is neither a duration nor a moment with a time zone.
    """
    duration_s = _duration_s(text)
    if duration_s is None:
        return _instant(text, name)
    try:
        return start + timedelta(seconds=duration_s)
    except OverflowError as error:
        raise _no_moment(text, name) from error


def moment_before(text: str, end: datetime, *, name: str = "date") -> datetime:
    """Return the moment ``text`` before ``end``, or the moment that it says.

    Raises:
        ValidationError: ``text`` is neither a duration nor a moment with a time zone.
    """
    duration_s = _duration_s(text)
    if duration_s is None:
        return _instant(text, name)
    try:
        return end - timedelta(seconds=duration_s)
    except OverflowError:
        return _EARLIEST  # before there was anything


def _duration_s(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValidationError:
        return None


def _instant(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise _no_moment(text, name) from error
    if moment.tzinfo is None:
        raise ValidationError(
            f"the {name} {text!r} has no time zone",
            remedy="add one: Z for UTC, or an offset like +02:00",
        )
    return moment


def _no_moment(text: str, name: str) -> ValidationError:
    return ValidationError(
        f"{text!r} is not a {name}",
        remedy="write it as a duration (90m, 2h) or as a moment (2026-03-01T06:00:00Z)",
    )
