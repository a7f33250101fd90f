"""Two engines, one behaviour: the same requests, the same ends, each object by the due engine."""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from typing import Any

import pytest

from s3_xfer import (
    ChecksumAlgorithm,
    Encryption,
    Engine,
    ErrorClass,
    Preflight,
    RunState,
    StorageClass,
    TagPolicy,
)
from s3_xfer.pipeline.connections import process_budget
from s3_xfer.units import MIB, TIB
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault
from tests.patience import PATIENCE_S, at_any_pace
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SOURCE_ACCOUNT, SOURCE_KEY, SRC, World

needs_crt = pytest.mark.skipif(
    importlib.util.find_spec("awscrt") is None, reason="compares with awscrt, which is not here"
)
ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]
SIGNATURE = {"authorization", "x-amz-date", "user-agent", "x-amz-security-token"}
# botocore says these about itself; they change nothing for S3.
BOTOCORE_ONLY = {"amz-sdk-invocation-id", "amz-sdk-request", "accept-encoding", "host"}
OF_A_BODY = {"x-amz-content-sha256"}  # the parts' ETags, which are the server's
OF_UPLOADS = ("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
THRESHOLD = 5 * MIB
ODD_KEYS = (
    "in/plain.bin",
    "in/with space + plus % percent",
    "in/ümlaut/日本語/😀",
    "in/a//b/../c/./d",
    "in/~tilde'()*!,;:@&=$?#[]",
    "in/control\x01\x7f",
)


def sent(engine: Engine, **changes: Any) -> dict[str, dict[str, str]]:
    """Return the headers of every copy that ``engine`` sends, by destination key."""
    with World(engine) as world:
        for key in ODD_KEYS:
            world.server.put(SRC, key, size=10)
        result = world.copy(**changes)
        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert result.metrics.copied_by_engine == {engine.value: len(ODD_KEYS)}
        return {
            request.key: {
                name: value
                for name, value in request.headers.items()
                if name not in SIGNATURE | BOTOCORE_ONLY
            }
            for request in world.server.requests
            if request.operation == "CopyObject"
        }


@needs_crt
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"overwrite": False},
        {"tags": TagPolicy.SKIP, "request_payer": True},
        {
            "storage_class": StorageClass.STANDARD_IA,
            "sse": Encryption.KMS,
            "sse_kms_key_id": "arn:aws:kms:us-east-1:222222222222:key/k",
            "bucket_key": True,
            "checksum_algorithm": ChecksumAlgorithm.SHA256,
        },
    ],
    ids=["plain", "no overwrite", "no tags, requester pays", "stored otherwise"],
)
def test_both_engines_send_the_same_request(changes: dict[str, Any]) -> None:
    """Header for header, for hostile keys too; only signature, date and user agent differ."""
    assert sent(Engine.CRT, **changes) == sent(Engine.MANAGED, **changes)


