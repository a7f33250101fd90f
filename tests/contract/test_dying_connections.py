"""Connections that the other side closes while they are idle, noticed only when they are used."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from s3_xfer import Engine, Preflight, RunState
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


@pytest.mark.parametrize("engine", ENGINES)
def test_a_new_connection_that_dies_is_an_attempt(engine: Engine) -> None:
    """What no connection brings an answer to fails, after as many tries as were asked for."""
    with World(engine) as world:
        world.server.put(SRC, "in/a", size=1)
        world.server.put(SRC, "in/b", size=1)
        world.server.inject(Fault.reset("CopyObject", key="out/b"))

        result = world.copy(preflight=Preflight.SKIP, retries=1, concurrency=1)

        sent = world.sent("CopyObject", key="out/b")
    (failed,) = result.failures
    assert failed.error.info.error_class.value == "Network"
    assert failed.error.info.attempts == 2
    assert sent in (2, 3)  # the third is the first one, if its connection was used before
    assert result.metrics.retries == 1
