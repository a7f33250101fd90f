"""The page of a copy, a sync or a dry run, and that of a run that was refused."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.errors import PreflightError, S3XferError
from s3_xfer.html import Html, element, joined
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import SkipReason
from s3_xfer.options import RunMode
from s3_xfer.render.context import Context
from s3_xfer.render.copy_summary import summarize
from s3_xfer.render.html.charts import breakdown_tables, timeline_charts
from s3_xfer.render.html.facts import facts_section
from s3_xfer.render.html.fidelity import not_carried_over
from s3_xfer.render.html.page import (
    Page,
    Section,
    bullets,
    commands,
    document,
    facts,
    paragraphs,
    preformatted,
    row_table,
    table,
)
from s3_xfer.render.summary import FailureGroup, Summary, Tone, bill_basis
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_usd, plural
from s3_xfer.wording import LIBRARY, Wording

NOT_BILLED = (
    "Not included: storage, data transfer between regions, retrieval from archives and "
    "infrequent-access classes, and KMS."
)


def result_html(result: CopyResult, spec: CopySpec, *, wording: Wording = LIBRARY) -> str:
    """Return the end of a copy as one HTML page that needs nothing else, for a file.

    Keys and messages are escaped; the page has no script, and external ids are not on it.
    """
    keys = spec.key_maps()
    context = Context(
        source_url=keys.source_url,
        destination_url=keys.destination.url,
        dry_run=spec.options.mode is RunMode.DRY_RUN,
        destination=spec.destination,
        wording=wording,
    )
    return copy_page(result, spec, context)


def copy_page(result: CopyResult, spec: CopySpec, context: Context) -> str:
    """Return the page of a copy; ``context`` has the commands to go on with."""
    summary = summarize(result, context)
    metrics, duration_s = result.metrics, result.metrics.duration_s
    charts = timeline_charts(result.history.timeline, metrics.start_time, duration_s)
    return document(
        Page(
            kind=_kind(spec, context),
            tone=summary.tone,
            headline=summary.headline,
            next_step=summary.next_step,
            route=summary.route,
            sections=(
                go_on_section(summary),
                Section("Totals", row_table(summary.rows)),
                Section("Failures", failure_groups(summary)),
                Section("Why requests were denied", preformatted(summary.diagnosis)),
                Section("Over time", charts),
                Section("Sizes and storage classes", breakdown_tables(result.history.breakdown)),
                _deletes(result),
                Section("Requests and bill", _requests(result, context)),
                facts_section(spec, metrics, context.wording),
                _fidelity(result, spec),
                Section("Notes", bullets(summary.notes)),
            ),
        )
    )


def _kind(spec: CopySpec, context: Context) -> str:
    name = "Sync" if spec.compare_by else "Copy"
    return f"{name}, dry run" if context.dry_run else name


def go_on_section(summary: Summary) -> Section:
    """Return the commands that go on, and those that clean up."""
    left_behind = "Uploads left behind; they cost money until they are aborted:"
    rerun = [summary.rerun] if summary.rerun else []
    return Section(
        "How to go on",
        commands([(left_behind, summary.abort_commands), (summary.rerun_title, rerun)]),
    )


def failure_groups(summary: Summary) -> Html:
    """Return the failures by class, each with what to do and examples."""
    return joined(*map(failure_group, summary.failures))


def failure_group(group: FailureGroup) -> Html:
    """Return one class of failures."""
    error_class, say = group.error_class, group.wording.say
    counted = f"{error_class.value}: {plural(group.count, 'object')} failed"
    examples = [line for example in group.examples for line in example]
    if group.omitted and group.examples:
        examples.append(f"and {format_count(group.omitted)} more")
    return joined(
        element("h3", counted, class_="bad"),
        paragraphs(
            [f"{_capitalized(say(error_class.description))}.", f"Next: {say(error_class.remedy)}."]
        ),
        element("p", say(error_class.see), class_="dim"),
        preformatted(examples),
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _deletes(result: CopyResult) -> Section | None:
    plan = result.delete_plan
    if not plan or not plan.count:
        return None
    deleted, planned = result.metrics.files_deleted, plural(plan.count, "object")
    texts = [
        f"Only the destination has {planned} of its {format_count(plan.of_objects)}; "
        f"{format_count(plan.allowed)} may be deleted, {format_count(deleted)} were.",
        f"Deleting {plan.effect}.",
    ]
    return Section("Deletes", joined(paragraphs(texts), bullets(map(printable, plan.examples))))


def _requests(result: CopyResult, context: Context) -> Html:
    planned = result.planned_requests if context.dry_run else {}
    names = sorted({*result.metrics.requests, *planned})
    head = ["operation", "sent", *(["would be sent"] if planned else [])]
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", format_count(result.metrics.requests.get(name, 0)), class_="number"),
            element("td", format_count(planned.get(name, 0)), class_="number") if planned else None,
        )
        for name in names
    ]
    return joined(table(rows, head=head), paragraphs(_bills(result)))


def _bills(result: CopyResult) -> Iterator[str]:
    if result.bill:
        yield f"Sent: {format_usd(result.bill.usd)}, estimated: {bill_basis(result.bill)}."
    if result.planned_bill:
        amount = format_usd(result.planned_bill.usd)
        yield f"Would be sent: {amount}, estimated: {bill_basis(result.planned_bill)}."
    yield NOT_BILLED


def _fidelity(result: CopyResult, spec: CopySpec) -> Section | None:
    metrics = result.metrics
    would_copy = metrics.skips_by_reason.get(SkipReason.DRY_RUN.value)
    if not (metrics.files_copied_successfully or would_copy):
        return None
    return Section("Not carried over", bullets(not_carried_over(spec.options)))


def refusal_page(error: S3XferError, *, kind: str, route: str, wording: Wording) -> str:
    """Return the page of a run that was refused before anything was written."""
    first, *rest = wording.say(error.problem).split("\n")
    diagnosis = error.diagnosis if isinstance(error, PreflightError) else None
    error_class = error.error_class
    read_on = [wording.say(error_class.see)] if error_class else []
    return document(
        Page(
            kind=kind,
            tone=Tone.BAD,
            headline=f"Refused: {printable(first)}",
            next_step=printable(wording.say(error.remedy)),
            route=route,
            sections=(
                Section("Details", preformatted(map(printable, rest))),
                Section("Why", preformatted(diagnosis.lines(wording) if diagnosis else ())),
                Section("Read on", paragraphs(read_on)),
                Section("What was done", facts([("objects", "none: nothing was written")])),
            ),
        )
    )
