"""The probes of access, one step of a copy each.

Those of writing open an upload, give it one part and abort it. They show whether the destination
may be written, with the run's own options, and whether the *destination's* credentials may read
the source. No object, version or event appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from s3_xfer.access.clients import open_metered_client
from s3_xfer.access.credentials import caller_identity, is_aws
from s3_xfer.access.lookups import (
    answer_text,
    first_source_objects,
    refused,
    refusing,
    source_object,
)
from s3_xfer.access.probe import (
    DESTINATION,
    RANGE_MIN_BYTES,
    SOURCE,
    Probe,
    ProbeContext,
    UnprovenError,
    answer,
    probe_key,
)
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import AccessAction, ErrorClass, ErrorInfo, PreflightError, translate
from s3_xfer.model import S3Location, S3Object
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url
from s3_xfer.units import plural

_PATIENCE_S = 10.0
_NOTHING_OPEN = "nothing can be tried where nothing can be written"

# ------------------------------------------------------------------- identities and buckets


def _identity(context: ProbeContext, side: str) -> str:
    account, clients = context.keys.destination.account, context.clients
    session = clients.destination_session
    if side == SOURCE:
        source, session = context.keys.source.account, clients.source_session
        account = source if source.names_credentials else account
    identity = caller_identity(session, account)
    if not identity.arn:
        raise UnprovenError(printable(identity.unknown_because))
    return printable(identity.arn)


def _bucket(context: ProbeContext, side: str) -> str:
    clients, keys = context.clients, context.keys
    client = clients.source if side == SOURCE else clients.destination
    location = keys.source if side == SOURCE else keys.destination
    bucket, owner = location.bucket, location.account.bucket_owner
    try:
        region = _region(client.head_bucket(Bucket=bucket))
    except Exception as error:
        info = translate(error)
        if info.error_class is ErrorClass.ACCESS_DENIED:  # of s3:ListBucket
            region = _region(getattr(error, "response", {}))
            raise UnprovenError(
                f"{bucket} {f'exists in {region}; ' if region else ''}looking at it is denied, "
                "which a copy does not need; it may belong to another account than expected"
            ) from error
        if info.error_class is ErrorClass.BUCKET_MISSING:
            raise PreflightError(
                f"the {side} bucket {bucket} does not exist", error_class=info.error_class
            ) from error
        if info.code == "400":  # of HEAD, which has no body that says why; a listing has one
            listing = {"Bucket": bucket, "Prefix": location.key, "MaxKeys": 1}
            reason = answer(client.list_objects_v2, listing)
            if not reason or reason.error_class is ErrorClass.ACCESS_DENIED:
                raise UnprovenError(f"{bucket}: {answer_text(info)}") from error
            info = reason
        raise refused(f"the {side} bucket {bucket} cannot be reached", info) from error
    if owner and not is_aws(client.meta.endpoint_url):
        _require_owner_check(context, side, location)
    where = f" in {region}" if region else ", S3 does not say in which region"
    return f"{bucket} exists{where}{f', belongs to {owner}' if owner else ''}"


def _require_owner_check(context: ProbeContext, side: str, location: S3Location) -> None:
    """Refuse if the service takes any account for the owner of a bucket."""
    clients, account = context.clients, location.account
    session = clients.source_session if side == SOURCE else clients.destination_session
    client = open_metered_client(
        session, account, requests=clients.requests, patience_s=_PATIENCE_S
    )
    owner = account.bucket_owner or ""
    another = owner[:-1] + ("0" if owner.endswith("1") else "1")
    if answer(client.head_bucket, {"Bucket": location.bucket, "ExpectedBucketOwner": another}):
        return
    flag = "--source-bucket-owner" if side == SOURCE else "--dest-bucket-owner"
    raise PreflightError(
        f"this service ignores {flag}: it takes {another} for the owner of {location.bucket}, too",
        remedy=f"leave out {flag}",
        error_class=ErrorClass.NOT_SUPPORTED,
    )


def _region(response: Any) -> str:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return printable(headers.get("x-amz-bucket-region", ""))


source_identity = Probe("identity", SOURCE, partial(_identity, side=SOURCE))
destination_identity = Probe("identity", DESTINATION, partial(_identity, side=DESTINATION))
source_bucket = Probe("bucket", SOURCE, partial(_bucket, side=SOURCE))
destination_bucket = Probe("bucket", DESTINATION, partial(_bucket, side=DESTINATION))

# ----------------------------------------------------------------------------------- reading


@partial(Probe, "list", SOURCE)
def list_source(context: ProbeContext) -> str:
    """List the source prefix; its first objects become the sample."""
    context.sample = first_source_objects(context.clients.source, context.keys.source)
    return f"{plural(len(context.sample), 'object')} on the first page"


@partial(Probe, "look", SOURCE)
def head(context: ProbeContext) -> str:
    """Send a HEAD for one object: one of the sample, or the only one."""
    source, subject = context.keys.source, context.subject
    if not subject and (not source.key or source.key.endswith("/")):
        raise UnprovenError("no object is known to look at")
    location = S3Location(bucket=source.bucket, key=subject.key) if subject else source
    known = source_object(context.clients.source, location)
    context.sample = context.sample or (known,)
    return f"HEAD of {known.url}"


@partial(Probe, "read for the copy", SOURCE)
def head_by_copier(context: ProbeContext) -> str:
    """Send a HEAD for an object with the destination's credentials."""
    subject = _subject(context)
    with refusing(f"{subject.url} cannot be read for a copy", action=AccessAction.READ):
        _copier(context).head_object(Bucket=subject.bucket, Key=subject.key)
    return f"HEAD of {subject.url} by the copier"


