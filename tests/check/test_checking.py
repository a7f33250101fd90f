"""Checks of real listings over HTTP: what is told, what is asked, what counts as proven."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from s3_xfer import (
    AccountContext,
    CheckResult,
    CheckRun,
    CompareField,
    CompareStatus,
    ErrorClass,
    Extra,
    PreflightError,
    RunState,
    S3CheckOperation,
)
from tests.fault_server import Fault
from tests.fault_server.odd_listings import in_small_pages
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World

MD5, OTHER_MD5 = "0" * 32, "f" * 32
PARTS, OTHER_PARTS = f"{MD5}-5", f"{OTHER_MD5}-7"


def operation(world: World, **changes: Any) -> S3CheckOperation:
    """Return the check of what ``world.copy`` does."""
    copy = world.operation()
    names = {field.name for field in dataclasses.fields(copy.options)}
    options = {name: value for name, value in changes.items() if name in names}
    settings: dict[str, Any] = {
        "source_bucket": SRC,
        "source_key": "in/",
        "destination_bucket": DST,
        "destination_key": "out/",
        "recursive": True,
        "source": copy.source,
        "destination": copy.destination,
        "options": dataclasses.replace(copy.options, **options),
    }
    rest = {name: value for name, value in changes.items() if name not in names}
    return S3CheckOperation(**(settings | rest))


def check(world: World, **changes: Any) -> CheckResult:
    """Check to the end."""
    return operation(world, **changes).run()


def counts(result: CheckResult) -> dict[str, int]:
    """Return how many got which verdict, those that none got left out."""
    return {one.value: count for one, count in result.totals.counts.items() if count}


def both(world: World, source: dict[str, Any], copy: dict[str, Any]) -> None:
    """Put an object of the same size at both sides."""
    world.server.put(SRC, "in/x", **({"size": 1} | source))
    world.server.put(DST, "out/x", **({"size": 1} | copy))


def test_what_a_copy_made_is_the_same(world: World) -> None:
    """A check after a copy proves every object by its ETag, with listings alone."""
    for number in range(1500):
        world.server.put(SRC, f"in/{number:04}", size=1)
    world.copy()
    world.server.forget_requests()

    result = check(world)

    assert (result.no_difference, counts(result)) == (True, {"same": 1500})
    assert result.totals.proofs == {"etag": 1500}
    assert {request.operation for request in world.server.requests} == {"ListObjectsV2"}
    assert result.metrics.total_files_found == 1500


def test_missing_different_and_extra_are_told_apart(world: World, tmp_path: Path) -> None:
    """Each with its line in the report, and none of what is the same."""
    for name in ("missing", "other-size", "other-content", "same"):
        world.server.put(SRC, f"in/{name}", size=2, etag=MD5)
    world.server.put(DST, "out/other-size", size=3, etag=MD5)
    world.server.put(DST, "out/other-content", size=2, etag=OTHER_MD5)
    world.server.put(DST, "out/same", size=2, etag=MD5)
    world.server.put(DST, "out/zzz-extra", size=9)
    report = tmp_path / "c.jsonl"

    result = check(world, report_path=report)

    assert not result.no_difference
    assert counts(result) == {"same": 1, "different": 2, "missing": 1, "extra": 1}
    assert result.totals.reasons == {"size": 1, "content": 1}
    told = {line.get("source_key", line["destination_key"]): line for line in lines_of(report)}
    assert {key: line["status"] for key, line in told.items()} == {
        "in/missing": "missing",
        "in/other-size": "different",
        "in/other-content": "different",
        "out/zzz-extra": "extra",
    }
    assert told["in/other-size"]["reasons"] == ["size"]
    assert told["in/other-size"]["copy_size"] == 3


def test_a_copy_from_the_report_mends_what_was_found(world: World, tmp_path: Path) -> None:
    """It copies what is missing and different, and leaves the extra object alone."""
    for number in range(30):
        world.server.put(SRC, f"in/{number:02}", size=2)
    world.copy()
    world.server.delete(DST, "out/05")
    world.server.put(DST, "out/07", size=99)
    world.server.put(DST, "out/extra", size=1)
    report = tmp_path / "c.jsonl"
    check(world, report_path=report)
    world.server.forget_requests()

    copied = world.copy(from_report_path=report)

    assert copied.state is RunState.COMPLETED
    assert world.sent("CopyObject") == 2
    assert counts(check(world)) == {"same": 30, "extra": 1}
    assert check(world, extra=Extra.IGNORE).no_difference


@pytest.mark.parametrize(
    ("source", "copy", "verdict"),
    [
        ({"etag": MD5}, {"etag": MD5}, CompareStatus.SAME),
        ({"etag": MD5}, {"etag": OTHER_MD5}, CompareStatus.DIFFERENT),
        ({"etag": PARTS}, {"etag": PARTS}, CompareStatus.SAME),
        ({"etag": PARTS}, {"etag": OTHER_PARTS}, CompareStatus.SAME_SIZE),
        ({"etag": MD5}, {"etag": PARTS}, CompareStatus.SAME_SIZE),
        ({"etag": MD5}, {"etag": OTHER_MD5, "sse": "aws:kms"}, CompareStatus.SAME_SIZE),
        ({"etag": MD5, "sse": "aws:kms"}, {"etag": OTHER_MD5}, CompareStatus.SAME_SIZE),
        ({"etag": MD5, "size": 0}, {"etag": OTHER_MD5, "size": 0}, CompareStatus.SAME),
    ],
)
def test_only_what_proves_something_counts(
    world: World, source: dict[str, Any], copy: dict[str, Any], verdict: CompareStatus
) -> None:
    """Unequal ETags prove another content only where both are MD5s; equal sizes prove nothing."""
    both(world, source, copy)

    assert counts(check(world)) == {verdict.value: 1}


CRC, OTHER_CRC = "x-amz-checksum-crc64nvme", "x-amz-checksum-sha256"
FULL = {"x-amz-checksum-type": "FULL_OBJECT"}


@pytest.mark.parametrize(
    ("of_source", "of_copy", "verdict"),
    [
        ({CRC: "AAAA", **FULL}, {CRC: "AAAA", **FULL}, CompareStatus.SAME),
        ({CRC: "AAAA", **FULL}, {CRC: "BBBB", **FULL}, CompareStatus.DIFFERENT),
        ({CRC: "AAAA", **FULL}, {OTHER_CRC: "AAAA", **FULL}, CompareStatus.SAME_SIZE),
        ({CRC: "AAAA", **FULL}, {}, CompareStatus.SAME_SIZE),
        (
            {OTHER_CRC: "AAAA-5", "x-amz-checksum-type": "COMPOSITE"},
            {OTHER_CRC: "BBBB-5", "x-amz-checksum-type": "COMPOSITE"},
            CompareStatus.SAME_SIZE,
        ),
    ],
)
def test_checksums_prove_what_etags_do_not(
    world: World, of_source: dict[str, str], of_copy: dict[str, str], verdict: CompareStatus
) -> None:
    """Those over the whole object, of the same kind; others prove nothing."""
    both(world, {"etag": PARTS, "headers": of_source}, {"etag": OTHER_PARTS, "headers": of_copy})

    assert counts(check(world, compare=frozenset({CompareField.CHECKSUMS}))) == {verdict.value: 1}
    assert counts(check(world)) == {"same_size": 1}


def test_metadata_and_tags_are_compared_on_request(world: World) -> None:
    """The names that differ are told, not their values."""
    both(
        world,
        {"etag": MD5, "metadata": {"a": "1", "b": "secret"}, "tags": {"t": "1"}},
        {"etag": MD5, "metadata": {"a": "1", "b": "other"}, "tags": {"t": "1", "u": "2"}},
    )

    metadata = check(world, compare=frozenset({CompareField.METADATA}))
    tags = check(world, compare=frozenset({CompareField.TAGS}))
    everything = check(world, compare=frozenset(CompareField))

    assert counts(check(world)) == {"same": 1}
    assert metadata.totals.reasons == {"metadata": 1}
    assert metadata.totals.notable[0].detail == "x-amz-meta-b"
    assert tags.totals.reasons == {"tags": 1}
    assert tags.totals.notable[0].detail == "u"
    assert everything.totals.reasons == {"metadata": 1, "tags": 1}


def test_copies_of_every_kind_pass_every_comparison(world: World) -> None:
    """What this program copies it finds unchanged, in parts too; sizes alone are no proof."""
    given = {
        "metadata": {"a": "=?UTF-8?B?w6k=?="},
        "tags": {"t": "1"},
        "headers": {"cache-control": "no-store"},
    }
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=1, **given)  # type: ignore[arg-type]
    world.server.put(SRC, "in/large", size=LARGE, **given)  # type: ignore[arg-type]
    world.copy()

    result = check(world, compare=frozenset(CompareField))

    assert counts(result) == {"same": 20, "same_size": 1}


@pytest.mark.parametrize("key", ["out/x", "out/"])
def test_single_objects_are_mapped_as_copies_are(world: World, key: str) -> None:
    """Keys that only begin with the object's are none of its business."""
    world.server.put(SRC, "in/x", size=1, etag=MD5)
    world.server.put(DST, "out/x-other", size=5)
    single = {"source_key": "in/x", "destination_key": key, "recursive": False}

    before = check(world, **single)
    world.server.put(DST, "out/x", size=1, etag=MD5)
    after = check(world, **single)

    assert (counts(before), counts(after)) == ({"missing": 1}, {"same": 1})


