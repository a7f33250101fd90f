"""The summary of a copy: what happened, what went wrong, what to do next.

:func:`summarize` turns a result into a :class:`~s3_xfer.render.summary.Summary`. Counts, classes of
errors and advice come from the result and from :class:`~s3_xfer.errors.ErrorClass`; this module
puts them into words.
"""

from __future__ import annotations

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import SkipReason
from s3_xfer.render.copy_rows import copy_rows
from s3_xfer.render.failures import abort_command, failure_groups
from s3_xfer.render.shell import shell_word
from s3_xfer.render.summary import Context, Summary, Tone
from s3_xfer.text import printable
from s3_xfer.units import format_count, plural


def summarize(result: CopyResult, context: Context) -> Summary:
    """Return the summary of a copy or a dry run."""
    aborted = result.aborted_by
    return Summary(
        tone=_tone(result),
        headline=_capitalized(_headline(result, context)),
        next_step=printable(aborted.remedy) if aborted else "",
        route=f"{context.source_url} -> {context.destination_url}",
        rows=tuple(copy_rows(result, context)),
        failures=tuple(failure_groups(result, verbose=context.verbose)),
        diagnosis=tuple(result.diagnosis.lines()) if result.diagnosis else (),
        abort_commands=tuple(
            abort_command(upload, context.destination) for upload in result.uploads_left_behind
        ),
        rerun_title=_rerun_title(result),
        rerun=_rerun(result, context),
        notes=(*(printable(note) for note in result.notes), *_kept_uploads_note(result)),
    )


def _rerun_title(result: CopyResult) -> str:
    if result.resumable:
        return "To go on where this run has ended:"
    if result.report_path:
        return "To copy only what is missing:"
    return "To run it again (with the report, the next time only what is missing):"


def _rerun(result: CopyResult, context: Context) -> str | None:
    """Return the command line that completes the copy, if something is missing."""
    if result.resumable and result.journal:
        return f"s3-xfer resume {shell_word(result.journal)}"
    ended_early = bool(result.cancelled_by or result.aborted_by)  # perhaps before all was found
    is_incomplete = _missing(result) or (ended_early and result.report_path)
    return context.rerun if is_incomplete and not context.dry_run else None


def _kept_uploads_note(result: CopyResult) -> tuple[str, ...]:
    if not result.uploads_kept:
        return ()
    return (
        f"{plural(len(result.uploads_kept), 'multipart upload')} left open for the resume, which "
        "goes on with their parts; the parts cost money until then. "
        "To give them up: docs/runbook.md#leftover-multipart-uploads",
    )


def _missing(result: CopyResult) -> int:
    return result.metrics.files_failed + result.metrics.files_not_attempted


def _tone(result: CopyResult) -> Tone:
    missing = _missing(result)
    if result.aborted_by or (missing and not result.metrics.files_copied_successfully):
        return Tone.BAD
    return Tone.MIXED if missing or result.cancelled_by else Tone.GOOD


def _headline(result: CopyResult, context: Context) -> str:
    metrics = result.metrics
    total = plural(metrics.total_files_found, "object")
    if result.aborted_by:
        return f"Ended early: {printable(result.aborted_by.problem)}"
    if result.cancelled_by:
        return f"Stopped ({printable(result.cancelled_by)}): {_progress(metrics, context)}"
    if context.dry_run:
        would_copy = metrics.skips_by_reason.get(SkipReason.DRY_RUN.value, 0)
        return f"Dry run: would copy {plural(would_copy, 'object')}, nothing was written"
    if not metrics.total_files_found:
        return "Nothing was left to copy"  # of a report; an empty source is refused
    if metrics.files_copied_successfully == metrics.total_files_found:
        return f"Copied all {total}" if metrics.total_files_found != 1 else "Copied 1 object"
    return _progress(metrics, context)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


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
    return ", ".join(counts)
