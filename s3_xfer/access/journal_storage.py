"""Where a journal is kept: a file, or an object of the destination's account."""

from __future__ import annotations

from pathlib import Path

from s3_xfer.access.clients import PATIENCE_S, open_storage_client
from s3_xfer.access.credentials import is_aws
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ValidationError
from s3_xfer.ledger.journal.s3_storage import S3Storage
from s3_xfer.ledger.journal.storage import JournalStorage
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag


def journal_storage(
    journal: str, destination: AccountContext, *, requests: RequestPolicy | None = None
) -> JournalStorage:
    """Return the storage that ``journal``, a path or an ``s3://`` URL, names.

    The requests for a journal in S3 are among ``requests``, those of the run; without a run they
    are repeated by the default options. A stopped run still sends them, so that its last save
    arrives, but waits for nothing.

    Raises:
        ValidationError: the URL names no object.
        PreflightError: the destination's credentials cannot be used.
    """
    if not journal.startswith("s3://"):
        return JournalStorage(Path(journal))
    location = S3Location.parse(journal)
    if not location.key or location.key.endswith("/"):
        raise ValidationError(
            f"{location.url} names no object", remedy="write the journal as s3://BUCKET/KEY"
        )
    requests = requests or RequestPolicy.of(
        CopyOptions(), counter=MetricsCollector("journal"), stop=StopFlag()
    )
    requests = requests.beyond_stop()
    client = open_storage_client(
        destination, location.bucket, requests=requests, patience_s=PATIENCE_S
    )
    return S3Storage(location, client, requests=requests, is_aws=is_aws(client.meta.endpoint_url))
