"""The requests of a journal in S3 and of a diagnosis are requests of the run, like all others.

They are counted, billed, limited, repeated, and end with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from s3_xfer import JournalError, PreflightError, RunState, StorageClass
from s3_xfer.access.clients import open_metered_client
from s3_xfer.access.credentials import core_of
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.ledger.journal.s3_storage import S3Storage
from s3_xfer.ledger.journal.session import JournalSession
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.ledger.prices import AWS_PRICES
from s3_xfer.model import S3Location
from s3_xfer.pipeline.stop import StopFlag
from tests.fault_server import Fault
from tests.journal.steps import fill, resume
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    QUICK,
    SRC,
    World,
    session,
)

BUCKET = "journals"
KEY = "copies/j.db"
URL = f"s3://{BUCKET}/{KEY}"
FOREVER_S = 3600.0  # the longest wait that there is; no test outlasts it


@pytest.fixture(autouse=True)
def _bucket(world: World) -> None:
    """A bucket for journals."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)


def seen_by_s3(world: World) -> Mapping[str, int]:
    """Return how many requests the server saw, by operation; STS is another service."""
    operations = (request.operation for request in world.server.requests)
    return Counter(name for name in operations if name != "GetCallerIdentity")


def storage(
    world: World, counter: MetricsCollector, *, stop: StopFlag | None = None, delay_s: float = 0.01
) -> S3Storage:
    """Return the journal's storage; its requests are counted by ``counter``."""
    account = world.account(DESTINATION_KEY)
    options = world.operation(retry_delay_s=delay_s).options
    requests = RequestPolicy.of(options, counter=counter, stop=stop or StopFlag()).beyond_stop()
    client = open_metered_client(
        core_of(session(DESTINATION_KEY)), account, requests=requests, patience_s=10
    )
    return S3Storage(S3Location.parse(URL), client, requests=requests, is_aws=True)


def test_metrics_and_bill_hold_the_requests_of_the_journal(world: World) -> None:
    """S3 saw what the metrics say, and each request has its price."""
    fill(world, 20)

    result = world.copy(journal=URL, storage_class=StorageClass.STANDARD_IA)

    counted = result.metrics.requests
    assert counted == seen_by_s3(world)
    # Saved at the beginning, before the preflight opens its upload, and at the end; and two writes
    # and a look that show whether this service, which is not AWS, keeps two runs apart.
    assert (counted["GetObject"], counted["PutObject"], counted["HeadObject"]) == (1, 3 + 2, 1)
    assert result.bill == AWS_PRICES.bill(seen_by_s3(world), StorageClass.STANDARD_IA)
    of_the_journal = {name: counted[name] for name in ("GetObject", "PutObject")}
    assert AWS_PRICES.bill(of_the_journal).usd > 0


def test_metrics_hold_the_requests_of_a_diagnosis(world: World) -> None:
    """Those that find out why the copies of a run were denied."""
    fill(world, 3)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.server.put(SRC, "in/large", size=1)

    result = world.copy(journal=URL)

    assert result.diagnosis
    assert result.metrics.requests == seen_by_s3(world)


def test_a_refused_run_counts_the_requests_of_its_diagnosis(world: World) -> None:
    """The numbers of the handle are those of S3 to the end."""
    fill(world, 3)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])
    run = world.operation().start()

    with pytest.raises(PreflightError) as refused:
        run.result()

    assert refused.value.diagnosis
    assert run.snapshot().requests == seen_by_s3(world)


def test_the_rate_limit_holds_for_the_journal_and_the_diagnosis(world: World) -> None:
    """Between the first request and the last there is room for all of them; STS is not S3."""
    fill(world, 3)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))

    result = world.copy(journal=URL, max_requests_per_s=20)

    assert result.diagnosis
    requests = [one for one in world.server.requests if one.operation != "GetCallerIdentity"]
    times_s = sorted(request.time_s for request in requests)
    names = {request.operation for request in world.server.requests}
    assert {"GetObject", "PutObject"} <= names
    caught_up_s = 0.1  # worth of requests that may go at once
    assert times_s[-1] - times_s[0] >= (len(times_s) - 1) / 20 - caught_up_s - 0.05


FAULTS = pytest.mark.parametrize(
    "fault",
    [
        lambda operation: Fault.error(operation, 503, "SlowDown", times=2),
        lambda operation: Fault.reset(operation, times=2),
        lambda operation: Fault.lost_response(operation, times=1),
        lambda operation: Fault.empty_200(operation, executed=True, times=1),
    ],
    ids=["503", "reset", "lost answer", "empty 200"],
)


