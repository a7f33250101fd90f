"""From what was typed to an operation, and from an operation's options back to what to type.

Both directions live together, so that the command shown for a re-run cannot drift from the
options. Refuses to repeat an external id: the re-run takes it from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.options.declaring import OUTPUT
from s3_xfer.cli.params import SectionOption, Size
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions, Identical, Preflight, ReportScope, RunMode
from s3_xfer.render.shell import shell_word
from s3_xfer.units import exact_size

if TYPE_CHECKING:
    from s3_xfer.operations import S3CopyOperation

Values = Mapping[str, Any]
_ONLY_ONCE = {"from_report", "dry_run", "deadline"}  # a moment that has passed is refused


def operation(source_url: str, destination_url: str, values: Values) -> S3CopyOperation:
    """Return the operation that URLs and options describe.

    Raises:
        ValidationError: they contradict each other or are wrong in themselves.
    """
    source = S3Location.parse(source_url, account=account(values, "source"))
    destination = S3Location.parse(destination_url, account=account(values, "dest"))
    options = copy_options(values)
    from s3_xfer.operations import S3CopyOperation  # noqa: PLC0415 - boto3 is slow to import

    return S3CopyOperation.between(
        source,
        destination,
        recursive=values["recursive"],
        batch_size=values["batch_size"],
        overwrite=not values["no_overwrite"],
        options=options,
    )


def account(values: Values, side: str) -> AccountContext:
    """Return how ``side`` (``source`` or ``dest``) is reached."""
    return AccountContext(
        profile=values[f"{side}_profile"],
        role_arn=values[f"{side}_role_arn"],
        external_id=values[f"{side}_external_id"],
        region=values[f"{side}_region"],
        endpoint_url=values[f"{side}_endpoint_url"] or values.get("endpoint_url"),
        bucket_owner=values[f"{side}_bucket_owner"],
        ca_bundle=values["ca_bundle"],
    )


def copy_options(values: Values) -> CopyOptions:
    """Return how the copy is done."""
    return CopyOptions(
        concurrency=values["concurrency"],
        engine=values["engine"],
        listing_threads=values["listing_threads"],
        multipart_threshold_bytes=values["multipart_threshold"],
        part_size_bytes=values["part_size"],
        retries=values["retries"],
        retry_delay_s=values["retry_delay"],
        read_timeout_s=values["read_timeout"],
        tags=values["tags"],
        storage_class=values["storage_class"],
        acl=values["acl"],
        sse=values["sse"],
        sse_kms_key_id=values["sse_kms_key_id"],
        bucket_key=values["bucket_key"],
        request_payer=values["request_payer"] == "requester",
        checksum_algorithm=values["checksum_algorithm"],
        identical=Identical.SKIP if values["skip_identical"] else Identical.COPY,
        mode=RunMode.DRY_RUN if values["dry_run"] else RunMode.COPY,
        preflight=Preflight.SKIP if values["no_preflight"] else Preflight.FULL,
        report_path=values["report"],
        report_scope=ReportScope.ALL if values["report_all"] else ReportScope.NOT_COPIED,
        from_report_path=values["from_report"],
        prices_path=values["prices"],
        max_failures=values["max_failures"],
        max_error_rate_percent=values["max_error_rate"],
        max_requests_per_s=values["max_requests_per_second"],
        deadline=values["deadline"],
        journal=values["journal"],
    )


def rerun_command(
    command: click.Command, source_url: str, destination_url: str, values: Values
) -> str:
    """Return the ``s3-xfer copy`` line that does this again, only for what the report misses.

    Without a report it does everything again, and asks for one.
    """
    words = ["s3-xfer", "copy", shell_word(source_url), shell_word(destination_url)]
    for param in command.params:
        if isinstance(param, SectionOption) and _is_repeated(param):
            words += _typed(param, values.get(param.name or ""))
    report: Path | None = values["report"]
    if report:
        words += ["--from-report", shell_word(str(report))]
    words += ["--report", shell_word(str(next_report(report)))]
    return " ".join(words)


def _is_repeated(option: SectionOption) -> bool:
    """Return whether a re-run takes ``option`` over: not what only says how to print."""
    if option.section == OUTPUT:
        return option.name in ("report_all", "prices")
    return option.name not in _ONLY_ONCE


def _typed(option: SectionOption, value: Any) -> list[str]:
    """Return the words that give ``option`` this value; none if it is the default."""
    name = option.opts[0]
    if value is None or value is False or value == _default(option):
        return []
    if option.envvar:
        return [name, f'"${option.envvar}"']
    if isinstance(option.type, Size):
        return [name, exact_size(value)]
    return [name] if value is True else [name, shell_word(str(getattr(value, "value", value)))]


def _default(option: SectionOption) -> Any:
    """Return the default as a value; what counts as "no default" differs between clicks."""
    if isinstance(option.default, (str, int, float)):
        return option.type.convert(option.default, None, None)
    return None


def next_report(report: Path | None) -> Path:
    """Return a name for the report of a re-run: ``report-2.jsonl`` after ``report.jsonl``."""
    if report is None:
        return Path("report.jsonl")
    numbered = re.search(r"-(\d+)$", report.stem)
    if not numbered:
        return report.with_stem(f"{report.stem}-2")
    return report.with_stem(f"{report.stem[: numbered.start()]}-{int(numbered[1]) + 1}")
