"""What goes wrong on the way: repeated when it is worth it, named when it is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from s3_xfer import AccountContext, ErrorClass, OpenUpload, PreflightError, RunState
from tests.fault_server import Fault
from tests.patience import PATIENCE_S, at_any_pace
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World

SIZES = pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
WRITES = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
READS = ("HeadObject", "GetObjectTagging", "ListObjectsV2")


def not_preflight(key: str) -> bool:
    """Return whether a request is about an object of the run."""
    return "preflight" not in key


TRANSIENT: dict[str, Callable[..., Fault]] = {
    "slow down": lambda op, **w: Fault.error(op, 503, "SlowDown", **w),
    "internal error": lambda op, **w: Fault.error(op, 500, "InternalError", **w),
    "bad gateway": lambda op, **w: Fault.error(op, 502, "", body="empty", **w),
    "request timeout": lambda op, **w: Fault.error(op, 400, "RequestTimeout", **w),
    "error in 200": lambda op, **w: Fault.error_in_200(op, "InternalError", **w),
    "slow down in 200": lambda op, **w: Fault.error_in_200(op, "SlowDown", **w),
    "truncated": lambda op, **w: Fault.error_in_200(op, body="truncated", **w),
    "reset": Fault.reset,
    "lost answer": Fault.lost_response,
}


# A HEAD has no body to say these with.
NEEDS_A_BODY = ("request timeout", "error in 200", "slow down in 200", "truncated")


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        pytest.param(operation, fault, id=f"{operation}-{name}")
        for operation in (*WRITES, *READS)
        for name, fault in TRANSIENT.items()
        if not (operation == "HeadObject" and name in NEEDS_A_BODY)
    ],
)
def test_transient_errors_are_repeated_until_they_pass(
    world: World, operation: str, fault: Callable[..., Fault]
) -> None:
    """Three failures in a row of any request are survived, and each is counted.

    All but the end of a connection that was used before: that is no attempt.
    """
    size = 1000 if operation == "CopyObject" else LARGE
    world.server.put(SRC, "in/x", size=size, tags={"a": "b"})
    injected = world.server.inject(fault(operation, times=3, key=_key_of(operation)))

    result = world.copy()

    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert injected.hits == 3
    ends_connection = fault in (Fault.reset, Fault.lost_response)
    at_a_time = 3 if operation == "UploadPartCopy" else 1  # each over a connection of the checks
    assert 3 - at_a_time * ends_connection <= result.metrics.retries <= 3
    assert world.arrived()["out/x"].size == size
    assert world.arrived()["out/x"].tags == {"a": "b"}
    assert world.server.uploads(DST) == []


def _key_of(operation: str) -> str | Callable[[str], bool]:
    return {"ListObjectsV2": "", **dict.fromkeys(READS[:2], "in/x")}.get(operation, "out/x")


PERSISTENT: dict[str, tuple[Callable[..., Fault], ErrorClass]] = {
    "slow down": (TRANSIENT["slow down"], ErrorClass.THROTTLED),
    "internal error": (TRANSIENT["internal error"], ErrorClass.SERVER_ERROR),
    "slow down in 200": (TRANSIENT["slow down in 200"], ErrorClass.THROTTLED),
    "empty 200": (Fault.empty_200, ErrorClass.EMPTY_RESPONSE),
    "reset": (Fault.reset, ErrorClass.NETWORK),
    "silence": (lambda op, **w: Fault.slow(op, delay_s=600, **w), ErrorClass.TIMEOUT),
}


@pytest.mark.parametrize(("fault", "expected"), PERSISTENT.values(), ids=PERSISTENT)
@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload"])
def test_transient_errors_that_persist_fail_the_object_after_four_tries(
    world: World, operation: str, fault: Callable[..., Fault], expected: ErrorClass
) -> None:
    """One try and three repetitions, then the object fails with the error's own class."""

    def attempt(slower: float) -> None:
        with World(world.engine) as stage:
            stage.server.put(SRC, "in/x", size=1000 if operation == "CopyObject" else LARGE)
            stage.server.put(SRC, "in/y", size=1)
            stage.server.inject(fault(operation, key="out/x"))

            result = stage.copy(read_timeout_s=0.3 * slower)

            assert (result.metrics.files_failed, result.metrics.files_copied_successfully) == (1, 1)
            (failed,) = result.failures
            assert (failed.error.info.error_class, failed.error.info.attempts) == (expected, 4)
            assert stage.server.uploads(DST) == []

    at_any_pace(attempt)


