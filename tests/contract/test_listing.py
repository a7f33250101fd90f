"""Listing with several readers, in real runs against the fault server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3_xfer import ErrorClass, RunMode, RunState
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.world import SRC, World, check_accounts

OBJECTS = 24_000
PAGES = OBJECTS // 1000


@pytest.fixture(scope="module")
def full() -> Iterator[World]:
    """A world whose source has many pages; the tests of this module only read it."""
    with World() as stage:
        for number in range(OBJECTS):
            stage.server.put(SRC, f"in/{number:06}", size=1)
        yield stage


@pytest.fixture
def starved(full: World) -> Iterator[World]:
    """The same, and every page takes a moment, so that the workers wait for it."""
    full.server.forget_requests()
    slow = full.server.inject(Fault.slow("ListObjectsV2", delay_s=0.05))
    yield full
    slow.remove()


def test_listing_of_starved_workers_is_split(starved: World) -> None:
    """Every object is found once, with at most 2 requests for 1,000 objects."""
    result = starved.copy(mode=RunMode.DRY_RUN)

    pages = [request for request in starved.server.requests if request.operation == "ListObjectsV2"]
    assert result.state is RunState.COMPLETED
    assert result.metrics.total_files_found == OBJECTS
    assert result.metrics.listing_complete
    assert any("start-after" in page.query for page in pages)
    assert len(pages) <= OBJECTS * 0.002


def test_listing_with_one_thread_is_never_split(starved: World) -> None:
    """It costs one request for each page; the first is the preflight's."""
    result = starved.copy(mode=RunMode.DRY_RUN, listing_threads=1)

    assert result.metrics.total_files_found == OBJECTS
    assert starved.sent("ListObjectsV2") == PAGES


def test_error_of_one_of_several_readers_ends_the_run(starved: World) -> None:
    """It makes no difference which reader raised it."""
    denied = starved.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", after=18))

    result = starved.copy(mode=RunMode.DRY_RUN)
    denied.remove()

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.ACCESS_DENIED
    assert "while listing the source" in result.aborted_by.problem
    assert not result.metrics.listing_complete


def test_stopped_run_leaves_the_rest_to_the_next_one(starved: World, tmp_path: Path) -> None:
    """It ends at once, and the report names the unlisted keys of every reader."""
    report = tmp_path / "first.jsonl"
    late = starved.server.inject(Fault.slow("ListObjectsV2", delay_s=2 * PATIENCE_S, after=18))
    run = starved.operation(mode=RunMode.DRY_RUN, report_path=report).start()
    starved.server.wait_for("ListObjectsV2", count=18)

    began_s = time.monotonic()
    run.cancel("test")
    first = run.result()

    assert time.monotonic() - began_s < PATIENCE_S
    late.remove()
    check_accounts(first)
    lines = lines_of(report)
    unlisted = [line for line in lines if line["status"] == "not_listed"]
    found_keys = {line["source_key"] for line in lines if line["status"] != "not_listed"}
    assert unlisted
    assert len(found_keys) == first.metrics.total_files_found < OBJECTS

    second_report = tmp_path / "second.jsonl"
    second = starved.copy(mode=RunMode.DRY_RUN, from_report_path=report, report_path=second_report)
    again = [line["source_key"] for line in lines_of(second_report)]
    not_attempted = {line["source_key"] for line in lines if line["status"] == "not_attempted"}
    assert second.metrics.listing_complete
    assert len(again) == len(set(again)) == OBJECTS - len(found_keys) + len(not_attempted)
    assert set(again) | found_keys == {f"in/{number:06}" for number in range(OBJECTS)}
