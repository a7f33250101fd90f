"""The plan of a copy, shown before anything is written. External ids are never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, SkipReason
from s3_xfer.render.summary import Row, Tone, bill_basis, by_count
from s3_xfer.text import printable
from s3_xfer.units import format_count, format_size, format_usd, plural


def plan_rows(
    *,
    source_url: str,
    destination_url: str,
    source: AccountContext,
    destination: AccountContext,
    counted: CopyResult,
    overwrite: bool,
    requests: Mapping[str, int],
    principals: Mapping[str, str],
    checks: int,
) -> Iterator[Row]:
    """Yield the rows that a person agrees to.

    ``principals`` are the ARNs of the sides, as far as known; ``checks`` are the requests before.
    """
    metrics = counted.metrics
    yield Row("from", printable(source_url))
    yield Row("", credentials_text(source, "the destination's credentials"))
    yield from _principal_row(principals.get("source", ""))
    yield Row("to", printable(destination_url))
    yield Row("", credentials_text(destination, "default credentials"))
    yield from _principal_row(principals.get("destination", ""))
    size = format_size(metrics.planned_bytes)
    yield Row("objects", f"{format_count(metrics.planned_files)}, {size}")
    would_skip = metrics.files_skipped - metrics.planned_files
    if would_skip:
        reasons = {
            reason: count
            for reason, count in metrics.skips_by_reason.items()
            if reason != SkipReason.DRY_RUN.value
        }
        yield Row("", f"and {format_count(would_skip)} left alone: {by_count(reasons)}")
    if requests:
        counts = ", ".join(f"{name} {format_count(count)}" for name, count in requests.items())
        total = format_count(sum(requests.values()) + checks)
        yield Row("requests", f"about {total}: {counts}, checks {format_count(checks)}")
    bill = counted.planned_bill
    if bill:
        yield Row("bill", f"about {format_usd(bill.usd)}: {bill_basis(bill)}")
    if overwrite:
        text = "existing objects at the destination are overwritten"
        yield Row("existing", text, tone=Tone.MIXED)
    else:
        yield Row("existing", "existing objects at the destination are not overwritten")


def _principal_row(arn: str) -> Iterator[Row]:
    """Yield the row of who it is, and in which account, if that is known."""
    if arn:
        account = arn.split(":")[4]
        yield Row("", printable(f"account {account}, {arn}"))


def question(counted: CopyResult) -> str:
    """Return the question before anything is written."""
    metrics = counted.metrics
    size = format_size(metrics.planned_bytes)
    return f"Copy {plural(metrics.planned_files, 'object')}, {size}?"


def credentials_text(account: AccountContext, default: str) -> str:
    """Return the credentials, region and endpoint of a side; ``default`` if none are named."""
    words = []
    if account.profile:
        words.append(f"profile {account.profile}")
    if account.role_arn:
        words.append(f"role {account.role_arn}")
    if account.external_id:
        words.append("with external id")
    words = words or [default]
    if account.region:
        words.append(f"region {account.region}")
    if account.endpoint_url:
        words.append(f"endpoint {account.endpoint_url}")
    return printable(", ".join(words))
