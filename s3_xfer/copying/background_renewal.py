"""Temporary credentials that are renewed once per life, in the background, near their end.

botocore renews inside of a request, from fifteen minutes before the end on: with credentials of
fourteen minutes in every request, and from ten minutes before the end on all requests wait. Here
a thread renews them in the last quarter of their life, and requests wait only in its last tenth.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.credentials import RefreshableCredentials

_DUE_SHARE, _DUE_MAX_S = 0.25, 900.0  # of a life, before its end: renew in the background
_WAIT_SHARE, _WAIT_MAX_S = 0.1, 30.0  # requests wait
_AGAIN_MIN_S = 5.0  # after a renewal that failed or brought the same ones
SHORT_LIFE_S = 300.0  # a shorter one is worth a note


class BackgroundRenewal:
    """Decides when ``credentials``, of botocore, are renewed. Thread-safe.

    It takes the place of botocore's own decision, for all that use them. The private attributes
    are the same since botocore 1.36.
    """

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._is_renewing = False
        self._due_at_s = float("inf")
        self._wait_before_s = 0.0
        self.life_s: float | None = None  # unknown until they were fetched
        if not self._is_missing:
            self._begin_life()

    @classmethod
    def attach(cls, credentials: Any) -> BackgroundRenewal | None:
        """Let ``credentials`` be renewed so, if they can be renewed; may be repeated."""
        if not isinstance(credentials, RefreshableCredentials):
            return None
        renewable: Any = credentials
        attached = getattr(renewable._refresh, "__self__", None)  # noqa: SLF001
        if isinstance(attached, cls):
            return attached
        renewal = cls(renewable)
        renewable._refresh = renewal.refresh  # noqa: SLF001
        return renewal

    def refresh(self) -> None:
        """Renew what is at its end, waiting for it; begin to renew what is near it.

        Raises:
            Exception: of any kind that botocore or the source of the credentials raises.
        """
        if self._must_wait():
            with self._credentials._refresh_lock:  # noqa: SLF001
                if self._must_wait():
                    self._renew(is_mandatory=True)
        elif time.monotonic() >= self._due_at_s:
            self._begin_to_renew()

    @property
    def _is_missing(self) -> bool:
        return self._credentials._frozen_credentials is None  # noqa: SLF001

    def _left_s(self) -> float:
        left_s: float = self._credentials._seconds_remaining()  # noqa: SLF001
        return left_s

    def _must_wait(self) -> bool:
        return self._is_missing or self._left_s() <= self._wait_before_s

    def _renew(self, *, is_mandatory: bool) -> None:
        """Fetch new ones, with botocore's lock held; only a mandatory renewal raises."""
        self._credentials._protected_refresh(is_mandatory=is_mandatory)  # noqa: SLF001
        self._begin_life()

    def _begin_life(self) -> None:
        left_s = self.life_s = self._left_s()
        self._wait_before_s = min(_WAIT_MAX_S, max(0.0, _WAIT_SHARE * left_s))
        until_due_s = left_s - min(_DUE_MAX_S, _DUE_SHARE * left_s)
        self._due_at_s = time.monotonic() + max(_AGAIN_MIN_S, until_due_s)

    def _begin_to_renew(self) -> None:
        with self._lock:
            if self._is_renewing:
                return
            self._is_renewing = True
        name = "s3-xfer-credentials"
        threading.Thread(target=self._renew_in_background, name=name, daemon=True).start()

    def _renew_in_background(self) -> None:
        try:
            with self._credentials._refresh_lock:  # noqa: SLF001
                self._renew(is_mandatory=False)  # botocore logs what it raises
        finally:
            with self._lock:
                self._due_at_s = max(self._due_at_s, time.monotonic() + _AGAIN_MIN_S)
                self._is_renewing = False
