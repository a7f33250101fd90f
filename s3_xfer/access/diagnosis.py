"""Why something was denied, found out by requests that tell the causes apart.

S3 says "AccessDenied" for every reason. A few more requests, none of which leaves anything
behind, show what *is* allowed: listing but not reading, writing but not with this ACL, the bucket
but not under this owner. A reason in AWS's longer messages is taken as it stands. A cause is only
called certain if a request proved it, or S3 named it.

The refusal or the result of a run counts, diagnosed or not: a diagnosis that fails is logged.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from s3_xfer.access.clients import Clients
from s3_xfer.access.credentials import caller_identity
from s3_xfer.access.denial_context import DenialContext, NoAnswerError
from s3_xfer.access.documents import Participants, PolicyTarget, Principal
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.policies import policies_for
from s3_xfer.errors import (
    AccessAction,
    Diagnosis,
    ErrorClass,
    ErrorInfo,
    Missing,
    PreflightError,
    S3XferError,
)
from s3_xfer.model import Failed, S3Object
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

_log = logging.getLogger("s3_xfer")

DENIALS = frozenset({ErrorClass.ACCESS_DENIED, ErrorClass.KMS, ErrorClass.TAGS_NOT_COPIED})
# Done with the source's own credentials, if there are any.
_BY_READER = (AccessAction.LIST, AccessAction.HEAD, AccessAction.READ_TAGS)
_UNATTRIBUTED = (
    "a policy that looks at CopyObject alone (s3:x-amz-copy-source, s3:x-amz-metadata-directive), "
    "or at conditions of writing (s3:if-none-match)",
    "the denial was there during the run and is gone now",
)


class AccessDiagnoser:
    """Diagnoses the denials of one copy. ``principal`` is who copies, where that is given."""

    def __init__(
        self, clients: Clients, keys: KeyMap, spec: CopySpec, *, principal: Principal | None = None
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._spec = spec
        self._principal = principal
        self.experiments = Experiments(clients, keys, spec.options)

    def diagnose(
        self, action: AccessAction, info: ErrorInfo, sample: S3Object | None = None, key: str = ""
    ) -> Diagnosis:
        """Return what a denial of ``action`` means. ``key`` is the destination's, if one failed."""
        source = self._keys.source.account
        is_unsigned = bool(source.no_sign_request)
        by_reader = (source.names_credentials or is_unsigned) and action in _BY_READER
        if by_reader:
            principal = "the public (not signed)" if is_unsigned else "the source's credentials"
        else:
            principal = self._copier.arn if self._copier else "the destination's credentials"
        context = DenialContext(action, principal, by_reader)
        context.read_answer(info)
        if not context.certain:
            try:
                self.experiments.look_closer(context, sample, key)
            except NoAnswerError as error:
                context.evidence.append(f"it was not possible to look closer: {error}")
        if not context.certain:
            context.add_usual_causes()
        action = context.action
        return Diagnosis(
            denied=f"{action.action} to {principal} ({action.value})",
            side=action.side,
            action=action.action,
            causes=tuple(dict.fromkeys(context.causes)),
            evidence=(*context.evidence, *self.experiments.left_behind),
            certain=context.certain,
            missing=tuple(self._missing(context)) if context.grants_help else (),
        )

    def diagnose_object(self, failed: Failed) -> Diagnosis:
        """Return what the failure of one object means, by trying its copy step by step."""
        info, source = failed.error.info, failed.task.source
        if info.error_class is ErrorClass.TAGS_NOT_COPIED:
            return self.diagnose(AccessAction.WRITE_TAGS, info)
        try:
            action = self.experiments.denied_action(source, failed.task.destination_key)
        except NoAnswerError as error:
            action, observation = None, f"it was not possible to look closer: {error}"
        else:
            observation = "every step of this copy was tried again: allowed"
        if action:
            return self.diagnose(action, info, source, failed.task.destination_key)
        return Diagnosis(
            denied=f"{printable(info.code)}, and nothing tells by whom",
            side="",
            action="",
            evidence=(observation, *self.experiments.left_behind),
            causes=_UNATTRIBUTED,
        )

    def _missing(self, context: DenialContext) -> Iterator[Missing]:
        """Return the statements that would allow what was denied; none without a principal."""
        if self._copier is None:
            return
        source_keys = context.kms_keys if context.action is AccessAction.DECRYPT else ()
        try:
            documents = policies_for(
                self._keys,
                self._spec.options,
                overwrite=self._spec.overwrite,
                participants=Participants(copier=self._copier, source_keys=source_keys),
            )
        except S3XferError:
            return  # an alias of a key, of an access point: no statement can be written for it
        for document in documents:
            is_reader = document.target is PolicyTarget.READER
            if document.target in context.targets and is_reader == context.by_reader:
                for statement in document.statements:
                    if statement.name in context.action.needs:
                        text = json.dumps(statement.to_dict(), indent=2)
                        yield Missing(where=document.where, statement=text)

    @functools.cached_property
    def _copier(self) -> Principal | None:
        """Who copies: as given, as configured, or as STS says; None if nothing tells."""
        if self._principal:
            return self._principal
        account = self._keys.destination.account
        arn = account.role_arn or caller_identity(self._clients.destination_session, account).arn
        with suppress(S3XferError):  # an account's root, a federated user: no policy names it
            return Principal.parse(arn) if arn else None
        return None


def diagnose_refusal(
    refusal: PreflightError, sample: S3Object | None, diagnoser: AccessDiagnoser
) -> Diagnosis | None:
    """Return what a refusal means; None if it is no denial of a known action.

    ``sample`` is the source object that was tried, if one was.
    """
    action, info = refusal.action, refusal.info
    if not action or not info or refusal.error_class not in DENIALS:
        return None
    return diagnoser.diagnose(action, info, sample)


def diagnose_failures(
    failures: Iterable[Failed], make_diagnoser: Callable[[], AccessDiagnoser]
) -> Diagnosis | None:
    """Return what the first denial among ``failures`` means; one, however many. Never raises."""
    first = next((item for item in failures if item.error.info.error_class in DENIALS), None)
    return diagnosis_or_none(lambda: make_diagnoser().diagnose_object(first)) if first else None


def diagnosis_or_none(diagnose: Callable[[], Diagnosis | None]) -> Diagnosis | None:
    """Return what ``diagnose`` returns; None, and a line in the log, if it fails."""
    try:
        return diagnose()
    except Exception:  # noqa: BLE001 - the end of the run stands, diagnosed or not
        _log.exception("the denial could not be explained")
        return None
