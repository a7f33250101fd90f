"""What a copy will do, in words, before anything is written.

Pure: from an operation's facts and the result of its dry run to rows. Refuses to show an
external id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext
from s3_xfer.render.summary import Row, Tone, bill_basis
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
) -> Iterator[Row]:
    """Return the rows that a person agrees to."""
    metrics = counted.metrics
    yield Row("from", printable(source_url))
    yield Row("", _credentials(source, "the destination's credentials"))
    yield Row("to", printable(destination_url))
    yield Row("", _credentials(destination, "default credentials"))
    size = format_size(metrics.total_bytes_found)
    yield Row("objects", f"{format_count(metrics.total_files_found)}, {size}")
    if requests:
        each = ", ".join(f"{name} {format_count(count)}" for name, count in requests.items())
        yield Row("requests", f"about {format_count(sum(requests.values()))}: {each}")
    bill = counted.planned_bill
    if bill:
        yield Row("bill", f"about {format_usd(bill.usd)}: {bill_basis(bill)}")
    if overwrite:
        text = "objects that exist at the destination are overwritten"
        yield Row("existing", text, tone=Tone.MIXED)
    else:
        yield Row("existing", "objects that exist at the destination are left alone")


def question(counted: CopyResult) -> str:
    """Return what is asked before anything is written."""
    metrics = counted.metrics
    size = format_size(metrics.total_bytes_found)
    return f"Copy {plural(metrics.total_files_found, 'object')}, {size}?"


def _credentials(account: AccountContext, otherwise: str) -> str:
    """Return with whose credentials a side is reached."""
    words = []
    if account.profile:
        words.append(f"profile {account.profile}")
    if account.role_arn:
        words.append(f"role {account.role_arn}")
    if account.external_id:
        words.append("with external id")
    words = words or [otherwise]
    if account.region:
        words.append(f"region {account.region}")
    if account.endpoint_url:
        words.append(f"endpoint {account.endpoint_url}")
    return printable(", ".join(words))
