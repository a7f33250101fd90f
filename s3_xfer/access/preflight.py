"""The checks before the first object, with the very clients and headers that the run will use.

In the order in which things fail: can the source be listed (or the key read), is there anything,
does the destination bucket exist, may it be written and the source be read by the *destination's*
credentials. The last is proven without leaving a trace: a multipart upload is opened, given one
part, and aborted; no object, version or event appears.

Refuses to promise more than it saw: other objects may lie under other keys or owners, and what
could not be proven becomes a note, not a pass.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from s3_xfer.access.clients import Clients
from s3_xfer.copying import lookup
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import ErrorClass, ErrorFacts, PreflightError, translate
from s3_xfer.findings import Step
from s3_xfer.listing.pages import as_object
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.text import printable, s3_url

PROBE_NAME = ".s3-xfer-preflight-"
_RANGE_MIN_BYTES = 5 * 1024 * 1024  # API reference, CopySourceRange: source "greater than 5 MB"
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def check_source_prefix(client: Any, source: S3Location) -> Sequence[S3Object]:
    """Return the first objects under the prefix.

    Raises:
        PreflightError: bucket missing, listing denied, or nothing there.
    """
    try:
        page = client.list_objects_v2(Bucket=source.bucket, Prefix=source.key)
    except Exception as error:
        raise _refused(
            f"{source.url} cannot be listed",
            error,
            step=Step.LIST,
            if_denied="grant s3:ListBucket on the source bucket to the credentials that list "
            "(the source's where given, otherwise the destination's)",
        ) from error
    sample = [as_object(source.bucket, entry) for entry in page.get("Contents", [])]
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
    try:
        page = client.list_objects_v2(Bucket=destination.bucket, Prefix=destination.key)
    except Exception as error:
        raise _refused(
            f"{destination.url} cannot be listed",
            error,
            if_denied="grant s3:ListBucket on the destination bucket to the credentials of the "
            "destination, which a copy does not need",
        ) from error
    return [as_object(destination.bucket, entry) for entry in page.get("Contents", [])]


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
        raise _refused(
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
            return _refused(f"the bucket of {source.url} does not exist", error)
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
        raise _refused(what, error) from error


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
            raise _refused(what, error) from error


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
        raise _refused(
            f"the tags of {large.url} cannot be read",
            error,
            step=Step.READ_TAGS,
            if_denied="grant s3:GetObjectTagging on the source, or leave the tags out "
            "(--tags skip)",
        ) from error


def probe_write(
    clients: Clients, destination: S3Location, sample: Sequence[S3Object], options: CopyOptions
) -> Sequence[str]:
    """Prove that the destination's credentials may write there and read the source.

    Returns notes on what could not be proven.

    Raises:
        PreflightError: writing or reading is denied, or the options do not fit the bucket.
    """
    place = {"Bucket": destination.bucket, "Key": probe_key(destination)}
    upload_id = open_upload(clients, destination, place, options)
    client = clients.destination
    upload = {**place, "UploadId": upload_id}
    try:
        return probe_read(client, upload, sample)
    finally:
        _abort(client, upload)


def open_upload(
    clients: Clients, destination: S3Location, place: Mapping[str, str], options: CopyOptions
) -> str:
    """Open an upload as the run would, and return its id.

    Raises:
        PreflightError: writing is denied, or the options do not fit the bucket.
    """
    try:
        upload_id: str = clients.destination.create_multipart_upload(
            **place, **write_params(options)
        )["UploadId"]
    except Exception as error:
        raise _refused(
            f"{destination.url} cannot be written",
            error,
            step=Step.WRITE,
            if_denied="grant s3:PutObject on the destination to its credentials (with --acl also "
            "s3:PutObjectAcl, under KMS also kms:GenerateDataKey), and check --dest-bucket-owner",
        ) from error
    return upload_id


def probe_key(destination: S3Location) -> str:
    """Return a key of no object below a prefix; for a single object its own, which stays as it is.

    Policies that name one key allow no other.
    """
    if destination.key and not destination.key.endswith("/"):
        return destination.key
    return f"{destination.key}{PROBE_NAME}{uuid.uuid4().hex}"


def probe_read(client: Any, upload: Mapping[str, str], sample: Sequence[S3Object]) -> Sequence[str]:
    """Copy one part into ``upload``; return notes on what that could not prove.

    Raises:
        PreflightError: the destination's credentials may not read the source.
    """
    source = readable(sample)
    if source is None:
        return ["reading the source was not proven: the first objects are empty or archived"]
    try:
        client.upload_part_copy(**part_of(source, upload), CopySourceIfMatch=source.etag)
    except Exception as error:
        facts = translate(error)
        if facts.error_class in (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED):
            return ["reading the source was not proven: the sample changed meanwhile"]
        if facts.error_class is ErrorClass.ACCESS_DENIED:
            raise PreflightError(
                f"the destination's credentials may not read {source.url}: {said(facts)}",
                remedy="the source account must grant them s3:GetObject (and s3:GetObjectTagging) "
                "in the bucket policy, and kms:Decrypt on the key of encrypted objects; "
                "the destination's own identity policy must allow the same",
                error_class=facts.error_class,
                step=Step.READ,
                facts=facts,
            ) from error
        what = f"{source.url} cannot be read for a copy"
        raise _refused(what, error, step=Step.READ) from error
    return []


def part_of(source: S3Object, upload: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that copy one byte of ``source``, or all of it if it is too small."""
    extent = {"CopySourceRange": "bytes=0-0"} if source.size > _RANGE_MIN_BYTES else {}
    place = {"Bucket": source.bucket, "Key": source.key}
    return {**upload, "PartNumber": 1, "CopySource": place, **extent}


def readable(sample: Sequence[S3Object]) -> S3Object | None:
    """Return an object that a one-part copy can read, rather one where a byte is enough."""
    usable = [found for found in sample if found.size and found.storage_class not in _ARCHIVED]
    large = [found for found in usable if found.size > _RANGE_MIN_BYTES]
    return next(iter(large or usable), None)


def _abort(client: Any, upload: Mapping[str, str]) -> None:
    """Abort the probe's upload. One that stays is reported at the end, with its id."""
    with suppress(Exception):  # the hooks keep it among the open uploads, nothing is lost
        client.abort_multipart_upload(**upload)


def _refused(
    what: str, error: Exception, *, if_denied: str = "", step: Step | None = None
) -> PreflightError:
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
