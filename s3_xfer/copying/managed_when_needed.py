"""The managed engine, made for the first object that it copies.

With the CRT engine most runs have none for it, and its libraries take a twentieth of a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from s3_xfer.model import CopyTask
from s3_xfer.options import CopyOptions
from s3_xfer.s3_client import S3Client

if TYPE_CHECKING:
    from s3_xfer.copying.managed import ManagedEngine


class ManagedWhenNeeded:
    """Does what :class:`~.managed.ManagedEngine` does, for one run. Thread-safe."""

    def __init__(self, client: S3Client, options: CopyOptions) -> None:
        self._client = client
        self._options = options
        self._made: ManagedEngine | None = None
        self._making = threading.Lock()

    def copy_single(self, task: CopyTask) -> None:
        """Copy with one ``CopyObject`` in the caller's thread."""
        self._engine().copy_single(task)

    def copy_in_parts(self, task: CopyTask, on_bytes: Callable[[int], None]) -> None:
        """Copy in parts; ``on_bytes`` is called with the bytes finished so far."""
        self._engine().copy_in_parts(task, on_bytes)

    def close(self) -> None:
        """Release the threads. No copy is under way any more."""
        if self._made:
            self._made.close()

    def _engine(self) -> ManagedEngine:
        with self._making:
            if not self._made:
                from s3_xfer.copying.managed import ManagedEngine  # noqa: PLC0415 - see above

                self._made = ManagedEngine(self._client, self._options)
            return self._made
