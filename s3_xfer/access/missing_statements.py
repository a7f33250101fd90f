"""Which statements a denial asks for, and who the copier is that they name.

Without a principal no statement can be written: then there is none.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import suppress

from s3_xfer.access.clients import Clients
from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.documents import PolicyDocument, PolicyTarget
from s3_xfer.access.policies import policies_for
from s3_xfer.access.principals import Parties, Principal, caller_identity
from s3_xfer.errors import AccessAction, Missing, S3XferError
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec


class MissingStatements:
    """Writes the statements of one copy. ``principal`` is who copies, where that is given."""

    def __init__(
        self, clients: Clients, keys: KeyMap, spec: CopySpec, principal: Principal | None
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._spec = spec
        self._principal = principal

    def for_denial(self, context: DenialContext) -> Iterator[Missing]:
        """Return the statements that would allow what was denied."""
        for document in self._documents(context):
            is_reader = document.target is PolicyTarget.READER
            if document.target in context.targets and is_reader == context.by_reader:
                for statement in document.statements:
                    if statement.name in context.action.needs:
                        text = json.dumps(statement.to_dict(), indent=2)
                        yield Missing(where=document.where, statement=text)

    def _documents(self, context: DenialContext) -> tuple[PolicyDocument, ...]:
        if self.copier is None:
            return ()
        source_keys = context.kms_keys if context.action is AccessAction.DECRYPT else ()
        try:
            return policies_for(
                self._keys,
                self._spec.options,
                overwrite=self._spec.overwrite,
                parties=Parties(copier=self.copier, source_keys=source_keys),
            )
        except S3XferError:
            return ()  # an alias of a key, of an access point: no statement can be written for it

    @functools.cached_property
    def copier(self) -> Principal | None:
        """Who copies: as given, as configured, or as STS says; None if nothing tells."""
        if self._principal:
            return self._principal
        account = self._keys.destination.account
        arn = account.role_arn or caller_identity(self._clients.destination_session, account).arn
        with suppress(S3XferError):  # an account's root, a federated user: no policy names it
            return Principal.parse(arn) if arn else None
        return None
