"""The check-up before a copy: every step of it tried, each a line with its evidence.

The same checks as before every run, and more: who one is, which region, what the tags need. It
goes on after a failure, explains every denial, and is over in ten seconds whether S3 answers or
not. Nothing is left behind: what is opened is aborted, and if even that is denied, it is named.

Refuses to pass what it did not see: a check without proof is ``unproven``, with the reason.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3_xfer.access import preflight
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.access.diagnosis import DENIALS, Investigator
from s3_xfer.access.identity import who_am_i
from s3_xfer.access.principals import Principal
from s3_xfer.accounting.metrics import MetricsCollector
from s3_xfer.copying.headers import write_params
from s3_xfer.copying.retry import RetryPolicy
from s3_xfer.errors import ErrorClass, ErrorFacts, PreflightError, translate
from s3_xfer.findings import Finding, Step, Verdict
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions, RunMode, TagPolicy
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable, s3_url
from s3_xfer.units import plural

if TYPE_CHECKING:
    from s3_xfer.operation import S3CopyOperation

PATIENCE_S = 10.0
_LEAVING_S = 1.5  # of these are kept for aborting what is open
_READ_TIMEOUT_S = 3.0
SOURCE, DESTINATION = "source", "destination"
CREDENTIALS, IDENTITY, BUCKET = "credentials", "identity", "bucket"
LIST, LOOK, TAGS = "list", "look", "read tags"
WRITE, WRITE_TAGS, READ, CLEAN_UP = "write", "write tags", "read for the copy", "clean up"
EXISTING = "look at what exists"
_REGION = "x-amz-bucket-region"


@dataclass(frozen=True, slots=True)
class CheckUp:
    """What a check-up found, in order."""

    findings: tuple[Finding, ...]
    duration_s: float

    @property
    def failed(self) -> bool:
        """Whether the copy would be denied."""
        return any(one.verdict is Verdict.FAILED for one in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "passed": not self.failed,
            "checks": [one.to_dict() for one in self.findings],
            "duration_seconds": round(self.duration_s, 3),
        }


def check_up(
    operation: S3CopyOperation,
    *,
    principal: Principal | None = None,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> CheckUp:
    """Try every step of ``operation``; return after ``patience_s`` seconds at the latest."""
    began_s = clock()
    doctor = _Doctor(operation, principal)
    thread = threading.Thread(target=doctor.work, name="s3-xfer-doctor", daemon=True)
    thread.start()
    thread.join(max(0.0, patience_s - _LEAVING_S))
    if thread.is_alive():
        doctor.stop.set("the check-up took too long")
        thread.join(_LEAVING_S)
    return CheckUp(tuple(doctor.report(patience_s)), clock() - began_s)


class _Doctor:
    """Works in a thread of its own; what it found so far can be read at any time."""

    def __init__(self, operation: S3CopyOperation, principal: Principal | None) -> None:
        self.stop = StopFlag()
        self._operation = operation
        self._options: CopyOptions = dataclasses.replace(
            operation.options, retries=0, read_timeout_s=_READ_TIMEOUT_S
        )
        self._keys: KeyMap = operation.key_map()
        self._principal = principal
        self._found: list[Finding] = []
        self._clients: Clients | None = None
        self._investigator: Investigator | None = None
        self._error: BaseException | None = None

    def work(self) -> None:
        """Fill the list of findings. Never raises."""
        try:
            for finding in self._checks():
                self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._error = error

    def report(self, patience_s: float) -> Iterator[Finding]:
        """Return the findings, and a line for each check that did not come to its end."""
        found = tuple(self._found)
        yield from found
        why = f"no answer within {patience_s:g} seconds"
        if self._error:
            facts = translate(self._error)
            why = printable(f"not tried after {facts.code} {facts.message}".strip())
        elif any(one.check == CREDENTIALS for one in found):
            why = "not tried without credentials"
        left_behind = tuple(self._left_behind())
        done = {(one.check, one.side) for one in (*found, *left_behind)}
        for check, side in self._planned():
            if (check, side) not in done:
                yield Finding(check=check, side=side, verdict=Verdict.UNPROVEN, evidence=why)
        yield from left_behind

    # ------------------------------------------------------------------------- the checks

    def _planned(self) -> Iterator[tuple[str, str]]:
        yield from ((IDENTITY, SOURCE), (IDENTITY, DESTINATION))
        yield from ((BUCKET, SOURCE), (BUCKET, DESTINATION))
        yield from ((LIST, SOURCE),) if self._operation.recursive else ()
        yield (LOOK, SOURCE)
        yield from ((TAGS, SOURCE),) if self._copies_tags else ()
        if self._options.mode is not RunMode.DRY_RUN:
            yield (WRITE, DESTINATION)
            yield (READ, SOURCE)
            yield from ((WRITE_TAGS, DESTINATION),) if self._copies_tags else ()
            yield (CLEAN_UP, DESTINATION)
        yield from ((EXISTING, DESTINATION),) if not self._operation.overwrite else ()

    @property
    def _copies_tags(self) -> bool:
        return self._options.tags is TagPolicy.COPY

    def _checks(self) -> Iterator[Finding]:
        try:
            clients = self._clients = self._open()
        except PreflightError as error:
            yield self._failed(CREDENTIALS, "both", error)
            return
        operation = self._operation
        self._investigator = Investigator(
            clients,
            self._keys,
            self._options,
            overwrite=operation.overwrite,
            principal=self._principal,
        )
        yield from self._identities(clients)
        yield self._bucket(clients.source, self._keys.source, SOURCE)
        yield self._bucket(clients.destination, self._keys.destination, DESTINATION)
        sample: list[S3Object] = []
        yield from self._source(clients, sample)
        if self._options.mode is not RunMode.DRY_RUN:
            yield from self._copying(clients, sample)
        if not operation.overwrite:
            yield self._existing(clients)

    def _open(self) -> Clients:
        operation = self._operation
        return open_clients(
            source=operation.source,
            destination=operation.destination,
            options=self._options,
            overwrite=operation.overwrite,
            retry=RetryPolicy(retries=0, delay_s=0, stop=self.stop),
            stop=self.stop,
            metrics=MetricsCollector("doctor"),
        )

    def _identities(self, clients: Clients) -> Iterator[Finding]:
        for side, session, account in (
            (SOURCE, clients.source_session, self._operation.source),
            (DESTINATION, clients.destination_session, self._operation.destination),
        ):
            if side == SOURCE and not account.names_credentials:
                account = self._operation.destination  # noqa: PLW2901 - its credentials, its STS
            identity = who_am_i(session, account)
            yield Finding(
                check=IDENTITY,
                side=side,
                verdict=Verdict.PASSED if identity.arn else Verdict.UNPROVEN,
                evidence=printable(identity.arn or identity.unknown_because),
            )

    def _bucket(self, client: Any, location: S3Location, side: str) -> Finding:
        owner = location.account.bucket_owner
        belongs = f", belongs to {owner}" if owner else ""
        try:
            answer = client.head_bucket(Bucket=location.bucket)
        except Exception as error:  # noqa: BLE001 - told as a finding
            return self._bucket_refused(location, side, error)
        region = answer["ResponseMetadata"]["HTTPHeaders"].get(_REGION, "")
        where = f" in {printable(region)}" if region else ", S3 does not say in which region"
        return _passed(BUCKET, side, f"{location.bucket} exists{where}{belongs}")

    def _bucket_refused(self, location: S3Location, side: str, error: Exception) -> Finding:
        facts = translate(error)
        if facts.error_class is not ErrorClass.ACCESS_DENIED:
            evidence = f"{location.bucket}: {_said(facts)}"
            return Finding(check=BUCKET, side=side, verdict=Verdict.FAILED, evidence=evidence)
        response = getattr(error, "response", {})
        region = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(_REGION)
        where = f"exists in {printable(region)}; " if region else ""
        evidence = (
            f"{location.bucket} {where}looking at it is denied, which a copy does not need; "
            "it may belong to another account than expected"
        )
        return Finding(check=BUCKET, side=side, verdict=Verdict.UNPROVEN, evidence=evidence)

    def _source(self, clients: Clients, sample: list[S3Object]) -> Iterator[Finding]:
        """Try listing, looking and tags; fill ``sample``."""
        source = self._keys.source
        if self._operation.recursive:
            try:
                sample += preflight.check_source_prefix(clients.source, source)
            except PreflightError as error:
                yield self._failed(LIST, SOURCE, error)
                for check in (LOOK, *((TAGS,) if self._copies_tags else ())):
                    yield _unproven(check, SOURCE, "no object is known to look at")
                return
            yield _passed(LIST, SOURCE, f"{plural(len(sample), 'object')} on the first page")
        one = (preflight.readable(sample) or sample[0]) if sample else None
        place = S3Location(bucket=source.bucket, key=one.key) if one else source
        try:
            found = preflight.check_source_object(clients.source, place)
        except PreflightError as error:
            yield self._failed(LOOK, SOURCE, error, one)
        else:
            yield _passed(LOOK, SOURCE, f"HEAD of {found.url}")
            sample[:] = sample or [found]
        if self._copies_tags:
            yield self._tags(clients, one or (sample[0] if sample else None))

    def _tags(self, clients: Clients, one: S3Object | None) -> Finding:
        """Try to read tags as both who read them: the source's credentials, and the copier."""
        if one is None:
            return _unproven(TAGS, SOURCE, "no object is known to look at")
        for client, step in (
            (clients.source, Step.READ_TAGS),
            (self._bare_copier(), Step.COPY_TAGS),
        ):
            try:
                client.get_object_tagging(Bucket=one.bucket, Key=one.key)
            except Exception as error:  # noqa: BLE001 - told as a finding
                refusal = _as_refusal(f"the tags of {one.url} cannot be read", error, step)
                return self._failed(TAGS, SOURCE, refusal, one)
        return _passed(TAGS, SOURCE, f"tags of {one.url}")

    def _copying(self, clients: Clients, sample: Sequence[S3Object]) -> Iterator[Finding]:
        destination = self._keys.destination
        key = preflight.probe_key(destination)
        place = {"Bucket": destination.bucket, "Key": key}
        try:
            upload_id = preflight.open_upload(clients, destination, place, self._options)
        except PreflightError as error:
            yield self._failed(WRITE, DESTINATION, error)
            for check, side in ((READ, SOURCE), (WRITE_TAGS, DESTINATION)):
                if check == READ or self._copies_tags:
                    yield _unproven(
                        check, side, "nothing can be tried where nothing can be written"
                    )
            yield _passed(CLEAN_UP, DESTINATION, "nothing was opened")
            return
        how = ", ".join(f"{name} {value}" for name, value in write_params(self._options).items())
        place_name = s3_url(destination.bucket, key)
        yield _passed(WRITE, DESTINATION, f"upload opened at {place_name}{how and f' with {how}'}")
        upload = {**place, "UploadId": upload_id}
        try:
            yield self._reading(clients, upload, sample)
            if self._copies_tags:
                yield self._writing_tags(clients, place)
        finally:
            refused = _refusal_of(clients.destination.abort_multipart_upload, upload)
        if refused is None:
            yield _passed(CLEAN_UP, DESTINATION, "the upload was aborted, nothing is left")

    def _reading(
        self, clients: Clients, upload: dict[str, str], sample: Sequence[S3Object]
    ) -> Finding:
        one = preflight.readable(sample)
        if one is None:
            return _unproven(READ, SOURCE, "the first objects are empty, archived or unknown")
        try:
            notes = preflight.probe_read(clients.destination, upload, sample)
        except PreflightError as error:
            return self._failed(READ, SOURCE, error, one)
        if notes:
            return _unproven(READ, SOURCE, notes[0])
        return _passed(READ, SOURCE, f"a part was copied from {one.url}")

    def _writing_tags(self, clients: Clients, place: dict[str, str]) -> Finding:
        """Open a second upload, with a tag."""
        try:
            upload_id = clients.destination.create_multipart_upload(
                **place, **write_params(self._options), Tagging="s3-xfer=check"
            )["UploadId"]
        except Exception as error:  # noqa: BLE001 - told as a finding
            what = f"{s3_url(place['Bucket'], place['Key'])} cannot be written with tags"
            refusal = _as_refusal(what, error, Step.WRITE_TAGS)
            return self._failed(WRITE_TAGS, DESTINATION, refusal)
        with suppress(Exception):  # one that stays is found among the open uploads
            clients.destination.abort_multipart_upload(**place, UploadId=upload_id)
        return _passed(WRITE_TAGS, DESTINATION, "an upload with a tag was opened and aborted")

    def _existing(self, clients: Clients) -> Finding:
        """Say whether objects that exist can be told from those that do not."""
        destination = self._keys.destination
        place = {"Bucket": destination.bucket, "Key": preflight.probe_key(destination)}
        refused = _refusal_of(clients.destination.head_object, place)
        if refused is None or refused.error_class is ErrorClass.SOURCE_VANISHED:
            return _passed(EXISTING, DESTINATION, "what exists can be told from what does not")
        needed = "s3:GetObject and s3:ListBucket show it"
        if clients.destination_is_aws:
            evidence = f"{_said(refused)}; {needed}, AWS keeps existing objects without them too"
            return _unproven(EXISTING, DESTINATION, evidence)
        evidence = f"{_said(refused)}; this service may overwrite what it does not show: {needed}"
        return Finding(check=EXISTING, side=DESTINATION, verdict=Verdict.FAILED, evidence=evidence)

    # -------------------------------------------------------------------------- the lines

    def _bare_copier(self) -> Any:
        assert self._investigator is not None  # noqa: S101 - made before any check
        return self._investigator.copier

    def _failed(
        self, check: str, side: str, error: PreflightError, one: S3Object | None = None
    ) -> Finding:
        diagnosis = None
        if self._investigator and error.step and error.facts and error.error_class in DENIALS:
            diagnosis = self._investigator.explain(error.step, error.facts, one)
        remedy = f"; next: {error.remedy}" if error.remedy and not diagnosis else ""
        return Finding(
            check=check,
            side=side,
            verdict=Verdict.FAILED,
            evidence=f"{error.problem}{remedy}",
            diagnosis=diagnosis,
        )

    def _left_behind(self) -> Iterator[Finding]:
        uploads = self._clients.destination_hooks.open_uploads() if self._clients else ()
        for upload in uploads:
            place = s3_url(upload.bucket, upload.key)
            evidence = (
                f"aborting was refused: upload {printable(upload.upload_id)} to {place} is open "
                "and costs money until somebody aborts it (s3:AbortMultipartUpload)"
            )
            yield Finding(
                check=CLEAN_UP, side=DESTINATION, verdict=Verdict.FAILED, evidence=evidence
            )


def _passed(check: str, side: str, evidence: str) -> Finding:
    return Finding(check=check, side=side, verdict=Verdict.PASSED, evidence=evidence)


def _unproven(check: str, side: str, evidence: str) -> Finding:
    return Finding(check=check, side=side, verdict=Verdict.UNPROVEN, evidence=evidence)


def _refusal_of(call: Callable[..., Any], arguments: dict[str, str]) -> ErrorFacts | None:
    try:
        call(**arguments)
    except Exception as error:  # noqa: BLE001 - being refused is an answer
        return translate(error)
    return None


def _as_refusal(what: str, error: Exception, step: Step) -> PreflightError:
    facts = translate(error)
    return PreflightError(
        f"{what}: {_said(facts)}", error_class=facts.error_class, step=step, facts=facts
    )


def _said(facts: ErrorFacts) -> str:
    return preflight.said(facts)