def test_what_s3_does_not_tell_is_neither_same_nor_different(world: World, tmp_path: Path) -> None:
    """A refused HEAD is told with S3's words, and the object is left out of every other count."""
    both(world, {"etag": MD5}, {"etag": OTHER_MD5})
    world.server.inject(Fault.error("HeadObject", 403, "AccessDenied"))
    report = tmp_path / "c.jsonl"

    result = check(world, report_path=report)

    assert counts(result) == {"not_compared": 1}
    assert not result.no_difference
    assert [(line["status"], line["error_class"]) for line in lines_of(report)] == [
        ("not_compared", "AccessDenied")
    ]
    assert "HEAD of the destination" in lines_of(report)[0]["message"]


def test_passing_errors_are_repeated(world: World) -> None:
    """A throttled listing and an internal error change nothing."""
    both(world, {"etag": MD5}, {"etag": OTHER_MD5})
    world.server.inject(Fault.error("ListObjectsV2", 503, "SlowDown", times=2))
    world.server.inject(Fault.error("HeadObject", 500, "InternalError", times=1))

    result = check(world)

    assert counts(result) == {"different": 1}
    assert result.metrics.retries == 3


def test_a_listing_that_breaks_off_ends_the_check_without_a_result(
    world: World, tmp_path: Path
) -> None:
    """What the rest would have shown nobody knows: the report stays partial."""
    for number in range(2500):
        world.server.put(SRC, f"in/{number:04}", size=1)
    world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", bucket=SRC, after=2))
    report = tmp_path / "c.jsonl"

    result = check(world, report_path=report)

    assert (result.complete, result.no_difference, result.report_path) == (False, False, None)
    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.ACCESS_DENIED
    assert not report.exists()
    assert report.with_name("c.jsonl.partial").exists()


