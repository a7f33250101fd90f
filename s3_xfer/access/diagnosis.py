"""Why something was denied, found out by requests that tell the causes apart.

S3 says "AccessDenied" whatever the reason. A few more requests, none of which leaves anything
behind, show what *is* allowed: listing but not reading, reading but not the tags, writing but not
with this ACL, the bucket but not under this owner. A reason in AWS's longer messages is taken as
it stands. The result names the side, the action, the causes in the order of their likelihood and
the statement that is needed. A cause is only called certain if a request proved it, or S3 named it.

The refusal or the result of a run counts, diagnosed or not: a diagnosis that fails is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from s3_xfer.access.clients import Clients
from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.findings import Finding
from s3_xfer.access.missing_statements import MissingStatements
from s3_xfer.access.permission_probes import (
    Arguments,
    NoAnswerError,
    PermissionProbes,
    denied,
    given,
    outcome,
)
from s3_xfer.access.principals import Principal
from s3_xfer.access.probe import probe_key
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import AccessAction, Diagnosis, ErrorClass, ErrorInfo
from s3_xfer.model import Failed, S3Object
from s3_xfer.options import RunMode
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

_log = logging.getLogger("s3_xfer")

DENIALS = frozenset({ErrorClass.ACCESS_DENIED, ErrorClass.KMS, ErrorClass.TAGS_NOT_COPIED})
# Done with the source's own credentials, if there are any.
_BY_READER = (AccessAction.LIST, AccessAction.HEAD, AccessAction.READ_TAGS)
_ACTION_OF_PARAMETER = {
    "ACL": AccessAction.WRITE_ACL,
    "ServerSideEncryption": AccessAction.ENCRYPT,
    "SSEKMSKeyId": AccessAction.ENCRYPT,
}
_COPIES_DIFFER = "a policy that treats copies differently from reading (s3:x-amz-copy-source, …)"
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
        self._keys = keys
        self._options = spec.options
        self._statements = MissingStatements(clients, keys, spec, principal)
        self.probes = PermissionProbes(clients, keys, spec.options)

    def diagnose(
        self, action: AccessAction, info: ErrorInfo, sample: S3Object | None = None, key: str = ""
    ) -> Diagnosis:
        """Return what a denial of ``action`` means. ``key`` is the destination's, if one failed."""
        by_reader = self._keys.source.account.names_credentials and action in _BY_READER
        context = DenialContext(action, self._name_principal(by_reader=by_reader), by_reader)
        context.read_answer(info)
        if not context.certain:
            try:
                self._look_closer(context, sample, key)
            except NoAnswerError as error:
                context.evidence.append(f"it was not possible to look closer: {error}")
        if not context.certain:
            context.add_usual_causes()
        return self._build_diagnosis(context)

    def diagnose_object(self, failed: Failed) -> Diagnosis:
        """Return what the failure of one object means, by trying its copy step by step."""
        info, source = failed.error.info, failed.task.source
        if info.error_class is ErrorClass.TAGS_NOT_COPIED:
            return self.diagnose(AccessAction.WRITE_TAGS, info)
        try:
            action = self.probes.denied_action(source, failed.task.destination_key)
        except NoAnswerError as error:
            return self._unattributed(info, f"it was not possible to look closer: {error}")
        if action is None:
            return self._unattributed(info, "every step of this copy was tried again: allowed")
        return self.diagnose(action, info, source, failed.task.destination_key)

    def _unattributed(self, info: ErrorInfo, observation: str) -> Diagnosis:
        return Diagnosis(
            denied=f"{printable(info.code)}, and nothing tells by whom",
            side="",
            action="",
            evidence=(observation, *self.probes.left_behind),
            causes=_UNATTRIBUTED,
        )

    def _build_diagnosis(self, context: DenialContext) -> Diagnosis:
        action = context.action
        return Diagnosis(
            denied=f"{action.action} to {context.principal} ({action.value})",
            side=action.side,
            action=action.action,
            causes=tuple(dict.fromkeys(context.causes)),
            evidence=(*context.evidence, *self.probes.left_behind),
            certain=context.certain,
            missing=tuple(self._statements.for_denial(context)) if context.grants_help else (),
        )

    def _name_principal(self, *, by_reader: bool) -> str:
        if by_reader:
            return "the source's credentials"
        copier = self._statements.copier
        return copier.arn if copier else "the destination's credentials"

    # ---------------------------------------------------------------------- looking closer

    def _look_closer(self, context: DenialContext, sample: S3Object | None, key: str) -> None:
        action = context.action
        if action is AccessAction.LIST:
            self._examine_listing(context)
        elif action is AccessAction.READ_TAGS and sample:
            self._examine_tags(context, sample)
        elif action is AccessAction.HEAD and sample:
            self._examine_head(context, sample)
        elif action is AccessAction.READ and sample:
            self._examine_reading(context, sample)
        elif action is AccessAction.WRITE and self._options.mode is not RunMode.DRY_RUN:
            self._examine_writing(context, key or probe_key(self._keys.destination))

    def _examine_listing(self, context: DenialContext) -> None:
        request, arguments = self.probes.reader.list_objects_v2, self._listing_arguments
        if not self.probes.is_wrong_source_owner(context, request, arguments):
            self.probes.is_requester_pays(context, request, arguments)

    def _examine_tags(self, context: DenialContext, sample: S3Object) -> None:
        head, arguments = self.probes.reader.head_object, _object_arguments(sample)
        if self.probes.is_allowed(context, "HEAD of the same object", head, arguments):
            context.causes.append("the object may be read, its tags may not: a right of its own")

    def _examine_head(self, context: DenialContext, sample: S3Object) -> None:
        request, arguments = self.probes.reader.head_object, _object_arguments(sample)
        is_wrong_owner = self.probes.is_wrong_source_owner(context, request, arguments)
        if not is_wrong_owner and not self.probes.is_requester_pays(context, request, arguments):
            cause = "there is no such object: without s3:ListBucket S3 does not say so"
            context.causes.append(cause)

    def _examine_reading(self, context: DenialContext, sample: S3Object) -> None:
        head = self.probes.copier.head_object
        label, arguments = f"HEAD of {sample.url} by {context.principal}", _object_arguments(sample)
        if self.probes.is_allowed(context, label, head, arguments):
            self._examine_content(context, arguments)
        elif not self.probes.is_requester_pays(context, head, arguments):
            self._examine_grants(context)

    def _examine_content(self, context: DenialContext, arguments: Arguments) -> None:
        """Tell why a copy is denied although HEAD is not."""
        head = self.probes.copier.head_object
        if self.probes.is_wrong_source_owner(context, head, arguments):
            return
        kms_key = head(**self.probes.with_payer(arguments)).get("SSEKMSKeyId")
        if not kms_key:
            context.causes.append(_COPIES_DIFFER)
            return
        context.action, context.kms_keys = AccessAction.DECRYPT, (kms_key,)
        context.evidence.append(f"the object is encrypted with {printable(kms_key)}")
        context.causes += [
            f"the key's policy does not allow kms:Decrypt to {context.principal}",
            f"the identity policy of {context.principal} does not allow kms:Decrypt with that key",
            "the key is aws/s3, AWS's own: no policy can open that to another account",
        ]

    def _examine_grants(self, context: DenialContext) -> None:
        """Tell whether anything is granted to a copier that is denied even HEAD."""
        arguments = self.probes.with_payer(self._listing_arguments)
        denial, principal = denied(self.probes.copier.list_objects_v2, arguments), context.principal
        context.evidence.append(f"listing the source by {principal}: {outcome(denial)}")
        context.causes += [
            f"the bucket policy of {self._keys.source.bucket} grants nothing to {principal}"
            if denial
            else f"the bucket policy lets {principal} list, but not read",
            f"the identity policy of {principal} does not allow s3:GetObject there",
            "the object belongs to a third account, for which bucket policies do not speak",
        ]

    def _examine_writing(self, context: DenialContext, key: str) -> None:
        """Find the option without which the destination may be written."""
        bucket, owner = self._keys.destination.bucket, self._keys.destination.account.bucket_owner
        request = self.probes.copier.head_bucket
        if self.probes.is_wrong_owner(context, request, {"Bucket": bucket}, owner=owner):
            return
        arguments = {"Bucket": bucket, "Key": key, **given(ExpectedBucketOwner=owner)}
        if not self.probes.opens_upload(context, "without any option", arguments):
            return
        for name, value in write_params(self._options).items():
            beside = {"ServerSideEncryption": "aws:kms"} if name == "SSEKMSKeyId" else {}
            with_option = {**arguments, **beside, name: value}
            if not self.probes.opens_upload(context, f"with {name} {value}", with_option):
                context.action = _ACTION_OF_PARAMETER.get(name, context.action)
                cause = f"writing is allowed, but not with {name} {value}"
                context.set_cause(cause, grants_help=True)
                return

    @property
    def _listing_arguments(self) -> Arguments:
        source = self._keys.source
        return {"Bucket": source.bucket, "Prefix": source.key, "MaxKeys": 1}


