"""CopyObject, and what it shares with UploadPartCopy: finding and checking the source.

The order of the checks is this server's own: S3 does not document which refusal comes first.
Refuses: annotations, checksums, and copying anything but the current version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.fault_server import access, conditions, documents, refusals, writing
from tests.fault_server.documents import text
from tests.fault_server.state import Bucket, StoredObject, World, fake_md5
from tests.fault_server.wire import Answer, Request, split_path


@dataclass(frozen=True, slots=True)
class Source:
    """The object that ``x-amz-copy-source`` names, readable and as expected."""

    bucket: Bucket
    item: StoredObject


def copy_object(world: World, request: Request) -> Answer:
    """Copy one object of up to 5 GiB in one request."""
    bucket = access.open_bucket(world, request)
    writing.authorise(bucket, request)
    source = find_source(world, request)
    if source.item.size > refusals.MAX_COPY_BYTES:
        raise refusals.source_too_large()
    if _is_same(source, bucket, request) and not writing.changes_something(request, source.item):
        raise refusals.copy_to_itself()
    conditions.check_destination(bucket, request)
    copy = _copy_of(source, world, bucket, request)
    bucket.store(copy)
    return documents.ok(
        "CopyObjectResult",
        text("LastModified", documents.iso(copy.last_modified)),
        text("ETag", copy.etag),
        x_amz_version_id=copy.version_id,
        x_amz_copy_source_version_id=source.item.version_id,
        **writing.encryption(copy),
    )


def find_source(world: World, request: Request) -> Source:
    """Return the copy source, which the *requesting* account must be able to read."""
    name, key, version = parse_copy_source(request.headers["x-amz-copy-source"])
    bucket = access.open_source_bucket(world, request, name)
    item = access.find_object(bucket, request, key, action="s3:GetObject", version=version)
    access.require_key(world, request, item.kms_key_id, "kms:Decrypt")
    if item.is_archived:
        raise refusals.archived(item.storage_class)
    conditions.check_source(request, item)
    return Source(bucket, item)


def parse_copy_source(value: str) -> tuple[str, str, str]:
    """Return bucket, key and version of ``[/]bucket/key[?versionId=…]``, decoded exactly once."""
    path, _, version = value.partition("?versionId=")
    bucket, key = split_path(path)
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise refusals.invalid_argument(message, "x-amz-copy-source")
    return bucket, key, version


def _is_same(source: Source, bucket: Bucket, request: Request) -> bool:
    return source.bucket is bucket and source.item.key == request.key


def _copy_of(source: Source, world: World, bucket: Bucket, request: Request) -> StoredObject:
    """Return the copy: storage class, ACL and encryption are the request's, never the source's."""
    copies_tags = request.headers.get("x-amz-tagging-directive", "COPY") == "COPY"
    if copies_tags:  # x-amz-tagging is then ignored, and so is the right to give it
        headers = {k: v for k, v in request.headers.items() if k != "x-amz-tagging"}
        made = writing.template(world, bucket, replace(request, headers=headers))
        made = replace(made, tags=_source_tags(source, bucket, request))
    else:
        made = writing.template(world, bucket, request)
    if request.headers.get("x-amz-metadata-directive", "COPY") == "COPY":
        made = _with_source_metadata(made, source.item)
    return replace(made, size=source.item.size, etag=_etag(world, source.item, made))


def _source_tags(source: Source, bucket: Bucket, request: Request) -> dict[str, str]:
    """Return the tags to copy; an object without tags needs no right (so a sample can mislead)."""
    if source.item.tags:
        access.require(source.bucket, request, "s3:GetObjectTagging", source.item.key)
        access.require(bucket, request, "s3:PutObjectTagging", request.key)
    return dict(source.item.tags)


def _with_source_metadata(made: StoredObject, source: StoredObject) -> StoredObject:
    kept = {n: v for n, v in source.headers.items() if n in writing.CONTENT_HEADERS}
    redirect = {n: v for n, v in made.headers.items() if n == writing.REDIRECT}
    return replace(made, metadata=source.metadata, headers={**kept, **redirect})


def _etag(world: World, source: StoredObject, made: StoredObject) -> str:
    """Return the copy's ETag: equal only if it is an MD5 on both sides (API reference, Object)."""
    if made.sse.startswith("aws:kms"):
        return f'"{fake_md5("kms", world.number())}"'
    if source.has_md5_etag:
        return source.etag
    return f'"{fake_md5("content of", source.etag)}"'  # the MD5 that nobody has seen yet
