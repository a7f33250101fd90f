"""The page of a check."""

from __future__ import annotations

from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.render.check import summarize_check
from s3_xfer.render.context import Context
from s3_xfer.render.html.charts import breakdown_tables, timeline_charts
from s3_xfer.render.html.copies import go_on_section
from s3_xfer.render.html.facts import facts_section
from s3_xfer.render.html.page import (
    Page,
    Section,
    bullets,
    document,
    paragraphs,
    preformatted,
    row_table,
)
from s3_xfer.spec import CheckSpec
from s3_xfer.wording import LIBRARY, Wording

_COMPARED = (
    "Sizes and ETags, as the listings of both sides show them. An equal ETag proves equal content; "
    "what has the same size and ETags that cannot be compared is counted by itself."
)


def check_html(result: CheckResult, spec: CheckSpec, *, wording: Wording = LIBRARY) -> str:
    """Return the end of a check as one HTML page that needs nothing else, for a file.

    Keys and messages are escaped; the page has no script, and external ids are not on it.
    """
    keys = spec.key_maps()
    context = Context(
        source_url=keys.source_url, destination_url=keys.destination.url, wording=wording
    )
    return check_page(result, spec, context)


def check_page(result: CheckResult, spec: CheckSpec, context: Context) -> str:
    """Return the page of a check; ``context`` has the command that copies what is missing."""
    summary = summarize_check(result, context)
    metrics, duration_s = result.metrics, result.metrics.duration_s
    charts = timeline_charts(
        result.history.timeline,
        metrics.start_time,
        duration_s,
        verb="compared",
        failed_title="Objects that differ",
    )
    breakdown = breakdown_tables(result.history.breakdown, "differ")
    besides = [
        f"Also compared: {aspect.value}."
        for aspect in sorted(spec.compare, key=lambda each: each.value)
    ]
    return document(
        Page(
            kind="Check",
            tone=summary.tone,
            headline=summary.headline,
            next_step=summary.next_step,
            route=summary.route,
            sections=(
                go_on_section(summary),
                Section("Totals", row_table(summary.rows)),
                Section("What differs", preformatted(summary.diagnosis)),
                Section("Over time", charts),
                Section("Sizes and storage classes", breakdown),
                facts_section(spec, metrics, context.wording),
                Section("What was compared", paragraphs([_COMPARED, *besides])),
                Section("Notes", bullets(summary.notes)),
            ),
        )
    )
