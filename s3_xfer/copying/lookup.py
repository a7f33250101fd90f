"""What has to be asked about an object before or after it is copied.

One HEAD or one tag request at a time, through the client of the side that owns the answer.
Small copies need none of this; large ones need their metadata and tags, a re-run needs size and
ETag, and an ambiguous answer needs a HEAD of the destination. Raw headers are passed on as S3 sent
them, so that what Python would parse and rebuild (``Expires``, odd characters) arrives unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError

from s3_xfer.copying.headers import Headers, object_params
from s3_xfer.copying.verify import etag_is_md5
from s3_xfer.errors import RetryAction, translate
from s3_xfer.model import CopyTask, S3Object

TAG_HEADER_MAX_BYTES = 2048  # longer sets of tags do not fit into a request's header
_KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
)
_USER_METADATA = "x-amz-meta-"


def head(client: Any, known: S3Object) -> tuple[S3Object, Mapping[str, Any]]:
    """Return ``known`` completed by a HEAD, and the parsed answer itself.

    Where ``known`` has an ETag the HEAD is pinned to it, so the two describe the same content.

    Raises:
        botocore.exceptions.ClientError: 404 (missing), 412 (changed), 403 (denied), …
    """
    pin = {"IfMatch": known.etag} if known.etag else {}
    params = object_params(known)
    answer: Mapping[str, Any]
    try:
        answer = client.head_object(**params, **pin)
    except ClientError as error:
        if not is_bodyless_error(error):
            raise
        probe_error_detail(error, lambda: client.get_object_tagging(**params))
        answer = client.head_object(**params, **pin)
    completed = replace(
        known,
        size=answer["ContentLength"],
        etag=answer["ETag"],
        last_modified=answer.get("LastModified"),
        storage_class=answer.get("StorageClass", "STANDARD"),
        metadata=answer.get("Metadata", {}),
    )
    return completed, answer


def head_destination(client: Any, task: CopyTask) -> Mapping[str, Any]:
    """Return the answer to a HEAD of the key that ``task`` is copied to.

    Raises:
        botocore.exceptions.ClientError: 404 (missing), 403 (denied), or another refusal.
    """
    known = S3Object(bucket=task.destination_bucket, key=task.destination_key, size=0)
    _, answer = head(client, known)
    return answer


def metadata_headers(head_answer: Mapping[str, Any]) -> Headers:
    """Return the headers that give another object the same metadata, byte for byte."""
    sent: Mapping[str, str] = head_answer["ResponseMetadata"]["HTTPHeaders"]
    kept = {
        name: value
        for name, value in sent.items()
        if name.lower() in _KEPT_HEADERS or name.lower().startswith(_USER_METADATA)
    }
    if "ExpiresString" in head_answer:  # botocore removes the header where it is no date
        kept["expires"] = head_answer["ExpiresString"]
    return kept


def tag_count(head_answer: Mapping[str, Any]) -> int:
    """Return how many tags a HEAD counts; 0 without a count.

    Read from the header: the model of botocore 1.36 does not know it.
    """
    return int(head_answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-tagging-count", 0))


def is_bodyless_error(error: ClientError) -> bool:
    """Return whether a HEAD, whose answer has no body, may have failed for any of many reasons.

    400 also means expired credentials; 403 also a wrong clock, a wrong key or a wrong signature.
    """
    return error.response["Error"]["Code"] in ("400", "403")


def probe_error_detail(error: ClientError, send_probe: Callable[[], object]) -> None:
    """Send a request whose error has a body, after a HEAD failed with ``error``, which has none.

    Returns if the HEAD is worth a second try: the probe may have renewed the credentials.

    Raises:
        botocore.exceptions.ClientError: the probe's error if it would hit every request, or else
            ``error`` itself.
    """
    try:
        send_probe()
    except ClientError as detailed:
        if translate(detailed).error_class.retry_action is RetryAction.END_RUN:
            raise detailed from error
        if error.response["Error"]["Code"] == "403":
            raise error from detailed


def tags(client: Any, source: S3Object) -> list[dict[str, str]]:
    """Return the object's tags as S3 lists them.

    Always requested, never concluded from HEAD's tag count: S3 leaves that out when the caller may
    not read tags, and the tags would be lost silently.
    """
    answer = client.get_object_tagging(**object_params(source))
    return list(answer.get("TagSet", ()))  # Ceph has none for an object without tags


def tag_header(tag_set: list[dict[str, str]]) -> str | None:
    """Return the value of ``x-amz-tagging``, or None if the tags do not fit into a header."""
    value = urlencode([(tag["Key"], tag["Value"]) for tag in tag_set], quote_via=quote, safe="")
    return value if len(value) <= TAG_HEADER_MAX_BYTES else None


def etag_was_md5(client: Any, source: S3Object) -> bool:
    """Return whether the source's encryption leaves its ETag an MD5 (one HEAD)."""
    _, answer = head(client, source)
    return etag_is_md5(answer)
