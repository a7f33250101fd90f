"""How a copy ends: uploads aborted, the journal closed, what a stop has cut off."""

from __future__ import annotations

from collections.abc import Sequence

from s3_xfer.access.clients import Clients
from s3_xfer.errors import ErrorClass, S3XferError
from s3_xfer.ledger.journal.session import JournalSession
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.model import OpenUpload
from s3_xfer.pipeline.stop import StopFlag


def sweep_uploads(
    clients: Clients, bucket: str, ledger: Ledger, stop: StopFlag
) -> tuple[tuple[OpenUpload, ...], Sequence[str]]:
    """Abort once more the uploads to ``bucket`` that are still open.

    Returns the uploads whose abort was refused, and notes on lost ones that S3 did not let us look
    for. A stopped run with a journal leaves its uploads to the next one.
    """
    journal, uploads = ledger.journal, clients.destination_hooks.uploads
    if journal and stop.is_set():
        return (), ()
    notes: Sequence[str] = ()
    try:
        notes = uploads.sweep(clients.destination, bucket, journal.uploads if journal else None)
    except S3XferError as error:  # of the journal
        ledger.abort(error)
    return uploads.open_uploads(), notes


def close_journal(
    opened: JournalSession | None, bucket: str, ledger: Ledger
) -> tuple[tuple[OpenUpload, ...], bool]:
    """Close the journal; return the uploads it keeps open, and whether something is left to do."""
    if not opened:
        return (), False
    journal = opened.journal
    is_left = journal is not None and not journal.is_complete
    kept: tuple[OpenUpload, ...] = ()
    try:
        uploads = journal.uploads.resumable() if journal else ()
        kept = tuple(OpenUpload(bucket, upload.key, upload.upload_id) for upload in uploads)
        opened.close()
    except S3XferError as error:
        ledger.fail_late(error, "journal")
    return kept, is_left


def is_whole(metrics: TransferMetrics) -> bool:
    """Return whether a stop came too late to keep anything from being copied."""
    return (
        metrics.listing_complete
        and metrics.files_done == metrics.total_files_found
        and ErrorClass.INTERRUPTED.value not in metrics.errors_by_class
    )
