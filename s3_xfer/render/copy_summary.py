"""The summary of a copy: what happened, what went wrong, what to do next; and its table of numbers.

Pure functions of a result. Classes of errors and advice come from it and from
:class:`~s3_xfer.errors.ErrorClass`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import SkipReason
from s3_xfer.render.context import Context
from s3_xfer.render.failures import abort_command, failure_groups
from s3_xfer.render.summary import (
    Row,
    Summary,
    Tone,
    as_text,
    bill_basis,
    by_count,
    count_row,
    left_out_rows,
    request_rows,
    requests_row,
)
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural
from s3_xfer.wording import LIBRARY, Wording, message


def result_text(
    result: CopyResult,
    *,
    source_url: str,
    destination_url: str,
    dry_run: bool = False,
    wording: Wording = LIBRARY,
) -> str:
    """Return what happened, what went wrong and what to do next, in lines for a log."""
    context = Context(
        source_url=source_url, destination_url=destination_url, dry_run=dry_run, wording=wording
    )
    return as_text(summarize(result, context))


def summarize(result: CopyResult, context: Context) -> Summary:
    """Return the summary of a copy or a dry run."""
    aborted, wording = result.aborted_by, context.wording
    return Summary(
        tone=_tone(result),
        headline=_headline(result, context),
        next_step=printable(wording.say(aborted.remedy)) if aborted else "",
        route=f"{context.source_url} -> {context.destination_url}",
        details=_single_details(result, context),
        rows=tuple(_rows(result, context)),
        failures=tuple(failure_groups(result, verbose=context.verbose, wording=wording)),
        diagnosis=tuple(line for each in result.diagnoses for line in each.lines(wording)),
        abort_commands=tuple(
            abort_command(upload, context.destination) for upload in result.uploads_left_behind
        ),
        rerun_title=_rerun_title(result),
        rerun=_rerun(result, context),
        notes=tuple(_notes(result, wording)),
    )


def _rerun_title(result: CopyResult) -> str:
    if result.resumable:
        return "To resume this copy:"
    if result.is_first_copy_elsewhere:
        return "Not every service keeps metadata and tags. To check once what this one made:"
    if _is_to_catch_up(result):
        return "To copy what changed since the inventory, as it is now:"
    if result.report_path:
        return "To copy only what is missing:"
    return "To run it again (with the report, the next time only what is missing):"


def _rerun(result: CopyResult, context: Context) -> str | None:
    """Return the command line that completes the copy, if something is missing."""
    if result.resumable and result.journal:
        return context.wording.say(message("{RESUME}", journal=result.journal))
    ended_early = bool(result.cancelled_by or result.aborted_by)  # perhaps before all was found
    if result.is_first_copy_elsewhere:
        return context.check
    if _is_to_catch_up(result):
        return context.catch_up
    is_incomplete = _missing(result) or (ended_early and result.report_path)
    return context.rerun if is_incomplete and not context.dry_run else None


def _is_to_catch_up(result: CopyResult) -> bool:
    """Return whether nothing is left but objects that have changed since an inventory."""
    ended_early = result.cancelled_by or result.aborted_by
    stale = result.metrics.skips_by_reason.get(SkipReason.STALE.value, 0)
    return bool(stale) and not (ended_early or _missing(result))


def _notes(result: CopyResult, wording: Wording) -> Iterator[str]:
    yield from (printable(wording.say(note)) for note in result.notes)
    if result.uploads_kept:
        note = message(
            "{uploads} left open for the resume, which goes on with their parts; the parts cost "
            "money until then. To give them up: {LEFTOVER_UPLOADS}",
            uploads=plural(len(result.uploads_kept), "multipart upload"),
        )
        yield wording.say(note)


def _missing(result: CopyResult) -> int:
    return result.metrics.files_failed + result.metrics.files_not_attempted


def _tone(result: CopyResult) -> Tone:
    missing = _missing(result)
    if result.aborted_by or (missing and not result.metrics.files_copied_successfully):
        return Tone.BAD
    return Tone.MIXED if missing or result.cancelled_by else Tone.GOOD


def _headline(result: CopyResult, context: Context) -> str:
    metrics = result.metrics
    if result.aborted_by:
        return f"Ended early: {printable(context.wording.say(result.aborted_by.problem))}"
    if result.cancelled_by:
        return f"Stopped ({printable(result.cancelled_by)}): {_progress(metrics, context)}"
    if context.dry_run:
        return f"Dry run: would copy {plural(metrics.planned_files, 'object')}, nothing was written"
    if not metrics.total_files_found:
        return "Nothing was left to copy"  # of a report; an empty source is refused
    if metrics.files_copied_successfully == metrics.total_files_found:
        return _complete_headline(result, context)
    progress = _progress(metrics, context)
    return progress[:1].upper() + progress[1:]


def _progress(metrics: TransferMetrics, context: Context) -> str:
    total = plural(metrics.total_files_found, "object")
    if not metrics.listing_complete:
        total += " found so far"
    if context.dry_run:
        return f"counted {total}, nothing was written"
    counts = [f"copied {format_count(metrics.files_copied_successfully)} of {total}"]
    if metrics.files_failed:
        counts.append(f"{format_count(metrics.files_failed)} failed")
    if metrics.files_skipped:
        counts.append(f"{format_count(metrics.files_skipped)} skipped")
    if metrics.files_deleted:
        counts.append(f"{format_count(metrics.files_deleted)} deleted")
    return ", ".join(counts)


def _is_single_copy(result: CopyResult, context: Context) -> bool:
    """Return whether the one object that was named was copied, which needs no table."""
    is_whole = result.metrics.files_copied_successfully == result.metrics.total_files_found == 1
    is_plain = not (context.dry_run or result.aborted_by or result.cancelled_by)
    return context.is_single and is_whole and is_plain and not context.verbose


def _complete_headline(result: CopyResult, context: Context) -> str:
    metrics = result.metrics
    if _is_single_copy(result, context):
        size = format_size(metrics.total_bytes_transferred)
        return f"Copied 1 object, {size} in {format_duration(metrics.duration_s)}"
    total = plural(metrics.total_files_found, "object")
    return f"Copied all {total}" if metrics.total_files_found != 1 else f"Copied {total}"


def _single_details(result: CopyResult, context: Context) -> tuple[str, ...]:
    """Return what was sent for one object, by the copy and by the checks, and what it costs."""
    if not _is_single_copy(result, context):
        return ()
    metrics = result.metrics
    checks = sum(metrics.requests_of_checks.values())
    parts = [plural(sum(metrics.requests_of_copying.values()), "request")]
    parts += [f"{format_count(checks)} more by the checks"] if checks else []
    parts += [f"estimated {format_usd(result.bill.usd)}"] if result.bill else []
    return (", ".join(parts),)


def _rows(result: CopyResult, context: Context) -> Iterator[Row]:
    metrics = result.metrics
    if _is_single_copy(result, context):
        yield from _file_rows(result)
        return
    yield from _dry_run_rows(metrics) if context.dry_run else _outcome_rows(metrics)
    yield from left_out_rows(metrics)
    yield from _missing_rows(metrics)
    if result.planned_requests:
        yield requests_row("would send", result.planned_requests)
    if result.planned_bill:
        yield _bill_row("would cost", result.planned_bill)
    yield from _request_rows(result, context)
    yield from _file_rows(result)


def _file_rows(result: CopyResult) -> Iterator[Row]:
    if result.journal:
        yield Row("journal", printable(result.journal))
    if result.report_path:
        yield Row("report", printable(str(result.report_path)))


def _outcome_rows(metrics: TransferMetrics) -> Iterator[Row]:
    copied, skipped = metrics.files_copied_successfully, metrics.files_skipped
    size = format_size(metrics.total_bytes_transferred)
    yield count_row("copied", copied, size, _speed(metrics), Tone.GOOD)
    size = format_size(metrics.bytes_skipped) if skipped else ""
    yield count_row("skipped", skipped, size, by_count(metrics.skips_by_reason))
    if metrics.files_deleted:
        size = format_size(metrics.bytes_deleted)
        yield count_row("deleted", metrics.files_deleted, size, "at the destination")


def _dry_run_rows(metrics: TransferMetrics) -> Iterator[Row]:
    """Yield what would happen."""
    reasons = dict(metrics.skips_by_reason)
    would_copy = reasons.pop(SkipReason.DRY_RUN.value, 0)
    yield count_row("would copy", would_copy, format_size(metrics.planned_bytes), tone=Tone.GOOD)
    would_delete = reasons.pop(SkipReason.WOULD_DELETE.value, 0)
    if would_delete:
        yield count_row("would delete", would_delete, "", "at the destination")
    if reasons:
        size = format_size(metrics.bytes_skipped - metrics.planned_bytes)
        yield count_row("would skip", sum(reasons.values()), size, by_count(reasons))


def _missing_rows(metrics: TransferMetrics) -> Iterator[Row]:
    failed = metrics.files_failed
    size = format_size(metrics.bytes_failed) if failed else ""
    yield count_row("failed", failed, size, by_count(metrics.errors_by_class), Tone.BAD)
    if metrics.files_not_attempted:
        text = "found, but not tried before the run ended"
        yield count_row("not tried", metrics.files_not_attempted, "", text, Tone.MIXED)
    if not metrics.listing_complete:
        yield Row("listing", "incomplete", "", "there may be more objects than found", Tone.MIXED)


def _request_rows(result: CopyResult, context: Context) -> Iterator[Row]:
    metrics = result.metrics
    yield Row("duration", format_duration(metrics.duration_s))
    yield from request_rows(metrics)
    if metrics.copied_by_engine:
        yield _engine_row(metrics.copied_by_engine, context.wording.say(result.why_managed))
    if result.bill and not context.dry_run:
        yield _bill_row("bill", result.bill)
    if metrics.retries:
        throttled = f"S3 asked for fewer requests: {plural(metrics.throttles, 'time')}"
        detail = throttled if metrics.throttles else ""
        yield count_row("retries", metrics.retries, detail=detail)
    if metrics.files_tried_again:
        copied = f"{format_count(metrics.files_copied_on_second_try)} of them copied then"
        yield count_row("tried again", metrics.files_tried_again, detail=copied)
    if metrics.outages:
        detail = f"waited {format_duration(metrics.outage_s)} for a server that did not answer"
        yield count_row("outages", metrics.outages, detail=detail)


def _engine_row(copied_by_engine: Mapping[str, int], why_managed: str) -> Row:
    """Return which engine made the copies, or how many each made, if an earlier run had another."""
    mixed = len(copied_by_engine) > 1
    name = "managed" if why_managed or "crt" not in copied_by_engine else "crt"
    return Row("engine", name, "", why_managed or (by_count(copied_by_engine) if mixed else ""))


def _bill_row(label: str, bill: Bill) -> Row:
    return Row(label, format_usd(bill.usd), "", f"estimated: {bill_basis(bill)}")


def _speed(metrics: TransferMetrics) -> str:
    """Return the speed of this run, and how many objects earlier runs copied."""
    copied = metrics.files_copied_successfully - metrics.files_copied_earlier
    earlier = metrics.files_copied_earlier
    before = f"{plural(earlier, 'object')} by earlier runs" if earlier else ""
    if not copied or metrics.duration_s <= 0:
        return before
    objects = copied / metrics.duration_s
    size = (metrics.total_bytes_transferred - metrics.bytes_copied_earlier) / metrics.duration_s
    speed = f"{plural(round(objects), 'object')}/s, {format_size(size)}/s"
    return f"{before}, then {speed}" if before else speed
