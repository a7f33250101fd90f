"""The numbers that copying reports while it works: requests, repetitions, finished parts.

A protocol, so that copying depends on no ledger.
"""

from __future__ import annotations

from typing import Protocol


class TransferCounter(Protocol):
    """Receives the numbers of a run's requests. Thread-safe."""

    def request_sent(self, operation: str) -> None:
        """Count one HTTP request of the S3 ``operation``."""

    def retried(self, *, throttled: bool) -> None:
        """Count one repetition of a request; ``throttled`` if S3 had asked for fewer."""

    def parts_finished(self, destination_key: str, size_bytes: int) -> None:
        """State that ``size_bytes`` of one object are copied so far."""
