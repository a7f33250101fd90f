"""Saves of a journal in S3 that do not go as they should."""

from __future__ import annotations

from s3_xfer import ErrorClass, RunState
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.world import DESTINATION_ACCOUNT, World

BUCKET, KEY = "journals", "copies/j.db"


def test_a_run_whose_journal_was_removed_ends(world: World) -> None:
    """The next save finds nothing to replace, so it is refused and ends the run."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)
    fill(world, 30)
    slow = world.server.inject(Fault.slow("CopyObject", delay_s=0.2))
    run = world.operation(journal=f"s3://{BUCKET}/{KEY}").start()
    world.server.wait_for("CopyObject", count=5)
    world.server.delete(BUCKET, KEY)
    slow.remove()

    result = run.result()

    assert result.state is RunState.COPY_FAILED
    assert result.aborted_by
    assert "was removed while this run kept it" in result.aborted_by.problem
    assert result.aborted_by.error_class is ErrorClass.JOURNAL_UNUSABLE
    assert world.server.objects(BUCKET) == {}


def test_a_save_that_s3_asks_to_come_later_is_repeated(world: World) -> None:
    """S3 asks for fewer requests, or fails in passing, and the journal is saved all the same."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)
    fill(world, 3)
    busy = world.server.inject(Fault.error("PutObject", 503, "SlowDown", times=1))
    broken = world.server.inject(Fault.error("PutObject", 500, "InternalError", times=1))

    result = world.copy(journal=f"s3://{BUCKET}/{KEY}")

    assert result.state is RunState.COMPLETED
    assert (busy.hits, broken.hits) == (1, 1)
    assert set(world.server.objects(BUCKET)) == {KEY}


def test_a_run_that_ends_in_order_keeps_nobody_waiting(world: World) -> None:
    """Its journal has no owner any more: who resumes reads it at once, and need not look again."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)
    fill(world, 40)
    stopped_after(world, "CopyObject", 10, f"s3://{BUCKET}/{KEY}")
    world.server.forget_requests()

    last = resume(world, f"s3://{BUCKET}/{KEY}")

    assert last.state is RunState.COMPLETED
    assert world.server.count("GetObject", bucket=BUCKET) == 2  # for the description, for the run