def sent_for_large_ones(engine: Engine, **changes: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return query and headers of all requests for objects in parts, by what they are about."""
    with World(engine) as world:
        for key in ODD_KEYS:
            world.server.put(SRC, key, size=LARGE, metadata={"k": "v"}, tags={"t": "1"})
        world.server.put(SRC, "in/one part", size=THRESHOLD)
        result = world.copy(
            **changes, multipart_threshold_bytes=THRESHOLD, preflight=Preflight.SKIP
        )
        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert result.metrics.copied_by_engine == {engine.value: len(ODD_KEYS) + 1}
        return {
            (request.operation, request.key, request.query.get("partNumber", "")): {
                **{name: request.query[name] for name in request.query if name != "uploadId"},
                **{
                    name: value
                    for name, value in request.headers.items()
                    if name not in SIGNATURE | BOTOCORE_ONLY | OF_A_BODY
                },
            }
            for request in world.server.requests
            if request.operation in OF_UPLOADS and request.key.startswith("out/")
        }


@needs_crt
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"overwrite": False, "tags": TagPolicy.SKIP, "request_payer": True},
        {"storage_class": StorageClass.STANDARD_IA, "checksum_algorithm": ChecksumAlgorithm.SHA256},
    ],
    ids=["plain", "no overwrite, no tags, requester pays", "stored otherwise"],
)
def test_both_engines_send_the_same_parts(changes: dict[str, Any]) -> None:
    """And create and complete uploads alike; one of a single part has no range."""
    by_crt = sent_for_large_ones(Engine.CRT, **changes)
    assert by_crt == sent_for_large_ones(Engine.MANAGED, **changes)
    assert len([what for what in by_crt if what[0] == "UploadPartCopy"]) == 5 * len(ODD_KEYS) + 1


def test_parts_of_an_object_that_has_failed_are_not_sent(world: World) -> None:
    """A part that is refused ends the upload, and what waits behind it is not even tried."""
    world.server.put(SRC, "in/large", size=300 * LARGE)
    world.server.inject(Fault.error("UploadPartCopy", 400, "InvalidRequest", part_number=1))

    result = world.copy(concurrency=2, preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"InvalidRequest": 1}
    assert world.sent("UploadPartCopy") < 100
    assert world.server.uploads(DST) == []


def test_the_parts_of_one_object_are_all_under_way_at_once(world: World) -> None:
    """As many as the part size is made for, before any was answered."""
    world.server.put(SRC, "in/x", size=8 * LARGE)
    world.server.inject(Fault.slow("UploadPartCopy", delay_s=2 * PATIENCE_S))
    run = world.operation(concurrency=40, stop_grace_s=0.1, preflight=Preflight.SKIP).start()
    while world.sent("UploadPartCopy") < 40 and not run.wait(0.02):
        pass
    run.cancel("all are under way")
    run.result()
    assert world.sent("UploadPartCopy") == 40


@needs_crt
def test_parts_leave_connections_to_small_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the limit of open files allows few, and no part is ever answered."""
    monkeypatch.setattr(process_budget(), "_allowed", lambda _: 6)
    with World(Engine.CRT) as world:
        world.server.put(SRC, "in/0-huge", size=20 * LARGE)
        world.server.inject(Fault.slow("UploadPartCopy", delay_s=2 * PATIENCE_S))
        for number in range(30):
            world.server.put(SRC, f"in/{number}", size=1)
        run = world.operation(concurrency=16, stop_grace_s=0.1, preflight=Preflight.SKIP).start()
        while run.snapshot().files_copied_successfully < 30 and not run.wait(0.02):
            pass
        while world.sent("UploadPartCopy") < 3:
            time.sleep(0.02)
        run.cancel("all that can be under way is")
        run.result()
        assert world.sent("UploadPartCopy") == 3


@needs_crt
def test_both_engines_send_the_expected_owners() -> None:
    """The owners of both buckets are asserted by S3 whoever sends."""
    with World(Engine.CRT) as world:
        world.server.put(SRC, "in/x", size=1)
        world.copy(
            source=world.account(SOURCE_KEY, bucket_owner=SOURCE_ACCOUNT),
            destination=world.account("AKIADESTINATION", bucket_owner=DESTINATION_ACCOUNT),
        )
        (headers,) = world.headers_of("CopyObject")
    assert headers["x-amz-expected-bucket-owner"] == DESTINATION_ACCOUNT
    assert headers["x-amz-source-expected-bucket-owner"] == SOURCE_ACCOUNT


@needs_crt
def test_automatic_choice_copies_small_objects_and_parts_by_crt() -> None:
    """One engine for all, and the result says how many it copied."""
    with World(Engine.AUTO) as world:
        for number in range(5):
            world.server.put(SRC, f"in/{number}", size=1)
        world.server.put(SRC, "in/large", size=LARGE)
        result = world.copy()
    assert result.metrics.copied_by_engine == {"crt": 6}
    assert result.why_managed == ""


def test_a_thousand_small_objects_do_not_wait_for_a_huge_one(world: World) -> None:
    """Beside an object of 5 TB in ten thousand parts, small ones finish while it is under way."""
    world.server.put(SRC, "in/0-huge", size=5 * TIB)
    world.server.inject(Fault.slow("UploadPartCopy", delay_s=0.02))
    for number in range(1000):
        world.server.put(SRC, f"in/{number:04}", size=1)

    run = world.operation(concurrency=16).start()
    while run.snapshot().files_copied_successfully < 1000 and not run.wait(0.05):
        pass
    parts_sent = world.sent("UploadPartCopy")
    run.cancel("the small ones are there")

    assert run.result().metrics.files_copied_successfully >= 1000
    assert parts_sent < 9_000


@needs_crt
def test_unanswered_copies_time_out_and_are_repeated() -> None:
    """A request that S3 never answers is given up after the read timeout, and sent again."""

    def attempt(slower: float) -> None:
        with World(Engine.CRT) as world:
            world.server.put(SRC, "in/x", size=1)
            world.server.inject(Fault.slow("CopyObject", delay_s=2 * PATIENCE_S, times=1))
            started_s = time.monotonic()
            result = world.copy(read_timeout_s=1.5 * slower)
        assert result.state is RunState.COMPLETED
        assert result.metrics.retries == 1
        assert time.monotonic() - started_s < 30 * slower

    at_any_pace(attempt)


def _copy_in_child(answers: Any) -> None:
    with World(Engine.AUTO) as world:
        world.server.put(SRC, "in/x", size=1)
        result = world.copy()
        answers.put((dict(result.metrics.copied_by_engine), result.why_managed))


@needs_crt
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_process_forked_from_one_that_used_awscrt_copies_without_it() -> None:
    """Threads do not survive a fork, and awscrt does not survive without them."""
    with World(Engine.CRT) as world:
        world.server.put(SRC, "in/x", size=1)
        assert world.copy().metrics.files_copied_successfully == 1
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_copy_in_child, args=(answers,))
    child.start()
    try:
        by_engine, why = answers.get(timeout=PATIENCE_S)
    finally:
        child.join(PATIENCE_S)
        child.kill()
    assert by_engine == {"managed": 1}
    assert "forked" in why
    assert child.exitcode == 0