def test_body_that_is_cut_off_is_no_success(world: World) -> None:
    """A 200 whose body never arrives proves nothing, whatever botocore makes of it."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.cut_body("CopyObject"))

    result = world.copy()

    # The first connection may have been opened ahead; one that dies unused costs no attempt.
    assert world.sent("CopyObject") - result.metrics.retries in (1, 2)
    if result.failures:
        (failed,) = result.failures
        assert failed.error.info.attempts == 4
    else:  # a botocore that sees an empty answer: the copy may be there, and a look finds it
        assert (result.metrics.files_copied_successfully, world.sent("HeadObject")) == (1, 1)


PERMANENT = [
    (403, "AccessDenied", ErrorClass.ACCESS_DENIED),
    (400, "InvalidRequest", ErrorClass.INVALID_REQUEST),
    (400, "KMS.DisabledException", ErrorClass.KMS),
    (403, "InvalidObjectState", ErrorClass.ARCHIVED),
    (404, "NoSuchKey", ErrorClass.SOURCE_VANISHED),
]


@pytest.mark.parametrize(("status", "code", "expected"), PERMANENT)
@SIZES
def test_permanent_errors_fail_the_object_at_once(
    world: World, size: int, status: int, code: str, expected: ErrorClass
) -> None:
    """Nothing is repeated, the other object arrives, and no upload is left."""
    world.server.put(SRC, "in/x", size=size)
    world.server.put(SRC, "in/y", size=1)
    first = "CopyObject" if size == 1000 else "CreateMultipartUpload"
    world.server.inject(Fault.error(first, status, code, "because", key="out/x"))

    result = world.copy()

    (failed,) = result.failures
    info = failed.error.info
    if (first, code) == ("CopyObject", "NoSuchKey"):
        expected = ErrorClass.SOURCE_NOT_FOUND  # a HEAD finds it
    assert (info.error_class, info.code, info.message) == (expected, code, "because")
    assert info.request_id
    if not result.diagnosis:  # it tries the steps of a denied copy itself
        # Small: one for each object. Large: one of the check before the run, one of the object.
        assert result.metrics.requests[first] == 2
    assert (failed.error.info.attempts, result.metrics.retries) == (1, 0)
    assert set(world.arrived()) == {"out/y"}


def test_failing_part_is_repeated_alone(world: World) -> None:
    """A part's failure does not throw away the others."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(Fault.error("UploadPartCopy", 503, "SlowDown", part_number=3, times=3))

    assert world.copy().state is RunState.COMPLETED
    assert world.sent("UploadPartCopy") == 5 + 3
    assert world.sent("UploadPartCopy", part_number=3) == 4


def test_part_that_never_succeeds_aborts_the_upload(world: World) -> None:
    """Nothing of the object is left behind, the other objects arrive."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.put(SRC, "in/y", size=1)
    world.server.inject(Fault.error("UploadPartCopy", 500, "InternalError", part_number=2))

    result = world.copy()

    assert result.metrics.errors_by_class == {"ServerError": 1}
    assert (set(world.arrived()), world.server.uploads(DST)) == ({"out/y"}, [])
    assert result.uploads_left_behind == ()


def test_upload_that_cannot_be_aborted_is_named(world: World) -> None:
    """What stays and costs money is told with the command that removes it."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(Fault.error("UploadPartCopy", 500, "InternalError", key="out/x"))
    world.server.inject(Fault.error("AbortMultipartUpload", 403, "AccessDenied", key="out/x"))

    result = world.copy()

    (left,) = world.server.uploads(DST)
    assert result.uploads_left_behind == (OpenUpload(DST, "out/x", left.upload_id),)


