"""ListParts and ListMultipartUploads: what is left of uploads that nobody completed.

Refuses: delimiters.
"""

from __future__ import annotations

from tests.fault_server import access, documents, multipart
from tests.fault_server.documents import element, text
from tests.fault_server.state import Bucket, Part, Upload, World
from tests.fault_server.wire import Answer, Request


def list_parts(world: World, request: Request) -> Answer:
    """List the parts that an upload has so far."""
    bucket = access.open_bucket(world, request)
    upload = multipart.open_upload(bucket, request)
    multipart.require_or_initiator(bucket, request, upload, "s3:ListMultipartUploadParts")
    limit = min(int(request.query.get("max-parts") or 1000), 1000)
    marker = int(request.query.get("part-number-marker") or 0)
    later = [upload.parts[number] for number in sorted(upload.parts) if number > marker]
    shown = later[:limit]
    return documents.ok(
        "ListPartsResult",
        text("Bucket", bucket.name),
        text("Key", upload.key),
        text("UploadId", upload.upload_id),
        text("PartNumberMarker", marker),
        text("NextPartNumberMarker", shown[-1].number if shown else 0),
        text("MaxParts", limit),
        text("IsTruncated", len(later) > limit),
        *(_part_xml(part) for part in shown),
    )


def list_uploads(world: World, request: Request) -> Answer:
    """List the open uploads of a bucket, by key and upload id."""
    bucket = access.open_bucket(world, request)
    prefix = request.query.get("prefix", "")
    access.require(bucket, request, "s3:ListBucketMultipartUploads", prefix)
    limit = min(int(request.query.get("max-uploads") or 1000), 1000)
    later = _uploads_after(bucket, request, prefix)
    last = later[:limit][-1] if len(later) > limit else None
    return documents.ok(
        "ListMultipartUploadsResult",
        text("Bucket", bucket.name),
        text("Prefix", documents.encoded(prefix, request)),
        text("NextKeyMarker", documents.encoded(last.key, request) if last else ""),
        text("NextUploadIdMarker", last.upload_id if last else ""),
        text("MaxUploads", limit),
        text("EncodingType", "url") if request.query.get("encoding-type") == "url" else "",
        text("IsTruncated", last is not None),
        *(_upload_xml(upload, request) for upload in later[:limit]),
    )


def _uploads_after(bucket: Bucket, request: Request, prefix: str) -> list[Upload]:
    key_marker = request.query.get("key-marker", "")
    # Without an upload id marker the whole key is past (API reference, ListMultipartUploads).
    id_marker = request.query.get("upload-id-marker") or "\U0010ffff"
    ordered = sorted(bucket.uploads.values(), key=lambda u: (u.key, u.upload_id))
    return [
        upload
        for upload in ordered
        if upload.key.startswith(prefix)
        and (not key_marker or (upload.key, upload.upload_id) > (key_marker, id_marker))
    ]


def _part_xml(part: Part) -> str:
    return element(
        "Part",
        text("PartNumber", part.number),
        text("LastModified", documents.iso(part.last_modified)),
        text("ETag", part.etag),
        text("Size", part.size),
    )


def _upload_xml(upload: Upload, request: Request) -> str:
    return element(
        "Upload",
        text("Key", documents.encoded(upload.key, request)),
        text("UploadId", upload.upload_id),
        # A user or a role's session is shown by its ARN (API reference, ListMultipartUploads).
        element("Initiator", text("ID", upload.initiator_arn or upload.initiator)),
        text("StorageClass", upload.template.storage_class),
        text("Initiated", documents.iso(upload.initiated)),
    )