@needs_crt
def test_etags_that_are_no_md5_need_no_second_look() -> None:
    """Under KMS every ETag differs from the source's; that costs no request."""
    with World(Engine.CRT) as world:
        for number in range(20):
            world.server.put(SRC, f"in/{number}", size=1)
        result = world.copy(sse=Encryption.KMS)
        assert world.sent("HeadObject") == 0
        assert [one.etag for one in world.server.objects(DST).values()]
    assert result.metrics.files_copied_successfully == 20


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("status", [301, 400])
def test_a_bucket_in_another_region_is_found_without_a_preflight(
    engine: Engine, status: int
) -> None:
    """boto3 follows S3 to the right region; so does the other engine, and asks once for it."""
    with World(engine) as world:
        world.server.create_bucket(
            "far-bucket", owner=DESTINATION_ACCOUNT, region="eu-west-1", check_region=True
        )
        for number in range(100):
            world.server.put(SRC, f"in/{number:02}", size=1)
        if status == 301:
            code = "PermanentRedirect"
            world.server.inject(
                Fault.error("CopyObject", status, code, bucket="far-bucket", times=1)
            )

        result = world.copy(
            destination_bucket="far-bucket", preflight=Preflight.SKIP, concurrency=4
        )

        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert len(world.server.objects("far-bucket")) == 100
        assert world.server.count("HeadBucket") <= 8
        assert world.server.count("CopyObject", status=200) == 100


@pytest.mark.parametrize("engine", ENGINES)
def test_a_region_that_stays_wrong_ends_the_run(engine: Engine) -> None:
    """The same class and advice from both engines."""
    with World(engine) as world:
        for number in range(50):
            world.server.put(SRC, f"in/{number:02}", size=1)
        world.server.inject(Fault.error("CopyObject", 301, "PermanentRedirect"))

        result = world.copy(preflight=Preflight.SKIP)

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.WRONG_REGION
    assert "destination=AccountContext(region=...)" in str(result.aborted_by)
    assert result.metrics.files_copied_successfully == 0
