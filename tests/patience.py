"""How tests treat time, so that a busy machine does not fail them.

A test waits for a condition for ``PATIENCE_S``, which only something that hangs takes. Where
durations race with each other (a session's life with a copy, a read timeout with an answer), no
single set of them is both quick on a quiet machine and safe on a busy one: see :func:`at_any_pace`.
"""

from __future__ import annotations

from collections.abc import Callable

PATIENCE_S = 600.0
_SLOWER = 15.0


def at_any_pace(attempt: Callable[[float], None]) -> None:
    """Call ``attempt`` with 1, and if an assertion fails, once more with a larger number.

    ``attempt`` multiplies every duration in it with that number, and starts from nothing. A wrong
    program fails both; a machine that is too busy for the first passes the second.
    """
    try:
        attempt(1.0)
    except AssertionError:
        attempt(_SLOWER)
