"""The last step before a request is sent: rate, stop, count.

botocore's ``before-send`` event comes once for each sending, repetitions included, also for the
requests that s3transfer sends from its own threads.
"""

from __future__ import annotations

from typing import Any

from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.request_state import stopped
from s3_xfer.pipeline.pacing import Pacer

PACED = frozenset({"CopyObject", "UploadPartCopy", "CreateMultipartUpload"})
_SENT_WHEN_STOPPED = ("AbortMultipartUpload", "ListMultipartUploads")  # they remove what is left


class RequestGate:
    """Delays, refuses and counts the requests of one client. Thread-safe.

    Writes to the destination wait for the ``pacer``; all others wait at the rate limit alone.
    """

    def __init__(self, requests: RequestPolicy, pacer: Pacer) -> None:
        self._requests = requests
        self._pacer = pacer
        self._keeps_uploads = False

    def attach(self, client: Any) -> None:
        """Stand before every request of ``client``."""
        client.meta.events.register("before-send.s3", self._before_send)

    def keep_uploads(self) -> None:
        """Refuse aborts too once the run is stopped: another run will use the uploads."""
        self._keeps_uploads = True

    def _before_send(self, event_name: str, **_: object) -> None:
        operation = event_name.rpartition(".")[2]
        if operation in PACED:
            self._pacer.wait()
        elif self._requests.limiter:
            self._requests.limiter.wait()
        if self._requests.refuses_requests() and (
            self._keeps_uploads or operation not in _SENT_WHEN_STOPPED
        ):
            raise stopped(self._requests.stop)
        self._requests.counter.request_sent(operation)
