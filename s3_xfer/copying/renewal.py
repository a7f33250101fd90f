"""Credentials that S3 calls expired, renewed once for all requests.

botocore renews credentials by their date, before they expire. S3 may still refuse them earlier: a
session was revoked, or a clock is wrong. Hundreds of requests then fail at the same moment; one of
them renews the credentials, and all are sent again. A renewal that fails ends the run, with the
error of the renewal in its message.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.credentials import CachedCredentialFetcher, RefreshableCredentials

from s3_xfer.copying.request_state import state_of
from s3_xfer.errors import ErrorClass, ObjectError, translate


class Renewal:
    """The credentials of one side, as botocore holds them. Thread-safe."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._renewed_at_s = float("-inf")

    def attach(self, client: Any) -> None:
        """Keep the credentials of ``client`` fresh, and note when each request is signed."""
        client.meta.events.register("before-sign.s3", self._before_sign)

    def _before_sign(self, request: Any, **_: object) -> None:
        self.keep_fresh()
        state_of(request.context).signed_at_s = time.monotonic()

    def keep_fresh(self) -> None:
        """Renew what is due by its date; waits for STS if it is.

        Raises:
            ObjectError: it was due, and failed.
        """
        try:
            self._credentials.get_frozen_credentials()
        except Exception as error:
            raise not_renewed(error) from error

    def renew(self, signed_at_s: float) -> bool:
        """Return whether a request that was refused as expired is worth sending again.

        ``signed_at_s`` is when it was signed, on ``time.monotonic``'s clock. Waits for STS.

        Raises:
            ObjectError: the credentials can be renewed, and that failed.
        """
        if not isinstance(self._credentials, RefreshableCredentials):
            return False
        with self._lock:
            if signed_at_s > self._renewed_at_s:
                self._expire()
                self.keep_fresh()
                self._renewed_at_s = time.monotonic()
        return True

    def _expire(self) -> None:
        """Make botocore ask again, also where it remembers the answer (roles, SSO).

        There is no public way to; these attributes are the same in 1.36 and in the newest.
        """
        credentials = self._credentials
        fetcher: Any = getattr(credentials._refresh_using, "__self__", None)  # noqa: SLF001
        remembers = isinstance(fetcher, CachedCredentialFetcher)
        cache, key = (fetcher._cache, fetcher._cache_key) if remembers else ({}, "")  # noqa: SLF001
        if key in cache:
            del cache[key]
        credentials._expiry_time = credentials._time_fetcher()  # noqa: SLF001


def not_renewed(error: Exception) -> ObjectError:
    """Return the error of a request that could not be signed because of ``error``."""
    info = translate(error)
    return ObjectError.of(
        ErrorClass.CREDENTIALS_EXPIRED, f"renewing them failed: {info.code}: {info.message}"
    )