@partial(Probe, "read tags", SOURCE)
def tags_of_large(context: ProbeContext) -> str | None:
    """Read the tags of an object that is copied in parts, which always takes that."""
    if not context.large or not context.copies_tags:
        return None
    return _read_tags(context, context.clients.source, context.large, AccessAction.READ_TAGS)


@partial(Probe, "read tags", SOURCE)
def tags(context: ProbeContext) -> str:
    """Read tags with the source's credentials and with the copier's: a copy needs both."""
    _read_tags(context, context.clients.source, _subject(context), AccessAction.READ_TAGS)
    return _read_tags(context, _copier(context), _subject(context), AccessAction.COPY_TAGS)


@partial(Probe, "read tags", SOURCE)
def tags_by_copier(context: ProbeContext) -> str:
    """Read tags with the destination's credentials only."""
    return _read_tags(context, _copier(context), _subject(context), AccessAction.COPY_TAGS)


def _read_tags(
    context: ProbeContext, client: S3Client, subject: S3Object, action: AccessAction
) -> str:
    advice = "grant s3:GetObjectTagging on the source, or leave the tags out (--tags skip)"
    try:
        with refusing(f"the tags of {subject.url} cannot be read", action=action, if_denied=advice):
            client.get_object_tagging(Bucket=subject.bucket, Key=subject.key)
    except PreflightError as refusal:
        raise _without_tags(context, refusal) from refusal
    return f"tags of {subject.url}"


def _without_tags(context: ProbeContext, refusal: PreflightError) -> Exception:
    """Return ``refusal``, or that nothing is shown where the service has no tags to copy.

    Only a copy in parts asks for tags; others have none on such a service.
    """
    if refusal.error_class is not ErrorClass.TAGS_NOT_SUPPORTED or context.large:
        return refusal
    return UnprovenError(f"{refusal.problem}; no object that is known so far needs it")


def _subject(context: ProbeContext) -> S3Object:
    if context.subject is None:
        raise UnprovenError("no object is known to look at")
    return context.subject


def _copier(context: ProbeContext) -> S3Client:
    assert context.source_by_copier  # noqa: S101 - the callers that probe with it give one
    return context.source_by_copier


@partial(Probe, "look at what exists", DESTINATION)
def existing(context: ProbeContext) -> str:
    """Tell whether existing objects can be seen, where the service might overwrite them.

    Services other than AWS may ignore the condition on a copy, so the program looks first.
    """
    destination = context.keys.destination
    target = {"Bucket": destination.bucket, "Key": probe_key(destination)}
    info = answer(context.clients.destination.head_object, target)
    if info is None or info.error_class is ErrorClass.SOURCE_VANISHED:
        return "what exists can be told from what does not"
    if context.clients.destination_is_aws:
        raise UnprovenError(
            f"{answer_text(info)}; s3:GetObject and s3:ListBucket show it, "
            "AWS keeps existing objects without them too"
        )
    if info.error_class is not ErrorClass.ACCESS_DENIED:
        raise UnprovenError(answer_text(info))
    raise PreflightError(
        f"existing objects at {destination.url} cannot be seen: {answer_text(info)}; a service "
        "other than AWS may ignore the condition not to overwrite them",
        remedy="grant s3:GetObject and s3:ListBucket on the destination to its "
        "credentials, or leave out --no-overwrite",
        error_class=info.error_class,
        info=info,
    )


