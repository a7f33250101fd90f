"""A plan and the merged result of its shards, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from s3_xfer.plans.merged_result import MergedResult
from s3_xfer.plans.result import PlanResult, balance
from s3_xfer.render.summary import Line, Row, Tone, by_count, table_lines
from s3_xfer.text import printable, shell_word
from s3_xfer.units import format_count, format_duration, format_size, format_usd, plural

_MISSING_SHOWN = 20


def plan_lines(result: PlanResult, *, width: int) -> list[Line]:
    """Return what planning has shown."""
    plan = result.plan
    if plan is None:
        why = result.cancelled_by or "an error ended the listing"
        return [Line(f"No plan was made: {why}", "bold red")]
    survey = plan.survey
    return [
        Line(f"Plan of {counted(survey)} in {plural(len(plan.shards), 'shard')}", "bold green"),
        Line(f"  {plan.source_url} -> {plan.destination_url}", "bright_black"),
        Line(),
        *table_lines(tuple(plan_rows(result)), width=width),
        Line(),
        Line("To copy a shard, each in a process of its own, and to add them up at the end:"),
        *(Line(f"  {command}", "bold") for command in plan_commands(result)),
    ]


def plan_commands(result: PlanResult) -> tuple[str, str]:
    """Return the commands that copy a shard, and that add up all of them."""
    name = shell_word(result.location)
    return f"s3-xfer copy --plan {name} --shard auto", f"s3-xfer merge {name}"


def plan_rows(result: PlanResult) -> Iterator[Row]:
    """Yield what a plan takes."""
    plan = result.plan
    assert plan  # noqa: S101 - the caller has looked
    survey = plan.survey
    requests = survey["requests"]
    yield Row("objects", format_count(survey["objects"]), format_size(survey["bytes"]))
    for bucket in survey["sizes"]:
        if bucket["objects"]:
            bound = bucket["up_to"]
            label = "  larger" if bound is None else f"  up to {format_size(bound)}"
            yield Row(label, format_count(bucket["objects"]), format_size(bucket["bytes"]))
    for storage_class, counted in survey["storage_classes"].items():
        label = f"  {printable(storage_class)}"
        yield Row(label, format_count(counted["objects"]), format_size(counted["bytes"]))
    yield from _exceptions(survey)
    yield Row("requests", format_count(sum(requests.values())), detail=by_count(requests))
    yield Row(
        "cost",
        format_usd(survey["estimated_request_cost_usd"] + survey["kms_cost_usd"]),
        detail=f"{format_usd(survey['kms_cost_usd'])} of it for KMS; not included: "
        f"{survey['not_included']}; S3 Batch Operations would take "
        f"{format_usd(survey['batch_operations_cost_usd'])} more; {survey['price_list']}",
    )
    yield Row(
        "time",
        format_duration(survey["duration_seconds"]),
        detail=f"at {format_count(int(survey['requests_per_second']))} requests a second",
    )
    shares = [shard.objects for shard in plan.shards]
    large = sum(shard.is_of_large for shard in plan.shards)
    yield Row(
        "shards",
        format_count(len(plan.shards)),
        detail=f"{format_count(min(shares))} to {format_count(max(shares))} objects; the heaviest "
        f"has {balance(plan):.2f} of the ideal; {large} of very large objects; "
        f"{plan.parallelism} at the same time",
    )


def _exceptions(survey: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what will not be copied, or not as it is."""
    archived = survey["archived"]
    if archived["objects"]:
        yield Row(
            "archived",
            format_count(archived["objects"]),
            format_size(archived["bytes"]),
            "fail unless they are restored before",
            Tone.BAD,
        )
    for label, tone in (("refused", Tone.BAD), ("skipped", Tone.MIXED), ("left_out", None)):
        counts = survey[label]
        if counts:
            total = format_count(sum(counts.values()))
            yield Row(label.replace("_", " "), total, detail=by_count(counts), tone=tone)


def counted(survey: Mapping[str, Any]) -> str:
    """Return how many objects a plan has, and how many bytes."""
    return f"{plural(survey['objects'], 'object')}, {format_size(survey['bytes'])}"


def merge_lines(result: MergedResult, *, rest: str, width: int) -> list[Line]:
    """Return how a planned copy stands; ``rest`` is the line that copies what is left."""
    shards = len(result.plan.shards)
    missing = len(result.missing)
    if missing:
        headline = Line(f"{plural(missing, 'shard')} of {shards:,} are not done", "bold red")
    else:
        headline = Line(f"All {plural(shards, 'shard')} are done", "bold green")
    return [
        headline,
        Line(f"  {result.plan.source_url} -> {result.plan.destination_url}", "bright_black"),
        Line(),
        *table_lines(tuple(merge_rows(result)), width=width),
        *_missing_lines(result),
        *([Line("To copy what is left:"), Line(f"  {rest}", "bold")] if rest else []),
    ]


def merge_rows(result: MergedResult) -> Iterator[Row]:
    """Yield the sums of all shards."""
    total = result.total
    yield Row(
        "copied",
        format_count(total("files_copied_successfully")),
        format_size(total("total_bytes_transferred")),
    )
    skipped = total("files_skipped")
    if skipped:
        reasons = by_count(result.counts("skips_by_reason"))
        yield Row("skipped", format_count(skipped), format_size(total("bytes_skipped")), reasons)
    failed = total("files_failed")
    yield Row(
        "failed",
        format_count(failed),
        detail=by_count(result.counts("errors_by_class")) if failed else "",
        tone=Tone.BAD if failed else None,
    )
    if total("files_not_attempted"):
        yield Row("not attempted", format_count(total("files_not_attempted")), tone=Tone.BAD)
    changes = result.changes()
    if changes:
        difference = sum(change["found"] - change["planned"] for change in changes)
        yield Row(
            "since the plan",
            f"{difference:+,}",
            detail=f"objects, in {plural(len(changes), 'shard')}",
        )
    yield Row(
        "time", format_duration(result.duration_s), detail="from the first start to the last end"
    )


def _missing_lines(result: MergedResult) -> Iterator[Line]:
    rows = result.to_dict()["shards_not_done"]
    if rows:
        yield Line()
    for row in rows[:_MISSING_SHOWN]:
        why = f": {row['why']}" if row.get("why") else ""
        again = "" if row["permanent"] is False else " (another attempt would end the same way)"
        yield Line(printable(f"  shard {row['shard']}: {row['state']}{why}{again}"), "red")
    if len(rows) > _MISSING_SHOWN:
        yield Line(f"  and {len(rows) - _MISSING_SHOWN:,} more", "bright_black")
