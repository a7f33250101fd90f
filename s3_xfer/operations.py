"""The public entry: describe a copy or a check, start it, and read its result.

:class:`S3CopyOperation` and :class:`S3CheckOperation` are frozen descriptions that can be started.
``start()`` returns a run at once; ``run()`` waits for its end. They hold no state: one operation
can be started any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.access.clients import journal_storage
from s3_xfer.errors import checked_call
from s3_xfer.ledger.comparison import CheckResult
from s3_xfer.ledger.journal.description import operation_fields
from s3_xfer.ledger.journal.session import read_journal
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext
from s3_xfer.options import JournalUse
from s3_xfer.runs.check import CheckRun
from s3_xfer.runs.copy import CopyRun
from s3_xfer.spec import CheckSpec, CopySpec


@dataclass(frozen=True, kw_only=True)
class S3CopyOperation(CopySpec):
    """One copy: what, from where, to where, as whom.

    ``source_key`` is a key, or with ``recursive`` a prefix, which means a directory: ``data``
    stands for ``data/``. A ``destination_key`` that is empty or ends in ``/`` receives a single
    object under its own name. ``batch_size`` is the number of objects that the listing hands to
    the workers at a time. Without ``overwrite`` existing keys are left alone, atomically.

    Raises:
        ValidationError: a name is invalid, the batch size is out of range, or source and
            destination overlap.
    """

    @classmethod
    @checked_call
    def resume(
        cls,
        journal: str | Path,
        *,
        source: AccountContext | None = None,
        destination: AccountContext | None = None,
        source_external_id: str | None = None,
        destination_external_id: str | None = None,
        batch_size: int | None = None,
        **changes: Any,
    ) -> S3CopyOperation:
        """Return the operation that goes on from ``journal``, a file or an ``s3://`` URL.

        Everything is as the journal says, except what is given: accounts where they say something
        (sessions and external ids are not in a journal), and fields of :class:`CopyOptions` that
        do not change what is copied. ``destination`` also reaches a journal in S3.

        Raises:
            JournalError: there is none, it is damaged, or a run is using it.
            ValidationError: a changed option is wrong.
        """
        place = journal_storage(str(journal), destination or AccountContext())
        description, _ = read_journal(place)
        described = operation_fields(
            description,
            source=(source or AccountContext(), source_external_id),
            destination=(destination or AccountContext(), destination_external_id),
            changes=changes | {"journal": str(journal), "journal_use": JournalUse.RESUME},
        )
        size = {} if batch_size is None else {"batch_size": batch_size}
        return cls(**(described | size))

    def start(self) -> CopyRun:
        """Begin in the background and return the handle."""
        return CopyRun(self)

    def run(self) -> CopyResult:
        """Copy, wait for the end and return it; see :meth:`CopyRun.result`."""
        return self.start().result()


@dataclass(frozen=True, kw_only=True)
class S3CheckOperation(CheckSpec):
    """One comparison of a source with what a copy of it has made.

    Locations and accounts mean what they mean in :class:`S3CopyOperation`; without an account of
    its own the source is listed with the destination's credentials. ``compare`` are compared
    besides sizes and ETags. Of ``options`` it uses ``concurrency``, ``retries``, ``retry_delay_s``,
    ``read_timeout_s``, ``stop_grace_s``, ``request_payer``, ``max_requests_per_s``, ``deadline``
    and ``report_path``; the report has a line for each object that is missing, different, extra or
    not compared, and :attr:`~s3_xfer.CopyOptions.from_report_path` takes the first two.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    def start(self) -> CheckRun:
        """Begin in the background and return the run."""
        return CheckRun(self)

    def run(self) -> CheckResult:
        """Compare, wait for the end and return it; see :meth:`CheckRun.result`."""
        return self.start().result()
