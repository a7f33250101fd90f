"""The front door: describe a copy, start it, watch it, stop it, read how it ended.

:class:`S3CopyOperation` is a frozen description, checked on construction. ``start()`` returns a
:class:`~s3_xfer.run.CopyRun` at once; ``run()`` waits for the end. Refuses to hold state: one
operation can be started any number of times.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.access.journals import journal_place
from s3_xfer.accounting.result import CopyResult
from s3_xfer.errors import ValidationError
from s3_xfer.journal.description import operation_fields
from s3_xfer.journal.opening import read_description
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import BATCH_SIZE_MAX, CopyOptions, JournalUse
from s3_xfer.planning.route import Route
from s3_xfer.run import CopyRun


@dataclass(frozen=True, kw_only=True)
class S3CopyOperation(Route):
    """One copy: what, from where, to where, as whom.

    ``source_key`` is a key, or with ``recursive`` a prefix, which means a directory: ``data``
    stands for ``data/``. A ``destination_key`` that is empty or ends in ``/`` receives a single
    object under its own name. ``batch_size`` is the number of objects that the listing hands to
    the workers at a time. Without ``overwrite`` existing keys are left alone, atomically.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    batch_size: int = 100
    overwrite: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= BATCH_SIZE_MAX:
            raise ValidationError(
                f"batch size is {self.batch_size}; it must be between 1 and {BATCH_SIZE_MAX}"
            )
        super().__post_init__()

    @classmethod
    def between(
        cls,
        source: S3Location,
        destination: S3Location,
        *,
        recursive: bool = False,
        batch_size: int = 100,
        overwrite: bool = True,
        options: CopyOptions | None = None,
    ) -> S3CopyOperation:
        """Return the operation that copies from one location to the other."""
        return cls(
            source_bucket=source.bucket,
            source_key=source.key,
            destination_bucket=destination.bucket,
            destination_key=destination.key,
            recursive=recursive,
            batch_size=batch_size,
            overwrite=overwrite,
            source=source.account,
            destination=destination.account,
            options=options or CopyOptions(),
        )

    @classmethod
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
        place = journal_place(str(journal), destination or AccountContext(), wait=time.sleep)
        described = operation_fields(
            read_description(place),
            source=(source or AccountContext(), source_external_id),
            destination=(destination or AccountContext(), destination_external_id),
            changes=changes | {"journal": str(journal), "journal_use": JournalUse.RESUME},
        )
        size = {"batch_size": batch_size} if batch_size else {}
        return cls(**(described | size))

    def start(self) -> CopyRun:
        """Begin in the background and return the handle."""
        return CopyRun(self)

    def run(self) -> CopyResult:
        """Copy, wait for the end and return it; see :meth:`CopyRun.result`."""
        return self.start().result()
