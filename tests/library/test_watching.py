"""What a run does is told as it happens: to a loop, to functions, to an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from s3_xfer import (
    CompareResult,
    CompareStatus,
    Copied,
    Failed,
    Outcome,
    RunState,
    S3CheckOperation,
    Skipped,
    TransferMetrics,
    ValidationError,
)
from s3_xfer.pipeline import stream
from tests.fault_server import Fault
from tests.world import DESTINATION_KEY, DST, SOURCE_KEY, SRC, World

COUNT = 130


@pytest.fixture
def filled(world: World) -> World:
    """A world with objects of which every tenth cannot be copied, and one is never left out."""
    for number in range(COUNT):
        world.server.put(SRC, f"in/{number:03}", size=3)
    return world


def check_of(world: World) -> S3CheckOperation:
    """Return a check of the same places."""
    return S3CheckOperation(
        source_bucket=SRC,
        source_key="in/",
        destination_bucket=DST,
        destination_key="out/",
        recursive=True,
        source=world.account(SOURCE_KEY),
        destination=world.account(DESTINATION_KEY),
    )


def test_outcomes_are_those_of_the_result(filled: World) -> None:
    """Each object once; failures beyond a hundred without a report."""
    filled.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda k: k != "out/007")
    )

    with filled.operation(preflight="skip").start() as run:
        outcomes = list(run.outcomes())
        result = run.result()

    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    assert len({outcome.task.source.key for outcome in outcomes}) == COUNT
    assert [type(each) for each in outcomes].count(Copied) == 1
    assert len(failed) == result.metrics.files_failed == COUNT - 1
    assert len(result.failures) == 100
    assert failed[-1].error.info.code == "AccessDenied"
    assert run.outcomes_missed == 0


def test_outcomes_come_while_the_copy_goes_on(filled: World) -> None:
    """The first one long before the last, and a loop may be left."""
    gate = threading.Event()
    filled.server.inject(Fault.call("CopyObject", lambda _: gate.wait(60), after=20))

    with filled.operation().start() as run:
        for number, _ in enumerate(run.outcomes()):
            assert run.state is RunState.COPYING
            if number == 10:
                break
        gate.set()

    assert run.result().metrics.files_copied_successfully == COUNT


def test_outcomes_are_read_once_and_from_the_start(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes too late is told, instead of missing some."""
    monkeypatch.setattr(stream, "EARLY", 100)
    run = filled.operation().start()
    run.wait()
    with pytest.raises(ValidationError, match="too many of them have passed"):
        run.outcomes()

    with filled.operation().start() as run:
        assert len(list(run.outcomes())) == COUNT
        with pytest.raises(ValidationError, match="are read already"):
            run.outcomes()


@pytest.mark.parametrize("is_reading", [True, False])
def test_a_slow_reader_costs_little(
    filled: World, monkeypatch: pytest.MonkeyPatch, *, is_reading: bool
) -> None:
    """The copy goes on with a hundred objects a second; what is left out is counted."""
    monkeypatch.setattr(stream, "CAPACITY", 5)
    run = filled.operation().start()
    outcomes = run.outcomes()
    if is_reading:
        next(outcomes)
    run.wait()

    assert run.result().metrics.files_copied_successfully == COUNT
    assert run.outcomes_missed >= COUNT - 7
    assert len(list(outcomes)) == COUNT - run.outcomes_missed - is_reading


def test_functions_are_called_from_one_thread_each(filled: World) -> None:
    """The last numbers are final, and everything was seen when the result is there."""
    seen: list[tuple[str, Outcome]] = []
    numbers: list[tuple[str, TransferMetrics]] = []

    result = filled.operation().run(
        on_outcome=lambda outcome: seen.append((threading.current_thread().name, outcome)),
        on_progress=lambda now: numbers.append((threading.current_thread().name, now)),
        progress_interval_s=0.05,
    )

    assert {name for name, _ in seen} == {"s3-xfer-outcomes"}
    assert {name for name, _ in numbers} == {"s3-xfer-progress"}
    assert len(seen) == result.metrics.total_files_found == COUNT
    assert numbers[-1][1].files_copied_successfully == COUNT
    assert len(numbers) <= result.metrics.duration_s / 0.05 + 2