def test_a_service_with_another_order_is_refused(world: World) -> None:
    """Not compared until the end, and then called missing."""
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=1)
    keys = world.server._world.buckets[SRC].keys  # no real server does this
    keys[5], keys[6] = keys[6], keys[5]

    result = check(world)

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.UNORDERED_LISTING


def test_nothing_at_the_source_is_refused(world: World) -> None:
    """A mistyped prefix does not pass for a perfect copy."""
    with pytest.raises(PreflightError, match="there is nothing under"):
        check(world)


def test_a_destination_that_may_not_be_listed_is_refused(world: World) -> None:
    """With the right that a check needs and a copy does not."""
    world.server.put(SRC, "in/x", size=1)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:ListBucket"])

    with pytest.raises(PreflightError, match="cannot be listed") as refused:
        check(world)

    assert "s3:ListBucket" in refused.value.remedy


def test_without_credentials_of_its_own_the_source_is_read_with_the_destination_s(
    world: World,
) -> None:
    """As copies do."""
    both(world, {"etag": MD5}, {"etag": OTHER_MD5})
    source = dataclasses.replace(operation(world).source, session=None)

    assert counts(check(world, source=source)) == {"different": 1}
    assert {request.account_id for request in world.server.requests} == {DESTINATION_ACCOUNT}
    world.server.revoke(SRC, DESTINATION_ACCOUNT)
    with pytest.raises(PreflightError, match="cannot be listed"):
        check(world, source=source)


