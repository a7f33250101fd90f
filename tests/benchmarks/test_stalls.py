"""A limit, and a server that stands still now and then: nobody fails, and little is refused."""

from __future__ import annotations

import importlib.util
import time

import pytest

from benchmarks import server
from benchmarks.server import DESTINATION_BUCKET, PREFIX, SOURCE_BUCKET, Conditions, CountingServer
from s3_xfer import AccountContext, CopyOptions, Engine, RunState, S3CopyOperation
from tests.world import DESTINATION_KEY, SOURCE_KEY, session

OBJECTS, COPIES_PER_S_MAX = 2_000, 300
POLL_S, SETTLES_S, FROZEN_S, GOES_ON_S, TIMES = 0.1, 1.5, 0.6, 0.9, 3
REFUSED_PER_STALL_MAX = 50  # all that the pace would have sent meanwhile is three times as much

pytestmark = [
    pytest.mark.skipif(
        server.compiler() is None, reason="the counting server is C, and there is no C compiler"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("awscrt") is None, reason="the other engine holds a thread each"
    ),
]


@pytest.mark.long
def test_server_that_stands_still_is_not_met_with_all_that_waited_meanwhile() -> None:
    """Neither is the pace given up, nor does what is repeated come on top of what is new."""
    with CountingServer(
        Conditions(objects=OBJECTS, latency_ms=20, writes_per_s_max=COPIES_PER_S_MAX)
    ) as limited:
        operation = S3CopyOperation(
            source_bucket=SOURCE_BUCKET,
            source_key=PREFIX,
            destination_bucket=DESTINATION_BUCKET,
            destination_key=PREFIX,
            recursive=True,
            source=AccountContext(endpoint_url=limited.url, session=session(SOURCE_KEY)),
            destination=AccountContext(endpoint_url=limited.url, session=session(DESTINATION_KEY)),
            options=CopyOptions(engine=Engine.CRT),
        )
        run = operation.start()
        while not limited.stats().refused:
            assert not run.wait(POLL_S)
        time.sleep(SETTLES_S)
        before = limited.stats().refused
        for _ in range(TIMES):
            limited.freeze(FROZEN_S)
            time.sleep(GOES_ON_S)
        refused = limited.stats().refused - before
        assert not run.wait(0)
        result = run.result()
    assert result.state is RunState.COMPLETED
    assert result.metrics.files_copied_successfully == OBJECTS
    assert refused < REFUSED_PER_STALL_MAX * TIMES
