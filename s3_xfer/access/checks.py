"""The single checks of a check-up: each tries one step of a copy and tells how it went.

They use what every run checks with (:mod:`~s3_xfer.access.preflight` and
:mod:`~s3_xfer.access.probe`), go on after a failure, and have every denial explained. Refuses to
decide what is tried, and for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from s3_xfer.access import preflight, probe
from s3_xfer.access.clients import Clients
from s3_xfer.access.diagnosis import DENIALS, Investigator
from s3_xfer.access.identity import who_am_i
from s3_xfer.access.preflight import refused, said
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, ErrorFacts, PreflightError, translate
from s3_xfer.findings import Finding, Step, Verdict
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable, s3_url
from s3_xfer.units import plural

SOURCE, DESTINATION = "source", "destination"
TRANSPORT, IDENTITY, BUCKET = "transport", "identity", "bucket"
LIST, LOOK, TAGS = "list", "look", "read tags"
WRITE, WRITE_TAGS, READ, CLEAN_UP = "write", "write tags", "read for the copy", "clean up"
EXISTING = "look at what exists"
_NO_OBJECT = "no object is known to look at"
_REGION = "x-amz-bucket-region"


class Checks:
    """The checks of one copy."""

    def __init__(
        self, clients: Clients, keys: KeyMap, options: CopyOptions, investigator: Investigator
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._options = options
        self._investigator = investigator
        self._with_tags = options.tags is TagPolicy.COPY
        self._sample: list[S3Object] = []

    def identities(self) -> Iterator[Finding]:
        """Say who one is on each side, where STS says so."""
        clients = self._clients
        source, destination = self._keys.source.account, self._keys.destination.account
        reader = source if source.names_credentials else destination
        for side, session, account in (
            (SOURCE, clients.source_session, reader),
            (DESTINATION, clients.destination_session, destination),
        ):
            identity = who_am_i(session, account)
            verdict = Verdict.PASSED if identity.arn else Verdict.UNPROVEN
            evidence = printable(identity.arn or identity.unknown_because)
            yield Finding(check=IDENTITY, side=side, verdict=verdict, evidence=evidence)

    def transport(self) -> Iterator[Finding]:
        """Say nothing, unless requests go out without TLS."""
        for warning in self._clients.warnings():
            yield unproven(TRANSPORT, "both", warning)

    def buckets(self) -> Iterator[Finding]:
        """Say whether each bucket exists, and where."""
        yield self._bucket(self._clients.source, self._keys.source, SOURCE)
        yield self._bucket(self._clients.destination, self._keys.destination, DESTINATION)

    def _bucket(self, client: Any, location: S3Location, side: str) -> Finding:
        owner = location.account.bucket_owner
        belongs = f", belongs to {owner}" if owner else ""
        try:
            answer = client.head_bucket(Bucket=location.bucket)
        except Exception as error:  # noqa: BLE001 - told as a finding
            return _bucket_refused(location, side, error)
        region = answer["ResponseMetadata"]["HTTPHeaders"].get(_REGION, "")
        where = f" in {printable(region)}" if region else ", S3 does not say in which region"
        return passed(BUCKET, side, f"{location.bucket} exists{where}{belongs}")

    def listing(self) -> Iterator[Finding]:
        """List the source prefix, for objects to look at."""
        try:
            self._sample = [*preflight.check_source_prefix(self._clients.source, self._keys.source)]
        except PreflightError as error:
            yield self._failed(LIST, SOURCE, error)
        else:
            found = plural(len(self._sample), "object")
            yield passed(LIST, SOURCE, f"{found} on the first page")

    def looking(self) -> Iterator[Finding]:
        """Look at one object, of the listing if there was one."""
        source = self._keys.source
        if not self._sample and (not source.key or source.key.endswith("/")):
            yield unproven(LOOK, SOURCE, _NO_OBJECT)
            return
        one = self._one()
        place = S3Location(bucket=source.bucket, key=one.key) if one else source
        try:
            found = preflight.check_source_object(self._clients.source, place)
        except PreflightError as error:
            yield self._failed(LOOK, SOURCE, error, one)
        else:
            self._sample = self._sample or [found]
            yield passed(LOOK, SOURCE, f"HEAD of {found.url}")

    def tags(self) -> Iterator[Finding]:
        """Read tags as both who do: the source's credentials, and the copier."""
        one = self._one()
        if one is None:
            yield unproven(TAGS, SOURCE, _NO_OBJECT)
            return
        for client, step in (
            (self._clients.source, Step.READ_TAGS),
            (self._investigator.trials.copier, Step.COPY_TAGS),
        ):
            try:
                place = self._investigator.trials.paid({"Bucket": one.bucket, "Key": one.key})
                client.get_object_tagging(**place)
            except Exception as error:  # noqa: BLE001 - told as a finding
                refusal = refused(f"the tags of {one.url} cannot be read", error, step=step)
                yield self._failed(TAGS, SOURCE, refusal, one)
                return
        yield passed(TAGS, SOURCE, f"tags of {one.url}")

    def copying(self) -> Iterator[Finding]:
        """Open an upload as the run would, read the source into it, and abort it."""
        destination = self._keys.destination
        place = {"Bucket": destination.bucket, "Key": preflight.probe_key(destination)}
        try:
            upload_id = probe.open_upload(self._clients, destination, place, self._options)
        except PreflightError as error:
            yield self._failed(WRITE, DESTINATION, error)
            yield from self._not_copying()
            return
        yield passed(WRITE, DESTINATION, self._opened(place))
        upload = {**place, "UploadId": upload_id}
        try:
            yield self._reading(upload)
            if self._with_tags:
                yield self._writing_tags(place)
        finally:
            kept = _refusal_of(self._clients.destination.abort_multipart_upload, upload)
        if kept is None:
            yield passed(CLEAN_UP, DESTINATION, "the upload was aborted, nothing is left")

    def _not_copying(self) -> Iterator[Finding]:
        why = "nothing can be tried where nothing can be written"
        yield unproven(READ, SOURCE, why)
        if self._with_tags:
            yield unproven(WRITE_TAGS, DESTINATION, why)
        yield passed(CLEAN_UP, DESTINATION, "nothing was opened")

    def _opened(self, place: Mapping[str, str]) -> str:
        params = write_params(self._options)
        how = ", ".join(f"{name} {value}" for name, value in params.items())
        url = s3_url(place["Bucket"], place["Key"])
        return f"upload opened at {url}{' with ' if how else ''}{how}"

    def _reading(self, upload: dict[str, str]) -> Finding:
        one = probe.readable(self._sample)
        if one is None:
            return unproven(READ, SOURCE, "the first objects are empty, archived or unknown")
        try:
            notes = probe.probe_read(self._clients.destination, upload, self._sample)
        except PreflightError as error:
            return self._failed(READ, SOURCE, error, one)
        if notes:
            return unproven(READ, SOURCE, notes[0])
        return passed(READ, SOURCE, f"a part was copied from {one.url}")

    def _writing_tags(self, place: dict[str, str]) -> Finding:
        """Open a second upload, with a tag."""
        client, params = self._clients.destination, write_params(self._options)
        try:
            upload = client.create_multipart_upload(**place, **params, Tagging="s3-xfer=check")
        except Exception as error:  # noqa: BLE001 - told as a finding
            what = f"{s3_url(place['Bucket'], place['Key'])} cannot be written with tags"
            refusal = refused(what, error, step=Step.WRITE_TAGS)
            return self._failed(WRITE_TAGS, DESTINATION, refusal)
        # One that stays is found among the open uploads.
        _refusal_of(client.abort_multipart_upload, {**place, "UploadId": upload["UploadId"]})
        return passed(WRITE_TAGS, DESTINATION, "an upload with a tag was opened and aborted")

    def existing(self) -> Finding:
        """Say whether objects that exist can be told from those that do not."""
        destination = self._keys.destination
        place = {"Bucket": destination.bucket, "Key": preflight.probe_key(destination)}
        hidden = _refusal_of(self._clients.destination.head_object, place)
        if hidden is None or hidden.error_class is ErrorClass.SOURCE_VANISHED:
            return passed(EXISTING, DESTINATION, "what exists can be told from what does not")
        needed = "s3:GetObject and s3:ListBucket show it"
        if self._clients.destination_is_aws:
            evidence = f"{said(hidden)}; {needed}, AWS keeps existing objects without them too"
            return unproven(EXISTING, DESTINATION, evidence)
        evidence = f"{said(hidden)}; this service may overwrite what it does not show: {needed}"
        return Finding(check=EXISTING, side=DESTINATION, verdict=Verdict.FAILED, evidence=evidence)

    def _failed(
        self, check: str, side: str, error: PreflightError, one: S3Object | None = None
    ) -> Finding:
        diagnosis = None
        if error.step and error.facts and error.error_class in DENIALS:
            diagnosis = self._investigator.explain(error.step, error.facts, one)
        remedy = f"; next: {error.remedy}" if error.remedy and not diagnosis else ""
        return Finding(
            check=check,
            side=side,
            verdict=Verdict.FAILED,
            evidence=f"{error.problem}{remedy}",
            diagnosis=diagnosis,
        )

    def _one(self) -> S3Object | None:
        """Return an object that is good to look at."""
        return (probe.readable(self._sample) or self._sample[0]) if self._sample else None


