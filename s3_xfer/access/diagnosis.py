"""Why something was denied, found out by trying what tells the causes apart.

S3 says "AccessDenied" whatever the reason. A few more requests, none of which leaves anything
behind, show what *is* allowed: listing but not reading, reading but not the tags, writing but not
with this ACL, the bucket but not under this owner. What AWS's longer messages say outright is
believed. The result names the side, the action, the causes in the order of their likelihood and
the statement that is needed.

Refuses to claim more than was seen: a cause is only called certain if a request proved it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from s3_xfer.access.case import Case
from s3_xfer.access.clients import Clients
from s3_xfer.access.documents import Place, PolicyDocument
from s3_xfer.access.identity import who_am_i
from s3_xfer.access.policies import Parties, policies_for
from s3_xfer.access.preflight import probe_key
from s3_xfer.access.principals import Principal
from s3_xfer.access.trials import Arguments, Call, NoAnswerError, Trials, denied
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, ErrorFacts, S3XferError
from s3_xfer.findings import Diagnosis, Missing, Step
from s3_xfer.model import Failed, S3Object
from s3_xfer.options import CopyOptions, RunMode
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable

DENIALS = frozenset({ErrorClass.ACCESS_DENIED, ErrorClass.KMS, ErrorClass.TAGS_NOT_COPIED})
_READERS = (Step.LIST, Step.LOOK, Step.READ_TAGS)  # done with the source's own credentials, if any
_UNATTRIBUTED = (
    "a policy that looks at CopyObject alone (s3:x-amz-copy-source, s3:x-amz-metadata-directive), "
    "or at conditions of writing (s3:if-none-match)",
    "the denial was there during the run and is gone now",
)


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
        self._principal = principal
        self._asked_sts = False
        self.trials = Trials(clients, keys, options)

    def explain(
        self, step: Step, facts: ErrorFacts, sample: S3Object | None = None, key: str = ""
    ) -> Diagnosis:
        """Return what a denial at ``step`` means. ``key`` is the destination's, if one failed."""
        own = self._keys.source.account.names_credentials and step in _READERS
        case = Case(step, self._who(own=own), own)
        case.believe(facts)
        if not case.certain:
            try:
                self._look_closer(case, sample, key)
            except NoAnswerError as error:
                case.evidence.append(f"it was not possible to look closer: {error}")
        if not case.certain:
            case.add_usual_causes()
        return self._written(case)

    def explain_object(self, failed: Failed) -> Diagnosis:
        """Return what the failure of one object means, by trying its copy step by step."""
        facts, source = failed.error.facts, failed.task.source
        if facts.error_class is ErrorClass.TAGS_NOT_COPIED:
            return self.explain(Step.WRITE_TAGS, facts)
        try:
            step = self.trials.denied_step(source, failed.task.destination_key)
        except NoAnswerError as error:
            return self._unattributed(facts, f"it was not possible to look closer: {error}")
        if step is None:
            return self._unattributed(facts, "every step of this copy was tried again: allowed")
        return self.explain(step, facts, source, failed.task.destination_key)

    def _unattributed(self, facts: ErrorFacts, seen: str) -> Diagnosis:
        return Diagnosis(
            denied=f"{printable(facts.code)}, and nothing tells by whom",
            side="",
            action="",
            evidence=(seen, *self.trials.left_behind),
            causes=_UNATTRIBUTED,
        )

    # ---------------------------------------------------------------------- looking closer

    def _look_closer(self, case: Case, sample: S3Object | None, key: str) -> None:
        if case.step is Step.LIST:
            self._listing(case)
        elif case.step is Step.READ_TAGS and sample:
            if self._try(case, "HEAD of the same object", self.trials.reader.head_object, sample):
                case.causes.append("the object may be read, its tags may not: a right of its own")
        elif case.step is Step.LOOK and sample:
            self._looking(case, sample)
        elif case.step is Step.READ and sample:
            self._reading(case, sample)
        elif case.step is Step.WRITE and self._options.mode is not RunMode.DRY_RUN:
            self._writing(case, key or probe_key(self._keys.destination))

    def _listing(self, case: Case) -> None:
        call = self.trials.reader.list_objects_v2
        place = {"Bucket": self._keys.source.bucket, "Prefix": self._keys.source.key, "MaxKeys": 1}
        if not self._is_owners_fault(case, call, place, owner=self._source_owner):
            self._is_requesters_fault(case, call, place)

    def _looking(self, case: Case, sample: S3Object) -> None:
        call, place = self.trials.reader.head_object, _place(sample)
        if self._is_owners_fault(case, call, place, owner=self._source_owner):
            return
        if self._is_requesters_fault(case, call, place):
            return
        case.causes.append("there is no such object: without s3:ListBucket S3 does not say so")

    def _reading(self, case: Case, sample: S3Object) -> None:
        head = self.trials.copier.head_object
        if self._try(case, f"HEAD of {sample.url} by {case.who}", head, sample):
            self._reading_content(case, _place(sample))
        elif not self._is_requesters_fault(case, head, _place(sample)):
            self._reading_at_all(case)

    def _reading_content(self, case: Case, place: Arguments) -> None:
        """Tell why a copy is denied although HEAD is not."""
        head = self.trials.copier.head_object
        if self._is_owners_fault(case, head, place, owner=self._source_owner):
            return
        key = head(**self.trials.paid(place)).get("SSEKMSKeyId")
        if not key:
            why = "a policy that treats copies differently from reading (s3:x-amz-copy-source, …)"
            case.causes.append(why)
            return
        case.step, case.keys = Step.DECRYPT, (key,)
        case.evidence.append(f"the object is encrypted with {printable(key)}")
        case.causes += [
            f"the key's policy does not allow kms:Decrypt to {case.who}",
            f"the identity policy of {case.who} does not allow kms:Decrypt with that key",
            "the key is aws/s3, AWS's own: nobody can open that to another account",
        ]

    def _reading_at_all(self, case: Case) -> None:
        """Tell whether anything is granted to who may not even HEAD."""
        source = self._keys.source
        place = {"Bucket": source.bucket, "Prefix": source.key, "MaxKeys": 1}
        refused = denied(self.trials.copier.list_objects_v2, self.trials.paid(place))
        case.evidence.append(f"listing the source by {case.who}: {_outcome(refused)}")
        case.causes += [
            f"the bucket policy of {source.bucket} grants nothing to {case.who}"
            if refused
            else f"the bucket policy lets {case.who} list, but not read",
            f"the identity policy of {case.who} does not allow s3:GetObject there",
            "the object belongs to a third account, for which bucket policies do not speak",
        ]

    def _writing(self, case: Case, key: str) -> None:
        """Find the option without which the destination may be written."""
        bucket, owner = self._keys.destination.bucket, self._keys.destination.account.bucket_owner
        if self._is_owners_fault(
            case, self.trials.copier.head_bucket, {"Bucket": bucket}, owner=owner
        ):
            return
        place = {"Bucket": bucket, "Key": key, **_expecting(owner)}
        if not self._opens(case, "without any option", place):
            return
        for name, value in write_params(self._options).items():
            beside = {"ServerSideEncryption": "aws:kms"} if name == "SSEKMSKeyId" else {}
            if not self._opens(case, f"with {name} {value}", place, **beside, **{name: value}):
                if name in ("ACL", "ServerSideEncryption", "SSEKMSKeyId"):
                    case.step = Step.WRITE_ACL if name == "ACL" else Step.ENCRYPT
                case.proven(f"writing is allowed, but not with {name} {value}", grants_help=True)
                return

    # ------------------------------------------------------------------- what tells apart

    def _is_owners_fault(
        self, case: Case, call: Call, place: Arguments, *, owner: str | None
    ) -> bool:
        """Return whether a request is denied only under the expected owner."""
        if not owner or not denied(call, {**place, **_expecting(owner)}) or denied(call, place):
            return False
        case.evidence.append(f"the same request without the expected owner {owner}: allowed")
        case.proven(f"{place['Bucket']} does not belong to account {owner}")
        return True

    @property
    def _source_owner(self) -> str | None:
        return self._keys.source.account.bucket_owner

    def _is_requesters_fault(self, case: Case, call: Call, place: Arguments) -> bool:
        """Return whether a request for the source is allowed only to the one who pays."""
        if self._options.request_payer or denied(call, {**place, "RequestPayer": "requester"}):
            return False
        if not denied(call, place):
            return False
        case.evidence.append("the same request as the one who pays: allowed")
        case.proven("the bucket is requester pays: add --request-payer requester")
        return True

    def _try(self, case: Case, what: str, call: Call, sample: S3Object) -> bool:
        refused = denied(call, self.trials.paid(_place(sample)))
        case.evidence.append(f"{what}: {_outcome(refused)}")
        return refused is None

    def _opens(self, case: Case, how: str, place: Arguments, **more: Any) -> bool:
        refused = self.trials.denied_upload(place, **more)
        case.evidence.append(f"opening an upload {how}: {_outcome(refused)}")
        return refused is None

    # ------------------------------------------------------------------------------ result

    def _written(self, case: Case) -> Diagnosis:
        return Diagnosis(
            denied=f"{case.step.action} to {case.who} ({case.step.value})",
            side=case.step.side,
            action=case.step.action,
            causes=tuple(dict.fromkeys(case.causes)),
            evidence=(*case.evidence, *self.trials.left_behind),
            certain=case.certain,
            missing=tuple(self._missing(case)) if case.grants_help else (),
        )

    def _missing(self, case: Case) -> Iterator[Missing]:
        for document in self._documents(case):
            if document.place in case.places and (document.place is Place.READER) == case.own:
                for one in document.statements:
                    if one.name in case.step.needs:
                        text = json.dumps(one.to_dict(), indent=2)
                        yield Missing(where=document.where, statement=text)

    def _documents(self, case: Case) -> tuple[PolicyDocument, ...]:
        principal = self._copier_principal()
        if principal is None:
            return ()
        source_keys = case.keys if case.step is Step.DECRYPT else ()
        try:
            parties = Parties(copier=principal, source_keys=source_keys)
            return policies_for(
                self._keys, self._options, overwrite=self._overwrite, parties=parties
            )
        except S3XferError:
            return ()  # an alias of a key, of an access point: no statement can be written for it

    def _who(self, *, own: bool) -> str:
        if own:
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


def _expecting(owner: str | None) -> Arguments:
    return {"ExpectedBucketOwner": owner} if owner else {}


def _place(sample: S3Object) -> Arguments:
    return {"Bucket": sample.bucket, "Key": sample.key}


def _outcome(refused: ErrorFacts | None) -> str:
    return printable(refused.code) if refused else "allowed"
