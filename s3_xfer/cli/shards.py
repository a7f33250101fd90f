"""The commands ``plan`` and ``merge``, and what ``copy --plan --shard`` does.

A large copy is planned once, each shard is a process of its own on any engine, and one more process
merges what they have left beside the plan.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from s3_xfer.cli.copy import copy
from s3_xfer.cli.end_of_run import END
from s3_xfer.cli.exit_codes import ExitCode, exit_code, shard_exit_code
from s3_xfer.cli.factory import (
    Values,
    account_from,
    fields_from,
    locations_from,
    options_from,
    rerun_command,
    values_of,
)
from s3_xfer.cli.follow import follow
from s3_xfer.cli.json_result import give_json, print_json, refusal_json, save_json
from s3_xfer.cli.options import MAY_CHANGE, merge_options, plan_options
from s3_xfer.cli.output import (
    Output,
    print_error,
    print_lines,
    print_problem,
    print_refusal,
    text_width,
)
from s3_xfer.cli.params import command
from s3_xfer.cli.several_sources import OneSourceCommand
from s3_xfer.cli.signals import SIGNALS
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.declarations import declarations_of
from s3_xfer.errors import S3XferError
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.render.context import Context
from s3_xfer.spec import CopySpec

if TYPE_CHECKING:
    from s3_xfer.access.plan_storage import PlanStorage
    from s3_xfer.plans.merged_result import MergedResult
    from s3_xfer.plans.plan_run import PlanRun
    from s3_xfer.plans.shard_run import ShardCopy

PLAN_HELP = """Cut a copy of SOURCE to DESTINATION into shards of equal weight; copy nothing.

    Everything is listed once, or read from an inventory. The plan, a folder or a prefix in S3,
    has all options of the copy in it, and says what it will take: requests, dollars, time. Its
    shards can be copied on any engine, several at the same time, again if one fails. A plan is
    never replaced.

    \b
    Examples:
      s3-xfer plan --recursive s3://from/data/ s3://to/data/ --out s3://ctl/x
      s3-xfer plan --recursive s3://from/data/ s3://to/data/ --out s3://ctl/x \\
          --shards 64 --parallelism 16 --max-requests-per-second 3000
      s3-xfer copy --plan s3://ctl/x --shard 17
      s3-xfer merge s3://ctl/x
    """

MERGE_HELP = """Add up what the shards of PLAN have left beside it: one result of the whole copy.

    \b
    Exit status: 0 if all shards are done, 1 if not (or not yet); else as copy.

    \b
    Examples:
      s3-xfer merge s3://ctl/x
      s3-xfer merge s3://ctl/x --wait --json
      Name what is left of all shards, and print the line that copies it:
        s3-xfer merge s3://ctl/x --report left.jsonl
    """


# ------------------------------------------------------------------------------------- planning


class _Planning:
    """What :func:`follow` starts."""

    def __init__(
        self,
        operation: CopySpec,
        storage: PlanStorage,
        *,
        shards: int | None,
        parallelism: int | None,
    ) -> None:
        self.source, self.destination = operation.source, operation.destination
        self._operation, self._storage = operation, storage
        self._shards, self._parallelism = shards, parallelism

    def start(self) -> PlanRun:
        """Begin in the background."""
        from s3_xfer.plans.plan_run import PlanRun  # noqa: PLC0415 - boto3 is slow to import

        return PlanRun(
            self._operation,
            storage=self._storage,
            shards=self._shards,
            parallelism=self._parallelism,
        )


@command(
    PLAN_HELP,
    "Cut a large copy into shards, and say what it takes.",
    plan_options,
    cls=OneSourceCommand,
)
def plan(
    source: str,
    destination: str,
    *,
    out: str,
    shards: int | None,
    parallelism: int | None,
    **values: Any,
) -> ExitCode:
    """List, cut, and print the plan."""
    output = _output_of(values)
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415 - boto3 is slow to import

    locations = locations_from(source, destination, values)
    operation = CopySpec.between(
        *locations, options=options_from(values), **fields_from(CopySpec, values)
    )
    planning = _Planning(
        operation,
        open_storage(out, operation.destination),
        shards=shards,
        parallelism=parallelism,
    )
    result = follow(
        planning, output.view(dry_run=True), keep=lambda result: save_json(result.to_dict())
    )
    from s3_xfer.render.shards import plan_lines  # noqa: PLC0415 - slow to import

    if output.json:
        print_json(result.to_dict())
    elif not output.quiet:
        print_lines(plan_lines(result, width=text_width()))
    if result.aborted_by:
        print_refusal(result.aborted_by)
    from s3_xfer.render.html.plans import plan_page  # noqa: PLC0415

    END.write_page(lambda: plan_page(result, operation, COMMAND_LINE))
    return exit_code(result)


# --------------------------------------------------------------------------------- one shard


def copy_shard(plan_location: str, shard: str, values: Values) -> ExitCode:
    """Copy one shard; return its code, which says whether another attempt makes sense."""
    output = _output_of(values)
    try:
        attempt = _attempt(plan_location, shard, values)
        with attempt:
            return _copy(attempt, output)
    except S3XferError as error:
        give_json(refusal_json(error), on_stdout=output.json)
        print_refusal(error)
        END.write_refusal(error)
        return shard_exit_code(error)


def _attempt(plan_location: str, shard: str, values: Values) -> ShardCopy:
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415
    from s3_xfer.plans.shard_run import ShardCopy, shard_number  # noqa: PLC0415 - slow to import

    given = _given(values)
    source, destination = (_account(values, side) for side in ("source", "dest"))
    return ShardCopy(
        open_storage(plan_location, destination[0]),
        shard_number(shard, os.environ),
        source=source,
        destination=destination,
        batch_size=given.get("batch_size"),
        changes={
            name: value for name, value in fields_from(CopyOptions, given).items() if name in given
        },
    )


def _given(values: Values) -> dict[str, Any]:
    """Return what was typed; refuse what only a plan may say."""
    context = click.get_current_context()
    source_of, default = context.get_parameter_source, ParameterSource.DEFAULT
    given = {
        name: value
        for name, value in values.items()
        if source_of(name) not in (default, None) or (value and source_of(name) is None)
    }
    options = {**declarations_of(CopySpec), **declarations_of(CopyOptions)}
    for name in given:
        option = options.get(name)
        if (
            option
            and name != "journal"
            and (option.journal not in MAY_CHANGE or name == "report_path")
        ):
            reason = (
                "The report is written beside the plan"
                if name == "report_path"
                else "The plan says it"
            )
            raise click.UsageError(f"{option.flag or name} cannot be given with --plan. {reason}.")
    return given


def _account(values: Values, side: str) -> tuple[AccountContext, str | None]:
    """Return the account of ``side``; an external id without a role is for the plan's role."""
    role, external_id = values[f"{side}_role_arn"], values[f"{side}_external_id"]
    account = account_from({**values, f"{side}_external_id": external_id if role else None}, side)
    return account, external_id


