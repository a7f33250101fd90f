"""Limits that a user has set end or slow down a run, in order and accounted for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CopyResult, ErrorClass, Identical, RunState, ValidationError
from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.units import MIB
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import SRC, World


def fill(world: World, count: int) -> None:
    """Put small objects at the source."""
    for number in range(count):
        world.server.put(SRC, f"in/{number:05}", size=1)


def deny_all(world: World, **where: object) -> None:
    """Refuse every copy, as a right that is missing does."""
    fault = Fault.error("CopyObject", 403, "AccessDenied", **where)  # type: ignore[arg-type]
    world.server.inject(fault)


def test_too_many_failures_end_the_run_and_the_rest_is_in_the_report(
    world: World, tmp_path: Path
) -> None:
    """A hopeless run is over after some requests, says why, and can be completed later."""
    fill(world, 3000)
    deny_all(world)
    report = tmp_path / "r.jsonl"

    result = world.copy(max_failures=10, report_path=report)

    assert result.state is RunState.COPY_FAILED
    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.TOO_MANY_FAILURES
    assert "more than the 10 allowed" in result.aborted_by.problem
    assert 11 <= result.metrics.files_failed < 500
    statuses = {line["status"] for line in lines_of(report)}
    assert {"failed", "not_attempted"} <= statuses


def test_the_rest_of_a_run_that_was_ended_can_be_copied(world: World, tmp_path: Path) -> None:
    """The report of a run that had too many failures leads to a complete copy."""
    fill(world, 1500)
    fault = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.copy(max_failures=5, report_path=tmp_path / "r.jsonl")
    fault.remove()

    second = world.copy(from_report_path=tmp_path / "r.jsonl")

    assert second.state is RunState.COMPLETED
    assert len(world.arrived()) == 1500


def test_as_many_failures_as_allowed_do_not_end_a_run(world: World) -> None:
    """The limit is what may fail."""
    fill(world, 60)
    deny_all(world, times=10)

    result = world.copy(max_failures=10)

    assert result.aborted_by is None
    assert (result.metrics.files_failed, result.metrics.files_copied_successfully) == (10, 50)


def test_a_share_of_failures_ends_the_run(world: World) -> None:
    """Not before a hundred were tried."""
    fill(world, 2000)
    deny_all(world, probability=0.5, seed=7)

    result = world.copy(max_error_rate_percent=20)

    assert result.aborted_by is not None
    assert "% of the last" in result.aborted_by.problem
    tried = result.metrics.files_failed + result.metrics.files_copied_successfully
    assert 100 <= tried < 1500


def took_at_least(world: World, wait_s: float, **changes: Any) -> CopyResult:
    """Copy, and assert that it could not be faster."""
    started_s = time.monotonic()
    result = world.copy(**changes)
    assert time.monotonic() - started_s >= wait_s
    assert result.state is RunState.COMPLETED
    return result


def test_copies_wait_for_their_place(world: World) -> None:
    """Below the limit nothing is lost."""
    fill(world, 20)

    result = took_at_least(world, 19 / 10, max_requests_per_s=10)

    assert result.metrics.requests["CopyObject"] == 20


def test_look_ups_wait_for_their_place(world: World) -> None:
    """Requests that write nothing are in the same queue."""
    fill(world, 20)
    world.copy()
    named = [f"in/{number:05}" for number in range(20)]  # which are asked for one by one

    result = took_at_least(
        world, 19 / 10, max_requests_per_s=10, identical=Identical.SKIP, objects=named
    )

    assert result.metrics.requests["HeadObject"] >= 20
    assert "CopyObject" not in result.metrics.requests


def test_parts_wait_for_their_place(world: World) -> None:
    """Also those that s3transfer's own threads send."""
    world.server.put(SRC, "in/large", size=160 * MIB)

    result = took_at_least(world, 19 / 15, max_requests_per_s=15)

    assert result.metrics.requests["UploadPartCopy"] >= 20


def test_a_deadline_that_is_kept_changes_nothing(world: World) -> None:
    """A run that ends before is complete."""
    fill(world, 3)

    assert world.copy(deadline="1h").state is RunState.COMPLETED


def test_a_deadline_that_has_passed_is_refused(world: World) -> None:
    """Nothing is sent."""
    fill(world, 3)

    with pytest.raises(ValidationError, match="has passed"):
        world.operation(deadline="2020-01-01T00:00:00Z").run()

    assert world.server.requests == []


def test_the_pace_learns_how_much_of_a_run_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known while the listing may find more; at the end nothing is left."""
    known: list[tuple[int | None, Callable[[], int | None]]] = []
    monkeypatch.setattr(Pacer, "expect_end", lambda _, left: known.append((left(), left)))
    fill(world, 3)

    assert world.copy().state is RunState.COMPLETED
    assert [(at_first, left()) for at_first, left in known] == [(None, 0)]
