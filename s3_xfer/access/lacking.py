"""What a service other than AWS lacks, or ignores, as far as the probes see it.

An operation that the service does not have is no reason to refuse a copy that does not need it; an
option without any effect is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3_xfer.access.clients import open_metered_client
from s3_xfer.access.lookups import answer_text, source_object
from s3_xfer.access.probe import SOURCE, ProbeContext, UnprovenError, answer
from s3_xfer.copying.verify import bare_etag
from s3_xfer.errors import ErrorClass, ErrorInfo, PreflightError
from s3_xfer.model import S3Location, S3Object
from s3_xfer.wording import message, option

_PATIENCE_S = 10.0


def require_owner_check(context: ProbeContext, side: str, location: S3Location) -> None:
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
    raise PreflightError(
        message(
            "this service ignores {side.bucket_owner}: "
            "it takes {account} for the owner of {bucket}, too",
            side=side,
            account=another,
            bucket=location.bucket,
        ),
        remedy=message("leave out {side.bucket_owner}", side=side),
        error_class=ErrorClass.NOT_SUPPORTED,
    )


def without_tags(context: ProbeContext, refusal: PreflightError) -> Exception:
    """Return ``refusal``, or that nothing is shown where the service has no tags to copy.

    Only a copy in parts asks for tags; others have none on such a service.
    """
    if refusal.error_class is not ErrorClass.TAGS_NOT_SUPPORTED or context.large:
        return refusal
    return UnprovenError(
        message("{problem}; no object that is known so far needs it", problem=refusal.problem),
        is_needed=False,
    )


def require_effects(context: ProbeContext, response: Mapping[str, Any]) -> None:
    """Refuse if the answer that opened an upload does not confirm what was asked for.

    AWS confirms these; another service may take an option and ignore it.
    """
    if context.clients.destination_is_aws:
        return
    options = context.options
    asked = {
        "sse": ("ServerSideEncryption", options.sse and options.sse.value),
        "sse_kms_key_id": ("SSEKMSKeyId", options.sse_kms_key_id),
        "bucket_key": ("BucketKeyEnabled", options.bucket_key),
        "checksum_algorithm": (
            "ChecksumAlgorithm",
            options.checksum_algorithm and options.checksum_algorithm.value,
        ),
    }
    for field, (name, value) in asked.items():
        found = response.get(name)
        if value and (not found or (name != "SSEKMSKeyId" and found != value)):
            raise PreflightError(
                message(
                    "this service ignores {given}: an upload opened with it says {found} of {name}",
                    given=option(field),
                    found=found or "nothing",
                    name=name,
                ),
                remedy=message("leave out {given}", given=option(field)),
                error_class=ErrorClass.NOT_SUPPORTED,
            )


def opens_plain_upload(
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


def is_lacking(context: ProbeContext, info: ErrorInfo) -> bool:
    """Return whether the service may not have what was asked for, rather than deny it."""
    if context.clients.destination_is_aws:
        return info.error_class in (ErrorClass.PARTS_NOT_SUPPORTED, ErrorClass.NOT_SUPPORTED)
    return info.error_class in _LACKING or info.http_status == _NO_SUCH_METHOD


def without_parts(context: ProbeContext, operation: str, info: ErrorInfo) -> Exception:
    """Return what it means that a copy in parts is not to be had: a refusal where one is needed."""
    lacking = f"this service has no usable {operation} ({answer_text(info)})"
    if context.large is None:
        return UnprovenError(f"{lacking}; no object that is known so far needs it", is_needed=False)
    return PreflightError(
        f"{context.large.url} cannot be copied in parts: {lacking}",
        error_class=ErrorClass.PARTS_NOT_SUPPORTED,
        info=info,
    )


MAY_BE_THE_CONDITION = frozenset(
    {
        ErrorClass.PARTS_NOT_SUPPORTED,
        ErrorClass.NOT_SUPPORTED,
        ErrorClass.INVALID_REQUEST,
        ErrorClass.SOURCE_CHANGED,
    }
)


SAMPLE_IS_GONE = (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED)


def is_still_there(context: ProbeContext, source: S3Object) -> bool:
    """Return whether a HEAD finds the sample as it was listed."""
    try:
        location = S3Location(bucket=source.bucket, key=source.key)
        found = source_object(context.clients.source, location)
        return bare_etag(found.etag) == bare_etag(source.etag)
    except PreflightError:
        return False


def without_condition(context: ProbeContext, source: S3Object, info: ErrorInfo) -> Exception:
    """Return what it means that a part can be copied, but not pinned to its source's ETag."""
    if info.error_class is ErrorClass.SOURCE_CHANGED and not is_still_there(context, source):
        return UnprovenError("the sample changed meanwhile")
    problem = (
        f"this service copies a part of {source.url}, but refuses the condition that the source "
        f"still has its ETag: {answer_text(info)}"
    )
    if context.large is None:
        evidence = message("{problem}; {source_check=head} copies without it", problem=problem)
        return UnprovenError(evidence, is_needed=False)
    return PreflightError(problem, error_class=ErrorClass.CONDITION_REFUSED, info=info)
