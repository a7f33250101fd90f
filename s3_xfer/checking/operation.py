"""The front door of a check: describe it, start it, read how it ended.

Takes what the copy took: the same places, the same credentials, the same mapping of keys. Refuses
to hold state: one operation can be started any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

from s3_xfer.accounting.comparison import Aspect, CheckResult, Extra
from s3_xfer.checking.run import CheckRun
from s3_xfer.planning.route import Route


@dataclass(frozen=True, kw_only=True)
class S3CheckOperation(Route):
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

    aspects: frozenset[Aspect] = frozenset()
    extra: Extra = Extra.COUNT

    def start(self) -> CheckRun:
        """Begin in the background and return the handle."""
        return CheckRun(self)

    def run(self) -> CheckResult:
        """Compare, wait for the end and return it; see :meth:`CheckRun.result`."""
        return self.start().result()