def passed(check: str, side: str, evidence: str) -> Finding:
    """Return a check that passed."""
    return Finding(check=check, side=side, verdict=Verdict.PASSED, evidence=evidence)


def unproven(check: str, side: str, evidence: str) -> Finding:
    """Return a check that shows nothing either way."""
    return Finding(check=check, side=side, verdict=Verdict.UNPROVEN, evidence=evidence)


def _refusal_of(call: Callable[..., Any], arguments: dict[str, str]) -> ErrorFacts | None:
    try:
        call(**arguments)
    except Exception as error:  # noqa: BLE001 - being refused is an answer
        return translate(error)
    return None


def _bucket_refused(location: S3Location, side: str, error: Exception) -> Finding:
    facts = translate(error)
    if facts.error_class is not ErrorClass.ACCESS_DENIED:
        evidence = f"{location.bucket}: {said(facts)}"
        return Finding(check=BUCKET, side=side, verdict=Verdict.FAILED, evidence=evidence)
    response = getattr(error, "response", {})
    region = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(_REGION)
    where = f"exists in {printable(region)}; " if region else ""
    evidence = (
        f"{location.bucket} {where}looking at it is denied, which a copy does not need; "
        "it may belong to another account than expected"
    )
    return Finding(check=BUCKET, side=side, verdict=Verdict.UNPROVEN, evidence=evidence)
