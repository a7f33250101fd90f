"""What a run costs: every request is counted, and every request has its price."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import Preflight, StorageClass
from s3_xfer.ledger.prices import Bill
from tests.fault_server import Fault
from tests.world import LARGE, SRC, World


def test_every_request_is_counted_whatever_became_of_it(world: World) -> None:
    """HEADs, listings, tags, parts, aborts and repetitions: S3 saw what the metrics say."""
    for number in range(20):
        world.server.put(SRC, f"in/{number}", size=10)
    world.server.put(SRC, "in/large", size=LARGE, tags={"k": "v"})
    world.server.put(SRC, "in/broken", size=LARGE)
    world.server.put(SRC, "in/tagged", size=LARGE, tags={str(n): "v" * 250 for n in range(10)})
    world.server.inject(Fault.error("CopyObject", 503, "SlowDown", times=3))
    world.server.inject(Fault.error("HeadObject", 500, "InternalError", key="in/large"))
    world.server.inject(Fault.error("UploadPartCopy", 400, "InvalidRequest", key="out/broken"))
    world.server.inject(Fault.reset("CopyObject", key="out/7"))

    result = world.copy(overwrite=False)

    counted = result.metrics.requests
    assert set(counted) >= {
        *("HeadBucket", "HeadObject", "ListObjectsV2", "GetObjectTagging", "PutObjectTagging"),
        *("CopyObject", "CreateMultipartUpload", "UploadPartCopy"),
        *("CompleteMultipartUpload", "AbortMultipartUpload"),
    }
    assert counted == {name: world.server.count(name) for name in counted}
    assert sum(counted.values()) == len(world.server.requests)
    assert result.metrics.retries >= 4


def test_the_bill_is_that_of_the_requests_and_the_storage_class(
    world: World, tmp_path: Path
) -> None:
    """Every request has its price, from the built-in list or from the file that replaces it."""
    for number in range(9):
        world.server.put(SRC, f"in/{number}", size=10)
    prices = tmp_path / "prices.toml"
    prices.write_text('source = "ours"\nlist = 0\nget = 0\n[put]\nGLACIER_IR = 1000\n')

    listed = world.copy(preflight=Preflight.SKIP)
    infrequent = world.copy(preflight=Preflight.SKIP, storage_class=StorageClass.STANDARD_IA)
    ours = world.copy(
        preflight=Preflight.SKIP, storage_class=StorageClass.GLACIER_IR, prices_path=prices
    )

    bills = [result.to_dict()["estimated_request_cost_usd"] for result in (listed, infrequent)]
    assert bills == [pytest.approx(10 * 0.005 / 1000), pytest.approx((9 * 0.01 + 0.005) / 1000)]
    assert ours.bill == Bill(9.0, "ours")
    assert ours.to_dict()["price_list"] == "ours"
