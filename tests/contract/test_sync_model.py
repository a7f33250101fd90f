"""Random histories of a sync that deletes, against plain dictionaries of both sides."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_xfer import S3XferError
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.options import Delete, Identical
from tests.contract.test_sync import sync_of
from tests.fault_server import Fault
from tests.fault_server.odd_listings import in_small_pages
from tests.world import DST, SRC, World, check_accounts

SIDE = st.dictionaries(st.sampled_from(["a", "b", "c/d", "c/e", "é", "keep/x"]), st.integers(1, 2))
OPERATIONS = ("ListObjectsV2", "CopyObject", "HeadObject", "DeleteObject")
BROKEN = st.none() | st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 9))
STEPS = st.lists(st.tuples(SIDE, SIDE, BROKEN), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_the_destination_becomes_the_source_or_loses_nothing(
    steps: list[tuple[dict[str, int], dict[str, int], tuple[str, int] | None]],
) -> None:
    """After a sync without errors both sides agree; after any error nothing was lost by doubt."""
    with World() as world:
        world.server.put(DST, "outside", size=1)
        world.server.inject(in_small_pages(2))
        for changes, strangers, broken in steps:
            _apply(world, SRC, "in/", changes)
            _apply(world, DST, "out/", strangers)
            _sync(world, broken)
            _sync(world, None)
            assert "outside" in world.arrived()


def _apply(world: World, bucket: str, prefix: str, sizes: dict[str, int]) -> None:
    for key in ("a", "b", "c/d", "c/e", "é", "keep/x"):
        if key in sizes:
            world.server.put(bucket, prefix + key, size=sizes[key])
        elif bucket == SRC:
            world.server.delete(bucket, prefix + key)


def _sync(world: World, broken: tuple[str, int] | None) -> None:
    options: dict[str, Any] = {"delete": Delete.EXTRA, "identical": Identical.SKIP, "retries": 0}
    source = {key.removeprefix("in/"): found for key, found in world.server.objects(SRC).items()}
    before = world.arrived()
    fault = None
    if broken:
        operation, after = broken
        fault = world.server.inject(
            Fault.error(operation, 403, "AccessDenied", after=after, times=2)
        )
    try:
        result = sync_of(world, filters=("- keep/**",), **options).run()
    except S3XferError:
        code = ExitCode.REFUSED
    else:
        check_accounts(result)
        code = exit_code(result)
    if fault:
        fault.remove()
    arrived = world.arrived()
    wanted = {f"out/{key}" for key in source if not key.startswith("keep/")}
    protected = {key for key in before if not key.startswith("out/") or "keep/" in key}
    assert protected <= set(arrived), "what a filter leaves out is never deleted"
    if code is ExitCode.OK:
        assert set(arrived) == wanted | protected
        assert all(arrived[key].etag == source[key.removeprefix("out/")].etag for key in wanted)
    elif not broken or broken[0] != "DeleteObject":
        assert set(before) <= set(arrived) or (broken and broken[0] == "HeadObject")
    assert set(before) - set(arrived) <= set(before) - wanted, "what the source has stays"