# ----------------------------------------------------------------------------------- writing


@partial(Probe, "write", DESTINATION)
def open_upload(context: ProbeContext) -> str:
    """Open an upload as the run would."""
    destination, params = context.keys.destination, write_params(context.options)
    target: dict[str, Any] = {
        "Bucket": destination.bucket,
        "Key": context.key or probe_key(destination),
    }
    create = context.clients.destination.create_multipart_upload
    try:
        response = create(**target, **params)
    except Exception as error:
        info = translate(error)
        if not _is_lacking(context, info) or _opens_plain_upload(context, target, params):
            advice = (
                "grant s3:PutObject on the destination to its credentials (with --acl also "
                "s3:PutObjectAcl, under KMS also kms:GenerateDataKey), and check "
                "--dest-bucket-owner"
            )
            problem = f"{destination.url} cannot be written"
            raise refused(problem, info, action=AccessAction.WRITE, if_denied=advice) from error
        raise _without_parts(context, "CreateMultipartUpload", info) from error
    context.upload = {**target, "UploadId": response["UploadId"]}
    _require_effects(context, response)
    options = ", ".join(f"{name} {value}" for name, value in params.items())
    url = s3_url(target["Bucket"], target["Key"])
    return f"upload opened at {url}{' with ' if options else ''}{options}"


def _require_effects(context: ProbeContext, response: Mapping[str, Any]) -> None:
    """Refuse if the answer that opened an upload does not confirm what was asked for.

    AWS confirms these; another service may take an option and ignore it.
    """
    if context.clients.destination_is_aws:
        return
    options = context.options
    asked = {
        "--sse": ("ServerSideEncryption", options.sse and options.sse.value),
        "--sse-kms-key-id": ("SSEKMSKeyId", options.sse_kms_key_id),
        "--bucket-key": ("BucketKeyEnabled", options.bucket_key),
        "--checksum-algorithm": (
            "ChecksumAlgorithm",
            options.checksum_algorithm and options.checksum_algorithm.value,
        ),
    }
    for flag, (name, value) in asked.items():
        found = response.get(name)
        if value and (not found or (name != "SSEKMSKeyId" and found != value)):
            raise PreflightError(
                f"this service ignores {flag}: an upload opened with it says {found or 'nothing'} "
                f"of {name}",
                remedy=f"leave out {flag}",
                error_class=ErrorClass.NOT_SUPPORTED,
            )


def _opens_plain_upload(
    context: ProbeContext, target: Mapping[str, Any], params: Mapping[str, Any]
) -> bool:
    """Return whether an upload can be opened without the options ``params``; it is aborted."""
    if not params:
        return False
    client = context.clients.destination
    try:
        upload = client.create_multipart_upload(**target)
    except Exception:  # noqa: BLE001 - the first error is told
        return False
    # One that stays is found among the open uploads.
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return True


# What a service other than AWS may answer to an operation that it does not have.
_LACKING = frozenset(
    {
        ErrorClass.PARTS_NOT_SUPPORTED,
        ErrorClass.NOT_SUPPORTED,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.INVALID_REQUEST,
        ErrorClass.SERVER_ERROR,
        ErrorClass.BUCKET_MISSING,
        ErrorClass.UPLOAD_LOST,
        ErrorClass.SOURCE_VANISHED,
    }
)
_NO_SUCH_METHOD = 405


def _is_lacking(context: ProbeContext, info: ErrorInfo) -> bool:
    """Return whether the service may not have what was asked for, rather than deny it."""
    if context.clients.destination_is_aws:
        return info.error_class in (ErrorClass.PARTS_NOT_SUPPORTED, ErrorClass.NOT_SUPPORTED)
    return info.error_class in _LACKING or info.http_status == _NO_SUCH_METHOD


def _without_parts(context: ProbeContext, operation: str, info: ErrorInfo) -> Exception:
    """Return what it means that a copy in parts is not to be had: a refusal where one is needed."""
    lacking = f"this service has no usable {operation} ({answer_text(info)})"
    if context.large is None:
        return UnprovenError(f"{lacking}; no object that is known so far needs it")
    return PreflightError(
        f"{context.large.url} cannot be copied in parts: {lacking}",
        error_class=ErrorClass.PARTS_NOT_SUPPORTED,
        info=info,
    )


