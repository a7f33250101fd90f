"""Who sends the requests: asked of STS in threads of their own, once for each set of credentials.

An STS that cannot be reached (a VPC without an endpoint for it) must not take time from anything
else: whoever wants to know waits a little, and otherwise does without.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from botocore.session import Session

from s3_xfer.access.clients import Clients
from s3_xfer.access.credentials import Identity, caller_identity
from s3_xfer.access.documents import Principal
from s3_xfer.errors import S3XferError
from s3_xfer.model import AccountContext
from s3_xfer.planning.mapping import KeyMap

_PATIENCE_S = 4.0  # a little more than STS is given to answer
_NO_ANSWER = Identity(unknown_because="STS did not answer in time")


class Identities:
    """The identities of both sides. Asks when it is made; may be used from any thread.

    ``principal`` is who copies, where that is given.
    """

    def __init__(self, clients: Clients, keys: KeyMap, principal: Principal | None = None) -> None:
        source, destination = keys.source.account, keys.destination.account
        self._principal = principal
        self._role_arn = destination.role_arn
        self._destination = _Question(clients.destination_session, destination)
        self._source = (
            _Question(clients.source_session, source)
            if source.names_credentials
            else self._destination
        )

    def source(self) -> Identity:
        """Return who lists and looks at the source."""
        return self._source.answer()

    def destination(self) -> Identity:
        """Return who copies, as STS says."""
        return self._destination.answer()

    def copier(self) -> Principal | None:
        """Return who copies: as given, as configured, or as STS says; None if nothing tells."""
        if self._principal:
            return self._principal
        arn = self._role_arn or self.destination().arn
        with suppress(S3XferError):  # an account's root, a federated user: no policy names it
            return Principal.parse(arn) if arn else None
        return None


class _Question:
    def __init__(self, session: Session, account: AccountContext) -> None:
        self._identity = _NO_ANSWER
        self._thread = threading.Thread(
            target=self._ask, args=(session, account), name="s3-xfer-identity", daemon=True
        )
        self._thread.start()

    def _ask(self, session: Session, account: AccountContext) -> None:
        self._identity = caller_identity(session, account)

    def answer(self) -> Identity:
        self._thread.join(_PATIENCE_S)
        return self._identity
