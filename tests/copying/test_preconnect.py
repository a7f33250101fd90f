"""Connections of the copies are opened while the checks wait for answers, and never in vain."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from s3_xfer import Identical, PreflightError, RunMode, RunState
from s3_xfer.runs.copy_processor import CopyProcessor
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.world import SRC, World

pytest.importorskip("awscrt")

CHECKS = 4  # connections of the checks, at most
WAITS_S = 10.0  # for something that is not there


def fill(world: World, objects: int) -> None:
    """Put small objects at the source."""
    for number in range(objects):
        world.server.put(SRC, f"in/{number:05}", size=1)


def seen_by_last_check(world: World, expected: int) -> list[int]:
    """Let the last answer of the checks wait until so many connections are open; note how many."""
    seen: list[int] = []

    def wait(_: object) -> None:
        until_s = time.monotonic() + WAITS_S
        while world.server.connections < expected and time.monotonic() < until_s:
            time.sleep(0.002)
        seen.append(world.server.connections)

    world.server.inject(Fault.call("UploadPartCopy", wait))
    return seen


@pytest.mark.parametrize(
    ("objects", "concurrency", "ahead"), [(1, 64, 1), (5, 64, 5), (30, 64, 30), (30, 4, 4)]
)
def test_each_of_the_first_copies_finds_a_connection(
    world: World, objects: int, concurrency: int, ahead: int
) -> None:
    """There is one for each, opened before the checks have ended, and no more are opened after."""
    fill(world, objects)
    seen = seen_by_last_check(world, ahead + 1)
    result = world.copy(concurrency=concurrency)
    assert result.metrics.files_copied_successfully == objects
    assert ahead < seen[0] <= ahead + CHECKS
    assert world.server.connections <= ahead + CHECKS


def test_a_single_object_needs_one(world: World) -> None:
    """Its HEAD has told that there is one."""
    fill(world, 3)
    world.copy("in/00001", "out/1", recursive=False, concurrency=64)
    assert world.server.connections <= CHECKS + 1


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"identical": Identical.SKIP}, id="compared first"),
        pytest.param({"max_requests_per_s": 50}, id="at a limited rate"),
        pytest.param({"multipart_threshold_bytes": 5 << 20, "size": 6 << 20}, id="in parts"),
    ],
)
def test_none_is_opened_for_what_may_need_none(world: World, options: dict[str, Any]) -> None:
    """Objects that are looked at first, wait for their turn, or go through the other engine."""
    size = options.pop("size", 1)
    for number in range(30):
        world.server.put(SRC, f"in/{number:05}", size=size)
    seen = seen_by_last_check(world, 0)
    world.copy(**{"concurrency": 64} | options)
    assert seen[0] <= CHECKS + 1


def test_a_dry_run_opens_none(world: World) -> None:
    """It copies nothing."""
    fill(world, 30)
    world.copy(mode=RunMode.DRY_RUN, concurrency=64)
    assert world.server.connections <= CHECKS


def test_a_refused_copy_leaves_no_connection_open(world: World) -> None:
    """They were opened beside the check that refuses it."""
    fill(world, 30)
    seen = seen_by_last_check(world, 31)
    world.server.inject(Fault.error("UploadPartCopy", 403, "AccessDenied"))
    with pytest.raises(PreflightError):
        world.operation(concurrency=64).run()
    assert seen[0] > 30
    until_s = time.monotonic() + PATIENCE_S
    while world.server.open_connections:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    world.assert_untouched()


def test_where_answers_are_slow_most_copies_begin_at_once(world: World) -> None:
    """The checks have shown how slow; there is no time for several rounds of answers."""
    fill(world, 120)
    arrived: list[object] = []
    answered: list[bool] = []  # without waiting in vain
    at_once = threading.Event()

    def wait(request: object) -> None:
        arrived.append(request)
        if len(arrived) >= 100:
            at_once.set()
        answered.append(at_once.wait(WAITS_S))

    for operation in ("ListObjectsV2", "HeadBucket", "CreateMultipartUpload", "UploadPartCopy"):
        world.server.inject(Fault.slow(operation, delay_s=0.06))
    world.server.inject(Fault.call("CopyObject", wait))
    result = world.copy(concurrency=200)
    assert result.metrics.files_copied_successfully == 120
    assert all(answered)


def test_a_function_that_renames_is_called_once_for_each_object(world: World) -> None:
    """Not for connections as well, which are opened later then."""
    fill(world, 5)
    named: list[str] = []

    def rename(found: Any) -> str:
        named.append(found.key)
        return f"{len(named)}"

    result = world.copy(rename=rename)
    assert result.state is RunState.COMPLETED
    assert len(named) == 5


def test_a_check_that_takes_long_does_not_make_a_near_server_a_far_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest answer counts, so a server with a limit is not met with more than usual."""
    fill(world, 3)
    expected: list[float] = []
    monkeypatch.setattr(CopyProcessor, "expect", lambda _, answer_s: expected.append(answer_s))
    world.server.inject(Fault.slow("UploadPartCopy", delay_s=0.5))
    assert world.copy().metrics.files_copied_successfully == 3
    before_last_check, after_it = expected
    assert 0 < after_it <= before_last_check
