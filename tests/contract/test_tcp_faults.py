"""What happens to connections on the way to S3, in a copy, a check and the requests of a journal.

Each row is one kind of damage; it meets each request of one operation once in a while. The waits
before repetitions are short, so a run has room for three faults in a row of one request, and any
number in all. Nothing is lost, wrong, counted twice or left open, whatever came of an answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from s3_xfer import AccountContext, CompareStatus, Engine, JournalUse, RunState, S3CheckOperation
from s3_xfer.access import clients
from tests.contract.conftest import CRT_IS_HERE
from tests.tcp_faults import (
    Effect,
    Place,
    TcpFaultProxy,
    WireFault,
    cut,
    drip,
    drop_request,
    garbage,
    half_open,
    idle_close,
    reset,
)
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    QUICK,
    SOURCE_KEY,
    SRC,
    World,
)

SMALL = 30
READ_TIMEOUT_S = 1.0  # only for rows that stay silent
DAMAGE: dict[str, Effect] = {
    "request lost": drop_request,
    **{f"cut {place.name}": cut(place) for place in Place},
    **{f"reset {place.name}": reset(place) for place in Place},
    "silent at once": half_open(Place.NOWHERE),
    "silent in headers": half_open(Place.HEADERS),
    "silent in body": half_open(Place.BODY),
    "in drops": drip(size=37, delay_s=0.002),
    "no HTTP": garbage,
    "closed when idle": idle_close,
}
OPERATIONS = (
    *("ListObjectsV2", "CopyObject", "HeadObject", "GetObjectTagging", "CreateMultipartUpload"),
    *("UploadPartCopy", "CompleteMultipartUpload", "GetObject", "PutObject"),
)
ENGINES = [Engine.MANAGED, *([Engine.CRT] if CRT_IS_HERE else [])]


class ProxiedWorld(World):
    """A world that the program reaches through the proxy."""

    proxy: TcpFaultProxy

    def account(self, access_key: str, **settings: Any) -> AccountContext:
        """Return how one side is reached."""
        return super().account(access_key, **{"endpoint_url": self.proxy.url, **settings})


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of a journal wait as long as those of the copy."""
    monkeypatch.setattr(clients, "PATIENCE_S", READ_TIMEOUT_S)


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.value)
def behind(request: pytest.FixtureRequest) -> Iterator[ProxiedWorld]:
    """Two accounts behind a proxy, with small and large objects."""
    with ProxiedWorld(request.param) as world, TcpFaultProxy(world.server.url) as proxy:
        world.proxy = proxy
        world.server.create_bucket("journals", owner=DESTINATION_ACCOUNT)
        for number in range(SMALL):
            world.server.put(SRC, f"in/{number:03}", size=number, tags={"n": str(number)})
        world.server.put(SRC, "in/large", size=LARGE, metadata={"a": "b"}, tags={"a": "b"})
        yield world


@pytest.mark.parametrize("name", DAMAGE)
def test_no_damage_on_the_way_changes_what_is_copied(behind: ProxiedWorld, name: str) -> None:
    """A copy with a journal in S3, resumed, and a check of both sides."""
    silent = name.startswith("silent")
    for seed, operation in enumerate(OPERATIONS):
        times = 1 if silent else 3
        behind.proxy.inject(
            WireFault(DAMAGE[name], operation, times=times, probability=0.4, seed=seed)
        )
    options: dict[str, Any] = {
        "journal": "s3://journals/j.db",
        "journal_use": JournalUse.CONTINUE,
        "retries": 6,
        "read_timeout_s": READ_TIMEOUT_S if silent else QUICK.read_timeout_s,
    }

    result = behind.copy(**options)
    checked = check(behind)

    assert behind.proxy.hits > 0
    assert result.state is RunState.COMPLETED, (result.failures, result.aborted_by)
    arrived = behind.arrived()
    assert len(arrived) == SMALL + 1
    for key, original in behind.server.objects(SRC).items():
        copy = arrived["out/" + key.removeprefix("in/")]
        assert (copy.size, copy.tags, copy.metadata) == (
            original.size,
            original.tags,
            original.metadata,
        )
    assert behind.server.uploads(DST) == []
    assert result.metrics.files_copied_successfully == SMALL + 1
    assert checked == {CompareStatus.SAME: SMALL, CompareStatus.SAME_SIZE: 1}


def check(world: ProxiedWorld) -> dict[CompareStatus, int]:
    """Return what a check through the proxy says, by status."""
    result = S3CheckOperation(
        source_bucket=SRC,
        source_key="in/",
        destination_bucket=DST,
        destination_key="out/",
        recursive=True,
        source=world.account(SOURCE_KEY),
        destination=world.account(DESTINATION_KEY),
        options=dataclasses.replace(QUICK, retries=6, read_timeout_s=5),
    ).run()
    assert not result.aborted_by
    return {status: count for status, count in result.totals.counts.items() if count}
