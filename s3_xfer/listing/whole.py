"""A listing that counts only as a whole: every object of one side, or an error."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.listing.pages import PageReader
from s3_xfer.listing.parallel import Listing
from s3_xfer.model import S3Location, S3Object
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.ranges import EVERYTHING
from s3_xfer.s3_client import S3Client


def listing_of(client: S3Client, location: S3Location) -> Listing:
    """Return the listing of everything whose key begins with the location's, by one reader."""
    reader = PageReader(client, bucket=location.bucket, prefix=location.key)
    return Listing(reader, prefix=location.key, ranges=EVERYTHING)


def every_object(listing: Listing, stop: StopFlag) -> Iterator[S3Object]:
    """Yield every object; raise if the run is stopped, so the listing never looks complete.

    Raises:
        ObjectError: the run was stopped (``INTERRUPTED``).
    """
    for page in listing.iter_pages():
        if stop.is_set():
            break
        yield from page.objects
    if listing.unlisted():
        raise ObjectError.of(ErrorClass.INTERRUPTED, f"stopped: {stop.reason}")