@FAULTS
@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_a_transient_error_costs_the_journal_a_repetition(
    world: World, operation: str, fault: Callable[[str], Fault]
) -> None:
    """By the rules of the run; the next run finds the journal."""
    fill(world, 3)
    world.server.inject(fault(operation))

    result = world.copy(journal=URL)

    assert result.state is RunState.COMPLETED
    # An answer that is lost on a used connection costs no attempt, only a request.
    assert result.metrics.retries >= 1 or world.server.count(operation, status=None)
    assert result.metrics.requests == seen_by_s3(world)
    assert resume(world, URL).state is RunState.COMPLETED


@FAULTS
def test_the_head_that_recognises_a_save_is_repeated(
    world: World, fault: Callable[[str], Fault]
) -> None:
    """A lost answer to a save is followed by a HEAD, which may fail as well."""
    counter = MetricsCollector("head")
    mine = storage(world, counter)
    mine.fetch()
    world.server.inject(Fault.lost_response("PutObject", times=1))
    world.server.inject(fault("HeadObject"))

    mine.save(b"1")
    mine.save(b"2", final=True)
    mine.close()

    assert counter.snapshot().requests == seen_by_s3(world)
    assert counter.snapshot().requests["HeadObject"] >= 2


def test_a_head_that_is_refused_is_not_taken_for_another_run(world: World) -> None:
    """The message says what S3 refused, not that somebody else has the journal."""
    mine = storage(world, MetricsCollector("head"))
    mine.fetch()
    world.server.inject(Fault.lost_response("PutObject", times=1))
    world.server.inject(Fault.error("HeadObject", 500, "InternalError"))

    with pytest.raises(JournalError, match="cannot be read"):
        mine.save(b"1")
    mine.close()


def test_a_journal_that_is_cut_off_is_read_again(world: World) -> None:
    """The body comes after the answer, and is part of the request all the same."""
    counter = MetricsCollector("cut")
    first = storage(world, MetricsCollector("first"))
    first.fetch()
    first.save(b"0123456789", final=True)
    first.close()
    world.server.forget_requests()
    world.server.inject(Fault.cut_body("GetObject", sent_bytes=4, times=1))
    second = storage(world, counter)

    assert second.fetch()

    assert second.path.read_bytes() == b"0123456789"
    second.close()
    assert counter.snapshot().requests == seen_by_s3(world) == {"GetObject": 2}
    assert counter.snapshot().retries == 1


def test_a_stop_ends_the_wait_for_another_runs_lease(world: World) -> None:
    """The lease lasts for half a minute; the stopped run does not."""
    owner = storage(world, MetricsCollector("owner"))
    owner.fetch()
    owner.save(b"")
    owner.close()
    run = world.operation(journal=URL).start()
    world.server.wait_for("GetObject", count=2)

    run.cancel("test")

    assert run.wait(25)
    assert run.result().cancelled_by == "test"


def test_a_stop_ends_the_wait_before_a_repetition(world: World) -> None:
    """However long the wait is; what was to be read is tried at once, and then given up."""
    world.server.inject(Fault.error("GetObject", 503, "SlowDown"))
    run = world.operation(journal=URL, retry_delay_s=FOREVER_S).start()
    world.server.wait_for("GetObject", count=1)

    run.cancel("test")

    assert run.wait(50)
    assert world.server.count("GetObject") == 1 + QUICK.retries


def test_the_last_save_is_made_and_repeated_after_a_stop(world: World) -> None:
    """Without waiting: the journal says that no run owns it, so the next begins at once."""
    fill(world, 50)
    slow = world.server.inject(Fault.slow("CopyObject", delay_s=0.05))
    run = world.operation(journal=URL, retry_delay_s=FOREVER_S).start()
    world.server.wait_for("CopyObject", count=5)
    world.server.inject(Fault.error("PutObject", 503, "SlowDown", times=2))

    run.cancel("test")
    result = run.result()
    slow.remove()

    assert result.cancelled_by == "test"
    assert result.resumable
    assert "owner" not in world.server.objects(BUCKET)[KEY].metadata
    assert resume(world, URL, retry_delay_s=0.01).state is RunState.COMPLETED


def test_no_two_saves_have_the_same_etag(world: World) -> None:
    """Otherwise If-Match could not detect that another run has saved in between."""
    opened = JournalSession(storage(world, MetricsCollector("etags")), world.operation(journal=URL))
    opened.begin()
    begun = world.server.objects(BUCKET)[KEY].etag

    opened.close()

    assert world.server.objects(BUCKET)[KEY].etag != begun
