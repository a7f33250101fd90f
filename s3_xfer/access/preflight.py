"""The checks before the first object, with the very clients and headers that the run will use.

In the order in which things fail: can the source be listed (or the key read), is there anything,
does the destination bucket exist. What only writing can show comes last, in
:mod:`s3_xfer.access.probe`.

Refuses to promise more than it saw: other objects may lie under other keys or owners.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from s3_xfer.access.clients import Clients
from s3_xfer.copying import lookup
from s3_xfer.errors import ErrorClass, ErrorFacts, PreflightError, translate
from s3_xfer.findings import Step
from s3_xfer.listing.pages import as_object
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.text import printable, s3_url

PROBE_NAME = ".s3-xfer-preflight-"


def check_source_prefix(client: Any, source: S3Location) -> Sequence[S3Object]:
    """Return the first objects under the prefix.

    Raises:
        PreflightError: bucket missing, listing denied, or nothing there.
    """
    sample = _first_page(
        client,
        source,
        step=Step.LIST,
        if_denied="grant s3:ListBucket on the source bucket to the credentials that list "
        "(the source's where given, otherwise the destination's)",
    )
    if not sample:
        raise PreflightError(
            f"there is nothing under {source.url}",
            remedy=_when_empty(client, source),
            error_class=ErrorClass.NOTHING_TO_COPY,
        )
    return sample


def check_destination_listing(client: Any, destination: S3Location) -> Sequence[S3Object]:
    """Return the first objects whose keys begin with the destination's; there may be none.

    Raises:
        PreflightError: bucket missing, or listing denied.
    """
    return _first_page(
        client,
        destination,
        if_denied="grant s3:ListBucket on the destination bucket to the credentials of the "
        "destination, which a copy does not need",
    )


def _first_page(
    client: Any, place: S3Location, *, if_denied: str, step: Step | None = None
) -> Sequence[S3Object]:
    try:
        page = client.list_objects_v2(Bucket=place.bucket, Prefix=place.key)
    except Exception as error:
        what = f"{place.url} cannot be listed"
        raise refused(what, error, step=step, if_denied=if_denied) from error
    return [as_object(place.bucket, entry) for entry in page.get("Contents", [])]


def _when_empty(client: Any, source: S3Location) -> str:
    """Return advice that fits: the prefix may be the name of an object."""
    key = source.key.rstrip("/")
    if not key:
        return "the bucket is empty; check that it is the right one"
    try:
        client.head_object(Bucket=source.bucket, Key=key)
    except Exception:  # noqa: BLE001 - only the advice depends on it
        return "check the prefix; keys are case-sensitive, and 'data' means 'data/'"
    return f"{s3_url(source.bucket, key)} is an object: leave out --recursive"


def check_source_object(client: Any, source: S3Location) -> S3Object:
    """Return the object that ``source`` names.

    Raises:
        PreflightError: bucket or key missing, or reading denied.
    """
    try:
        found, _ = lookup.head(client, S3Object(bucket=source.bucket, key=source.key, size=0))
    except Exception as error:
        facts = translate(error)
        if facts.error_class is ErrorClass.SOURCE_VANISHED:
            raise _missing_key(client, source) from error
        raise refused(
            f"{source.url} cannot be read",
            error,
            step=Step.LOOK,
            if_denied="grant s3:GetObject on the source to the credentials that look "
            "(the source's where given, otherwise the destination's)",
        ) from error
    return found


def _missing_key(client: Any, source: S3Location) -> PreflightError:
    """Return what a 404 of HEAD meant, which has no body to say it."""
    remedy = "check the key; keys are case-sensitive"
    try:
        page = client.list_objects_v2(
            Bucket=source.bucket, Prefix=source.key.rstrip("/") + "/", MaxKeys=1
        )
        if page.get("Contents"):
            remedy = f"there are objects under {source.url.rstrip('/')}/: add --recursive"
    except Exception as error:  # noqa: BLE001 - the first error stands; this one only refines it
        if translate(error).error_class is ErrorClass.BUCKET_MISSING:
            return refused(f"the bucket of {source.url} does not exist", error)
    return PreflightError(
        f"there is no object {source.url}", remedy=remedy, error_class=ErrorClass.NOTHING_TO_COPY
    )


def check_destination_bucket(client: Any, destination: S3Location) -> None:
    """Return if the bucket exists as far as one may know.

    Raises:
        PreflightError: the bucket is missing or elsewhere.
    """
    try:
        client.head_bucket(Bucket=destination.bucket)
    except Exception as error:
        facts = translate(error)
        if facts.error_class is ErrorClass.ACCESS_DENIED:
            return  # HeadBucket needs s3:ListBucket, which a copy does not; the probe decides
        if facts.code == "400":  # of HEAD, which has no body to say why
            _ask_why(client, destination)
            return
        if facts.error_class is ErrorClass.BUCKET_MISSING:
            raise PreflightError(
                f"the destination bucket {destination.bucket} does not exist",
                error_class=facts.error_class,
            ) from error
        what = f"the destination bucket {destination.bucket} cannot be reached"
        raise refused(what, error) from error


def _ask_why(client: Any, destination: S3Location) -> None:
    """Ask S3 something that it answers in words; return if nothing speaks against going on.

    Raises:
        PreflightError: the answer is an error other than a denial.
    """
    try:
        client.list_objects_v2(Bucket=destination.bucket, Prefix=destination.key, MaxKeys=1)
    except Exception as error:
        if translate(error).error_class is not ErrorClass.ACCESS_DENIED:
            what = f"the destination bucket {destination.bucket} cannot be reached"
            raise refused(what, error) from error


def check_existing(clients: Clients, destination: S3Location) -> None:
    """Return if what exists can be seen, where the service might overwrite it.

    Services other than AWS may ignore the condition on a copy, so the program looks first.

    Raises:
        PreflightError: looking is denied, so that nothing would protect what exists.
    """
    if clients.destination_is_aws:
        return
    try:
        clients.destination.head_object(Bucket=destination.bucket, Key=probe_key(destination))
    except Exception as error:
        facts = translate(error)
        if facts.error_class is ErrorClass.ACCESS_DENIED:
            raise PreflightError(
                f"existing objects at {destination.url} cannot be seen: {said(facts)}; a service "
                "other than AWS may ignore the condition not to overwrite them",
                remedy="grant s3:GetObject and s3:ListBucket on the destination to its "
                "credentials, or leave out --no-overwrite",
                error_class=facts.error_class,
                facts=facts,
            ) from error


def check_tags(client: Any, sample: Sequence[S3Object], options: CopyOptions) -> None:
    """Return if the tags of large objects may be read, which a copy in parts always does.

    Raises:
        PreflightError: a large object is in the sample and its tags are refused.
    """
    large = next(
        (found for found in sample if found.size >= options.multipart_threshold_bytes), None
    )
    if large is None or options.tags is not TagPolicy.COPY:
        return
    try:
        client.get_object_tagging(Bucket=large.bucket, Key=large.key)
    except Exception as error:
        raise refused(
            f"the tags of {large.url} cannot be read",
            error,
            step=Step.READ_TAGS,
            if_denied="grant s3:GetObjectTagging on the source, or leave the tags out "
            "(--tags skip)",
        ) from error


def probe_key(destination: S3Location) -> str:
    """Return a key of no object below a prefix; for a single object its own, which stays as it is.

    Policies that name one key allow no other.
    """
    if destination.key and not destination.key.endswith("/"):
        return destination.key
    return f"{destination.key}{PROBE_NAME}{uuid.uuid4().hex}"


def refused(
    what: str, error: Exception, *, if_denied: str = "", step: Step | None = None
) -> PreflightError:
    """Return the refusal that ``error`` makes of ``what``; ``if_denied`` is advice on a denial."""
    facts = translate(error)
    denied = facts.error_class is ErrorClass.ACCESS_DENIED
    return PreflightError(
        f"{what}: {said(facts)}",
        remedy=if_denied if denied else "",
        error_class=facts.error_class,
        step=step,
        facts=facts,
    )


def said(facts: ErrorFacts) -> str:
    """Return S3's code, message and request id as one line, safe to print."""
    request = f" (request id {facts.request_id})" if facts.request_id else ""
    return printable(f"{facts.code}{': ' if facts.message else ''}{facts.message}{request}")