def _copy(attempt: ShardCopy, output: Output) -> ExitCode:
    if attempt.nothing_to_do:
        earlier = attempt.earlier
        result_json = dict(earlier.result) if earlier else {"notes": [attempt.nothing_to_do]}
        give_json(result_json, on_stdout=output.json)
        if not output.json:
            print_error(attempt.nothing_to_do)
        return ExitCode.OK
    try:
        result = follow(
            attempt,
            output.view(),
            failures_shown=output.failures_shown,
            code_of=lambda _: ExitCode.ABORTED,  # until the record is written
        )
    except S3XferError as error:
        attempt.refused(error)
        raise
    record = attempt.finish(result)
    save_json(COMMAND_LINE.say_all(dict(record.result)))
    SIGNALS.run_ended(shard_exit_code(result))
    keys = attempt.operation.key_map()
    context = Context(
        source_url=keys.source.url,
        destination_url=keys.destination.url,
        verbose=output.verbose,
        destination=attempt.destination,
        wording=COMMAND_LINE,
    )
    if output.json:
        print_json(COMMAND_LINE.say_all(dict(record.result)))
    else:
        note = f"the report is {record.result['report']}"
        notes = [note] if record.report else []
        output.print_result(replace(result, report_path=None), context, notes=notes)

    def page() -> str:
        from s3_xfer.render.html.copies import copy_page  # noqa: PLC0415 - for few runs

        return copy_page(result, attempt.operation, context)

    END.write_page(page)
    return shard_exit_code(result)


# ------------------------------------------------------------------------------------- merging


@command(
    MERGE_HELP, "Add up what the shards of a plan have done.", merge_options, arguments=("plan",)
)
def merge(
    plan: str,
    *,
    wait: bool,
    wait_limit: float | None,
    report: Path | None,
    json: bool,
    quiet: bool,
    **values: Any,
) -> ExitCode:
    """Read what the shards have left, and print the result."""
    output = Output(json=json, quiet=quiet)
    if wait_limit is not None and not wait:
        raise click.UsageError("--wait-limit is for --wait, which is missing.")
    from s3_xfer.access.plan_storage import open_storage  # noqa: PLC0415
    from s3_xfer.plans.merge import WAIT_LIMIT_S, Merge  # noqa: PLC0415 - boto3 is slow to import

    merging = Merge(open_storage(plan, account_from(values, "dest")))
    if wait:
        result = merging.wait(limit_s=WAIT_LIMIT_S if wait_limit is None else wait_limit)
    else:
        result = merging.read()
    if report:
        result = merging.write_report(result, report)
    from s3_xfer.plans.merged_result import STALL_REMEDY  # noqa: PLC0415
    from s3_xfer.render.shards import merge_lines  # noqa: PLC0415 - slow to import

    rest = _copy_of_the_rest(result) if report and not result.is_complete else ""
    give_json(result.to_dict(), on_stdout=output.json)
    if not (output.json or (output.quiet and result.is_complete)):
        print_lines(merge_lines(result, rest=rest, width=text_width()))
    if result.stall:
        print_problem(result.stall, f"Next: {STALL_REMEDY}.")
    from s3_xfer.render.html.plans import merge_page  # noqa: PLC0415

    END.write_page(lambda: merge_page(result, COMMAND_LINE, rest=rest))
    return ExitCode.OK if result.is_complete else ExitCode.FAILED_OBJECTS


def _copy_of_the_rest(result: MergedResult) -> str:
    """Return the line that copies what is in the report, with all options of the plan."""
    plan, report = result.plan, result.report_path
    values = values_of(plan.operation()) | {"report_path": report}
    return rerun_command(copy, plan.source_url, plan.destination_url, values)


def _output_of(values: Values) -> Output:
    return Output(**{name: values[name] for name in ("progress", "json", "quiet", "verbose")})
