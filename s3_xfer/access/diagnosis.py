"""Why something was denied, found out by trying what tells the causes apart.

S3 says "AccessDenied" whatever the reason. A few more requests, none of which leaves anything
behind, show what *is* allowed: listing but not reading, reading but not the tags, writing but not
with this ACL, the bucket but not under this owner. What AWS's longer messages say outright is
believed. The result names the side, the action, the causes in the order of their likelihood and
the statement that is missing.

Refuses to claim more than was seen: a cause is only called certain if a request proved it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from s3_xfer.access.clients import Clients, open_bare_client
from s3_xfer.access.identity import who_am_i
from s3_xfer.access.policies import Parties, Place, PolicyDocument, policies_for
from s3_xfer.access.preflight import part_of, probe_key
from s3_xfer.access.principals import Principal
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, ErrorFacts, S3XferError, translate
from s3_xfer.findings import Diagnosis, Missing, Step
from s3_xfer.model import Failed, S3Object
from s3_xfer.options import CopyOptions, RunMode, TagPolicy
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable

_PATIENCE_S = 3.0
# "User: ARN is not authorized to perform: ACTION on resource: ARN because REASON"
_SAYS_WHY = re.compile(
    r"not authorized to perform: (\w+:\w+).*? (because .+|with an explicit deny.*)"
)
_ANY_DENIAL = (
    "a denial elsewhere: organisation (SCP, RCP), permissions boundary, session policy, "
    "VPC endpoint policy"
)
# These say nothing about rights.
_NO_ANSWER = frozenset(
    {
        ErrorClass.NETWORK,
        ErrorClass.TIMEOUT,
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.CREDENTIALS_REFUSED,
        ErrorClass.CREDENTIALS_EXPIRED,
    }
)
DENIALS = frozenset({ErrorClass.ACCESS_DENIED, ErrorClass.KMS, ErrorClass.TAGS_NOT_COPIED})


class _NoAnswerError(Exception):
    """A request that was to tell something got no answer that does."""


@dataclass(slots=True)
class _Case:
    """What is known so far about one denial."""

    step: Step
    who: str
    evidence: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    certain: bool = False
    keys: tuple[str, ...] = ()  # KMS keys that matter
    places: tuple[Place, ...] | None = None  # where the statement is missing; None: wherever needed
    grants_help: bool = True

    def proven(self, cause: str, *, grants_help: bool = False) -> None:
        self.causes.insert(0, cause)
        self.certain = True
        self.grants_help = grants_help


class Investigator:
    """Explains the denials of one run. ``principal`` is who copies, where somebody said so."""

    def __init__(
        self,
        clients: Clients,
        keys: KeyMap,
        options: CopyOptions,
        *,
        overwrite: bool,
        principal: Principal | None = None,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._options = options
        self._overwrite = overwrite
        source, destination = keys.source.account, keys.destination.account
        self._reader = open_bare_client(clients.source_session, source, patience_s=_PATIENCE_S)
        self.copier = open_bare_client(
            clients.destination_session, destination, patience_s=_PATIENCE_S
        )
        self._principal = principal
        self._asked_sts = False
        self._own_reader = source.names_credentials

    def explain(
        self, step: Step, facts: ErrorFacts, sample: S3Object | None = None, key: str = ""
    ) -> Diagnosis:
        """Return what a denial at ``step`` means. ``key`` is the destination's, if one failed."""
        case = _Case(step, self._who(step))
        if facts.message:
            case.evidence.append(f"S3 said {printable(facts.code)}: {printable(facts.message)}")
        self._believe(case, facts)
        if not case.certain:
            try:
                self._look_closer(case, sample, key)
            except _NoAnswerError as error:
                case.evidence.append(f"it was not possible to look closer: {error}")
        if not case.certain:
            case.causes += self._usual_causes(case)
        return self._written(case)

    def explain_object(self, failed: Failed) -> Diagnosis:
        """Return what the failure of one object means, by trying its copy step by step.

        None of the steps writes anything that stays.
        """
        facts, source = failed.error.facts, failed.task.source
        if facts.error_class is ErrorClass.TAGS_NOT_COPIED:
            return self.explain(Step.WRITE_TAGS, facts)
        try:
            step = self._denied_step(source, failed.task.destination_key)
        except _NoAnswerError as error:
            return self._unattributed(facts, f"it was not possible to look closer: {error}")
        if step is None:
            return self._unattributed(facts, "every step of this copy was tried again: allowed")
        return self.explain(step, facts, source, failed.task.destination_key)

    def _denied_step(self, source: S3Object, key: str) -> Step | None:
        """Return the first step that is denied: looking, tags, writing, reading."""
        place = {"Bucket": source.bucket, "Key": source.key}
        large = source.size >= self._options.multipart_threshold_bytes
        with_tags = self._options.tags is TagPolicy.COPY
        if large and _denied(self._reader.head_object, self._paid(place)):
            return Step.LOOK
        if large and with_tags and _denied(self._reader.get_object_tagging, self._paid(place)):
            return Step.READ_TAGS
        if _denied(self.copier.head_object, self._paid(place)):
            return Step.READ
        if with_tags and _denied(self.copier.get_object_tagging, self._paid(place)):
            return Step.COPY_TAGS
        return self._denied_writing(source, key)

    def _denied_writing(self, source: S3Object, key: str) -> Step | None:
        place = {"Bucket": self._keys.destination.bucket, "Key": key}
        owner = self._keys.destination.account.bucket_owner
        owned = {"ExpectedBucketOwner": owner} if owner else {}
        opened: dict[str, Any] = {}

        def open_upload(**arguments: Any) -> None:
            opened.update(self.copier.create_multipart_upload(**arguments))

        if _denied(open_upload, {**place, **owned, **write_params(self._options)}):
            return Step.WRITE
        upload = {**place, "UploadId": opened["UploadId"]}
        try:
            if source.size and _denied(self.copier.upload_part_copy, part_of(source, upload)):
                return Step.READ
        finally:
            with suppress(Exception):
                self.copier.abort_multipart_upload(**upload)
        return None

    def _unattributed(self, facts: ErrorFacts, seen: str) -> Diagnosis:
        """Return a diagnosis that admits that nothing tells the side."""
        return Diagnosis(
            denied=f"{printable(facts.code)}, and nothing tells by whom",
            side="",
            action="",
            evidence=(seen,),
            causes=(
                "a policy that looks at CopyObject alone (s3:x-amz-copy-source, "
                "s3:x-amz-metadata-directive), or at conditions of writing (s3:if-none-match)",
                "the denial was there during the run and is gone now",
            ),
        )

    def _look_closer(self, case: _Case, sample: S3Object | None, key: str) -> None:
        if case.step is Step.LIST:
            self._listing(case)
        elif case.step in (Step.LOOK, Step.READ_TAGS) and sample:
            self._looking(case, sample)
        elif case.step is Step.READ and sample:
            self._reading(case, sample)
        elif case.step is Step.WRITE and self._options.mode is not RunMode.DRY_RUN:
            self._writing(case, key or probe_key(self._keys.destination))

    # ------------------------------------------------------------------- what S3 tells itself

    def _believe(self, case: _Case, facts: ErrorFacts) -> None:
        """Take the reason that AWS gives within an organisation, and for KMS."""
        said = _SAYS_WHY.search(facts.message)
        if not said:
            return
        action, reason = said.groups()
        if action == "kms:Decrypt":
            case.step = Step.DECRYPT if case.step.side == "source" else Step.ENCRYPT
        elif action.startswith("kms:"):
            case.step = Step.ENCRYPT
        if "explicit deny" in reason:
            case.proven(f"{action} is denied explicitly: {printable(reason)}")
        elif "no identity-based policy" in reason:
            case.places = (Place.COPIER, Place.READER)
            case.proven(
                f"the identity policy of {case.who} does not allow {action}", grants_help=True
            )
        elif "no resource-based policy" in reason:
            case.places = tuple(p for p in Place if p not in (Place.COPIER, Place.READER))
            case.proven(f"the {_resource(case.step)} does not allow {action}", grants_help=True)

    # --------------------------------------------------------------------- what requests tell

    def _listing(self, case: _Case) -> None:
        source = self._keys.source
        place = {"Bucket": source.bucket, "Prefix": source.key, "MaxKeys": 1}
        if self._is_owners_fault(
            case, self._reader.list_objects_v2, place, source.account.bucket_owner
        ):
            return
        self._is_requesters_fault(case, self._reader.list_objects_v2, place)

    def _looking(self, case: _Case, sample: S3Object) -> None:
        place = {"Bucket": sample.bucket, "Key": sample.key}
        owner = self._keys.source.account.bucket_owner
        if case.step is Step.READ_TAGS:
            if self._try(case, "HEAD of the same object", self._reader.head_object, place):
                case.causes.append("the object may be read, its tags may not: a right of its own")
            return
        if self._is_owners_fault(case, self._reader.head_object, place, owner):
            return
        if not self._is_requesters_fault(case, self._reader.head_object, place):
            case.causes.append("there is no such object: without s3:ListBucket S3 does not say so")

    def _reading(self, case: _Case, sample: S3Object) -> None:
        place = {"Bucket": sample.bucket, "Key": sample.key}
        if self._try(case, f"HEAD of {sample.url} by {case.who}", self.copier.head_object, place):
            self._reading_content(case, place)
            return
        if self._is_requesters_fault(case, self.copier.head_object, place):
            return
        where = {"Bucket": sample.bucket, "Prefix": self._keys.source.key, "MaxKeys": 1}
        listed = self._try(
            case, f"listing the source by {case.who}", self.copier.list_objects_v2, where
        )
        case.causes.append(
            f"the bucket policy lets {case.who} list, but not read"
            if listed
            else f"the bucket policy of {sample.bucket} grants nothing to {case.who}"
        )
        case.causes.append(f"the identity policy of {case.who} does not allow s3:GetObject there")
        case.causes.append(
            "the object belongs to a third account, for which bucket policies do not speak"
        )

    def _reading_content(self, case: _Case, place: dict[str, Any]) -> None:
        """Tell why a copy is denied although HEAD is not."""
        owner = self._keys.source.account.bucket_owner
        if self._is_owners_fault(case, self.copier.head_object, place, owner):
            return
        answer = self.copier.head_object(**place)
        key = answer.get("SSEKMSKeyId")
        if key:
            case.step, case.keys = Step.DECRYPT, (key,)
            case.evidence.append(f"the object is encrypted with {printable(key)}")
            case.causes += [
                f"the key's policy does not allow kms:Decrypt to {case.who}",
                f"the identity policy of {case.who} does not allow kms:Decrypt with that key",
                "the key is aws/s3, AWS's own: nobody can open that to another account",
            ]
        else:
            case.causes.append(
                "a policy that treats copies differently from reading (s3:x-amz-copy-source, …)"
            )

    def _writing(self, case: _Case, key: str) -> None:
        """Find the option without which the destination may be written."""
        place = {"Bucket": self._keys.destination.bucket, "Key": key}
        if not self._opens(case, "without any option", place):
            return
        owner = self._keys.destination.account.bucket_owner
        if owner and not self._opens(
            case, f"as {owner}'s bucket", place, ExpectedBucketOwner=owner
        ):
            case.proven(f"{place['Bucket']} does not belong to account {owner}")
            return
        for name, value in write_params(self._options).items():
            with_key = {"ServerSideEncryption": "aws:kms"} if name == "SSEKMSKeyId" else {}
            if not self._opens(case, f"with {name} {value}", place, **with_key, **{name: value}):
                self._option_is_denied(case, name, str(value))
                return

    def _option_is_denied(self, case: _Case, name: str, value: str) -> None:
        if name == "ACL":
            case.step = Step.WRITE_ACL
        elif name in ("ServerSideEncryption", "SSEKMSKeyId"):
            case.step = Step.ENCRYPT
        case.proven(f"writing is allowed, but not with {name} {value}", grants_help=True)

    def _usual_causes(self, case: _Case) -> list[str]:
        own = f"the identity policy of {case.who} does not allow {case.step.action}"
        theirs = f"the {_resource(case.step)} does not allow {case.step.action} to {case.who}"
        if case.causes:
            return [_ANY_DENIAL]
        if case.step.side == "destination":
            return [own, f"the {_resource(case.step)} denies it", _ANY_DENIAL]
        return [own, _ANY_DENIAL] if self._reads_itself(case.step) else [theirs, own, _ANY_DENIAL]

    # ------------------------------------------------------------------------------ requests

    def _is_owners_fault(
        self, case: _Case, call: Callable[..., Any], place: dict[str, Any], owner: str | None
    ) -> bool:
        if not owner:
            return False
        named = {**place, "ExpectedBucketOwner": owner}
        if _denied(call, place) or not _denied(call, named):
            return False
        case.evidence.append(f"the same request without the expected owner {owner}: allowed")
        case.proven(f"{place['Bucket']} does not belong to account {owner}")
        return True

    def _is_requesters_fault(
        self, case: _Case, call: Callable[..., Any], place: dict[str, Any]
    ) -> bool:
        if self._options.request_payer or _denied(call, {**place, "RequestPayer": "requester"}):
            return False
        if not _denied(call, place):
            return False
        case.evidence.append("the same request as the one who pays: allowed")
        case.proven("the bucket is requester pays: add --request-payer requester")
        return True

    def _try(self, case: _Case, what: str, call: Callable[..., Any], place: dict[str, Any]) -> bool:
        facts = _denied(call, self._paid(place))
        case.evidence.append(f"{what}: {printable(facts.code) if facts else 'allowed'}")
        return facts is None

    def _paid(self, place: dict[str, Any]) -> dict[str, Any]:
        payer = {"RequestPayer": "requester"} if self._options.request_payer else {}
        return {**place, **payer}

    def _opens(self, case: _Case, how: str, place: dict[str, Any], **more: Any) -> bool:
        """Try to open an upload; one that could be opened is aborted at once."""
        try:
            upload_id = self.copier.create_multipart_upload(**place, **more)["UploadId"]
        except Exception as error:  # noqa: BLE001 - being refused is an answer
            case.evidence.append(f"opening an upload {how}: {printable(translate(error).code)}")
            return False
        case.evidence.append(f"opening an upload {how}: allowed")
        with suppress(Exception):
            self.copier.abort_multipart_upload(**place, UploadId=upload_id)
            return True
        case.evidence.append(f"the upload {printable(upload_id)} could not be aborted again")
        return True

    # ------------------------------------------------------------------------------- result

    def _written(self, case: _Case) -> Diagnosis:
        return Diagnosis(
            denied=f"{case.step.action} to {case.who} ({case.step.value})",
            side=case.step.side,
            action=case.step.action,
            causes=tuple(dict.fromkeys(case.causes)),
            evidence=tuple(case.evidence),
            certain=case.certain,
            missing=tuple(self._missing(case)) if case.grants_help else (),
        )

    def _missing(self, case: _Case) -> Sequence[Missing]:
        principal = self._copier_principal()
        if principal is None:
            return ()
        try:
            documents = policies_for(
                self._keys,
                self._options,
                overwrite=self._overwrite,
                parties=Parties(
                    copier=principal,
                    source_keys=case.keys if case.step is Step.DECRYPT else (),
                ),
            )
        except S3XferError:
            return ()  # an alias of a key, of an access point: no statement can be written for it
        return [
            Missing(where=document.where, statement=json.dumps(one.to_dict(), indent=2))
            for document in documents
            if self._belongs(document, case)
            for one in document.statements
            if one.name in case.step.needs
        ]

    def _belongs(self, document: PolicyDocument, case: _Case) -> bool:
        if case.places is not None and document.place not in case.places:
            return False
        return (document.place is Place.READER) == self._reads_itself(case.step)

    def _reads_itself(self, step: Step) -> bool:
        """Return whether the source's own credentials were denied."""
        return self._own_reader and step in (Step.LIST, Step.LOOK, Step.READ_TAGS)

    def _who(self, step: Step) -> str:
        if self._reads_itself(step):
            return "the source's credentials"
        principal = self._copier_principal()
        return principal.arn if principal else "the destination's credentials"

    def _copier_principal(self) -> Principal | None:
        """Return who copies: as given, as configured, or as STS says; None if nobody can tell."""
        if self._principal is None and not self._asked_sts:
            self._asked_sts = True
            account = self._keys.destination.account
            session = self._clients.destination_session
            arn = account.role_arn or who_am_i(session, account).arn
            with suppress(S3XferError):  # an account's root, a federated user: no policy names it
                self._principal = Principal.parse(arn) if arn else None
        return self._principal


def _resource(step: Step) -> str:
    if step in (Step.DECRYPT, Step.ENCRYPT):
        return f"{step.side} key's policy"
    return f"{step.side} bucket's policy"


def _denied(call: Callable[..., Any], arguments: dict[str, Any]) -> ErrorFacts | None:
    """Return why a request was refused, None if it was not.

    Raises:
        _NoAnswerError: what came back says nothing about rights.
    """
    try:
        call(**arguments)
    except Exception as error:
        facts = translate(error)
        if facts.error_class in _NO_ANSWER:
            raise _NoAnswerError(printable(f"{facts.code} {facts.message}".strip())) from error
        return facts
    return None
