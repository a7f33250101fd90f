"""Pictures of a run: what it did over time, and bars beside numbers. Inline SVG, no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from s3_xfer.html import Html, element, joined
from s3_xfer.ledger.breakdown import SIZE_BOUNDS, Breakdown, ObjectCount
from s3_xfer.ledger.timeline import Interval, Timeline
from s3_xfer.render.html.page import table
from s3_xfer.units import format_count, format_size

_POINTS_MAX = 200
_WIDTH, _HEIGHT = 1000, 100


def timeline_charts(
    timeline: Timeline,
    began: datetime,
    duration_s: float,
    *,
    verb: str = "copied",
    failed_title: str = "Objects that failed",
) -> Html:
    """Return throughput, and failures where there were any; nothing of a run that did nothing.

    ``verb`` says what was done to the objects.
    """
    if not any(each.objects or each.size_bytes or each.failed for each in timeline.intervals):
        return Html()
    thinned = _thinned(timeline)
    whole_s = max(duration_s, thinned.interval_s)

    objects = _rates(thinned, [each.objects for each in thinned.intervals], whole_s)
    sizes = _rates(thinned, [each.size_bytes for each in thinned.intervals], whole_s)
    charts = [
        *_chart(f"Objects {verb}: at most {max(objects):,.1f}/s", objects, thinned, whole_s),
        *_chart(f"Bytes {verb}: at most {format_size(max(sizes))}/s", sizes, thinned, whole_s),
    ]
    for title, counts in (
        (failed_title, [each.failed for each in thinned.intervals]),
        ("Requests sent again", [each.retries for each in thinned.intervals]),
    ):
        if any(counts):
            counted = f"{title}: {format_count(sum(counts))}"
            charts += _chart(counted, counts, thinned, whole_s, low=True)
    return joined(*charts, _axis(began, whole_s))


def _thinned(timeline: Timeline) -> Timeline:
    """Return a timeline of as many intervals as can be told apart in a picture."""
    together = -(-len(timeline.intervals) // _POINTS_MAX)
    starts = range(0, len(timeline.intervals), together)
    return Timeline(
        interval_s=timeline.interval_s * together,
        intervals=tuple(_sum(timeline.intervals[at : at + together]) for at in starts),
    )


def _sum(intervals: Sequence[Interval]) -> Interval:
    return Interval(
        objects=sum(each.objects for each in intervals),
        size_bytes=sum(each.size_bytes for each in intervals),
        failed=sum(each.failed for each in intervals),
        retries=sum(each.retries for each in intervals),
    )


def _rates(timeline: Timeline, counts: Sequence[int], whole_s: float) -> list[float]:
    """Return what was done per second in each interval; the last one ends with the run."""
    length_s, last = timeline.interval_s, len(timeline.intervals) - 1
    last_s = min(length_s, max(whole_s - last * length_s, length_s / 10))
    return [count / (last_s if number == last else length_s) for number, count in enumerate(counts)]


def _chart(
    title: str, values: Sequence[float], timeline: Timeline, whole_s: float, *, low: bool = False
) -> Iterator[Html]:
    """Yield a caption and the picture of values over the whole run."""
    yield element("h3", title)
    scale = _WIDTH * timeline.interval_s / whole_s
    path = element("path", class_="area", d=_steps(values, scale))
    yield element(
        "svg",
        element("title", title),
        path,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        class_="low" if low else None,
    )


def _steps(values: Sequence[float], width: float) -> str:
    """Return the outline of values as steps, each ``width`` wide, from the bottom line."""
    highest = max(values) or 1.0
    words = [f"M0 {_HEIGHT}"]
    for number, value in enumerate(values):
        y = _HEIGHT - value / highest * (_HEIGHT - 5)
        left, right = number * width, min((number + 1) * width, _WIDTH)
        words.append(f"L{left:.1f} {y:.1f}L{right:.1f} {y:.1f}")
    right = min(len(values) * width, _WIDTH)
    return "".join([*words, f"L{right:.1f} {_HEIGHT}Z"])


def _axis(began: datetime, whole_s: float) -> Html:
    moments = (began + timedelta(seconds=whole_s * share) for share in (0, 0.5, 1))
    return element("div", *(element("span", f"{at:%H:%M:%S}") for at in moments), class_="axis")


# --------------------------------------------------------------------------------- breakdown


def breakdown_tables(breakdown: Breakdown, failed: str = "failed") -> Html:
    """Return objects by size and by storage class; ``failed`` is the word for those."""
    classes = sorted(breakdown.storage_classes.items(), key=lambda item: -item[1].objects)
    if not classes:
        return Html()
    sizes = zip(size_labels(), breakdown.sizes, strict=True)
    return joined(
        _counts("size", [item for item in sizes if item[1].objects], failed),
        _counts("storage class", classes, failed),
    )


def size_labels() -> Iterator[str]:
    """Yield the names of the sizes of a breakdown."""
    for bound in SIZE_BOUNDS:
        yield "empty" if bound == 0 else f"up to {format_size(bound)}"
    yield "larger"


def _counts(heading: str, counts: Iterable[tuple[str, ObjectCount]], failed: str) -> Html:
    named = list(counts)
    most = max(count.objects for _, count in named)
    any_failed = any(count.failed for _, count in named)
    head = [heading, "objects", "size", *([failed] if any_failed else []), ""]
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", format_count(count.objects), class_="number"),
            element("td", format_size(count.size_bytes), class_="number"),
            element("td", format_count(count.failed), class_="number bad") if any_failed else None,
            element("td", bar(count.objects / most), class_="barred"),
        )
        for name, count in named
    ]
    return table(rows, head=head)


def bar(share: float) -> Html:
    """Return a bar of this share of the room."""
    return element("span", class_="bar", style=f"width: {share * 100:.1f}%")
