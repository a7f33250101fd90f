"""Sizes, counts and durations as people write and read them.

Sizes are binary when they say ``MiB`` and decimal when they say ``MB``. A size without a unit is
bytes; a duration without one is an error, and so is an unknown unit.
"""

from __future__ import annotations

import re

from s3_xfer.errors import ValidationError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

_BINARY = {"TiB": TIB, "GiB": GIB, "MiB": MIB, "KiB": KIB}
_DECIMAL = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SHORT = {unit[0]: factor for unit, factor in _BINARY.items()}
_FACTORS = {"": 1, "B": 1, **_DECIMAL, **_SHORT, **{u.upper(): f for u, f in _BINARY.items()}}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400
_SECONDS = {"s": 1, "m": _MINUTE_S, "h": _HOUR_S, "d": _DAY_S, "w": 7 * _DAY_S}
_AMOUNT = r"(\d{1,9}(?:\.\d+)?)\s*([smhdw])"
_SECONDS_ALONE = re.compile(r"\s*\d{1,9}(\.\d+)?\s*", re.ASCII)
_DURATION = re.compile(rf"\s*{_AMOUNT}(?:\s*{_AMOUNT})*\s*", re.ASCII)


def parse_size(text: str) -> int:
    """Return the bytes that ``text`` means: ``5MiB``, ``1GB``, ``64M`` (binary) or ``1048576``.

    Raises:
        ValidationError: ``text`` is no size.
    """
    match = _SIZE.fullmatch(text)
    factor = _FACTORS.get(match[2].upper()) if match else None
    if match is None or factor is None:
        raise ValidationError(
            f"{text!r} is not a size", remedy="write it as 5MiB, 128MiB, 1GB or a number of bytes"
        )
    return int(float(match[1]) * factor)


def parse_duration(text: str) -> float:
    """Return the seconds that ``text`` means: ``90s``, ``45m``, ``1h30m``, ``2d``, ``1w``.

    Raises:
        ValidationError: ``text`` is no duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValidationError(
            f"{text!r} is not a duration", remedy="write it as 90s, 45m, 1h30m, 2d or 1w"
        )
    return sum(float(amount) * _SECONDS[unit] for amount, unit in re.findall(_AMOUNT, text))


def parse_seconds(text: str) -> float:
    """Return the seconds that ``text`` means: a duration, or a number of seconds.

    Raises:
        ValidationError: ``text`` is neither.
    """
    return float(text) if _SECONDS_ALONE.fullmatch(text) else parse_duration(text)


def format_size(size_bytes: float) -> str:
    """Return ``size_bytes`` in the largest binary unit that keeps it at or above one."""
    for unit, factor in _BINARY.items():
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def exact_size(size_bytes: int) -> str:
    """Return ``size_bytes`` as :func:`parse_size` reads it back: ``16MiB``, or ``5001``."""
    for unit, factor in _BINARY.items():
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return str(size_bytes)


def exact_duration(duration_s: float) -> str:
    """Return ``duration_s`` as :func:`parse_seconds` reads it back: ``10m``, or ``0.5``."""
    for unit in "hm":
        if duration_s and duration_s % _SECONDS[unit] == 0:
            return f"{duration_s / _SECONDS[unit]:.0f}{unit}"
    return f"{duration_s:g}"


def format_count(count: int) -> str:
    """Return ``count`` with thousands separated: ``1,234,567``."""
    return f"{count:,}"


def format_duration(duration_s: float) -> str:
    """Return ``duration_s`` as ``0.4 s``, ``42 s``, ``3 m 05 s``, ``2 h 10 m`` or ``3 d 4 h``."""
    if duration_s < 10:  # noqa: PLR2004 - below ten seconds a tenth is worth reading
        return f"{duration_s:.1f} s"
    whole_s = round(duration_s)
    if whole_s < _MINUTE_S:
        return f"{whole_s} s"
    if whole_s < _HOUR_S:
        return f"{whole_s // _MINUTE_S} m {whole_s % _MINUTE_S:02d} s"
    if whole_s < _DAY_S:
        return f"{whole_s // _HOUR_S} h {whole_s % _HOUR_S // _MINUTE_S:02d} m"
    return f"{whole_s // _DAY_S} d {whole_s % _DAY_S // _HOUR_S} h"


def format_usd(usd: float) -> str:
    """Return ``$5.01``, or ``<$0.01`` for what a cent is too much for."""
    return "<$0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"  # noqa: PLR2004 - a cent


def plural(count: int, noun: str) -> str:
    """Return ``1 object``, ``2,000 objects``: a count with its noun."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"