def _object_arguments(sample: S3Object) -> Arguments:
    return {"Bucket": sample.bucket, "Key": sample.key}


def diagnose_finding(finding: Finding, diagnoser: AccessDiagnoser) -> Diagnosis | None:
    """Return what a failed finding means; None if it is no denial of a known action."""
    refusal = finding.refusal
    if not refusal or refusal.error_class not in DENIALS:
        return None
    if not refusal.action or not refusal.info:
        return None
    return diagnoser.diagnose(refusal.action, refusal.info, finding.subject)


def diagnose_refusal(finding: Finding, make_diagnoser: Callable[[], AccessDiagnoser]) -> None:
    """Attach to the refusal of a failed finding what it means. Never raises."""
    if finding.refusal:
        finding.refusal.diagnosis = _or_none(lambda: diagnose_finding(finding, make_diagnoser()))


def diagnose_failures(
    failures: Iterable[Failed], make_diagnoser: Callable[[], AccessDiagnoser]
) -> Diagnosis | None:
    """Return what the first denial among ``failures`` means; one, however many. Never raises."""
    first = next((item for item in failures if item.error.info.error_class in DENIALS), None)
    return _or_none(lambda: make_diagnoser().diagnose_object(first)) if first else None


def _or_none(diagnose: Callable[[], Diagnosis | None]) -> Diagnosis | None:
    try:
        return diagnose()
    except Exception:  # noqa: BLE001 - the end of the run stands, diagnosed or not
        _log.exception("the denial could not be explained")
        return None
