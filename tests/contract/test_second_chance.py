"""What failed for a temporary reason is tried once more when everything else is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer import CopyResult, ErrorClass, RunState, SecondChance, SkipReason
from s3_xfer.ledger import second_chance
from s3_xfer.runs import second_chance as second_try
from tests.contract.test_outages import wait_until
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DST, LARGE, SRC, World

GIVE: dict[str, Any] = {"second_chance": SecondChance.GIVE}
KEY = "out/00003"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before the second try is short."""
    monkeypatch.setattr(second_try, "PAUSE_S", 0.2)


def fill(world: World, count: int = 30) -> None:
    """Put small objects at the source."""
    for number in range(count):
        world.server.put(SRC, f"in/{number:05}", size=1)


def seen(result: CopyResult) -> tuple[int, int, int, int]:
    """Return how many objects were copied, have failed, were tried again and then copied."""
    metrics = result.metrics
    return (
        metrics.files_copied_successfully,
        metrics.files_failed,
        metrics.files_tried_again,
        metrics.files_copied_on_second_try,
    )


PASSING = {
    "503": Fault.error("CopyObject", 503, "SlowDown", key=KEY, times=4),
    "500": Fault.error("CopyObject", 500, "InternalError", key=KEY, times=4),
    "reset": Fault.reset("CopyObject", key=KEY, times=4),
    "lost answers": Fault.lost_response("CopyObject", key=KEY, times=4),
    "409": Fault.error("CopyObject", 409, "OperationAborted", key=KEY, times=4),
    "empty 200": Fault.empty_200("CopyObject", key=KEY, times=4),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("overwrite", [True, False])
def test_an_object_whose_repetitions_are_spent_is_copied_at_the_end(
    world: World, fault: Fault, overwrite: bool, tmp_path: Path
) -> None:
    """The run ends without a failure, and its report does not name the object."""
    fill(world)
    world.server.inject(fault)

    result = world.copy(**GIVE, overwrite=overwrite, report_path=tmp_path / "r.jsonl")

    assert result.state is RunState.COMPLETED
    assert result.metrics.files_copied_successfully == 30
    assert result.metrics.files_failed == 0
    assert lines_of(tmp_path / "r.jsonl") == []
    assert len(world.arrived()) == 30


def test_the_second_try_comes_last(world: World) -> None:
    """After every other object, so that a busy server has had time."""
    fill(world)
    world.server.inject(PASSING["500"])

    result = world.copy(**GIVE)

    assert seen(result) == (30, 0, 1, 1)
    keys = [request.key for request in world.server.requests if request.operation == "CopyObject"]
    assert keys[-1] == KEY
    assert keys.count(KEY) == 5


def test_an_object_that_fails_again_has_failed(world: World, tmp_path: Path) -> None:
    """Once in the report, with the last error, after as many tries again."""
    fill(world)
    world.server.inject(Fault.error("CopyObject", 500, "InternalError", key=KEY))

    result = world.copy(**GIVE, report_path=tmp_path / "r.jsonl")

    assert seen(result) == (29, 1, 1, 0)
    assert world.sent("CopyObject", key=KEY) == 8
    (line,) = lines_of(tmp_path / "r.jsonl")
    assert (line["status"], line["error_class"]) == ("failed", "ServerError")


@pytest.mark.parametrize(
    "fault",
    [
        Fault.error("CopyObject", 403, "AccessDenied", key=KEY),
        Fault.error("CopyObject", 404, "NoSuchKey", key=KEY),
        Fault.error("CopyObject", 400, "InvalidRequest", key=KEY),
    ],
    ids=["denied", "vanished", "invalid"],
)
def test_what_does_not_pass_gets_no_second_chance(world: World, fault: Fault) -> None:
    """It would fail the same way."""
    fill(world)
    world.server.inject(fault)

    result = world.copy(**GIVE)

    assert seen(result) == (29, 1, 0, 0)
    assert world.sent("CopyObject", key=KEY) == 1


def test_without_second_chances_an_object_fails_at_once(world: World) -> None:
    """The option switches it off."""
    fill(world)
    world.server.inject(PASSING["500"])

    result = world.copy(second_chance=SecondChance.SKIP)

    assert seen(result) == (29, 1, 0, 0)


def test_a_large_object_gets_a_second_chance(world: World) -> None:
    """Its upload was aborted, and a new one is opened."""
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.inject(Fault.error("UploadPartCopy", 500, "InternalError", part_number=2, times=4))

    result = world.copy(**GIVE, preflight="skip")

    assert seen(result) == (1, 0, 1, 1)
    assert world.server.uploads(DST) == []


def test_a_flaky_service_fails_nothing(world: World) -> None:
    """With two errors in five requests, one object in forty spends its repetitions."""
    fill(world, 600)
    world.server.inject(Fault.error("CopyObject", 500, "InternalError", probability=0.4, seed=3))

    result = world.copy(**GIVE, concurrency=32)

    assert result.metrics.files_tried_again > 0
    assert result.metrics.files_copied_successfully >= 599


def test_a_stop_before_the_second_try_leaves_the_failure(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had failed is in the report as it had failed."""
    monkeypatch.setattr(second_try, "PAUSE_S", 600)
    fill(world)
    world.server.inject(PASSING["500"])
    run = world.operation(**GIVE, report_path=tmp_path / "r.jsonl").start()
    wait_until(lambda: run.snapshot().files_copied_successfully == 29)
    wait_until(lambda: run.snapshot().files_tried_again == 1)

    run.cancel("enough")
    result = run.result()

    assert (result.metrics.files_failed, result.metrics.files_not_attempted) == (1, 0)
    (line,) = lines_of(tmp_path / "r.jsonl")
    assert (line["status"], line["error_class"], line["attempts"]) == ("failed", "ServerError", 4)


def test_too_many_second_chances_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others have failed, and a note says how many."""
    monkeypatch.setattr(second_chance, "DEFERRED_MAX", 5)
    monkeypatch.setattr(second_try, "DEFERRED_MAX", 5)
    fill(world)
    fault = Fault.error("CopyObject", 500, "InternalError", key=lambda key: key < "out/00010")
    world.server.inject(fault)

    result = world.copy(**GIVE)

    assert seen(result) == (20, 10, 5, 0)
    (note,) = (note for note in result.notes if "tried once more" in note)
    assert note.startswith("5 objects failed for a temporary reason beyond the 5 ")


def test_a_limit_on_failures_counts_the_first_try(world: World) -> None:
    """A run that goes wrong ends soon, whether or not its failures pass."""
    fill(world, 300)
    world.server.inject(Fault.error("CopyObject", 500, "InternalError"))

    result = world.copy(**GIVE, max_failures=10)

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.TOO_MANY_FAILURES
    assert result.metrics.files_failed > 10


def test_a_journal_knows_the_outcome_of_the_second_try(world: World, tmp_path: Path) -> None:
    """The copy is complete, and nothing is left to resume."""
    fill(world)
    world.server.inject(PASSING["500"])

    result = world.copy(**GIVE, journal=str(tmp_path / "journal"))

    assert seen(result) == (30, 0, 1, 1)
    assert not result.resumable


def test_what_exists_is_still_skipped(world: World) -> None:
    """A second try does not overwrite what somebody else has written meanwhile."""
    fill(world)
    world.server.inject(PASSING["503"])
    world.server.put(DST, KEY, size=7)

    result = world.copy(**GIVE, overwrite=False)

    assert result.metrics.skips_by_reason == {SkipReason.EXISTS.value: 1}
    assert world.arrived()[KEY].size == 7
