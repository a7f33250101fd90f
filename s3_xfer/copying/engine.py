"""What every way of copying one object must do.

An engine turns a task into requests and returns S3's answer. There are two kinds: one that holds
the thread until the object is copied (:class:`CopyEngine`), and one that only sends single requests
and calls back (:class:`AsyncCopyClient`), of which
:class:`~s3_xfer.copying.dispatcher.AsyncDispatcher` keeps many under way.

Which objects are copied, in parts or not, when a request is repeated, what counts as verified and
what an error means for the run is the same for all engines and decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from s3_xfer.copying.answers import Answer
from s3_xfer.copying.request_state import TransferState
from s3_xfer.model import CopyTask


class CopyEngine(Protocol):
    """A way of copying. Implementations are thread-safe and shared by all workers of a run.

    Both methods copy one object, whose size and ETag are known, and return when S3 has confirmed
    it; ``transfer.answer`` is then its parsed answer. Both MUST pin the source to its ETag (and to
    its version, if it has one), be safe to call again for the same object, and raise what their
    libraries raise: the caller translates it, once.
    """

    name: str

    def copy_single(self, task: CopyTask, transfer: TransferState) -> None:
        """Copy with one ``CopyObject``."""

    def copy_in_parts(
        self, task: CopyTask, transfer: TransferState, on_bytes: Callable[[int], None]
    ) -> None:
        """Copy as a multipart upload, created with ``transfer.create_headers``.

        MUST abort the upload on failure. ``on_bytes`` is called with the bytes finished so far,
        from any thread.
        """

    def close(self) -> None:
        """Release threads. No copy is under way any more."""


class AsyncCopyClient(Protocol):
    """A way of sending ``CopyObject`` without a thread for each. Thread-safe."""

    name: str

    def refresh(self) -> None:
        """Renew credentials that are about to expire; may wait for that.

        Raises:
            botocore.exceptions.BotoCoreError: there are none.
        """

    def send(self, task: CopyTask, on_answer: Callable[[Answer], None]) -> Callable[[], None]:
        """Send one request, pinned to the source's ETag, and return how to give it up.

        Does not wait. ``on_answer`` is called exactly once, from any thread, also after it was
        given up; it neither raises nor waits. MUST NOT repeat the request by itself.
        """

    def close(self) -> None:
        """Release connections. Nothing is sent any more."""
