"""What follows the failure of a request, decided at one place for both engines, objects and parts.

:mod:`.request_policy` says which errors are repeated, and when. Here is what depends on the request
and on its server: a reset connection, credentials renewed already, a server that is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from s3_xfer.copying.answers import Reset
from s3_xfer.copying.request_policy import SERVER_AWAY, AfterAnswer, Renew, RequestPolicy, Resend
from s3_xfer.copying.request_state import SentRequest
from s3_xfer.errors import ErrorClass, ErrorInfo
from s3_xfer.pipeline.outage import OutageMonitor


@dataclass(frozen=True, slots=True)
class AskOutage:
    """The server may be away: :meth:`RetryRules.after_suspicion` knows, and may have to wait."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Send the request again when the server is not away any more; the failure does not count."""


AfterFailure: TypeAlias = AfterAnswer | AskOutage | Hold


class RetryRules:
    """The rules for the requests of one client, to the server that ``outage`` watches.

    Thread-safe. What is decided is noted in the request.
    """

    def __init__(self, requests: RequestPolicy, outage: OutageMonitor) -> None:
        self._requests = requests
        self._outage = outage

    def after(
        self, request: SentRequest, info: ErrorInfo, *, key: str, reset: Reset | None
    ) -> AfterFailure:
        """Return what follows a failure that ``info`` describes. Waits for nothing.

        ``key`` is the object's at the destination; ``reset`` says that the connection ended without
        an answer.
        """
        can_resend = self._can_resend(request, reset)
        if info.error_class in SERVER_AWAY:
            if not can_resend and self._outage.failed(key):
                return AskOutage()
        elif info.error_class is not ErrorClass.INTERRUPTED:
            self._outage.answered()
        return self._decide(request, info, can_resend=can_resend)

    def after_suspicion(self, request: SentRequest, info: ErrorInfo) -> AfterFailure:
        """Return what follows once it is known whether the server is away. May wait for that."""
        if not self._outage.is_away():
            return self._decide(request, info)
        request.attempts_in_outages = request.attempts
        return Hold()

    def _can_resend(self, request: SentRequest, reset: Reset | None) -> bool:
        """Return whether a request is sent again at once because its connection was reset.

        That happens once to a request, and while resets are rare.
        """
        if reset is None or request.is_resent:
            return False
        return self._outage.may_resend(was_used=reset is Reset.OF_USED)

    def _decide(
        self, request: SentRequest, info: ErrorInfo, *, can_resend: bool = False
    ) -> AfterAnswer:
        decision = self._requests.decide(
            info,
            attempts=request.attempts - request.attempts_in_outages,
            can_renew=not request.is_renewed,
            can_resend=can_resend,
        )
        match decision:
            case Resend():
                request.is_resent = True
                request.attempts -= 1
            case Renew():
                request.is_renewed = True
        return decision
