"""Where a journal lies, and with whose credentials it is reached: the destination's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from s3_xfer.access.clients import open_bare_client
from s3_xfer.access.credentials import session_for
from s3_xfer.errors import ValidationError
from s3_xfer.ledger.journal.opening import JournalPlace
from s3_xfer.ledger.journal.places import LocalFile, S3File, is_url
from s3_xfer.model import AccountContext, S3Location

_PATIENCE_S = 10.0


def journal_place(
    journal: str, destination: AccountContext, *, wait: Callable[[float], object]
) -> JournalPlace:
    """Return the place that ``journal``, a path or an ``s3://`` URL, names.

    ``wait`` waits for so many seconds, or until the run is stopped.

    Raises:
        ValidationError: the URL names no object.
        PreflightError: the destination's credentials cannot be used.
    """
    if not is_url(journal):
        return LocalFile(Path(journal))
    place = S3Location.parse(journal)
    if not place.key or place.key.endswith("/"):
        raise ValidationError(
            f"{place.url} names no object", remedy="write the journal as s3://BUCKET/KEY"
        )
    session = session_for(destination, side="destination")
    return S3File(
        place,
        lambda: open_bare_client(session, destination, patience_s=_PATIENCE_S),
        wait=wait,
    )
