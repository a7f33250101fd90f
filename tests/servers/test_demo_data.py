"""The demo's buckets must hold what its story tells."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from scripts.demo_data import DemoBuckets, seed


def copy_of(buckets: DemoBuckets, key: str) -> dict[str, object]:
    """Return the arguments that copy ``key`` to the demo's destination."""
    return {
        "Bucket": buckets.destination,
        "Key": key,
        "CopySource": {"Bucket": buckets.source, "Key": key},
    }


def test_counts_and_special_objects() -> None:
    """What is announced is there: counts, odd keys, the large object, and one that cannot go."""
    with TwoAccounts() as accounts:
        buckets = seed(accounts, objects=20)
        source = accounts.client("s3", SOURCE_ACCOUNT)
        destination = accounts.client("s3", DESTINATION_ACCOUNT)
        large = source.head_object(Bucket=buckets.source, Key=buckets.large_key)
        for key in (*buckets.odd_keys, buckets.decoy_key):
            destination.copy_object(**copy_of(buckets, key))  # type: ignore[arg-type]
        with pytest.raises(ClientError, match=r"ObjectNotInActiveTierError|InvalidObjectState"):
            destination.copy_object(**copy_of(buckets, buckets.archived_key))  # type: ignore[arg-type]
        source.close()
        destination.close()
    assert buckets.objects_found == 20 + len(buckets.odd_keys) + 2
    assert buckets.objects_copied == buckets.objects_found - 1
    assert (large["ContentType"], large["Metadata"]["station"]) == (
        "application/x-sensor-dump",
        "north",
    )
