"""How results are printed: Markdown tables, ready for a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

_TEXTS = ("copier", "conditions", "of which new", "outcome", "operations")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; columns of numbers are aligned right."""
    rule = ["---" if name in _TEXTS else "---:" for name in head]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    """Return the median, and the extremes if there is more than one value; a dash for none."""
    if not values:
        return "-"
    middle = shown(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({shown(min(values))}\N{EN DASH}{shown(max(values))})"


def share(value: float) -> str:
    """Return a share as a percentage: whole ones from ten on, tenths below."""
    return f"{value:.0%}" if value >= 0.0995 else f"{value:.1%}"  # noqa: PLR2004


def dollars(value: float) -> str:
    """Return an amount with cents."""
    return f"{value:,.2f}"


def whole(value: float) -> str:
    """Return a number without decimals."""
    return f"{value:,.0f}"


def hundredths(value: float) -> str:
    """Return a number with two decimals."""
    return f"{value:,.2f}"


def per_object(value: float) -> str:
    """Return a number of requests per object: exact enough to see one request in 20,000."""
    return f"{value:.5f}"
