"""A journal in S3: another machine goes on, two cannot at once, and nothing of it stays here."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s3_xfer import ErrorClass, JournalError, JournalUse, RunState, S3Location
from s3_xfer.access.clients import open_metered_client
from s3_xfer.access.credentials import core_of
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.ledger.journal.s3_storage import S3Storage
from s3_xfer.ledger.journal.store import Store
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.pipeline.stop import StopFlag
from tests.fault_server import Fault
from tests.journal.steps import fill, resume, stopped_after
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, QUICK, World, session

BUCKET = "journals"
URL = f"s3://{BUCKET}/copies/j.db"
UNREAD = MetricsCollector("unread")


@pytest.fixture(autouse=True)
def _bucket(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket for journals, and a folder for temporary files of this test alone."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class WaitingStop(StopFlag):
    """A stop flag that calls a function instead of waiting."""

    def __init__(self, wait: Callable[[float], object]) -> None:
        super().__init__()
        self._wait = wait

    def wait(self, timeout_s: float) -> bool:
        """Call the function; return whether it has stopped the run."""
        self._wait(timeout_s)
        return self.is_set()


@pytest.fixture
def storage(world: World) -> Iterator[Callable[..., S3Storage]]:
    """A function that returns the journal's storage, as another run sees it."""
    with ExitStack() as stack:

        def make(
            *, lease_s: float = 30, stop: StopFlag | None = None, counter: MetricsCollector = UNREAD
        ) -> S3Storage:
            requests = RequestPolicy.of(QUICK, counter=counter, stop=stop or StopFlag())
            requests = requests.beyond_stop()
            account = world.account(DESTINATION_KEY)
            client = open_metered_client(
                core_of(session(DESTINATION_KEY)), account, requests=requests, patience_s=10
            )
            made = S3Storage(
                S3Location.parse(URL), client, requests=requests, is_aws=True, lease_s=lease_s
            )
            stack.callback(made.close)
            return made

        yield make


def test_a_copy_goes_on_from_a_journal_in_s3(world: World, tmp_path: Path) -> None:
    """The first run leaves it in S3, and nothing on this machine."""
    fill(world, 100)
    first = stopped_after(world, "CopyObject", 30, URL)
    left_here = list(tmp_path.iterdir())
    world.server.forget_requests()

    last = resume(world, URL)

    copied = first.metrics.files_copied_successfully
    assert left_here == []
    assert first.journal == URL
    assert last.state is RunState.COMPLETED
    assert last.metrics.files_copied_earlier == copied
    assert world.sent("CopyObject") == 100 - copied
    assert len(world.arrived()) == 100


def test_a_retried_task_continues_or_begins(world: World) -> None:
    """One way to say both, whichever machine it is."""
    fill(world, 100)
    stopped_after(world, "CopyObject", 30, URL, journal_use=JournalUse.CONTINUE)

    last = world.copy(journal=URL, journal_use=JournalUse.CONTINUE)

    assert last.metrics.files_copied_successfully == 100
    assert last.metrics.files_copied_earlier > 0


def test_a_living_owner_is_not_disturbed(storage: Callable[..., S3Storage]) -> None:
    """Whoever saves while somebody else waits keeps the journal."""
    owner = storage()
    assert not owner.fetch()
    owner.save(b"1")
    other = storage(stop=WaitingStop(lambda _: owner.save(b"2")))

    with pytest.raises(JournalError, match="another run has just saved it") as refused:
        other.fetch()

    assert refused.value.error_class is ErrorClass.JOURNAL_BUSY


def test_a_dead_owner_is_followed_after_its_lease(
    world: World, storage: Callable[..., S3Storage]
) -> None:
    """What it saved last is what the next one gets."""
    dead = storage()
    dead.fetch()
    dead.save(b"last words")

    def time_passes(_: float) -> None:
        bucket = world.server._world.buckets[BUCKET]
        (saved,) = bucket.objects.values()
        bucket.store(replace(saved, last_modified=saved.last_modified - timedelta(minutes=1)))

    heir = storage(stop=WaitingStop(time_passes))

    assert heir.fetch()
    assert heir.path.read_bytes() == b"last words"
    (saved,) = world.server.objects(BUCKET).values()
    assert datetime.now(UTC) - saved.last_modified > timedelta(seconds=30)


def test_who_was_taken_for_dead_notices(storage: Callable[..., S3Storage]) -> None:
    """Its next save is refused: the condition is on its own last one."""
    first = storage()
    first.fetch()
    first.save(b"1")
    second = storage(lease_s=0)
    second.fetch()
    second.save(b"2")

    with pytest.raises(JournalError, match="another run has taken it over"):
        first.save(b"3")
    second.save(b"4", final=True)


def test_two_beginnings_at_once(storage: Callable[..., S3Storage]) -> None:
    """Only one of them gets the journal."""
    one, two = storage(), storage()
    assert (one.fetch(), two.fetch()) == (False, False)
    one.save(b"1")

    with pytest.raises(JournalError, match="another run has taken it over"):
        two.save(b"2")


def test_a_save_whose_answer_was_lost_is_recognised(
    world: World, storage: Callable[..., S3Storage]
) -> None:
    """The repetition meets our own object."""
    world.server.inject(Fault.lost_response("PutObject", times=1))
    mine = storage()
    mine.fetch()

    mine.save(b"1")
    mine.save(b"2", final=True)

    assert storage().fetch()


def test_a_run_whose_journal_is_taken_over_ends(
    world: World, storage: Callable[..., S3Storage]
) -> None:
    """What it has copied since is looked at again by the other."""
    fill(world, 30)
    taken_over = threading.Event()
    world.server.inject(Fault.call("CopyObject", lambda _: taken_over.wait(PATIENCE_S), after=5))
    run = world.operation(journal=URL).start()
    world.server.wait_for("CopyObject", count=5)
    thief = storage(lease_s=0)
    thief.fetch()
    store = Store(thief.path, name=URL)
    store.put_fact("save", "the thief's")
    thief.save(store.contents(), final=True)
    store.close()
    taken_over.set()

    result = run.result()

    assert result.aborted_by
    assert "another run has taken it over" in result.aborted_by.problem
    assert resume(world, URL).state is RunState.COMPLETED


def test_a_journal_that_may_not_be_read_is_refused(world: World) -> None:
    """With what is needed, before anything is written."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.deny(BUCKET, DESTINATION_ACCOUNT, ["s3:GetObject"])

    with pytest.raises(JournalError, match="cannot be read: AccessDenied") as refused:
        world.copy(journal=URL)

    assert "s3:GetObject and s3:PutObject" in refused.value.remedy
    world.assert_untouched()


def test_a_refused_copy_leaves_no_journal_in_s3(world: World) -> None:
    """An empty object is as good as none: the next try begins."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(
        Fault.error("CreateMultipartUpload", 403, "AccessDenied", times=1, bucket="dst-bucket")
    )
    run = world.operation(journal=URL).start()
    with pytest.raises(Exception, match="cannot be written"):
        run.result()

    assert world.copy(journal=URL).state is RunState.COMPLETED
