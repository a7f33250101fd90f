"""What copies do not have of their sources, by the options of the copy: docs/semantics.md."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.options import CopyOptions, TagPolicy
from s3_xfer.units import format_size


def not_carried_over(options: CopyOptions) -> Iterator[str]:
    """Yield one sentence for each property that the copies have not got from their sources."""
    if options.acl:
        yield f"ACLs and grants: the copies have the ACL {options.acl.value}."
    else:
        yield "ACLs and grants: the copies are private to the account that owns them."
    if options.tags is TagPolicy.SKIP:
        yield "Tags: left out, as asked for."
    if options.storage_class:
        yield f"Storage class: the copies are in {options.storage_class.value}."
    else:
        yield "Storage class: the copies are in STANDARD."
    if options.sse:
        yield f"Encryption: the copies are encrypted as asked for ({options.sse.value})."
    else:
        yield "Encryption: the default of the destination bucket applies."
    yield "Object Lock: the default of the destination bucket applies to the copies."
    yield "Versions: what S3 had as the current version was copied; earlier ones were not."
    yield "Website redirects."
    yield "Last-Modified, version id and owner are those of the copies."
    threshold = format_size(options.multipart_threshold_bytes)
    yield f"ETags and annotations of objects of {threshold} or more, which S3 copies in parts."
