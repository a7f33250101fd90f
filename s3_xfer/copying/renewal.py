"""Credentials that are renewed in the middle of a run, without ending it.

botocore renews credentials by their date. S3 may refuse them earlier: a session was revoked, or a
clock is wrong. Hundreds of requests then fail at the same moment; one of them renews the
credentials, and all are sent again. A renewal that fails ends the run; so requests to STS are
repeated by the same policy as S3's.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import Any

from botocore.credentials import CachedCredentialFetcher, RefreshableCredentials

from s3_xfer.copying import answers
from s3_xfer.copying.background_renewal import BackgroundRenewal
from s3_xfer.copying.opened import Opened
from s3_xfer.copying.request_policy import Again, CutOff, RequestPolicy
from s3_xfer.copying.request_state import cut_off, state_of
from s3_xfer.errors import ErrorClass, ObjectError, translate
from s3_xfer.s3_client import STSClient

_INCOMPLETE_ROLE = (
    b"<ErrorResponse><Error><Code>InternalError</Code><Message>STS answered 200 without complete "
    b"credentials</Message></Error></ErrorResponse>"
)


class Renewal:
    """The credentials of one side, as botocore holds them. Thread-safe."""

    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials
        self.background = BackgroundRenewal.attach(credentials)
        self._lock = threading.Lock()
        self._renewed_at_s = float("-inf")

    @classmethod
    def of(cls, credentials: Any, opened: Opened) -> Renewal:
        """Return that of ``credentials``, one for all clients that use them."""
        return opened.get(("renewal", id(credentials)), lambda: cls(credentials))

    def keep_fresh(self) -> None:
        """Renew what is due by its date; waits for STS if it is.

        Raises:
            ObjectError: it was due, and failed.
        """
        try:
            self.credentials.get_frozen_credentials()
        except Exception as error:
            raise not_renewed(error) from error

    def renew(self, signed_at_s: float) -> bool:
        """Return whether a request that was refused as expired is worth sending again.

        ``signed_at_s`` is when it was signed, on ``time.monotonic``'s clock. Waits for STS.

        Raises:
            ObjectError: the credentials can be renewed, and that failed.
        """
        if not isinstance(self.credentials, RefreshableCredentials):
            return False
        with self._lock:
            if signed_at_s > self._renewed_at_s:
                self._expire()
                self.keep_fresh()
                self._renewed_at_s = time.monotonic()
        return True

    def _expire(self) -> None:
        """Make botocore ask again, also where it remembers the answer (roles, SSO)."""
        credentials = self.credentials  # its private attributes are the same since 1.36
        fetcher: Any = getattr(credentials._refresh_using, "__self__", None)  # noqa: SLF001
        remembers = isinstance(fetcher, CachedCredentialFetcher)
        cache, key = (fetcher._cache, fetcher._cache_key) if remembers else ({}, "")  # noqa: SLF001
        if key in cache:
            del cache[key]
        credentials._expiry_time = credentials._time_fetcher()  # noqa: SLF001


def not_renewed(error: Exception) -> ObjectError:
    """Return the error of a request that could not be signed because of ``error``."""
    info = translate(error)
    if info.error_class is ErrorClass.INTERRUPTED:
        return ObjectError(info)
    return ObjectError.of(
        ErrorClass.CREDENTIALS_EXPIRED, f"renewing them failed: {info.code}: {info.message}"
    )


def repeat_sts(client: STSClient, requests: RequestPolicy) -> None:
    """Let ``client``, an STS client whose own retries are off, follow the run's policy."""

    def needs_retry(
        response: tuple[Any, dict[str, Any]] | None,
        operation: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        **_: object,
    ) -> int | None:
        parsed = response and response[1]
        info = answers.facts_of(operation.name, parsed, caught_exception)
        if info is None:
            return None
        state = state_of(request_dict["context"])
        state.count_attempt(caught_exception, info)
        decision = requests.decide(info, attempts=state.attempts, can_renew=False)
        if isinstance(decision, Again) and requests.wait(decision.delay_s):
            return 0
        if isinstance(decision, Again | CutOff):
            raise cut_off(requests.stop, info, attempts=state.attempts)
        if parsed and response and response[0].status_code == HTTPStatus.OK:
            raise answers.error_of(parsed, operation.name)  # botocore looks at the status only
        return None

    client.meta.events.register("before-parse.sts.AssumeRole", _refuse_incomplete_role)
    client.meta.events.register("needs-retry.sts", needs_retry)  # type: ignore[arg-type] # returns


def _refuse_incomplete_role(response_dict: dict[str, Any], **_: object) -> None:
    """Make an error of a 200 without credentials: botocore's would have secrets in its text."""
    body = response_dict["body"].rstrip()
    is_complete = b"<Credentials>" in body and body.endswith(b"</AssumeRoleResponse>")
    if response_dict["status_code"] == HTTPStatus.OK and not is_complete:
        is_error = body.endswith(b"</ErrorResponse>")
        response_dict.update(status_code=500, body=body if is_error else _INCOMPLETE_ROLE)
