"""Everything that happens around the requests of one client, on botocore's events.

botocore calls its event handlers for each HTTP request of a client, also for those that s3transfer
sends from its own threads. That is why headers, rate, stop, counting, retries and accounting are
there and not around the calls. (botocore documents the events in ``botocore/hooks.py`` and the
user guide, "Extensibility".) Each concern has a module of its own; this one puts them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3_xfer.copying import answer_checks
from s3_xfer.copying.headers import HeaderInjector, Headers
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_gate import RequestGate
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.request_retry import RequestRetry
from s3_xfer.copying.request_state import TransferStates
from s3_xfer.copying.upload_registry import PendingCreate, UploadRegistry
from s3_xfer.copying.upload_tracker import UploadTracker
from s3_xfer.model import OpenUpload
from s3_xfer.pipeline.pacing import Pacer


class RequestHooks:
    """The handlers of one client. Thread-safe.

    All clients of a run share ``requests``. ``renewal`` belongs to the credentials of the client.
    ``headers`` are added by operation, see :mod:`.headers`.
    """

    def __init__(
        self, requests: RequestPolicy, *, renewal: Renewal, headers: Mapping[str, Headers]
    ) -> None:
        self.requests = requests
        self.renewal = renewal
        self.pacer = Pacer(requests.stop, limiter=requests.limiter)
        self.transfers = TransferStates(requests.stop)
        self._uploads = UploadTracker()
        self._headers = HeaderInjector(headers)
        self._gate = RequestGate(requests, self.pacer)
        self._retry = RequestRetry(
            requests,
            pacer=self.pacer,
            renewal=renewal,
            on_error=(self.transfers.note_error, self._uploads.note_error),
        )

    def attach(self, client: Any) -> None:
        """Register the handlers on ``client`` (an S3 client whose own retries are off)."""
        answer_checks.attach(client)  # first: the handlers behind it read answers that prove
        self._uploads.attach(client)
        self.transfers.attach(client)
        self._headers.attach(client)
        self.renewal.attach(client)
        self._gate.attach(client)
        self._retry.attach(client)

    def record_uploads_in(self, registry: UploadRegistry) -> None:
        """Record uploads in ``registry`` from now on."""
        self._uploads.record_in(registry)

    def keep_uploads_when_stopped(self) -> None:
        """Let a stopped run leave its uploads open: another run will go on with them."""
        self._gate.keep_uploads()

    def lost_uploads(self) -> tuple[PendingCreate, ...]:
        """Return where S3 may have created uploads whose answer was lost."""
        return self._uploads.lost_uploads()

    def open_uploads(self) -> tuple[OpenUpload, ...]:
        """Return the multipart uploads that were created and not finished since."""
        return self._uploads.open_uploads()