def test_a_stopped_check_has_no_result(world: World) -> None:
    """It ends soon, says why, and does not pass."""
    for number in range(40):
        world.server.put(SRC, f"in/{number:02}", size=1, etag=MD5)
        world.server.put(DST, f"out/{number:02}", size=1, etag=OTHER_MD5)
    cancelled = threading.Event()
    world.server.inject(Fault.call("HeadObject", lambda _: cancelled.wait(PATIENCE_S), after=2))
    run = operation(world, concurrency=2).start()
    world.server.wait_for("HeadObject", count=2)

    run.cancel("test")
    cancelled.set()
    result = run.result()

    assert (result.cancelled_by, result.complete, result.no_difference) == ("test", False, False)
    assert sum(result.totals.counts.values()) < 40


@pytest.mark.parametrize("side", [SRC, DST])
def test_what_a_stopped_listing_did_not_show_is_not_missing(world: World, side: str) -> None:
    """A listing that was cut short looks like one that has ended."""
    for number in range(6):
        world.server.put(SRC, f"in/{number}", size=1, etag=MD5)
        world.server.put(DST, f"out/{number}", size=1, etag=MD5)
    for bucket in (SRC, DST):
        world.server.inject(in_small_pages(2, bucket=bucket))
    cancelled = threading.Event()
    world.server.inject(
        Fault.call("ListObjectsV2", lambda _: cancelled.wait(1), bucket=side, after=2, times=1)
    )
    run = operation(world).start()
    world.server.wait_for("ListObjectsV2", count=5)

    run.cancel("test")
    result = run.result()
    cancelled.set()

    assert (result.complete, result.cancelled_by) == (False, "test")
    assert set(counts(result)) <= {"same"}


def test_a_stop_between_two_questions_is_no_verdict(world: World) -> None:
    """The pair was not judged, so the check is not complete, however quickly it ends."""
    both(world, {"etag": MD5}, {"etag": OTHER_MD5})
    started: list[CheckRun] = []
    world.server.inject(
        Fault.call("HeadObject", lambda _: started[0].cancel("test"), when="after", times=1)
    )
    started.append(operation(world).start())

    result = started[0].result()

    assert (counts(result), result.complete, result.cancelled_by) == ({}, False, "test")


def test_a_stop_that_comes_too_late_changes_nothing(world: World) -> None:
    """Everything was compared by then."""
    world.server.put(SRC, "in/x", size=1, etag=MD5)
    run = operation(world).start()
    assert run.wait(PATIENCE_S)

    run.cancel("test")

    assert run.result().complete


class _Broken(botocore.session.Session):
    """A session with a defect, which shows while somebody stops the check."""

    def __init__(self, began: threading.Event, stopped: threading.Event) -> None:
        super().__init__()
        self.set_credentials("AKIA", "secret")
        self._began, self._stopped = began, stopped
        self._calls = 0

    def get_credentials(self) -> Any:
        """Return them once, as a look at whether there are any; then break."""
        self._calls += 1
        if self._calls == 1:
            return super().get_credentials()
        self._began.set()
        assert self._stopped.wait(PATIENCE_S)
        raise ZeroDivisionError("a defect")


def test_a_stop_does_not_hide_an_error_that_nobody_expects(world: World) -> None:
    """It is raised as it is, also if the check was stopped before it."""
    began, stopped = threading.Event(), threading.Event()
    session = boto3.Session(botocore_session=_Broken(began, stopped))
    run = operation(world, destination=AccountContext(session=session)).start()
    assert began.wait(PATIENCE_S)

    run.cancel("test")
    stopped.set()

    with pytest.raises(ZeroDivisionError, match="a defect"):
        run.result()
    assert run.state is RunState.VALIDATION_FAILED
