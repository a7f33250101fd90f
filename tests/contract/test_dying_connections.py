"""Connections that end without an answer: closed while they were idle, or reset by the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from s3_xfer import CopyResult, Engine, Preflight, RunState
from s3_xfer.pipeline.outage import RESENDS_MAX, OutageMonitor
from s3_xfer.runs.copy import CopyRun
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault
from tests.fault_server.actions import ConnectionCut, ConnectionEnd, When
from tests.fault_server.wire import Request
from tests.world import DST, LARGE, SRC, World

ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]
WRITING = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
READING = ("ListObjectsV2", "HeadObject", "GetObjectTagging")


def _if_used(how: type[ConnectionCut]) -> Callable[[Request], None]:
    """Return what ends a connection that has brought an answer before."""

    def end(request: Request) -> None:
        if request.number_on_connection > 1:
            raise how

    return end


@pytest.mark.parametrize("how", [ConnectionCut, ConnectionEnd], ids=["reset", "end"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("engine", ENGINES)
def test_requests_that_meet_a_dead_connection_are_sent_again_and_nothing_is_counted(
    engine: Engine, when: When, how: type[ConnectionCut]
) -> None:
    """Each connection serves one request, and nobody says so: no retries are needed."""
    with World(engine) as world:
        for number in range(60):
            world.server.put(SRC, f"in/{number:02}", size=1)
        for number in range(3):
            world.server.put(SRC, f"in/large-{number}", size=LARGE, tags={"a": "b"})
        deaths = world.server.inject(Fault.call((*WRITING, *READING), _if_used(how), when=when))

        result = world.copy(preflight=Preflight.SKIP, retries=0, concurrency=4)

        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert result.metrics.retries == 0
        assert len(world.arrived()) == 63
        assert world.server.uploads(DST) == []
        lost = sum(one.status is None for one in world.server.requests)
    assert deaths.hits
    assert lost > 10
    assert sum(result.metrics.requests.values()) == len(world.server.requests)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_that_was_made_before_the_connection_died_is_known_as_ours(engine: Engine) -> None:
    """The condition not to overwrite then meets the copy itself: copied, not skipped."""
    with World(engine) as world:
        for number in range(20):
            world.server.put(SRC, f"in/{number:02}", size=1)
        world.server.inject(Fault.call("CopyObject", _if_used(ConnectionCut), when="after"))

        result = world.copy(preflight=Preflight.SKIP, retries=0, overwrite=False)

    assert result.metrics.files_copied_successfully == 20
    assert result.metrics.files_skipped == 0


@pytest.mark.parametrize("how", [ConnectionCut, ConnectionEnd], ids=["reset", "end"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_reset_of_a_new_connection_costs_neither_a_wait_nor_an_attempt(
    engine: Engine, when: When, how: type[ConnectionCut]
) -> None:
    """The same as of a used one, as long as resets are rare: objects, uploads and parts."""
    with World(engine) as world:
        for number in range(10):
            world.server.put(SRC, f"in/{number:02}", size=1)
        world.server.put(SRC, "in/large", size=LARGE)
        numbers: dict[tuple[str, str, int | None], int] = {}

        def end_the_first(request: Request) -> None:
            what = (request.operation, request.key, request.part_number)
            if what not in numbers:
                numbers[what] = request.number_on_connection
                raise how

        world.server.inject(Fault.rewrite(None, lambda answer: replace(answer, close=True)))
        world.server.inject(Fault.call(WRITING, end_the_first, when=when))

        result = world.copy(preflight=Preflight.SKIP, retries=0)

        assert world.server.uploads(DST) == []
    assert set(numbers.values()) == {1}, "a connection was used before"
    assert len(numbers) == 10 + 1 + 5 + 1  # objects, an upload, its parts, its completion
    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert result.metrics.retries == 0


def _with_waits(world: World, **options: Any) -> tuple[CopyResult, list[float]]:
    """Return how a run ended, and for how long it would have waited before repetitions."""
    waits_s: list[float] = []

    def pass_time(wait_s: float) -> float:
        waits_s.append(wait_s)
        return 0.0

    operation = world.operation(preflight=Preflight.SKIP, retry_delay_s=1.0, **options)
    return CopyRun(operation, pass_time=pass_time).result(), waits_s


@pytest.mark.parametrize(
    ("resets", "waits_s", "attempts"),
    [(1, [], 1), (2, [1.0], 2), (3, [1.0, 2.0], 3), (4, [1.0, 2.0, 4.0], 4)],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_later_resets_of_a_request_wait_and_count(
    engine: Engine, resets: int, waits_s: list[float], attempts: int
) -> None:
    """The second is an ordinary failure, whatever connection it met."""
    with World(engine) as world:
        world.server.put(SRC, "in/a", size=1)
        world.server.put(SRC, "in/b", size=1)
        world.server.inject(Fault.reset("CopyObject", key="out/b", times=resets))

        result, waited_s = _with_waits(world)

        assert world.sent("CopyObject", key="out/b") == resets + 1
    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert waited_s == waits_s
    assert result.metrics.retries == attempts - 1


@pytest.mark.parametrize("engine", ENGINES)
def test_what_no_connection_brings_an_answer_to_fails(engine: Engine) -> None:
    """After as many tries as were asked for, and the one that is no attempt."""
    with World(engine) as world:
        world.server.put(SRC, "in/a", size=1)
        world.server.put(SRC, "in/b", size=1)
        world.server.inject(Fault.reset("CopyObject", key="out/b"))

        result = world.copy(preflight=Preflight.SKIP, retries=1, concurrency=1)

        sent = world.sent("CopyObject", key="out/b")
    (failed,) = result.failures
    assert failed.error.info.error_class.value == "Network"
    assert failed.error.info.attempts == 2
    assert sent == 3
    assert result.metrics.retries == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_resets_every_new_connection_is_not_asked_more_often(engine: Engine) -> None:
    """Once that is known, the first reset waits as all others do: four requests per object."""
    objects = 60
    with World(engine) as world:
        for number in range(objects):
            world.server.put(SRC, f"in/{number:02}", size=1)
        world.server.inject(Fault.reset("CopyObject"))

        result, waits_s = _with_waits(world, concurrency=16)

        sent = world.sent("CopyObject")
    used = 16  # connections that listed, at most: theirs may be sent again in any case
    assert result.metrics.files_failed == objects
    assert len(waits_s) == 3 * objects
    assert 4 * objects + RESENDS_MAX <= sent <= 4 * objects + RESENDS_MAX + used


@pytest.mark.parametrize(
    ("answers", "resets", "resent_at_first", "resent_later"),
    [
        (0, 100, 32, 0),
        (40, 100, 32, 10),
        (1_000, 100, 32, 32),  # what was answered long ago allows no more
        (1_000, 20, 20, 20),
        (100, 10, 10, 10),
    ],
)
def test_resets_are_sent_again_at_once_as_long_as_they_are_rare(
    answers: int, resets: int, resent_at_first: int, resent_later: int
) -> None:
    """So many after each round of answers, of twenty rounds."""
    monitor = OutageMonitor("http://s3", None, probe=lambda: True)
    rounds = []
    for _ in range(20):
        for _ in range(answers):
            monitor.answered()
        rounds.append(sum(monitor.may_resend(was_used=False) for _ in range(resets)))

    assert rounds == [resent_at_first] + 19 * [resent_later]
    assert monitor.may_resend(was_used=True), "an idle connection is another matter"
