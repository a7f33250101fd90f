"""Buckets and single objects: everything but listings, copies and multipart uploads.

Refuses: GetObject of what is to be copied, with 501. It has no content, and a server-side copier
that asks for content has a bug worth failing for. Only what was put by request can be read. Also
refuses creating buckets by request.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from email.utils import format_datetime

from tests.fault_server import access, conditions, documents, refusals, writing
from tests.fault_server.documents import element, text
from tests.fault_server.refusals import Refusal
from tests.fault_server.state import StoredObject, World, now
from tests.fault_server.wire import Answer, Request


def head_bucket(world: World, request: Request) -> Answer:
    """Tell the region, which S3 does even to whom it refuses (API reference, HeadBucket)."""
    bucket = world.buckets.get(request.bucket)
    region = {"x-amz-bucket-region": bucket.region} if bucket else {}
    try:
        found = access.open_bucket(world, request)
        access.require(found, request, "s3:ListBucket", "")
    except Refusal as refusal:
        refusal.headers = {**refusal.headers, **region}
        raise
    return Answer(200, {"content-type": "application/xml", **region})


def get_bucket_location(world: World, request: Request) -> Answer:
    """Tell the region; us-east-1 is an empty element, for reasons of age."""
    bucket = access.open_bucket(world, request)
    access.require(bucket, request, "s3:GetBucketLocation", "")
    region = "" if bucket.region == "us-east-1" else bucket.region
    body = documents.document("LocationConstraint", region)
    return Answer(200, {"content-type": "application/xml"}, body)


def get_bucket_versioning(world: World, request: Request) -> Answer:
    """Tell whether what is deleted is kept; a bucket that never was versioned has no status."""
    bucket = access.open_bucket(world, request)
    access.require(bucket, request, "s3:GetBucketVersioning", "")
    status = text("Status", "Enabled") if bucket.versioned else ""
    body = documents.document("VersioningConfiguration", status)
    return Answer(200, {"content-type": "application/xml"}, body)


def head_object(world: World, request: Request) -> Answer:
    """Show everything about an object but its content."""
    bucket = access.open_bucket(world, request)
    found = _addressed(world, request, "s3:GetObject")
    if not conditions.check_read(request, found):
        return Answer(304, {"etag": found.etag})
    shown = writing.described(found)
    shown["content-length"] = str(found.size)
    shown["last-modified"] = format_datetime(found.last_modified, usegmt=True)
    shown["date"] = format_datetime(now(), usegmt=True)
    # The number of tags is only for who may read them (API reference, GetObject).
    if found.tags and access.may(bucket, request, "s3:GetObjectTagging", found.key):
        shown["x-amz-tagging-count"] = str(len(found.tags))
    return Answer(200, shown)


def get_object(world: World, request: Request) -> Answer:
    """Give back what PutObject stored; other objects have nothing to read."""
    found = _addressed(world, request, "s3:GetObject")
    access.require_key(world, request, found.kms_key_id, "kms:Decrypt")
    if found.content is None:
        raise refusals.not_implemented("GetObject: its objects have no content")
    shown = writing.described(found)
    shown["last-modified"] = format_datetime(found.last_modified, usegmt=True)
    shown["date"] = format_datetime(now(), usegmt=True)
    return Answer(200, shown, found.content)


def put_object(world: World, request: Request) -> Answer:
    """Store a body, which is small: a copier only writes what it has to say about copies."""
    bucket = access.open_bucket(world, request)
    writing.authorise(bucket, request)
    made = writing.template(world, bucket, request)
    conditions.check_destination(bucket, request)
    etag = f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"'
    bucket.store(replace(made, size=len(request.body), etag=etag, content=request.body))
    version = {"x-amz-version-id": made.version_id} if made.version_id else {}
    return Answer(200, {"etag": etag, **version, **writing.encryption(made)})


def delete_object(world: World, request: Request) -> Answer:
    """Remove an object; a missing one is removed just as well, as on S3.

    In a versioned bucket a marker takes its place. Deleting a version is refused.
    """
    bucket = access.open_bucket(world, request)
    access.require(bucket, request, "s3:DeleteObject", request.key)
    if "versionId" in request.query:
        raise refusals.not_implemented("DeleteObject of a version")
    conditions.check_current(bucket, request)
    bucket.discard(request.key)
    if not bucket.versioned:
        return Answer(204)
    marker = world.version_id(bucket)
    bucket.mark(request.key, marker)
    return Answer(204, {"x-amz-delete-marker": "true", "x-amz-version-id": marker})


def get_object_tagging(world: World, request: Request) -> Answer:
    """List an object's tags."""
    found = _addressed(world, request, "s3:GetObjectTagging")
    tags = [element("Tag", text("Key", k), text("Value", v)) for k, v in found.tags.items()]
    version = found.version_id
    return documents.ok("Tagging", element("TagSet", *tags), x_amz_version_id=version)


def put_object_tagging(world: World, request: Request) -> Answer:
    """Replace an object's tags; ETag and Last-Modified stay."""
    found = _addressed(world, request, "s3:PutObjectTagging")
    tags = documents.read_tags(request.body)
    world.buckets[request.bucket].store(replace(found, tags=tags))
    return Answer(200, {"x-amz-version-id": found.version_id} if found.version_id else {})


def _addressed(world: World, request: Request, action: str) -> StoredObject:
    bucket = access.open_bucket(world, request)
    version = request.query.get("versionId", "")
    return access.find_object(bucket, request, request.key, action=action, version=version)
