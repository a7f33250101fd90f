"""The front door of a check: describe it, start it, read how it ended.

Takes what the copy took: the same places, the same credentials, the same mapping of keys. Refuses
to hold state: one operation can be started any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from s3_xfer.accounting.comparison import Aspect, CheckResult, Extra
from s3_xfer.checking.run import CheckRun
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap, plan_keys


@dataclass(frozen=True, kw_only=True)
class S3CheckOperation:
    """One comparison of a source with what a copy of it has made.

    Places and accounts mean what they mean in :class:`~s3_xfer.S3CopyOperation`; without accounts
    of its own the source is listed with the destination's credentials. ``aspects`` are compared
    besides sizes and ETags. Of ``options`` it uses ``concurrency``, ``retries``, ``retry_delay_s``,
    ``read_timeout_s``, ``stop_grace_s``, ``request_payer``, ``max_requests_per_s``, ``deadline``
    and ``report_path``; the report has a line for each object that is missing, different, extra or
    not compared, and :attr:`~s3_xfer.CopyOptions.from_report_path` takes the first two.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    source_bucket: str
    source_key: str
    destination_bucket: str
    destination_key: str
    recursive: bool = False
    source: AccountContext = field(default_factory=AccountContext)
    destination: AccountContext = field(default_factory=AccountContext)
    aspects: frozenset[Aspect] = frozenset()
    extra: Extra = Extra.COUNT
    options: CopyOptions = field(default_factory=CopyOptions)

    def __post_init__(self) -> None:
        self.key_map()

    def key_map(self) -> KeyMap:
        """Return where the copy puts every object; the two places are the effective ones."""
        return plan_keys(
            S3Location(bucket=self.source_bucket, key=self.source_key, account=self.source),
            S3Location(
                bucket=self.destination_bucket,
                key=self.destination_key,
                account=self.destination,
            ),
            recursive=self.recursive,
        )

    def start(self) -> CheckRun:
        """Begin in the background and return the handle."""
        return CheckRun(self)

    def run(self) -> CheckResult:
        """Compare, wait for the end and return it; see :meth:`CheckRun.result`."""
        return self.start().result()
