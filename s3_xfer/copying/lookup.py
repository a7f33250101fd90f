"""What has to be asked about an object before or after it is copied.

Raw headers are passed on as S3 sent them, so that what Python would parse and rebuild (``Expires``,
odd characters) arrives unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError

from s3_xfer.comparison import CompareStatus
from s3_xfer.copying.compare_rules import status_by_checksum, status_by_listing
from s3_xfer.copying.headers import Headers, object_params, pinned_params
from s3_xfer.copying.transport import UNREADABLE
from s3_xfer.copying.verify import bare_etag
from s3_xfer.errors import ErrorClass, ObjectError, RetryAction, translate
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.options import CompareBy
from s3_xfer.planning.steps import Counterpart
from s3_xfer.s3_client import S3Client

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
_MISSING_METADATA = "x-amz-missing-meta"  # how many entries S3 cannot show as headers


def head(client: S3Client, known: S3Object) -> tuple[S3Object, Mapping[str, Any]]:
    """Return ``known`` completed by a HEAD, and the parsed answer itself.

    Where ``known`` has an ETag the HEAD is pinned to it, so the two describe the same content.

    Raises:
        botocore.exceptions.ClientError: 404 (missing), 412 (changed), 403 (denied), …
        ObjectError: nothing tells the size (``MALFORMED``).
    """
    answer = _head(client, known)
    return _completed(known, answer), answer


def _head(client: S3Client, known: S3Object) -> Mapping[str, Any]:
    params = pinned_params(known)
    try:
        return client.head_object(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("400", "403"):
            raise
        _ask_for_details(error, client, known)
        return client.head_object(**params)


def require_unchanged(client: S3Client, known: S3Object) -> None:
    """Compare the ETag that a HEAD without condition returns with that of ``known``.

    Raises:
        ObjectError: the object has another ETag.
        botocore.exceptions.ClientError: 404 (missing), 403 (denied), …
    """
    found = client.head_object(**object_params(known))["ETag"]
    if bare_etag(found) != bare_etag(known.etag):
        message = f"its ETag was {known.etag} and is {found}; a copy may hold either content"
        raise ObjectError.of(ErrorClass.SOURCE_CHANGED, message, attempts=1)


def _ask_for_details(error: ClientError, client: S3Client, known: S3Object) -> None:
    """Send a request whose error has a body, after a HEAD failed with ``error``, which has none.

    400 also means expired credentials; 403 also a wrong clock, key or signature. Returns if the
    credentials may have been renewed.
    """
    try:
        client.get_object_tagging(**object_params(known))
    except ClientError as detailed:
        if translate(detailed).error_class.retry_action is RetryAction.END_RUN:
            raise detailed from error
        if error.response["Error"]["Code"] == "403":
            raise error from detailed


def _completed(known: S3Object, answer: Mapping[str, Any]) -> S3Object:
    """Return ``known`` with what a HEAD says; its listed size stands if the HEAD has none."""
    listed_bytes = -1 if known.needs_lookup else known.size
    size_bytes = answer.get("ContentLength", listed_bytes)
    if size_bytes < 0:
        told = "no Content-Length" if size_bytes == -1 else f"the Content-Length {size_bytes}"
        message = f"the answer to the HEAD of {known.url} has {told}"
        raise ObjectError.of(ErrorClass.MALFORMED, message, attempts=1)
    return replace(
        known,
        size=size_bytes,
        size_is_known=True,
        etag=answer["ETag"],
        last_modified=answer.get("LastModified"),
        storage_class=answer.get("StorageClass") or "STANDARD",
        metadata=answer.get("Metadata", {}),
    )


def head_destination(client: S3Client, task: CopyTask) -> tuple[S3Object, Mapping[str, Any]]:
    """Return :func:`head` of the key that ``task`` is copied to."""
    return head(client, _target(task))


def destination_etag(client: S3Client, task: CopyTask) -> str:
    """Return the ETag of what is at the key that ``task`` is about.

    Raises:
        botocore.exceptions.ClientError: 404 (missing), 403 (denied), …
    """
    etag: str = _head(client, _target(task))["ETag"]
    return etag


def _target(task: CopyTask) -> S3Object:
    return S3Object(bucket=task.destination_bucket, key=task.destination_key, size=0)


def is_younger(head_answer: Mapping[str, Any], age_s: float) -> bool:
    """Return whether an object was written less than ``age_s`` ago, by the service's own clock.

    HTTP's dates are in whole seconds, so up to one more passes. Without dates the answer is no.
    """
    try:
        now = parsedate_to_datetime(head_answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        written: datetime = head_answer["LastModified"]
        return now - written <= timedelta(seconds=age_s + 1)
    except (KeyError, ValueError, TypeError):
        return False


def existing_counterpart(client: S3Client, task: CopyTask) -> Counterpart | None:
    """Return the destination's object, None if there is none.

    Raises:
        botocore.exceptions.ClientError: any error but 404, a denial included.
    """
    target = _target(task)
    try:
        return _counterpart(target, _head(client, target))
    except ClientError as error:
        if translate(error).error_class is ErrorClass.SOURCE_VANISHED:
            return None
        raise


def _counterpart(
    target: S3Object, answer: Mapping[str, Any], status: CompareStatus | None = None
) -> Counterpart:
    """Return what a HEAD found, which may leave out the size where it proves nothing."""
    return Counterpart(_completed(target, {"ContentLength": 0, **answer}), status)


def compared_counterpart(
    source_client: S3Client, destination_client: S3Client, task: CopyTask, by: CompareBy
) -> Counterpart | None:
    """Return the destination's object and how it compares; None if there is none.

    It is compared as by the listings, and where these leave it open by a checksum over the whole
    object, which AWS keeps for everything written since the end of 2024; that takes a HEAD of the
    source too. Nothing is known of one that may not be looked at. Metadata is not compared.

    Raises:
        botocore.exceptions.ClientError: any error but missing or denied; 412: the source changed.
    """
    target, source = _target(task), task.source
    answer = _head_with_checksums(destination_client, target)
    if answer is None:
        return None
    if not answer:
        return Counterpart(target, CompareStatus.NOT_COMPARED)
    if answer.get("ContentLength", -1) < 0:
        return _counterpart(target, {**answer, "ContentLength": 0}, CompareStatus.NOT_COMPARED)
    found = _completed(target, answer)
    status = status_by_listing(source, found, by) or status_by_checksum(
        (source, found), answer, lambda: _head_with_checksums(source_client, source) or {}, by
    )
    return Counterpart(found, status)


def _head_with_checksums(client: S3Client, known: S3Object) -> Mapping[str, Any] | None:
    """Return the answer to a HEAD, None if the object is missing; an empty one if it is denied."""
    try:
        return client.head_object(ChecksumMode="ENABLED", **pinned_params(known))
    except ClientError as error:
        match translate(error).error_class:
            case ErrorClass.SOURCE_VANISHED:
                return None
            case ErrorClass.ACCESS_DENIED:
                return {}
        raise


def metadata_headers(head_answer: Mapping[str, Any]) -> Headers:
    """Return the headers that give another object the same metadata.

    A character stands for a byte, as in all headers that ``http.client`` reads.

    Raises:
        ObjectError: there is metadata that the answer does not show.
    """
    sent: Mapping[str, str] = head_answer["ResponseMetadata"]["HTTPHeaders"]
    if sent.get(_MISSING_METADATA, "0") != "0":
        message = f"{sent[_MISSING_METADATA]} entries of metadata are not shown"
        raise ObjectError.of(ErrorClass.METADATA_UNREADABLE, message, attempts=1)
    if UNREADABLE in sent:
        message = f"metadata that is no HTTP header: {sent[UNREADABLE]}"
        raise ObjectError.of(ErrorClass.METADATA_UNREADABLE, message, attempts=1)
    kept = {
        name: value
        for name, value in sent.items()
        if name in _KEPT_HEADERS or name.startswith(_USER_METADATA)
    }
    if "ExpiresString" in head_answer:  # botocore removes the header where it is no date
        kept["expires"] = head_answer["ExpiresString"]
    return kept


def tags(client: S3Client, source: S3Object) -> list[dict[str, str]]:
    """Return the object's tags as S3 lists them.

    Never concluded from HEAD's tag count: S3 leaves that out when the caller may not read tags.

    Raises:
        ObjectError: a tag has no key (``MALFORMED``).
        botocore.exceptions.ClientError: they cannot be read.
    """
    answer: Mapping[str, Any] = client.get_object_tagging(**object_params(source))
    tag_set = list(answer.get("TagSet", ()))  # Ceph has none for an object without tags
    if not all(tag.get("Key") for tag in tag_set):
        message = f"the tags of {source.url} have one without a key"
        raise ObjectError.of(ErrorClass.MALFORMED, message, attempts=1)
    return [{"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in tag_set]


def has_tags(client: S3Client, source: S3Object, wanted: Sequence[str]) -> bool:
    """Return whether the object has every one of the tags, each ``KEY=VALUE``.

    Raises:
        Exception: as :func:`tags` does; an object whose tags are unknown is no other object.
    """
    found = {f"{tag['Key']}={tag['Value']}" for tag in tags(client, source)}
    return found.issuperset(wanted)


def tag_count(head_answer: Mapping[str, Any]) -> int:
    """Return the number of tags by a HEAD; 0 if it does not say it, or not as a number."""
    # The model of botocore 1.36 does not know the count.
    text = head_answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-tagging-count", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def tag_header(tag_set: list[dict[str, str]]) -> str | None:
    """Return the value of ``x-amz-tagging``, or None if the tags do not fit into a header."""
    value = urlencode([(tag["Key"], tag["Value"]) for tag in tag_set], quote_via=quote, safe="")
    return value if len(value) <= TAG_HEADER_MAX_BYTES else None