@pytest.mark.parametrize("name", ["on_outcome", "on_progress"])
def test_what_a_function_raises_ends_the_run(filled: World, name: str) -> None:
    """Nothing is swallowed: it is the run's reason to end."""

    def fail(_: object) -> None:
        raise LookupError("mine")

    functions: dict[str, Any] = {name: fail}
    result = filled.operation().run(**functions, progress_interval_s=0.05)

    assert result.state is RunState.COPY_FAILED
    assert result.aborted_by
    assert f"while calling {name}" in result.aborted_by.problem
    assert "mine" in result.aborted_by.problem


def test_a_function_cannot_wait_for_its_own_run(filled: World) -> None:
    """It is told, instead of hanging."""
    runs: list[Any] = []
    ready = threading.Event()

    def wait_for_end(_: object) -> None:
        ready.wait(60)
        runs[0].result()

    runs.append(filled.operation().start(on_outcome=wait_for_end))
    ready.set()
    aborted = runs[0].result().aborted_by

    assert aborted
    assert "cannot wait for its end" in aborted.problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_outcome": 1},
        {"on_progress": "print"},
        {"progress_interval_s": "1"},
        {"progress_interval_s": 0},
        {"progress_interval_s": float("nan")},
    ],
    ids=str,
)
def test_wrong_functions_are_refused(world: World, wrong: dict[str, Any]) -> None:
    """Before anything starts."""
    with pytest.raises(ValidationError, match="it must be"):
        world.operation().start(**wrong)
    assert not world.server.requests


def test_a_check_tells_how_objects_compare(filled: World) -> None:
    """With the same functions; those that are the same too."""
    filled.copy()
    filled.server.put(SRC, "in/more", size=3)
    seen: list[CompareResult] = []

    result = check_of(filled).run(on_outcome=seen.append)

    assert len(seen) == COUNT + 1
    assert [each.status for each in seen].count(CompareStatus.MISSING) == 1
    assert result.totals.differences == 1
    with check_of(filled).start() as run:
        assert len(list(run.outcomes())) == COUNT + 1


# ------------------------------------------------------------------------------------- asyncio


def test_an_event_loop_goes_on_while_a_copy_runs(filled: World) -> None:
    """Other tasks are not held up."""
    filled.server.inject(Fault.slow("CopyObject", delay_s=0.02))

    async def both() -> tuple[int, int]:
        task = asyncio.create_task(filled.operation().run_async())
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return (await task).metrics.files_copied_successfully, ticks

    copied, ticks = asyncio.run(both())

    assert copied == COUNT
    assert ticks > 3


def cancelled(filled: World, work: Callable[[], Any]) -> None:
    """Cancel a task that copies, and assert that nothing is copied after its end."""
    filled.server.inject(Fault.slow("CopyObject", delay_s=0.1))

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(filled.server.wait_for, "CopyObject", count=3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    sent = filled.server.count("CopyObject")
    time.sleep(0.3)
    assert filled.server.count("CopyObject") == sent < COUNT


def test_a_cancelled_task_ends_its_copy(filled: World) -> None:
    """The task ends once the copy has."""
    cancelled(filled, lambda: filled.operation().run_async())


def test_a_cancelled_block_ends_its_copy(filled: World) -> None:
    """As with ``with``."""

    async def block() -> None:
        async with filled.operation().start() as run:
            await run.wait_async()

    cancelled(filled, block)


def test_a_refusal_is_raised_in_the_task(world: World) -> None:
    """As by ``result()``."""
    operation = world.operation(source_key="nothing/here/")
    with pytest.raises(Exception, match="nothing"):
        asyncio.run(operation.run_async())


def test_many_copies_share_an_event_loop(filled: World) -> None:
    """As in a service; each has its own result."""

    async def several() -> list[int]:
        operations = [filled.operation(destination_key=f"out-{n}/") for n in range(3)]
        results = await asyncio.gather(*(each.run_async() for each in operations))
        return [result.metrics.files_copied_successfully for result in results]

    assert asyncio.run(several()) == [COUNT] * 3


def test_dry_runs_tell_what_they_would_do(filled: World) -> None:
    """As outcomes of their own kind."""
    with filled.operation(mode="dry-run").start() as run:
        assert {type(outcome) for outcome in run.outcomes()} == {Skipped}
