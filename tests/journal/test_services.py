"""Journals in S3 on services that are not AWS: each keeps two runs apart, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from s3_xfer import JournalError, RunState
from s3_xfer.access.journal_storage import journal_storage
from tests.fault_server import Fault, Request
from tests.fault_server.wire import Answer
from tests.journal.steps import fill, resume, stopped_after
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, World

BUCKET, KEY = "journals", "copies/j.db"
URL = f"s3://{BUCKET}/{KEY}"
META = "x-amz-meta-"
Ignoring = Callable[[World], None]


@pytest.fixture(autouse=True)
def _bucket(world: World) -> None:
    """A bucket for journals."""
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)


def respell(change: Callable[[str, str], Mapping[str, str]]) -> Callable[[Answer], Answer]:
    """Return a change of an answer's headers, one by one."""

    def rewrite(answer: Answer) -> Answer:
        changed: dict[str, str] = {}
        for name, value in answer.headers.items():
            changed |= change(name, value)
        return replace(answer, headers=changed)

    return rewrite


def spell_names(world: World, spelling: Callable[[str], str]) -> None:
    """Let the service answer with names of metadata in another spelling."""
    change = respell(lambda name, value: {spelling(name) if name.startswith(META) else name: value})
    world.server.inject(Fault.rewrite(("GetObject", "HeadObject"), change, bucket=BUCKET))


def drop_metadata(world: World) -> None:
    """Let the service answer without metadata."""
    change = respell(lambda name, value: {} if name.startswith(META) else {name: value})
    world.server.inject(Fault.rewrite(("GetObject", "HeadObject"), change, bucket=BUCKET))


def ignore(header: str) -> Ignoring:
    """Return a way to let the service ignore a header of a write."""

    def without(request: Request) -> None:
        request.headers = {name: value for name, value in request.headers.items() if name != header}

    def disturb(world: World) -> None:
        world.server.inject(Fault.call("PutObject", without, bucket=BUCKET))

    return disturb


def refuse_conditions(status: int, code: str) -> Ignoring:
    """Return a way to let the service refuse every write with a condition."""

    def disturb(world: World) -> None:
        said = "A header you provided implies functionality that is not implemented"
        world.server.inject(Fault.error("PutObject", status, code, said, bucket=BUCKET))

    return disturb


@pytest.mark.parametrize("spelling", [str.title, str.upper, str.lower], ids=lambda f: f.__name__)
def test_names_of_metadata_have_no_case(world: World, spelling: Callable[[str], str]) -> None:
    """Two runs cannot share a journal on a service that spells the owner's name in its own way."""
    spell_names(world, spelling)
    fill(world, 3)
    slow = world.server.inject(Fault.slow("CopyObject", delay_s=60))
    first = world.operation(journal=URL, stop_grace_s=0.1).start()
    world.server.wait_for("CopyObject")
    second = journal_storage(URL, world.account(DESTINATION_KEY))

    answer = second._get()  # type: ignore[attr-defined] # no wait for the lease

    assert second._lease_left_s(answer) > 0  # type: ignore[attr-defined]
    slow.remove()
    second.close()
    first.cancel("test")
    first.result()
    assert resume(world, URL).state is RunState.COMPLETED


@pytest.mark.parametrize(
    ("service", "says"),
    [
        (drop_metadata, "does not give back the metadata of an object"),
        (ignore("if-match"), "ignores If-Match on a write"),
        (ignore("if-none-match"), "ignores If-None-Match on a write"),
    ],
)
def test_a_service_that_cannot_keep_two_runs_apart_keeps_no_journal(
    world: World, service: Ignoring, says: str
) -> None:
    """The copy is refused before anything is written, and a file is named instead."""
    fill(world, 3)
    service(world)

    with pytest.raises(JournalError, match=f"cannot be kept there: this service {says}") as refused:
        world.copy(journal=URL)

    assert "name a file of this machine" in refused.value.remedy
    assert not world.server.objects(BUCKET)[KEY].metadata.get("owner")
    world.assert_untouched()


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "InvalidArgument")])
def test_a_service_that_refuses_conditions_keeps_no_journal(
    world: World, status: int, code: str
) -> None:
    """What it says is repeated, and a file is named instead."""
    fill(world, 3)
    refuse_conditions(status, code)(world)

    with pytest.raises(JournalError, match=f"cannot be written: {code}") as refused:
        world.copy(journal=URL)

    assert "name a file of this machine" in refused.value.remedy
    world.assert_untouched()


def test_a_resume_is_refused_where_conditions_are_ignored(world: World) -> None:
    """The service may have been another one when the journal was begun."""
    fill(world, 40)
    stopped_after(world, "CopyObject", 10, URL)
    world.server.forget_requests()
    ignore("if-match")(world)

    with pytest.raises(JournalError, match="ignores If-Match"):
        resume(world, URL)

    assert world.sent("CopyObject") == 0


@pytest.mark.parametrize(
    "etag",
    [lambda etag: etag.strip('"'), lambda _: "another", lambda _: ""],
    ids=["unquoted", "another", "none"],
)
def test_an_etag_that_a_write_answers_otherwise_is_looked_up(
    world: World, etag: Callable[[str], str]
) -> None:
    """What HEAD shows counts: no other run is blamed, and the copy completes."""
    fill(world, 3)
    change = respell(lambda name, value: {name: etag(value) if name == "etag" else value})
    world.server.inject(Fault.rewrite("PutObject", change, bucket=BUCKET))

    assert world.copy(journal=URL).state is RunState.COMPLETED
    assert resume(world, URL).state is RunState.COMPLETED


def test_aws_is_not_tried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known to keep two runs apart: its journal costs three writes and one read."""
    monkeypatch.setattr("s3_xfer.access.journal_storage.is_aws", lambda _: True)
    fill(world, 3)

    result = world.copy(journal=URL)

    counted = result.metrics.requests
    assert (counted["GetObject"], counted["PutObject"], counted.get("HeadObject", 0)) == (1, 3, 0)