def test_abort_that_fails_once_is_repeated(world: World) -> None:
    """An upload is not left behind because of one lost answer."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(Fault.error("UploadPartCopy", 500, "InternalError", key="out/x"))
    world.server.inject(Fault.error("AbortMultipartUpload", 503, "SlowDown", key="out/x", times=2))

    result = world.copy()

    assert (world.server.uploads(DST), result.uploads_left_behind) == ([], ())


@pytest.mark.parametrize(
    ("operation", "status", "code"),
    [
        ("CompleteMultipartUpload", 409, "ConditionalRequestConflict"),
        ("UploadPartCopy", 404, "NoSuchUpload"),
        ("CompleteMultipartUpload", 400, "InvalidPart"),
    ],
)
def test_upload_beyond_repair_is_started_again_once(
    world: World, operation: str, status: int, code: str
) -> None:
    """The object is worth a second upload, and not a third."""
    world.server.put(SRC, "in/x", size=LARGE)
    fault = world.server.inject(Fault.error(operation, status, code, key="out/x", times=1))

    assert world.copy().state is RunState.COMPLETED
    assert world.sent("CreateMultipartUpload") == 2

    fault.remove()
    world.server.inject(Fault.error(operation, status, code, key="out/x"))
    result = world.copy()

    assert result.metrics.errors_by_class == {"UploadLost": 1}
    assert world.sent("CreateMultipartUpload") == 4
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "NoSuchBucket", ErrorClass.BUCKET_MISSING),
        (403, "InvalidAccessKeyId", ErrorClass.CREDENTIALS_REFUSED),
        (403, "SignatureDoesNotMatch", ErrorClass.CREDENTIALS_REFUSED),
        (400, "ExpiredToken", ErrorClass.CREDENTIALS_EXPIRED),
        (403, "RequestTimeTooSkewed", ErrorClass.CLOCK_SKEW),
        (501, "NotImplemented", ErrorClass.NOT_SUPPORTED),
    ],
)
def test_errors_that_doom_the_run_end_it_at_once(
    world: World, status: int, code: str, expected: ErrorClass
) -> None:
    """No further object is tried; what was found and not tried is accounted as such."""
    for number in range(200):
        world.server.put(SRC, f"in/{number:03}", size=1)
    world.server.inject(Fault.error("CopyObject", status, code, after=10))

    result = world.copy(batch_size=10)

    assert result.state is RunState.COPY_FAILED
    assert result.aborted_by is not None
    assert result.aborted_by.error_class is expected
    assert result.metrics.files_copied_successfully == 10
    assert 1 <= result.metrics.files_failed <= 4
    assert result.metrics.files_not_attempted >= 180
    assert world.sent("CopyObject") <= 14


def test_lost_answer_is_harmless_when_overwriting(world: World) -> None:
    """The repetition writes the same object again."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.lost_response("CopyObject", times=1))

    result = world.copy()

    assert result.metrics.files_copied_successfully == 1
    assert world.sent("CopyObject", executed=True) == 2


def test_failing_page_of_the_listing_is_repeated_with_its_token(world: World) -> None:
    """No key is lost or doubled when a page fails in the middle."""
    for number in range(1500):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.server.inject(Fault.error("ListObjectsV2", 503, "SlowDown", after=1, times=3))

    result = world.copy(concurrency=32)

    assert result.metrics.total_files_found == 1500
    assert len(world.arrived()) == 1500


def test_listing_that_fails_for_good_ends_the_run(world: World) -> None:
    """What was listed is accounted for, and the reason is the listing's."""
    for number in range(1500):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied", "revoked", after=1))

    result = world.copy(concurrency=8)

    assert result.aborted_by is not None
    assert "while listing the source" in result.aborted_by.problem
    assert result.aborted_by.error_class is ErrorClass.ACCESS_DENIED
    assert result.metrics.total_files_found == 1000
    assert not result.metrics.listing_complete


def test_throttled_run_ends_with_zero_failures(world: World) -> None:
    """A server that takes 150 requests per second gets all objects in the end."""
    for number in range(300):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.server.inject(Fault.rate_limit("CopyObject", per_second=150, burst=10))

    result = world.copy(concurrency=32, retry_delay_s=0.5)

    assert result.state is RunState.COMPLETED
    assert result.metrics.throttles > 0
    assert len(world.arrived()) == 300


def test_workers_are_concurrent_and_no_more_than_asked(world: World) -> None:
    """``concurrency`` single copies are under way at the same time, not one more."""
    for number in range(64):
        world.server.put(SRC, f"in/{number:05}", size=1)
    world.server.inject(Fault.slow("CopyObject", delay_s=0.05))

    world.copy(concurrency=16, batch_size=1000)

    assert world.server.in_flight_max == 16


