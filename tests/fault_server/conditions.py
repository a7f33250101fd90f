"""The If-… headers: what must hold for the source, and for what is at the destination already.

Refuses: the 409 of two racing writes (inject that as a fault).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from tests.fault_server import access, refusals
from tests.fault_server.state import Bucket, StoredObject
from tests.fault_server.wire import Request

_SOURCE = "x-amz-copy-source-"


def check_source(request: Request, source: StoredObject) -> None:
    """Raise PreconditionFailed unless the ``x-amz-copy-source-if-…`` headers hold."""
    failed = _failed_read_condition(request.headers, _SOURCE, source)
    if failed:
        raise refusals.precondition_failed(_SOURCE + failed)


def check_read(request: Request, found: StoredObject) -> bool:
    """Return whether a HEAD should show the object, False meaning 304 Not Modified.

    Raises:
        Refusal: ``If-Match`` or ``If-Unmodified-Since`` does not hold.
    """
    failed = _failed_read_condition(request.headers, "", found)
    if failed in ("If-Match", "If-Unmodified-Since"):
        raise refusals.precondition_failed(failed)
    return failed is None


def check_destination(bucket: Bucket, request: Request) -> None:
    """Raise unless ``If-None-Match: *`` and ``If-Match`` hold for what the key has now."""
    current = bucket.objects.get(request.key)
    if request.headers.get("if-none-match") == "*" and current:
        raise refusals.precondition_failed("If-None-Match")
    check_current(bucket, request)


def check_current(bucket: Bucket, request: Request) -> None:
    """Raise unless ``If-Match`` holds for what the key has now (S3 User Guide, on both)."""
    current, wanted = bucket.objects.get(request.key), request.headers.get("if-match")
    if wanted is None:
        return
    access.require(bucket, request, "s3:GetObject", request.key)  # If-Match reveals the ETag
    if current is None:
        raise refusals.no_such_key(request.key)
    if not _is_etag(wanted, current):
        raise refusals.precondition_failed("If-Match")


def _failed_read_condition(
    headers: Mapping[str, str], prefix: str, item: StoredObject
) -> str | None:
    """Return the condition that does not hold. An ETag condition overrules its date sibling."""
    match = headers.get(f"{prefix}if-match")
    if match is not None and not _is_etag(match, item):
        return "If-Match"
    unmodified = _date(headers.get(f"{prefix}if-unmodified-since"))
    if match is None and unmodified and item.last_modified > unmodified:
        return "If-Unmodified-Since"
    no_match = headers.get(f"{prefix}if-none-match")
    if no_match is not None:
        return "If-None-Match" if _is_etag(no_match, item) else None
    modified = _date(headers.get(f"{prefix}if-modified-since"))
    return "If-Modified-Since" if modified and item.last_modified <= modified else None


def _is_etag(wanted: str, item: StoredObject) -> bool:
    return wanted == "*" or wanted.strip('"') == item.etag.strip('"')


def _date(value: str | None) -> datetime | None:
    return parsedate_to_datetime(value) if value else None
