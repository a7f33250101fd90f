"""The page of a plan, and that of the merged result of its shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s3_xfer.errors import ErrorClass
from s3_xfer.html import Html, element, joined
from s3_xfer.ledger.breakdown import Breakdown
from s3_xfer.ledger.result import RunState
from s3_xfer.plans.document import Plan
from s3_xfer.plans.merged_result import STALL_REMEDY, MergedResult
from s3_xfer.plans.result import PlanResult
from s3_xfer.render.html.charts import bar, breakdown_tables
from s3_xfer.render.html.copies import NOT_BILLED, failure_group
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
    time_text,
)
from s3_xfer.render.shards import counted, merge_rows, plan_commands, plan_rows
from s3_xfer.render.summary import FailureGroup, Tone
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural
from s3_xfer.wording import Wording

_SHARDS_MAX = 500  # rows of a table that somebody may still look at
_ERRORS_MAX = 20
_CLASSES = {error_class.value: error_class for error_class in ErrorClass}


def plan_page(result: PlanResult, spec: CopySpec, wording: Wording) -> str:
    """Return the page of a plan, or of planning that did not come to one."""
    keys, plan = spec.key_map(), result.plan
    aborted = result.aborted_by
    sections = [
        facts_section(spec, result.metrics, wording),
        Section("Not carried over", bullets(not_carried_over(spec.options))),
        Section("Notes", bullets(printable(wording.say(note)) for note in result.notes)),
    ]
    if plan:
        headline = f"Plan of {counted(plan.survey)} in {plural(len(plan.shards), 'shard')}"
        go_on = "To copy a shard, each in a process of its own, and to add them up at the end:"
        sections = [
            Section("How to go on", commands([(go_on, plan_commands(result))])),
            Section("What it takes", row_table(plan_rows(result))),
            Section("Shards", _planned_shards(plan)),
            *sections,
        ]
    else:
        why = result.cancelled_by or (aborted.problem if aborted else "")
        headline = f"No plan was made: {printable(wording.say(why))}"
    return document(
        Page(
            kind="Plan",
            tone=Tone.GOOD if plan else Tone.BAD,
            headline=headline,
            next_step=printable(wording.say(aborted.remedy)) if aborted else "",
            route=f"{keys.source.url} -> {keys.destination.url}",
            sections=sections,
        )
    )


def _planned_shards(plan: Plan) -> Html:
    heaviest = max(shard.weight for shard in plan.shards) or 1
    rows = [
        element(
            "tr",
            element("th", format_count(shard.number), scope="row"),
            element("td", format_count(shard.objects), class_="number"),
            element("td", format_size(shard.size_bytes), class_="number"),
            element("td", bar(shard.weight / heaviest), class_="barred"),
        )
        for shard in plan.shards[:_SHARDS_MAX]
    ]
    return _cut(rows, len(plan.shards), ("shard", "objects", "size", "weight"))


def merge_page(result: MergedResult, wording: Wording, *, rest: str = "") -> str:
    """Return the page of all shards together; ``rest`` is the command that copies what is left."""
    shards, missing = len(result.plan.shards), len(result.missing)
    headline = (
        f"{plural(missing, 'shard')} of {format_count(shards)} are not done"
        if missing
        else f"All {plural(shards, 'shard')} are done"
    )
    go_on = [("To copy what is left:", [rest] if rest else [])]
    return document(
        Page(
            kind="Merge",
            tone=Tone.BAD if missing else Tone.GOOD,
            headline=headline,
            next_step=f"{result.stall}: {STALL_REMEDY}" if result.stall else "",
            route=printable(f"{result.plan.source_url} -> {result.plan.destination_url}"),
            sections=(
                Section("How to go on", commands(go_on)),
                Section("Totals", row_table(merge_rows(result))),
                Section("Failures", _failures(result, wording)),
                Section("Shards", _merged_shards(result)),
                Section("Sizes and storage classes", breakdown_tables(_breakdown(result))),
                Section("Requests and bill", _requests(result)),
                Section("What, who, when", facts(_merge_facts(result))),
            ),
        )
    )


def _failures(result: MergedResult, wording: Wording) -> Html:
    """Return the failures by class, each with what to do, and the first of all."""
    counts = sorted(result.counts("errors_by_class").items(), key=lambda item: -item[1])
    groups = [
        FailureGroup(_CLASSES[name], count, (), 0, wording)
        for name, count in counts
        if name in _CLASSES  # a later version may have more; the totals name all
    ]
    errors = result.errors[:_ERRORS_MAX]
    left = result.total("files_failed") - len(errors)
    more = [f"and {format_count(left)} more"] if left > 0 and errors else []
    return joined(*map(failure_group, groups), preformatted([*map(printable, errors), *more]))


def _breakdown(result: MergedResult) -> Breakdown:
    """Return the sum of what the shards have ended."""
    total = Breakdown()
    for values in _ended(result):
        total += Breakdown.from_dict(values)
    return total


def _ended(result: MergedResult) -> Iterator[Mapping[str, Any]]:
    """Yield the results of the shards that were not refused."""
    for record in result.records.values():
        if record.result["state"] != RunState.VALIDATION_FAILED.value:
            yield record.result


def _merged_shards(result: MergedResult) -> Html:
    rows = [
        element(
            "tr",
            element("th", format_count(shard.number), scope="row"),
            element("td", printable(result.state_of(shard.number).lower()), class_="number"),
            *_shard_numbers(result, shard.number),
            class_="bad" if shard.number in result.missing else None,
        )
        for shard in result.plan.shards[:_SHARDS_MAX]
    ]
    head = ("shard", "state", "copied", "failed", "size", "began", "took")
    return _cut(rows, len(result.plan.shards), head)


def _shard_numbers(result: MergedResult, number: int) -> Iterator[Html]:
    record = result.records.get(number)
    if not record:
        yield element("td", colspan=5)
        return
    values = record.result
    for text in (
        format_count(values["files_copied_successfully"]),
        format_count(values["files_failed"]),
        format_size(values["total_bytes_transferred"]),
        printable(values["start_time"][11:19]),
        format_duration(values["duration_seconds"]),
    ):
        yield element("td", text, class_="number")


def _cut(rows: Sequence[Html], count: int, head: Sequence[str]) -> Html:
    more = f"and {plural(count - len(rows), 'shard')} more" if count > len(rows) else ""
    last = [element("tr", element("td", more, colspan=len(head)))] if more else []
    return table([*rows, *last], head=head)


def _requests(result: MergedResult) -> Html:
    requests = sorted(result.counts("requests").items())
    usd = sum(values["estimated_request_cost_usd"] for values in _ended(result))
    return joined(
        facts((name, format_count(count)) for name, count in requests),
        paragraphs([f"Sent: {format_usd(usd)}, estimated; {NOT_BILLED}"]),
    )


def _merge_facts(result: MergedResult) -> Iterator[tuple[str, str]]:
    yield "from", printable(result.plan.source_url)
    yield "to", printable(result.plan.destination_url)
    yield "first start", time_text(result.start_time)
    yield "last end", time_text(result.end_time)
    yield "plan", result.plan.plan_id