@partial(Probe, "read for the copy", SOURCE)
def read_for_copy(context: ProbeContext) -> str:
    """Copy one part into the open upload."""
    source = context.readable
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    if source is None:
        raise UnprovenError("the first objects are empty or archived, or none is known")
    part: dict[str, Any] = {"CopySource": {"Bucket": source.bucket, "Key": source.key}}
    if source.size > RANGE_MIN_BYTES:  # else all of it
        part["CopySourceRange"] = "bytes=0-0"
    if source.etag:
        part["CopySourceIfMatch"] = source.etag
    copy_part = context.clients.destination.upload_part_copy
    try:
        copy_part(**context.upload, PartNumber=1, **part)
    except Exception as error:
        info = translate(error)
        if "CopySourceIfMatch" in part and info.error_class in _MAY_BE_THE_CONDITION:
            del part["CopySourceIfMatch"]
            if not answer(copy_part, {**context.upload, "PartNumber": 1, **part}):
                raise _without_condition(context, source, info) from error
        if info.error_class in _SAMPLE_IS_GONE and not _is_still_there(context, source):
            raise UnprovenError("the sample changed meanwhile") from error
        if _is_lacking(context, info):
            raise _without_parts(context, "UploadPartCopy", info) from error
        if info.error_class is ErrorClass.DESTINATION_FULL:
            problem = f"{s3_url(context.upload['Bucket'], context.upload['Key'])} cannot be written"
            raise refused(problem, info, action=AccessAction.WRITE) from error
        if info.error_class is not ErrorClass.ACCESS_DENIED:
            problem = f"{source.url} cannot be read for a copy"
            raise refused(problem, info, action=AccessAction.READ) from error
        raise refused(
            f"the destination's credentials may not read {source.url}",
            info,
            action=AccessAction.READ,
            if_denied="the source account must grant them s3:GetObject (and s3:GetObjectTagging) "
            "in the bucket policy, and kms:Decrypt on the key of encrypted objects; "
            "the destination's own identity policy must allow the same",
        ) from error
    return f"a part was copied from {source.url}"


_MAY_BE_THE_CONDITION = frozenset(
    {
        ErrorClass.PARTS_NOT_SUPPORTED,
        ErrorClass.NOT_SUPPORTED,
        ErrorClass.INVALID_REQUEST,
        ErrorClass.SOURCE_CHANGED,
    }
)


_SAMPLE_IS_GONE = (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED)


def _is_still_there(context: ProbeContext, source: S3Object) -> bool:
    """Return whether a HEAD finds the sample as it was listed."""
    try:
        location = S3Location(bucket=source.bucket, key=source.key)
        return source_object(context.clients.source, location).etag.strip('"') == source.etag.strip(
            '"'
        )
    except PreflightError:
        return False


def _without_condition(context: ProbeContext, source: S3Object, info: ErrorInfo) -> Exception:
    """Return what it means that a part can be copied, but not pinned to its source's ETag."""
    if info.error_class is ErrorClass.SOURCE_CHANGED and not _is_still_there(context, source):
        return UnprovenError("the sample changed meanwhile")
    problem = (
        f"this service copies a part of {source.url}, but refuses the condition that the source "
        f"still has its ETag: {answer_text(info)}"
    )
    if context.large is None:
        return UnprovenError(f"{problem}; --source-check head copies without it")
    return PreflightError(problem, error_class=ErrorClass.CONDITION_REFUSED, info=info)


@partial(Probe, "write tags", DESTINATION)
def write_tags(context: ProbeContext) -> str:
    """Open a second upload, with a tag, and abort it."""
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    client, params = context.clients.destination, write_params(context.options)
    target = {name: context.upload[name] for name in ("Bucket", "Key")}
    problem = f"{s3_url(target['Bucket'], target['Key'])} cannot be written with tags"
    try:
        with refusing(problem, action=AccessAction.WRITE_TAGS):
            upload = client.create_multipart_upload(**target, **params, Tagging="s3-xfer=check")
    except PreflightError as refusal:
        raise _without_tags(context, refusal) from refusal
    # One that stays is found among the open uploads.
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return "an upload with a tag was opened and aborted"


@partial(Probe, "clean up", DESTINATION)
def clean_up(context: ProbeContext) -> str | None:
    """Abort the open upload. One that stays is found among the open uploads."""
    if context.upload is None:
        return "nothing was opened"
    return None if context.abort_upload() else "the upload was aborted, nothing is left"
