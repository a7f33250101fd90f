"""The source bucket of the demonstration, with an example of every case that matters.

It has many small objects, a large one with metadata and tags, keys that careless tools break, a
neighbour of the prefix that must not be copied, and one archived object whose copy has to fail.

Every run makes the same objects. :class:`DemoBuckets` has the counts that a copy of ``data`` must
report.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from s3_xfer.units import KIB, MIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE_BUCKET = "demo-source"
DESTINATION_BUCKET = "demo-destination"
PREFIX = "data"
LARGE_KEY = "data/large/sensor-dump.bin"
ARCHIVED_KEY = "data/archive/2019.tar"
DECOY_KEY = "database/not-below-data.sql"

_LARGE_BYTES = 24 * MIB  # three parts of 8 MiB
_FOLDERS = ("events/2024/01", "events/2024/02", "images", "logs/web", "tables/orders")
_ONE_MIB_EVERY = 500  # objects; the others have 100 B to 20 KiB
_ODD_KEYS = (
    "data/odd/",  # a folder marker, as consoles create them
    "data/odd/with space.txt",
    "data/odd/plus+sign.txt",
    "data/odd/percent%2Fslash.txt",
    "data/odd//double//slash.txt",
    "data/odd/../looks-like-parent.txt",
    "data/odd/emoji-🚚.txt",
    "data/odd/question?and#hash.txt",
    "data/odd/control-\x01.txt",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBuckets:
    """The names, and the counts that a recursive copy of ``prefix`` has to report."""

    source: str = SOURCE_BUCKET
    destination: str = DESTINATION_BUCKET
    prefix: str = PREFIX
    large_key: str = LARGE_KEY
    archived_key: str = ARCHIVED_KEY
    decoy_key: str = DECOY_KEY
    odd_keys: tuple[str, ...] = _ODD_KEYS
    objects_found: int  # below the prefix, the archived one included
    bytes_found: int

    @property
    def objects_copied(self) -> int:
        """How many can be copied: all but the archived one."""
        return self.objects_found - 1


def seed(two_accounts: TwoAccounts, *, objects: int) -> DemoBuckets:
    """Create both buckets, and fill the source with ``objects`` ordinary and a few special ones."""
    source = two_accounts.client("s3", SOURCE_ACCOUNT)
    destination = two_accounts.client("s3", DESTINATION_ACCOUNT)
    source.create_bucket(Bucket=SOURCE_BUCKET)
    destination.create_bucket(Bucket=DESTINATION_BUCKET)
    two_accounts.store(SOURCE_BUCKET, _ordinary_objects(objects))
    two_accounts.store(SOURCE_BUCKET, ((key, key.encode()) for key in _ODD_KEYS))
    two_accounts.store(SOURCE_BUCKET, [(DECOY_KEY, b"-- stays where it is\n")])
    _put_special(source)
    buckets = _count(source)
    source.close()
    destination.close()
    return buckets


def _ordinary_objects(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield keys in several folders with bodies that all differ."""
    sizes = random.Random(0)  # noqa: S311 - the same demo every time
    filler = sizes.randbytes(MIB)
    for number in range(count):
        is_big = number % _ONE_MIB_EVERY == _ONE_MIB_EVERY // 2
        size = MIB if is_big else sizes.randint(100, 20 * KIB)
        folder = _FOLDERS[number % len(_FOLDERS)]
        yield f"{PREFIX}/{folder}/{number:06}.bin", (b"%06d" % number + filler)[:size]


def _put_special(source: S3Client) -> None:
    """Put the archived object, and the large one with all that a copy has to preserve."""
    source.put_object(
        Bucket=SOURCE_BUCKET, Key=ARCHIVED_KEY, Body=bytes(4 * KIB), StorageClass="GLACIER"
    )
    source.put_object(
        Bucket=SOURCE_BUCKET,
        Key=LARGE_KEY,
        Body=random.Random(1).randbytes(_LARGE_BYTES),  # noqa: S311 - the same demo every time
        ContentType="application/x-sensor-dump",
        CacheControl="max-age=3600",
        Metadata={"station": "north", "calibrated": "yes"},
        Tagging="team=data&keep=forever",
    )


def _count(source: S3Client) -> DemoBuckets:
    """Return the buckets with the counts of a listing below the prefix."""
    pages = source.get_paginator("list_objects_v2").paginate(
        Bucket=SOURCE_BUCKET, Prefix=f"{PREFIX}/"
    )
    sizes = [item["Size"] for page in pages for item in page["Contents"]]
    return DemoBuckets(objects_found=len(sizes), bytes_found=sum(sizes))
