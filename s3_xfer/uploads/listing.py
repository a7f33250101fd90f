"""Which uploads to a location are unfinished, since when, whose, and how much they hold.

S3 tells who began an upload, and nothing else about its origin: "ours" means begun by the same
user or role as these credentials, by any program. Whether parts are still being sent S3 does not
tell either; age is the only hint. Where the principal of these credentials is unknown, no upload
is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from s3_xfer.access.documents import role_of_session
from s3_xfer.model import OpenUpload, S3Location


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedUpload:
    """One upload. ``size_bytes`` and ``parts`` are None if they were not read, or are hidden."""

    upload: OpenUpload
    initiated: datetime
    initiator: str
    storage_class: str
    is_ours: bool
    parts: int | None = None
    size_bytes: int | None = None

    def age_s(self, now: datetime) -> float:
        """Return how long ago it was begun, in seconds."""
        return max(0.0, (now - self.initiated).total_seconds())

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "bucket": self.upload.bucket,
            "key": self.upload.key,
            "upload_id": self.upload.upload_id,
            "initiated": self.initiated.isoformat(),
            "age_seconds": round(self.age_s(now)),
            "initiator": self.initiator,
            "ours": self.is_ours,
            "storage_class": self.storage_class,
            "parts": self.parts,
            "size": self.size_bytes,
        }


def list_unfinished(
    client: Any, location: S3Location, *, principal: str
) -> Iterator[UnfinishedUpload]:
    """Yield the uploads to ``location`` in the order of S3: below a prefix, or to one key.

    A key that does not end in ``/`` stands for itself and for everything below it as a directory.
    ``principal`` is the ARN behind the client's credentials; empty if it is unknown.

    Raises:
        botocore.exceptions.ClientError: a page was refused after all retries.
    """
    markers: dict[str, str] = {}
    while True:
        # botocore decodes keys of object listings only; unencoded ones may be unreadable XML.
        answer = client.list_multipart_uploads(
            Bucket=location.bucket, Prefix=location.key, EncodingType="url", **markers
        )
        decode = unquote_plus if answer.get("EncodingType") == "url" else str
        for entry in answer.get("Uploads", ()):
            key = decode(entry["Key"])
            if _is_at(location, key):
                yield _parse(location.bucket, key, entry, principal)
        next_markers = {
            "KeyMarker": decode(answer.get("NextKeyMarker") or ""),
            "UploadIdMarker": answer.get("NextUploadIdMarker") or "",
        }
        is_stuck = next_markers == markers or not next_markers["KeyMarker"]
        if is_stuck or not answer.get("IsTruncated"):
            return
        markers = next_markers


def _is_at(location: S3Location, key: str) -> bool:
    if not location.key or location.key.endswith("/"):
        return True
    return key == location.key or key.startswith(location.key + "/")


def _parse(bucket: str, key: str, entry: Mapping[str, Any], principal: str) -> UnfinishedUpload:
    initiator = str(entry.get("Initiator", {}).get("ID", ""))
    return UnfinishedUpload(
        upload=OpenUpload(bucket, key, entry["UploadId"]),
        initiated=entry["Initiated"],
        initiator=initiator,
        storage_class=entry.get("StorageClass", "STANDARD"),
        is_ours=bool(principal) and role_of_session(initiator) == role_of_session(principal),
    )


def parts_of(client: Any, upload: OpenUpload) -> tuple[int, int]:
    """Return how many parts an upload has so far, and their bytes.

    Raises:
        botocore.exceptions.ClientError: among others that there is no such upload any more.
    """
    count = size_bytes = marker = 0
    while True:
        answer = client.list_parts(
            Bucket=upload.bucket,
            Key=upload.key,
            UploadId=upload.upload_id,
            PartNumberMarker=marker,
        )
        parts = answer.get("Parts", ())
        count += len(parts)
        size_bytes += sum(part["Size"] for part in parts)
        next_marker = int(answer.get("NextPartNumberMarker") or 0)
        if not answer.get("IsTruncated") or next_marker <= marker:
            return count, size_bytes
        marker = next_marker
