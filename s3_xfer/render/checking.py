"""A check in words: how far it is, what it found, what to do about it.

Pure functions of a snapshot or a result. The summary is laid out like a copy's. Refuses to call
the same what was not proven to be: that has a row of its own, and a sentence in the headline.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from rich.text import Text

from s3_xfer.comparison import CompareResult, CompareStatus
from s3_xfer.ledger.comparison import CheckResult, CompareSummary
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.live import UNICODE, Glyphs
from s3_xfer.render.phase import Phase
from s3_xfer.render.summary import Context, Row, Summary, Tone, by_count
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, plural

_EXAMPLES, _EXAMPLES_VERBOSE = 5, 100
_WORDS = {Phase.LISTING: "comparing", Phase.COPYING: "asking"}
# label, what it means, how bad it is
_ROWS = (
    (CompareStatus.SAME, "same", "", Tone.GOOD),
    (CompareStatus.SAME_SIZE, "same size", "content not comparable", Tone.MIXED),
    (CompareStatus.DIFFERENT, "different", "", Tone.BAD),
    (CompareStatus.MISSING, "missing", "not at the destination", Tone.BAD),
    (CompareStatus.EXTRA, "extra", "at the destination only", Tone.MIXED),
    (CompareStatus.NOT_COMPARED, "not compared", "S3 did not tell", Tone.BAD),
)


def check_line(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return one line of ``name=value`` fields; a ``+`` marks a total that still grows."""
    at = (metrics.start_time + timedelta(seconds=metrics.duration_s)).astimezone(UTC)
    grows = "" if metrics.listing_complete else "+"
    size = format_size(metrics.total_bytes_found).replace(" ", "")
    return (
        f"{at:%Y-%m-%dT%H:%M:%SZ} {_WORDS.get(phase, phase.value)} "
        f"objects={metrics.total_files_found}{grows} bytes={size}{grows} "
        f"rate={rates.objects_per_s:.0f}/s same={metrics.files_copied_successfully} "
        f"same_size={metrics.files_skipped} differ={metrics.files_failed} "
        f"retries={metrics.retries}"
    )


def check_frame(
    phase: Phase, metrics: TransferMetrics, rates: Rates, *, width: int, glyphs: Glyphs = UNICODE
) -> Text:
    """Return the display at one instant: nobody knows the total, so there is no bar."""
    if phase is Phase.CHECKING:
        return Text(f"checking access{glyphs.dots}", style="cyan")
    parts = [
        f"{_WORDS.get(phase, phase.value)}{glyphs.dots} "
        f"{plural(metrics.total_files_found, 'object')}, {format_size(metrics.total_bytes_found)}",
        f"{rates.objects_per_s:,.0f}/s",
        f"{format_count(metrics.files_failed)} differ",
        f"elapsed {format_duration(metrics.duration_s)}",
    ]
    text = Text(glyphs.between.join(parts), style="red" if metrics.files_failed else "cyan")
    text.truncate(width)
    return text


def summarize_check(result: CheckResult, context: Context) -> Summary:
    """Return everything a person should know about ``result``."""
    totals = result.totals
    to_copy = totals.counts[CompareStatus.MISSING] + totals.counts[CompareStatus.DIFFERENT]
    aborted = result.aborted_by
    return Summary(
        tone=_tone(result),
        headline=_headline(result),
        next_step=printable(aborted.remedy) if aborted else "",
        route=f"{context.source_url} -> {context.destination_url}",
        rows=tuple(_rows(result)),
        failures=(),
        diagnosis=tuple(_examples(totals, _EXAMPLES_VERBOSE if context.verbose else _EXAMPLES)),
        abort_commands=(),
        rerun_title="To copy what is missing or different:",
        rerun=context.rerun if to_copy and result.report_path else None,
        notes=tuple(printable(note) for note in (*result.notes, *_notes(result))),
    )


def _tone(result: CheckResult) -> Tone:
    if not result.no_difference:
        return Tone.BAD
    return Tone.MIXED if result.totals.counts[CompareStatus.SAME_SIZE] else Tone.GOOD


def _headline(result: CheckResult) -> str:
    counts = result.totals.counts
    if result.aborted_by:
        return f"Ended early: {printable(result.aborted_by.problem)}"
    if result.cancelled_by:
        return f"Stopped ({printable(result.cancelled_by)}): what follows is about a part only"
    if result.totals.differences:
        found = [
            f"{format_count(counts[one])} {one.value}"
            for one in (CompareStatus.MISSING, CompareStatus.DIFFERENT, CompareStatus.EXTRA)
            if counts[one]
        ]
        return f"Differences found: {', '.join(found)}"
    if counts[CompareStatus.NOT_COMPARED]:
        objects = plural(counts[CompareStatus.NOT_COMPARED], "object")
        return f"No difference found, but {objects} could not be compared"
    if counts[CompareStatus.SAME_SIZE]:
        objects = plural(counts[CompareStatus.SAME_SIZE], "object")
        return f"No difference found; of {objects} only the size could be compared"
    return f"No difference: {plural(counts[CompareStatus.SAME], 'object')} proven the same"


def _rows(result: CheckResult) -> Iterator[Row]:
    totals, metrics = result.totals, result.metrics
    details = {
        CompareStatus.SAME: by_count(totals.proofs) if totals.proofs else "",
        CompareStatus.DIFFERENT: by_count(totals.reasons) if totals.reasons else "",
    }
    for status, label, meaning, tone in _ROWS:
        count = totals.counts[status]
        if not count and status is not CompareStatus.SAME:
            continue
        size = format_size(totals.sizes_bytes[status])
        yield Row(
            label,
            format_count(count),
            size,
            details.get(status, meaning),
            tone if count else None,
        )
    yield Row("duration", format_duration(metrics.duration_s))
    sent = sum(metrics.requests.values())
    yield Row("requests", format_count(sent), "", by_count(metrics.requests))
    if result.report_path:
        yield Row("report", printable(str(result.report_path)))


def _examples(totals: CompareSummary, most: int) -> Iterator[str]:
    shown = totals.notable[:most]
    yield from (_example(one) for one in shown)
    unproven = totals.counts[CompareStatus.NOT_COMPARED]
    more = totals.differences + unproven - len(shown)
    if more > 0 and shown:
        yield f"  and {format_count(more)} more"


def _example(one: CompareResult) -> str:
    if one.status is CompareStatus.EXTRA and one.destination:
        return f"extra: {one.destination.url}"
    source = one.task.source.url if one.task else ""
    if one.error:
        info = one.error.info
        return f"not compared: {source} ({info.code}: {printable(info.message)})"
    if one.status is CompareStatus.MISSING:
        return f"missing: {source}"
    sizes = f" {_sizes(one)}" if one.reasons == ("size",) else ""
    detail = f" ({one.detail})" if one.detail else ""
    return f"different in {', '.join(one.reasons)}: {source}{sizes}{detail}"


def _sizes(one: CompareResult) -> str:
    copied = one.destination.size if one.destination else 0
    return f"({one.size_bytes:,} B, the copy {copied:,} B)"


def _notes(result: CheckResult) -> Iterator[str]:
    if result.totals.counts[CompareStatus.SAME_SIZE] and "checksums" not in {
        aspect.value for aspect in result.compare
    }:
        yield "--checksums compares more, where S3 has a checksum of the whole object on both sides"
