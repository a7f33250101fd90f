"""The probes that only writing can make: an upload is opened, given one part, and aborted.

They show whether the destination may be written, with the run's own options, and whether the
*destination's* credentials may read the source. No object, version or event appears.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3_xfer.access.findings import DESTINATION, SOURCE
from s3_xfer.access.lookups import answer_text, refused
from s3_xfer.access.probe import (
    RANGE_MIN_BYTES,
    Probe,
    ProbeContext,
    UnprovenError,
    answer,
    probe_key,
)
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import AccessAction, ErrorClass, PreflightError, translate
from s3_xfer.model import S3Object
from s3_xfer.text import s3_url

_NOTHING_OPEN = "nothing can be tried where nothing can be written"


def _open_upload(context: ProbeContext) -> str:
    """Open an upload as the run would."""
    destination, params = context.keys.destination, write_params(context.options)
    target = {"Bucket": destination.bucket, "Key": context.key or probe_key(destination)}
    try:
        response = context.clients.destination.create_multipart_upload(**target, **params)
    except Exception as error:
        raise refused(
            f"{destination.url} cannot be written",
            error,
            action=AccessAction.WRITE,
            if_denied="grant s3:PutObject on the destination to its credentials (with --acl also "
            "s3:PutObjectAcl, under KMS also kms:GenerateDataKey), and check --dest-bucket-owner",
        ) from error
    context.upload = {**target, "UploadId": response["UploadId"]}
    options = ", ".join(f"{name} {value}" for name, value in params.items())
    url = s3_url(target["Bucket"], target["Key"])
    return f"upload opened at {url}{' with ' if options else ''}{options}"


def _read_for_copy(context: ProbeContext) -> str:
    """Copy one part into the open upload."""
    source = context.readable
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    if source is None:
        raise UnprovenError("the first objects are empty or archived, or none is known")
    pin = {"CopySourceIfMatch": source.etag} if source.etag else {}
    try:
        context.clients.destination.upload_part_copy(**part_request(source, context.upload), **pin)
    except Exception as error:
        info = translate(error)
        if info.error_class in (ErrorClass.SOURCE_CHANGED, ErrorClass.SOURCE_VANISHED):
            raise UnprovenError("the sample changed meanwhile") from error
        if info.error_class is ErrorClass.ACCESS_DENIED:
            raise PreflightError(
                f"the destination's credentials may not read {source.url}: {answer_text(info)}",
                remedy="the source account must grant them s3:GetObject (and s3:GetObjectTagging) "
                "in the bucket policy, and kms:Decrypt on the key of encrypted objects; "
                "the destination's own identity policy must allow the same",
                error_class=info.error_class,
                action=AccessAction.READ,
                info=info,
            ) from error
        problem = f"{source.url} cannot be read for a copy"
        raise refused(problem, error, action=AccessAction.READ) from error
    return f"a part was copied from {source.url}"


def part_request(source: S3Object, upload: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that copy one byte of ``source``, or all of it if it is too small."""
    extent = {"CopySourceRange": "bytes=0-0"} if source.size > RANGE_MIN_BYTES else {}
    copy_source = {"Bucket": source.bucket, "Key": source.key}
    return {**upload, "PartNumber": 1, "CopySource": copy_source, **extent}


def _write_tags(context: ProbeContext) -> str:
    """Open a second upload, with a tag, and abort it."""
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    client, params = context.clients.destination, write_params(context.options)
    target = {name: context.upload[name] for name in ("Bucket", "Key")}
    try:
        upload = client.create_multipart_upload(**target, **params, Tagging="s3-xfer=check")
    except Exception as error:
        problem = f"{s3_url(target['Bucket'], target['Key'])} cannot be written with tags"
        raise refused(problem, error, action=AccessAction.WRITE_TAGS) from error
    # One that stays is found among the open uploads.
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return "an upload with a tag was opened and aborted"


def _clean_up(context: ProbeContext) -> str | None:
    """Abort the open upload. One that stays is found among the open uploads."""
    if context.upload is None:
        return "nothing was opened"
    return None if context.abort_upload() else "the upload was aborted, nothing is left"


OPEN_UPLOAD = Probe("write", DESTINATION, _open_upload)
READ_FOR_COPY = Probe("read for the copy", SOURCE, _read_for_copy)
WRITE_TAGS = Probe("write tags", DESTINATION, _write_tags)
CLEAN_UP = Probe("clean up", DESTINATION, _clean_up)