def test_answer_that_never_comes_does_not_hold_up_the_end(world: World) -> None:
    """A stopped run waits for its grace period, not for the server."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.slow("CopyObject", delay_s=2 * PATIENCE_S))
    run = world.operation(stop_grace_s=0.3, read_timeout_s=4 * PATIENCE_S).start()
    world.server.wait_for("CopyObject")
    started = time.monotonic()

    run.cancel("test")
    result = run.result()

    assert time.monotonic() - started < PATIENCE_S
    assert result.metrics.errors_by_class == {"Interrupted": 1}
    assert result.cancelled_by == "test"


@SIZES
def test_cancelled_run_accounts_for_everything(world: World, size: int) -> None:
    """Found = copied + failed + not attempted, no upload is left, no thread either."""
    for number in range(300):
        world.server.put(SRC, f"in/{number:03}", size=size)
    operation = "CopyObject" if size == 1000 else "UploadPartCopy"
    cancelled = threading.Event()
    world.server.inject(Fault.call(operation, lambda _: cancelled.wait(PATIENCE_S), after=20))
    run = world.operation(batch_size=10).start()
    world.server.wait_for(operation, count=20)

    run.cancel("test")
    cancelled.set()
    result = run.result()

    seen = result.metrics
    assert result.state is RunState.COPY_FAILED
    assert seen.files_not_attempted > 0
    assert seen.files_copied_successfully == len(world.arrived())
    assert seen.total_files_found == (
        seen.files_copied_successfully + seen.files_failed + seen.files_not_attempted
    )
    assert world.server.uploads(DST) == []
    for thread in threading.enumerate():
        if thread.name.startswith("s3-xfer"):
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), thread.name


def test_cancel_ends_the_wait_before_a_repetition(world: World) -> None:
    """A run that waits an hour for its next try stops at once."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 503, "SlowDown"))
    run = world.operation(retry_delay_s=3600).start()
    until_s = time.monotonic() + 60
    while not world.sent("CopyObject", status=503):
        assert time.monotonic() < until_s
        time.sleep(0.01)
    started = time.monotonic()

    run.cancel("test")
    result = run.result()

    assert time.monotonic() - started < PATIENCE_S
    assert result.metrics.files_not_attempted == 1
    assert world.sent("CopyObject") == 1


def test_cancel_before_the_first_copy_writes_nothing(world: World) -> None:
    """Stopping during the checks is a stop, not an error."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.slow("ListObjectsV2", delay_s=0.3))
    run = world.operation().start()
    world.server.wait_for("ListObjectsV2")

    run.cancel("test")
    result = run.result()

    assert (result.cancelled_by, result.state) == ("test", RunState.COPY_FAILED)
    assert world.arrived() == {}
    assert world.server.uploads(DST) == []


def test_unreachable_endpoint_is_refused_with_its_name(world: World) -> None:
    """A wrong port is a clear message before anything is written."""
    nowhere = AccountContext(
        session=world.account("AKIASOURCE").session, endpoint_url="http://127.0.0.1:9"
    )

    with pytest.raises(
        PreflightError, match="cannot be listed: EndpointConnectionError"
    ) as refused:
        world.copy(source=nowhere, destination=nowhere)

    assert refused.value.error_class is ErrorClass.NETWORK
    assert "may have opened" not in str(refused.value)  # nothing was sent


def test_revoked_access_in_the_middle_fails_the_rest_object_by_object(world: World) -> None:
    """Each denied object is in the report with the code that S3 gave."""
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=1)
    world.server.inject(
        Fault.call(
            "CopyObject",
            lambda _: world.server.revoke(SRC, DESTINATION_ACCOUNT),
            after=5,
            times=1,
        )
    )

    result = world.copy(concurrency=1)

    assert result.metrics.files_copied_successfully == 5
    assert result.metrics.errors_by_class == {"AccessDenied": 15}


@pytest.mark.parametrize("concurrency", [1, 2])
def test_failures_do_not_wait_for_objects_that_wait_for_them(
    world: World, concurrency: int
) -> None:
    """Objects that were looked at wait for places which failing ones hold: those must get out."""
    for number in range(30):
        world.server.put(SRC, f"in/{number:02}", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    run = world.operation(concurrency=concurrency, overwrite=False).start()

    ended = run.wait(PATIENCE_S)
    run.cancel("it hangs")

    assert ended
    assert run.result().metrics.errors_by_class == {"AccessDenied": 30}
