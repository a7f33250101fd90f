"""The end of a run in words: what happened, what went wrong, what to do next.

:func:`summarize` turns a result into a :class:`Summary`, plain data whose strings are all safe
to print; :mod:`s3_xfer.render.tables` lays it out for pipes and for terminals. Explanations are
given once per class of error, not once per object. Refuses to judge: counts, classes and advice
come from the result and from :class:`~s3_xfer.errors.ErrorClass`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import Bill
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, Failed, OpenUpload, SkipReason
from s3_xfer.render.shell import shell_word
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural

_EXAMPLES = 3  # failures shown per class
_EXAMPLES_VERBOSE = 100
_MESSAGE_MAX = 300
UNBROKEN = "\u00a0"  # keeps a name and its number on one line; the layout makes it a space
_CLASSES = {member.value: member for member in ErrorClass}


class Tone(enum.Enum):
    """How good the news is."""

    GOOD = "good"
    MIXED = "mixed"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a summary says about the run besides its result."""

    source_url: str
    destination_url: str
    dry_run: bool = False
    verbose: bool = False
    rerun: str | None = None  # the command line that copies what is missing
    destination: AccountContext = field(default_factory=AccountContext)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of numbers: ``label  value  size  detail``."""

    label: str
    value: str
    size: str = ""
    detail: str = ""
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Everything about the failures of one class."""

    error_class: ErrorClass
    count: int
    examples: tuple[tuple[str, ...], ...]  # lines of each example; the first names the object
    omitted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The end of a run, ready to lay out. Commands are to be printed unbroken."""

    tone: Tone
    headline: str
    next_step: str
    route: str
    rows: tuple[Row, ...]
    failures: tuple[FailureGroup, ...]
    diagnosis: tuple[str, ...]
    abort_commands: tuple[str, ...]
    rerun_title: str
    rerun: str | None
    notes: tuple[str, ...]


def summarize(result: CopyResult, context: Context) -> Summary:
    """Return everything a person should know about ``result``."""
    missing = result.metrics.files_failed + result.metrics.files_not_attempted
    cut_off = bool(result.cancelled_by or result.aborted_by)  # perhaps before all was found
    is_left = missing or (cut_off and result.report_path)
    rerun = context.rerun if is_left and not context.dry_run else None
    if result.resumable and result.journal:
        rerun = f"s3-xfer resume {shell_word(result.journal)}"
    aborted = result.aborted_by
    return Summary(
        tone=_tone(result, missing),
        headline=_capitalized(_headline(result, context)),
        next_step=printable(aborted.remedy) if aborted else "",
        route=f"{context.source_url} -> {context.destination_url}",
        rows=tuple(_rows(result, context)),
        failures=tuple(_groups(result, context)),
        diagnosis=tuple(result.diagnosis.lines()) if result.diagnosis else (),
        abort_commands=tuple(
            abort_command(upload, context.destination) for upload in result.uploads_left_behind
        ),
        rerun_title=(
            "To go on where this run has ended:"
            if result.resumable
            else "To copy only what is missing:"
            if result.report_path
            else "To run it again (with the report, the next time only what is missing):"
        ),
        rerun=rerun,
        notes=(*(printable(note) for note in result.notes), *_about_kept_uploads(result)),
    )


def _about_kept_uploads(result: CopyResult) -> tuple[str, ...]:
    if not result.uploads_kept:
        return ()
    return (
        f"{plural(len(result.uploads_kept), 'multipart upload')} left open for the resume, which "
        "goes on with their parts; the parts cost money until then. "
        "To give them up: docs/runbook.md#leftover-multipart-uploads",
    )


def _tone(result: CopyResult, missing: int) -> Tone:
    if result.aborted_by or (missing and not result.metrics.files_copied_successfully):
        return Tone.BAD
    return Tone.MIXED if missing or result.cancelled_by else Tone.GOOD


def _headline(result: CopyResult, context: Context) -> str:
    metrics = result.metrics
    found = plural(metrics.total_files_found, "object")
    if result.aborted_by:
        return f"Ended early: {printable(result.aborted_by.problem)}"
    if result.cancelled_by:
        return f"Stopped ({printable(result.cancelled_by)}): {_progress(metrics, context)}"
    if context.dry_run:
        would = metrics.skips_by_reason.get(SkipReason.DRY_RUN.value, 0)
        return f"Dry run: would copy {plural(would, 'object')}, nothing was written"
    if not metrics.total_files_found:
        return "Nothing was left to copy"  # of a report; an empty source is refused
    if metrics.files_copied_successfully == metrics.total_files_found:
        return f"Copied all {found}" if metrics.total_files_found != 1 else "Copied 1 object"
    return _progress(metrics, context)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _progress(metrics: TransferMetrics, context: Context) -> str:
    found = plural(metrics.total_files_found, "object")
    if not metrics.listing_complete:
        found += " found so far"
    if context.dry_run:
        return f"counted {found}, nothing was written"
    words = [f"copied {format_count(metrics.files_copied_successfully)} of {found}"]
    if metrics.files_failed:
        words.append(f"{format_count(metrics.files_failed)} failed")
    if metrics.files_skipped:
        words.append(f"{format_count(metrics.files_skipped)} skipped")
    return ", ".join(words)


def _rows(result: CopyResult, context: Context) -> Iterator[Row]:
    metrics = result.metrics
    if context.dry_run:
        yield from _dry_run_rows(metrics)
    else:
        yield Row(
            "copied",
            format_count(metrics.files_copied_successfully),
            format_size(metrics.total_bytes_transferred),
            _speed(metrics),
            Tone.GOOD if metrics.files_copied_successfully else None,
        )
        yield Row(
            "skipped",
            format_count(metrics.files_skipped),
            format_size(metrics.bytes_skipped) if metrics.files_skipped else "",
            by_count(metrics.skips_by_reason),
        )
    yield Row(
        "failed",
        format_count(metrics.files_failed),
        format_size(metrics.bytes_failed) if metrics.files_failed else "",
        by_count(metrics.errors_by_class),
        Tone.BAD if metrics.files_failed else None,
    )
    if metrics.files_not_attempted:
        text = "found, but the run ended before their turn"
        yield Row("not tried", format_count(metrics.files_not_attempted), "", text, Tone.MIXED)
    if not metrics.listing_complete:
        yield Row("listing", "incomplete", "", "there may be more objects than found", Tone.MIXED)
    if result.planned_requests:
        planned = result.planned_requests
        yield Row("would send", format_count(sum(planned.values())), "", by_count(planned))
    if result.planned_bill:
        yield _bill_row("would cost", result.planned_bill)
    yield Row("duration", format_duration(metrics.duration_s))
    yield Row(
        "requests", format_count(sum(metrics.requests.values())), "", by_count(metrics.requests)
    )
    if metrics.copied_by_engine:
        yield _engine_row(metrics.copied_by_engine, result.why_managed)
    if result.bill and not context.dry_run:
        yield _bill_row("bill", result.bill)
    if metrics.retries:
        throttled = f"S3 asked for fewer requests: {plural(metrics.throttles, 'time')}"
        yield Row(
            "retries", format_count(metrics.retries), "", throttled if metrics.throttles else ""
        )
    if result.journal:
        yield Row("journal", printable(result.journal))
    if result.report_path:
        yield Row("report", printable(str(result.report_path)))


def _engine_row(copied_by_engine: Mapping[str, int], why_managed: str) -> Row:
    """Return what sent the copies: all of one kind, or how many of which."""
    if "crt" not in copied_by_engine:
        return Row("engine", "managed", "", why_managed or "all in parts")
    mixed = len(copied_by_engine) > 1
    return Row("engine", "crt", "", f"{by_count(copied_by_engine)} (in parts)" if mixed else "")


def _dry_run_rows(metrics: TransferMetrics) -> Iterator[Row]:
    """Return what would happen; sizes are known for all that was skipped together."""
    reasons = dict(metrics.skips_by_reason)
    would = reasons.pop(SkipReason.DRY_RUN.value, 0)
    size = format_size(metrics.bytes_skipped)
    yield Row("would copy", format_count(would), size, "", Tone.GOOD if would else None)
    if reasons:
        yield Row("would skip", format_count(sum(reasons.values())), "", by_count(reasons))


def _bill_row(label: str, bill: Bill) -> Row:
    return Row(label, format_usd(bill.usd), "", f"estimated: {bill_basis(bill)}")


def bill_basis(bill: Bill) -> str:
    """Return what an estimate is made from."""
    return f"requests only, at {printable(bill.price_list)}"


def _speed(metrics: TransferMetrics) -> str:
    """Return the speed of this run, and how much of the copy is not its work."""
    copied = metrics.files_copied_successfully - metrics.files_copied_earlier
    earlier = metrics.files_copied_earlier
    before = f"{plural(earlier, 'object')} by earlier runs" if earlier else ""
    if not copied or metrics.duration_s <= 0:
        return before
    objects = copied / metrics.duration_s
    size = (metrics.total_bytes_transferred - metrics.bytes_copied_earlier) / metrics.duration_s
    speed = f"{plural(round(objects), 'object')}/s, {format_size(size)}/s"
    return f"{before}, then {speed}" if before else speed


def by_count(counts: Mapping[str, int]) -> str:
    """Return ``name count`` pairs, most frequent first; a lone name needs no count."""
    if len(counts) == 1:
        return printable(next(iter(counts)))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{printable(name)}{UNBROKEN}{format_count(count)}" for name, count in ranked)


def _groups(result: CopyResult, context: Context) -> Iterator[FailureGroup]:
    kept: dict[str, list[Failed]] = {}
    for failed in result.failures:
        kept.setdefault(failed.error.info.error_class.value, []).append(failed)
    most = _EXAMPLES_VERBOSE if context.verbose else _EXAMPLES
    counts = sorted(result.metrics.errors_by_class.items(), key=lambda item: (-item[1], item[0]))
    for name, count in counts:
        shown = kept.get(name, [])[:most]
        lines = tuple(failure_lines(failed, verbose=context.verbose) for failed in shown)
        yield FailureGroup(_CLASSES[name], count, lines, count - len(shown))


def failure_lines(failed: Failed, *, verbose: bool = False) -> tuple[str, ...]:
    """Return the lines that tell one failure: the object, then what S3 said."""
    lines = [failed.task.source.url, _said(failed)]
    if verbose:
        lines += [printable(line) for line in failed.traceback.splitlines()]
    return tuple(lines)


def _said(failed: Failed) -> str:
    """Return ``Code: message (HTTP status, attempts, request id)`` as far as known."""
    info = failed.error.info
    said = printable(info.code)
    if info.message:
        message = printable(info.message)
        said += f": {message[:_MESSAGE_MAX]}{'...' if len(message) > _MESSAGE_MAX else ''}"
    known = [
        f"HTTP {info.http_status}" if info.http_status else "",
        plural(info.attempts, "attempt") if info.attempts else "",
        f"request id {printable(info.request_id)}" if info.request_id else "",
    ]
    details = ", ".join(word for word in known if word)
    return f"{said} ({details})" if details else said


def abort_command(upload: OpenUpload, account: AccountContext) -> str:
    """Return the AWS CLI command that aborts ``upload``."""
    words = ["aws", "s3api", "abort-multipart-upload", "--bucket", upload.bucket]
    words += ["--key", shell_word(upload.key), "--upload-id", shell_word(upload.upload_id)]
    for name, value in (
        ("--profile", account.profile),
        ("--region", account.region),
        ("--endpoint-url", account.endpoint_url),
    ):
        words += [name, shell_word(value)] if value else []
    return " ".join(words)
