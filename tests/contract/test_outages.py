"""A server that is away for a while is waited for: no object fails, and nothing is hurried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    CompareField,
    CopyResult,
    ErrorClass,
    PreflightError,
    RunMode,
    RunState,
    S3CheckOperation,
)
from s3_xfer.pipeline import outage
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.world import DST, LARGE, SRC, World

COUNT = 200
# 0.7 s until an object fails
PATIENT: dict[str, Any] = {"retry_delay_s": 0.1, "concurrency": 32, "outage_limit_s": 600}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage is noticed and probed soon, so that the tests are short."""
    monkeypatch.setattr(outage, "SUSPECTED_AFTER_S", 0.25)
    monkeypatch.setattr(outage, "SUSPECTED_AFTER_MANY_S", 0.2)
    monkeypatch.setattr(outage, "WAIT_MIN_S", 0.2)


def fill(world: World, count: int = COUNT) -> None:
    """Put small objects at the source, whose copies take a moment."""
    for number in range(count):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.server.inject(Fault.slow("CopyObject", delay_s=0.05))


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for ``condition``."""
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.01)


@contextmanager
def refusing(world: World) -> Iterator[None]:
    """The server is away: no connection is possible."""
    world.server.go_away()
    yield
    world.server.come_back()


def faulty(fault: Fault) -> Callable[[World], Any]:
    """The server is there, and every request of a kind meets ``fault``."""

    @contextmanager
    def away(world: World) -> Iterator[None]:
        handle = world.server.inject(fault)
        yield
        handle.remove()

    return away


AWAY = {
    "connections refused": refusing,
    "connections reset": faulty(Fault.reset(None)),
    "answers lost": faulty(Fault.lost_response(None)),
    "503 for everything": faulty(Fault.error(None, 503, "ServiceUnavailable")),
    "SlowDown for everything": faulty(Fault.error(None, 503, "SlowDown")),
    "500 for everything": faulty(Fault.error(None, 500, "InternalError")),
    "502 from a proxy": faulty(Fault.error(None, 502, "BadGateway", body="empty")),
    "500 for every copy": faulty(Fault.error("CopyObject", 500, "InternalError")),
    "errors in 200 for every copy": faulty(Fault.error_in_200("CopyObject")),
}


@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY)
def test_a_server_that_is_away_for_a_while_fails_no_object(
    world: World, away: Callable[[World], Any]
) -> None:
    """Longer than all repetitions of a request take; the queue is held, and goes on."""
    fill(world)
    run = world.operation(**PATIENT).start()
    world.server.wait_for("CopyObject", count=100)

    with away(world):
        wait_until(lambda: run.snapshot().waiting_for)
        sent = run.snapshot().requests["CopyObject"]
        time.sleep(1)
        sent = run.snapshot().requests["CopyObject"] - sent
    result = run.result()

    assert result.state is RunState.COMPLETED
    assert result.metrics.files_copied_successfully == COUNT
    assert (result.metrics.files_failed, result.metrics.outages) == (0, 1)
    assert 1 <= result.metrics.outage_s < 60
    assert sent < 2 * PATIENT["concurrency"], "the server was hurried while it was away"


def test_a_large_object_survives_an_outage(world: World) -> None:
    """Its parts wait, and its upload is completed afterwards."""
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.slow("UploadPartCopy", delay_s=0.2))
    run = world.operation(**PATIENT).start()
    world.server.wait_for("UploadPartCopy", count=2)

    with refusing(world):
        wait_until(lambda: run.snapshot().waiting_for)
        time.sleep(1)
    result = run.result()

    assert result.state is RunState.COMPLETED
    assert world.arrived()["out/large"].size == LARGE
    assert world.server.uploads(DST) == []


def test_a_listing_survives_an_outage(world: World) -> None:
    """Nothing but the listing is under way; its page is asked for again."""
    fill(world, 3000)
    world.server.inject(Fault.slow("ListObjectsV2", delay_s=0.3))
    run = world.operation(**PATIENT, mode=RunMode.DRY_RUN).start()
    world.server.wait_for("ListObjectsV2", count=2)

    with refusing(world):
        wait_until(lambda: run.snapshot().waiting_for)
        time.sleep(1)
    result = run.result()

    assert result.state is RunState.COMPLETED
    assert result.metrics.files_skipped == 3000


@pytest.mark.long
def test_a_check_survives_an_outage(world: World) -> None:
    """It compares everything, and its result is as without."""
    for number in range(COUNT):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.copy()
    world.server.forget_requests()
    world.server.inject(Fault.slow("HeadObject", delay_s=0.05))
    copy = world.operation(**PATIENT)
    run = S3CheckOperation(
        source_bucket=SRC,
        source_key="in/",
        destination_bucket=DST,
        destination_key="out/",
        recursive=True,
        source=copy.source,
        destination=copy.destination,
        options=copy.options,
        compare=frozenset({CompareField.METADATA}),
    ).start()
    world.server.wait_for("HeadObject", count=100)

    with refusing(world):
        wait_until(lambda: run.snapshot().waiting_for)
        time.sleep(1)
    result = run.result()

    assert result.no_difference
    assert result.metrics.total_files_found == COUNT


def test_a_journal_in_s3_is_saved_after_an_outage(world: World) -> None:
    """Its last save waits like every other request."""
    fill(world, 20)
    run = world.operation(**PATIENT, journal=f"s3://{DST}/journal").start()
    world.server.wait_for("CopyObject")  # the journal has begun, with several saves
    saves = world.server.inject(Fault.reset(("PutObject", "HeadBucket")))
    wait_until(lambda: run.snapshot().waiting_for)
    time.sleep(1)
    saves.remove()

    result = run.result()

    assert result.state is RunState.COMPLETED
    assert (result.metrics.files_copied_successfully, result.resumable) == (20, False)


def given_up(world: World, tmp_path: Path, **options: Any) -> CopyResult:
    """Return how a copy ended whose server went away for good."""
    fill(world)
    run = world.operation(report_path=tmp_path / "r.jsonl", **(PATIENT | options)).start()
    world.server.wait_for("CopyObject", count=100)
    world.server.go_away()
    return run.result()


def test_a_run_gives_up_on_a_server_that_stays_away(world: World, tmp_path: Path) -> None:
    """Then the report has what is missing, and nothing of it counts as failed for the network."""
    result = given_up(world, tmp_path, outage_limit_s=1.5)

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.OUTAGE
    assert "did not answer from" in result.aborted_by.problem
    rest = ("failed", "not_attempted")
    missing = [line for line in lines_of(tmp_path / "r.jsonl") if line["status"] in rest]
    assert len(missing) == COUNT - result.metrics.files_copied_successfully > 0


def test_without_a_limit_nothing_is_waited_for(world: World, tmp_path: Path) -> None:
    """0 switches it off: every object fails after its repetitions."""
    result = given_up(world, tmp_path, outage_limit_s=0)

    assert result.aborted_by is None
    assert result.metrics.outages == 0
    assert set(result.metrics.errors_by_class) == {"Network"}
    assert result.metrics.files_failed == COUNT - result.metrics.files_copied_successfully


@pytest.mark.parametrize("count", [1, 5])
def test_objects_that_always_fail_are_no_outage(world: World, count: int) -> None:
    """The server answers other requests, so their repetitions are spent and they fail."""
    fill(world, 40)
    poisoned = {f"out/{number:05}" for number in range(count)}
    world.server.inject(Fault.reset("CopyObject", key=lambda key: key in poisoned))

    result = world.copy(**PATIENT)

    assert (result.metrics.files_failed, result.metrics.outages) == (count, 0)
    assert {failed.error.info.attempts for failed in result.failures} == {4}


def test_a_stop_ends_the_wait_at_once(world: World) -> None:
    """Nobody waits for the next probe."""
    fill(world)
    run = world.operation(**PATIENT).start()
    world.server.wait_for("CopyObject", count=100)
    world.server.go_away()
    wait_until(lambda: run.snapshot().waiting_for)

    stopped_s = time.monotonic()
    run.cancel("enough")
    result = run.result()

    assert time.monotonic() - stopped_s < 5
    assert result.cancelled_by == "enough"


def test_a_server_that_never_answered_is_not_waited_for(world: World) -> None:
    """A mistyped endpoint is refused after the repetitions of one request."""
    world.server.go_away()

    with pytest.raises(PreflightError) as refused:
        world.operation(**PATIENT).run()

    assert refused.value.error_class is ErrorClass.NETWORK
