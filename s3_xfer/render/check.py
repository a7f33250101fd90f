"""What ``s3-xfer check`` shows: its progress line, and its summary, laid out like a copy's.

Objects whose content could not be compared are never counted as the same: they have a row of their
own, and the headline names them.
"""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.comparison import CompareField, CompareResult, CompareStatus
from s3_xfer.ledger.comparison import CheckResult, CompareSummary
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.rate import Rates
from s3_xfer.render.context import Context
from s3_xfer.render.progress import Phase, size_field, time_of
from s3_xfer.render.summary import (
    Row,
    Summary,
    Tone,
    as_text,
    by_count,
    count_row,
    left_out_rows,
    request_rows,
)
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, plural
from s3_xfer.wording import LIBRARY, Wording, message

_EXAMPLES, _EXAMPLES_VERBOSE = 5, 100
PHASE_WORDS = {Phase.LISTING: "comparing", Phase.COPYING: "asking"}
# meaning and tone, in the order of the rows
_STATUSES = {
    CompareStatus.SAME: ("", Tone.GOOD),
    CompareStatus.SAME_SIZE: ("content not comparable", Tone.MIXED),
    CompareStatus.DIFFERENT: ("", Tone.BAD),
    CompareStatus.MISSING: ("not at the destination", Tone.BAD),
    CompareStatus.EXTRA: ("at the destination only", Tone.MIXED),
    CompareStatus.NOT_COMPARED: ("a request failed", Tone.BAD),
}


def check_line(phase: Phase, metrics: TransferMetrics, rates: Rates) -> str:
    """Return one line of ``name=value`` fields; a ``+`` marks a total that still grows."""
    grows = "" if metrics.listing_complete else "+"
    return (
        f"{time_of(metrics)} {PHASE_WORDS.get(phase, phase.value)} "
        f"objects={metrics.total_files_found}{grows} "
        f"bytes={size_field(metrics.total_bytes_found)}{grows} "
        f"rate={rates.objects_per_s:.0f}/s same={metrics.files_copied_successfully} "
        f"same_size={metrics.files_skipped} differ={metrics.files_failed} "
        f"retries={metrics.retries}"
    )


def check_text(
    result: CheckResult, *, source_url: str, destination_url: str, wording: Wording = LIBRARY
) -> str:
    """Return what differs, in lines for a log."""
    context = Context(source_url=source_url, destination_url=destination_url, wording=wording)
    return as_text(summarize_check(result, context))


def summarize_check(result: CheckResult, context: Context) -> Summary:
    """Return the summary of a check."""
    totals = result.totals
    to_copy = totals.counts[CompareStatus.MISSING] + totals.counts[CompareStatus.DIFFERENT]
    aborted = result.aborted_by
    return Summary(
        tone=_tone(result),
        headline=_headline(result, context.wording),
        next_step=printable(context.wording.say(aborted.remedy)) if aborted else "",
        route=f"{context.source_url} -> {context.destination_url}",
        rows=tuple(_rows(result)),
        diagnosis=tuple(_examples(totals, _EXAMPLES_VERBOSE if context.verbose else _EXAMPLES)),
        rerun_title="To copy what is missing or different:",
        rerun=context.rerun if to_copy and result.report_path else None,
        notes=tuple(
            printable(context.wording.say(note)) for note in (*result.notes, *_notes(result))
        ),
    )


def _tone(result: CheckResult) -> Tone:
    if not result.no_difference:
        return Tone.BAD
    return Tone.MIXED if result.totals.not_proven else Tone.GOOD


def _headline(result: CheckResult, wording: Wording) -> str:
    counts = result.totals.counts
    if result.aborted_by:
        return f"Ended early: {printable(wording.say(result.aborted_by.problem))}"
    if result.cancelled_by:
        return f"Stopped ({printable(result.cancelled_by)}): only a part was compared"
    if result.totals.differences:
        found = [status for status in result.totals.fail_on.differences if counts[status]]
        differences = [f"{format_count(counts[each])} {_label(each)}" for each in found]
        return f"Differences found: {', '.join(differences)}"
    objects = {status: plural(count, "object") for status, count in counts.items()}
    if counts[CompareStatus.NOT_COMPARED]:
        not_compared = objects[CompareStatus.NOT_COMPARED]
        return f"No difference found, but {not_compared} could not be compared"
    if counts[CompareStatus.SAME_SIZE]:
        same_size = objects[CompareStatus.SAME_SIZE]
        return f"No difference found; of {same_size} only the size could be compared"
    return f"No difference: {objects[CompareStatus.SAME]} proven the same"


def _rows(result: CheckResult) -> Iterator[Row]:
    totals, metrics = result.totals, result.metrics
    details = {CompareStatus.SAME: totals.proofs, CompareStatus.DIFFERENT: totals.reasons}
    for status, (meaning, tone) in _STATUSES.items():
        count = totals.counts[status]
        if count or status is CompareStatus.SAME:
            size = format_size(totals.sizes_bytes[status])
            detail = by_count(details.get(status, {})) or meaning
            yield count_row(_label(status), count, size, detail, tone)
    yield from left_out_rows(metrics)
    yield Row("duration", format_duration(metrics.duration_s))
    yield from request_rows(metrics)
    if result.report_path:
        yield Row("report", printable(str(result.report_path)))


def _label(status: CompareStatus) -> str:
    return status.value.replace("_", " ")


def _examples(totals: CompareSummary, examples_max: int) -> Iterator[str]:
    examples = totals.notable[:examples_max]
    yield from (_example(example) for example in examples)
    not_compared = totals.counts[CompareStatus.NOT_COMPARED]
    more = totals.differences + not_compared - len(examples)
    if more > 0 and examples:
        yield f"  and {format_count(more)} more"


def _example(comparison: CompareResult) -> str:
    if comparison.status is CompareStatus.EXTRA and comparison.destination:
        return f"extra: {comparison.destination.url}"
    source = comparison.task.source.url if comparison.task else ""
    if comparison.error:
        info = comparison.error.info
        return f"not compared: {source} ({info.code}: {printable(info.message)})"
    if comparison.status is CompareStatus.MISSING:
        return f"missing: {source}"
    if comparison.status is CompareStatus.SAME_SIZE:
        return f"same size, not proven: {source}"
    copied = comparison.destination.size if comparison.destination else 0
    sizes = f" ({comparison.size_bytes:,} B, the copy {copied:,} B)"
    detail = f" ({comparison.detail})" if comparison.detail else ""
    aspects = ", ".join(comparison.reasons)
    return f"different in {aspects}: {source}{sizes if aspects == 'size' else ''}{detail}"


def _notes(result: CheckResult) -> Iterator[str]:
    same_size = result.totals.counts[CompareStatus.SAME_SIZE]
    if same_size and CompareField.CHECKSUMS not in result.compare:
        yield message(
            "{compare=checksums} compares more, where S3 has a checksum of the whole object on "
            "both sides"
        )
