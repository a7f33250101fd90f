"""Whether the destination's object is the same as the source's, by the rule that was asked for.

The listings of both sides tell most of it, at no cost. What they leave open, a checksum over the
whole object decides. A pure comparison: what has to be asked, :mod:`.lookup` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from s3_xfer.comparison import CompareStatus
from s3_xfer.copying.verify import (
    checksums_agree,
    etag_is_md5,
    etags_differ,
    prove_same_content,
)
from s3_xfer.model import S3Object
from s3_xfer.options import CompareBy


def status_by_listing(source: S3Object, found: S3Object, by: CompareBy) -> CompareStatus | None:
    """Return how two objects compare by what listings show; None if S3 has to be asked."""
    if source.size != found.size:
        return CompareStatus.DIFFERENT
    if by is CompareBy.NEWER:
        return _by_date(source, found)
    if by is CompareBy.SIZE or source.size == 0:
        return CompareStatus.SAME
    if by is CompareBy.CHECKSUM:
        return None
    status = _by_etag(source, found)
    return None if by is CompareBy.AUTO and status is not CompareStatus.SAME else status


def status_by_checksum(
    pair: tuple[S3Object, S3Object],
    head_of_copy: Mapping[str, Any],
    head_of_source: Callable[[], Mapping[str, Any]],
    by: CompareBy,
) -> CompareStatus:
    """Return how a source and its copy of the same size compare by their checksums.

    ``head_of_source`` is called only if the copy has a checksum. Where there is none, ETags that
    are MD5s tell of another content, unless only checksums are asked for.
    """
    agree = checksums_agree(head_of_copy, head_of_source)
    if agree is not None:
        return CompareStatus.SAME if agree else CompareStatus.DIFFERENT
    source, copy = pair
    differ = by is CompareBy.AUTO and etags_differ(source.etag, copy.etag)
    return (
        CompareStatus.DIFFERENT if differ and etag_is_md5(head_of_copy) else CompareStatus.SAME_SIZE
    )


def _by_etag(source: S3Object, found: S3Object) -> CompareStatus:
    if prove_same_content(source.etag, found.etag, source.size):
        return CompareStatus.SAME
    return (
        CompareStatus.DIFFERENT
        if etags_differ(source.etag, found.etag)
        else CompareStatus.SAME_SIZE
    )


def _by_date(source: S3Object, found: S3Object) -> CompareStatus:
    """Return whether the source was modified after the destination's object was written."""
    if source.last_modified is None or found.last_modified is None:
        return CompareStatus.SAME_SIZE
    is_newer = source.last_modified > found.last_modified
    return CompareStatus.DIFFERENT if is_newer else CompareStatus.SAME
