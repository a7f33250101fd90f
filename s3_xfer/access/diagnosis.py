"""Why something was denied: as AWS says, or found out by requests that tell the causes apart.

What AWS says is taken as it stands. Where it says no more than "AccessDenied", a few more requests,
none of which leaves anything behind, show what *is* allowed: listing but not reading, writing but
not with this ACL, the bucket but not under this owner. A cause is only called certain if a request
proved it, or S3 named it.

The refusal or the result of a run counts, diagnosed or not: a diagnosis that fails is logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from s3_xfer.access.clients import Clients
from s3_xfer.access.denial_context import DenialContext, NoAnswerError
from s3_xfer.access.documents import Participants, Principal, role_of_session
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.identities import Identities
from s3_xfer.access.key_experiments import KeyExperiments
from s3_xfer.access.policies import documents_granting
from s3_xfer.access.reading_experiments import ReadingExperiments
from s3_xfer.access.stated_causes import settle, side_of_bucket
from s3_xfer.access.stated_denial import DeniedBy, StatedDenial, stated_denial
from s3_xfer.access.writing_experiments import WritingExperiments
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
from s3_xfer.run_log import RunLog
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable

DENIALS = frozenset({ErrorClass.ACCESS_DENIED, ErrorClass.KMS, ErrorClass.TAGS_NOT_COPIED})
KINDS_MAX = 5  # kinds of denial in one run that are diagnosed
# Done with the source's own credentials, if there are any.
_BY_READER = (AccessAction.LIST, AccessAction.HEAD, AccessAction.READ_TAGS)
_ELSEWHERE = (
    "a denial elsewhere: organisation (SCP, RCP), permissions boundary, session policy, "
    "VPC endpoint policy, a condition (network, organisation, https)"
)
_UNATTRIBUTED = (
    "a policy that looks at CopyObject alone (s3:x-amz-copy-source, s3:x-amz-metadata-directive), "
    "or at conditions of writing (s3:if-none-match)",
    "the denial was there during the run and is gone now",
)


class AccessDiagnoser:
    """Diagnoses the denials of one copy, of which so many objects were ``copied``.

    ``identities`` know who sends the requests.
    """

    def __init__(
        self,
        clients: Clients,
        keys: KeyMap,
        spec: CopySpec,
        identities: Identities,
        *,
        copied: int = 0,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._spec = spec
        self._identities = identities
        self._copied = copied
        self.experiments = Experiments(clients, keys, spec.options)

    def diagnose(
        self, step: AccessAction, info: ErrorInfo, sample: S3Object | None = None, key: str = ""
    ) -> Diagnosis:
        """Return what a denial of ``step`` means. ``key`` is the destination's, if one failed."""
        denial = self._context(step)
        try:
            self._look_closer(denial, info, sample, key)
        except NoAnswerError as error:
            denial.evidence.append(f"no closer look was possible: {error}")
        if not denial.certain:
            self._add_usual_causes(denial)
        return Diagnosis(
            denied=f"{denial.permission} to {denial.principal} ({denial.step.value})",
            side=denial.side,
            action=denial.permission,
            causes=tuple(dict.fromkeys(denial.causes)),
            evidence=(*denial.evidence, *self.experiments.left_behind),
            certain=denial.certain,
            missing=tuple(self._missing(denial)),
        )

    def diagnose_object(self, failed: Failed) -> Diagnosis:
        """Return what the failure of one object means: by S3's words, or step by step."""
        info, source = failed.error.info, failed.task.source
        if info.error_class is ErrorClass.TAGS_NOT_COPIED:
            return self.diagnose(AccessAction.WRITE_TAGS, info)
        if stated_denial(info):
            return self.diagnose(AccessAction.READ, info, source, failed.task.destination_key)
        try:
            step = self.experiments.denied_step(source, failed.task.destination_key)
        except NoAnswerError as error:
            step, observation = None, f"no closer look was possible: {error}"
        else:
            observation = "every step of this copy was tried again: allowed"
        if step:
            action, answered = step
            return self.diagnose(action, answered, source, failed.task.destination_key)
        return Diagnosis(
            denied=f"{printable(info.code)}, and nothing tells by whom",
            side="",
            action="",
            evidence=(observation, *self.experiments.left_behind),
            causes=_UNATTRIBUTED,
        )

    def _context(self, step: AccessAction) -> DenialContext:
        source, destination = self._keys.source.account, self._keys.destination.account
        by_reader = not source.shares_credentials and step in _BY_READER
        copier = self._identities.copier()
        if by_reader and source.no_sign_request:
            principal = "the public (requests are not signed)"
        elif by_reader:
            principal = printable(self._identities.source().arn) or "the source's credentials"
        else:
            principal = copier.arn if copier else "the destination's credentials"
        client = self._clients.source if step.side == "source" else self._clients.destination
        return DenialContext(
            step,
            principal,
            by_reader,
            copier,
            owners={"source": source.bucket_owner, "destination": destination.bucket_owner},
            copied=self._copied,
            is_unprotected=client.meta.endpoint_url.startswith("http:"),
        )

    def _look_closer(
        self, denial: DenialContext, info: ErrorInfo, sample: S3Object | None, key: str
    ) -> None:
        """Add causes: S3's words if there are any, else what experiments show."""
        stated = denial.note_answer(info)
        reading = ReadingExperiments(self.experiments, denial, sample)
        writing = WritingExperiments(self.experiments, denial, key)
        if not stated and denial.step is AccessAction.HEAD:
            stated = reading.words()
        if stated:
            settle(denial, stated, self._side_of(stated, denial, sample))
            if denial.side == "destination" and stated.by_ciphertext:
                writing.find_key()
            if denial.permission == AccessAction.WRITE.action and not denial.targets:
                writing.find_demand()
            elif denial.step is AccessAction.READ and denial.certain:
                scope = reading.scope()
                denial.causes[0] += f"; {scope}" if scope else ""
            if denial.causes:
                return
        if denial.side == "source":
            reading.look_closer()
        else:
            writing.look_closer()

    def _side_of(self, stated: StatedDenial, denial: DenialContext, sample: S3Object | None) -> str:
        if stated.action.startswith("kms:") or stated.denied_by is DeniedBy.KEY_STATE:
            return KeyExperiments(self.experiments, denial, sample).side(stated)
        return side_of_bucket(stated, self._keys)

    def _add_usual_causes(self, denial: DenialContext) -> None:
        """Add what it usually is, after the causes that requests suggest."""
        if not denial.causes:
            identity = (
                f"the identity policy of {denial.principal} does not allow {denial.permission}"
            )
            kind = "key" if denial.permission.startswith("kms:") else "bucket"
            resource = (
                f"the {denial.side} {kind}'s policy does not allow {denial.permission} to "
                f"{denial.principal}"
            )
            is_foreign = bool(denial.copier and denial.resource_account) and not (
                denial.is_own_account or denial.by_reader
            )
            if is_foreign or (denial.side == "source" and not denial.by_reader):
                denial.suspect(resource, identity)
            else:
                denial.suspect(identity, f"the {denial.side} {kind}'s policy denies it")
        if denial.stated is None:
            denial.suspect(_ELSEWHERE)

    def _missing(self, denial: DenialContext) -> Iterator[Missing]:
        """Return the statements that would allow what was denied; none without a principal."""
        copier, is_key = denial.copier, denial.permission.startswith("kms:")
        if copier is None:
            return
        arns = {denial.side: denial.key_arns if is_key else ()}
        try:
            documents = documents_granting(
                denial.permission,
                denial.side,
                denial.targets,
                keys=self._keys,
                options=self._spec.options,
                overwrite=self._spec.overwrite,
                participants=Participants(
                    copier=copier,
                    reader=role_of_session(self._identities.source().arn),
                    source_keys=arns.get("source", ()),
                    destination_keys=arns.get("destination", ()),
                ),
            )
        except S3XferError:
            return  # an alias of a key, of an access point: no statement can be written for it
        for document in documents:
            for statement in document.statements:
                text = json.dumps(statement.to_dict(), indent=2)
                yield Missing(where=document.where, statement=text)


