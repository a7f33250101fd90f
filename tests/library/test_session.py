"""Several runs share credentials, connections and a rate, and nothing else."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

import pytest

import s3_xfer
from s3_xfer import (
    Engine,
    RunState,
    S3CheckOperation,
    S3CopyOperation,
    Session,
    TransferMetrics,
    ValidationError,
)
from s3_xfer.pipeline.limits import RateLimiter, SharedRateLimiter
from s3_xfer.pipeline.stop import StopFlag
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, DST, SOURCE_KEY, SRC, World

ROLE = f"arn:aws:iam::{DESTINATION_ACCOUNT}:role/copier"
OBJECTS = 20
# Connections of a run with one copy at a time: the checks of both sides, pages, and the copy.
AT_THE_SAME_MOMENT = 6


@pytest.fixture
def filled(world: World) -> World:
    """A world with some small objects and a large one."""
    for number in range(OBJECTS - 1):
        world.server.put(SRC, f"in/{number:03}", size=3)
    world.server.put(SRC, "in/large", size=40 * 2**20)
    return world


def counted(metrics: TransferMetrics) -> dict[str, object]:
    """Return what a run has counted, without what depends on its pace."""
    return {
        "requests": metrics.requests,
        "copied": metrics.files_copied_successfully,
        "bytes": metrics.total_bytes_transferred,
        "retries": metrics.retries,
    }


@pytest.mark.parametrize("engine", [Engine.CRT, Engine.MANAGED])
def test_each_run_counts_its_own(filled: World, engine: Engine) -> None:
    """Requests, retries and uploads of concurrent runs are those of a run alone."""
    filled.server.inject(Fault.error("CopyObject", 503, "SlowDown", key="retried/000", times=2))
    alone = filled.operation(destination_key="alone/", engine=engine).run()
    with Session() as session:
        runs = [
            session.start(filled.operation(destination_key=key, engine=engine))
            for key in ("one/", "two/", "retried/")
        ]
        results = [run.result() for run in runs]
    expected = counted(alone.metrics)
    assert [counted(result.metrics) for result in results[:2]] == [expected, expected]
    assert results[2].metrics.retries == 2
    assert sum(result.metrics.requests["CopyObject"] for result in results) == sum(
        filled.sent("CopyObject", key=f"{key}/{number:03}")
        for key in ("one", "two", "retried")
        for number in range(OBJECTS - 1)
    )


@pytest.mark.parametrize("engine", [Engine.CRT, Engine.MANAGED])
def test_later_runs_find_connections_open(filled: World, engine: Engine) -> None:
    """Six runs open no more than one has at the same moment; the session closes them."""
    with Session() as session:
        operation = filled.operation(engine=engine, concurrency=1, listing_threads=1)
        for _ in range(6):
            assert session.start(operation).result().state is RunState.COMPLETED
        opened = filled.server.connections
        assert opened <= AT_THE_SAME_MOMENT
    filled.operation(engine=engine).run()
    assert filled.server.connections > opened


def as_role(world: World, **changes: Any) -> S3CopyOperation:
    """Return a copy by the role."""
    account = world.account(DESTINATION_KEY, role_arn=ROLE)
    return world.operation(destination=account, **changes)


def test_a_role_is_assumed_and_renewed_once(
    filled: World, caplog: pytest.LogCaptureFixture
) -> None:
    """By all runs together, even after the one that had opened it was stopped."""
    server = filled.server
    with Session() as session:
        first = session.start(as_role(filled, destination_key="first/"))
        first.result()
        first.cancel("so that it sends nothing more, and repeats nothing")
        assert server.count("AssumeRole") == 1
        server.inject(Fault.error("AssumeRole", 503, "ServiceUnavailable", times=1))
        server.inject(
            Fault.call("CopyObject", lambda seen: server.expire(seen.access_key), times=1)
        )
        runs = [session.start(as_role(filled, destination_key=f"{n}/")) for n in range(3)]
        assert {run.result().state for run in runs} == {RunState.COMPLETED}
    assert server.count("AssumeRole", status=200) == 2
    assert "Refreshing temporary credentials failed" not in caplog.text  # it was repeated


def test_runs_together_keep_to_one_rate(filled: World) -> None:
    """Whatever their own limits allow."""
    began_s = time.monotonic()
    with Session(max_requests_per_s=200) as session:
        runs = [
            session.start(filled.operation(destination_key=f"{n}/", max_requests_per_s=limit))
            for n, limit in enumerate([None, 1000])
        ]
        sent = sum(sum(run.result().metrics.requests.values()) for run in runs)
    assert time.monotonic() - began_s >= (sent - 0.1 * 200 - 2) / 200


def test_no_run_keeps_others_from_their_share_of_a_rate() -> None:
    """However many threads it has: another run with one thread sends as often."""
    shared, stop = RateLimiter(1000, StopFlag()), StopFlag()
    greedy, modest = (SharedRateLimiter(float("inf"), stop, shared=shared) for _ in range(2))
    sent = {"greedy": 0, "modest": 0}

    def send(name: str, limiter: SharedRateLimiter) -> None:
        while not stop.is_set():
            limiter.wait()
            sent[name] += 1

    threads = [threading.Thread(target=send, args=["greedy", greedy]) for _ in range(20)]
    threads.append(threading.Thread(target=send, args=["modest", modest]))
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    stop.set("enough")
    for thread in threads:
        thread.join()
    assert sent["modest"] > sent["greedy"] / 3


def test_leaving_waits_and_an_exception_cancels(filled: World) -> None:
    """Nothing is stopped without a word, and nothing begins in a closed session."""
    filled.server.inject(Fault.slow("CopyObject", delay_s=0.02))
    with Session() as session:
        run = session.start(filled.operation(destination_key="waited/", concurrency=1))
    assert run.has_ended
    assert run.result().metrics.files_copied_successfully == OBJECTS
    with contextlib.suppress(KeyError), Session() as session:
        run = session.start(filled.operation(destination_key="cancelled/", concurrency=1))
        raise KeyError
    assert run.result().cancelled_by == "KeyError"
    with pytest.raises(ValidationError, match="closed"):
        session.start(filled.operation())


def test_one_line_methods(filled: World) -> None:
    """They are the functions of the same names."""
    places = f"s3://{SRC}/in/", f"s3://{DST}/line/"
    accounts: dict[str, Any] = {
        "source_account": filled.account(SOURCE_KEY),
        "destination_account": filled.account(DESTINATION_KEY),
        "engine": Engine.MANAGED,
    }
    with Session() as session:
        assert session.copy(*places, recursive=True, **accounts).state is RunState.COMPLETED
        synced = session.sync(*places, **accounts)
        assert synced.metrics.files_skipped == OBJECTS
        assert session.check(*places, recursive=True, **accounts).no_difference
        for name in ("copy", "sync", "check"):
            assert getattr(s3_xfer, name)
        with pytest.raises(ValidationError, match="no option"):
            session.copy(*places, recursiv=True)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), "x"])
def test_limits_that_are_none(wrong: object) -> None:
    """A rate is a number above 0."""
    with pytest.raises(ValidationError, match="max_requests_per_s"):
        Session(max_requests_per_s=wrong)  # type: ignore[arg-type]


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.records.append(record)


def test_records_have_the_id_of_their_run(filled: World, caplog: pytest.LogCaptureFixture) -> None:
    """In the caller's logger, and then in no other."""
    logger, kept = logging.Logger("theirs"), Kept()
    logger.addHandler(kept)
    found = kept.records
    filled.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="a/000"))
    caplog.set_level(logging.DEBUG, "s3_xfer")
    with Session(logger=logger) as session:
        runs = [session.start(filled.operation(destination_key=key)) for key in ("a/", "b/")]
        ids = {run.result().metrics.operation_id for run in runs}
    assert {record.s3_xfer_run_id for record in found} == ids  # type: ignore[attr-defined]
    assert any("not copied" in record.getMessage() for record in found)
    assert not caplog.records

    check = S3CheckOperation(
        source_bucket=SRC,
        source_key="in/",
        destination_bucket=DST,
        destination_key="b/",
        recursive=True,
        source=filled.account(SOURCE_KEY),
        destination=filled.account(DESTINATION_KEY),
    )
    checked = check.run(logger=logger)
    (record,) = found[-1:]
    assert record.s3_xfer_run_id == checked.metrics.operation_id  # type: ignore[attr-defined]
    filled.operation(destination_key="c/").run()
    assert all(record.s3_xfer_run_id for record in caplog.records)  # type: ignore[attr-defined]
    assert caplog.records