def diagnoser_of(
    clients: Clients, keys: KeyMap, spec: CopySpec, *, copied: int = 0
) -> AccessDiagnoser:
    """Return a diagnoser for a run, which asks STS who copies unless the options say it."""
    given = spec.options.principal
    principal = Principal.parse(given) if given else None
    identities = Identities(clients, keys, principal)
    return AccessDiagnoser(clients, keys, spec, identities, copied=copied)


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
    failures: Iterable[Failed], diagnoser_for: Callable[[S3Object], AccessDiagnoser], *, log: RunLog
) -> tuple[Diagnosis, ...]:
    """Return what each kind of denial among ``failures`` means. Never raises.

    ``diagnoser_for`` returns the diagnoser for the source of an object.
    """
    kinds: dict[_Kind, Failed] = {}
    for failed in failures:
        if failed.error.info.error_class in DENIALS:
            kinds.setdefault(_Kind.of(failed), failed)
    if not kinds:
        return ()
    found: dict[tuple[str, ...], Diagnosis] = {}
    try:
        for failed in [*kinds.values()][:KINDS_MAX]:
            source = failed.task.source
            diagnosis = diagnoser_for(source).diagnose_object(failed)
            cause = diagnosis.causes[0] if diagnosis.causes else ""
            bucket = source.bucket if diagnosis.side == "source" else ""
            found.setdefault((diagnosis.side, bucket, diagnosis.action, cause), diagnosis)
    except Exception:
        log.exception("the denial could not be explained")
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the failures that one diagnosis explains have in common."""

    code: str
    stated: tuple[object, ...]
    place: tuple[str, str]  # bucket, and folder for a denial that says nothing more

    @classmethod
    def of(cls, failed: Failed) -> _Kind:
        info, source = failed.error.info, failed.task.source
        stated = stated_denial(info)
        if stated is None:
            return cls(info.code, (), (source.bucket, source.key.rpartition("/")[0]))
        said = (stated.denied_by, stated.action, stated.bucket or stated.key_arn, stated.policy_arn)
        return cls(info.code, said, (source.bucket, ""))


def diagnosis_or_none(diagnose: Callable[[], Diagnosis | None], *, log: RunLog) -> Diagnosis | None:
    """Return what ``diagnose`` returns; None, and a line in the log, if it fails."""
    try:
        return diagnose()
    except Exception:
        log.exception("the denial could not be explained")
        return None
