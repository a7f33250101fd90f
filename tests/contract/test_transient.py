"""Answers that pass, and answers of a service that is full: row by row, by both engines."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from s3_xfer import Engine, ErrorClass, Preflight, PreflightError, RunState
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault
from tests.world import LARGE, SRC, World

ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]


class Row(NamedTuple):
    """An answer: its status, its code or its whole body, and the class that it has."""

    status: int
    said: str
    error_class: ErrorClass


_E = ErrorClass
_PAGE = "<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body><hr>nginx</body></html>"
_XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><head/><body><p>a</p><p>b</p></body></html>'
_JSON = '{"error": {"code": 1}}'

TRANSIENT = [
    # what S3's reference and the SDKs call transient, whatever the status
    Row(503, "SlowDown", _E.THROTTLED),
    Row(503, "ServiceUnavailable", _E.THROTTLED),
    Row(400, "ThrottlingException", _E.THROTTLED),
    Row(400, "RequestLimitExceeded", _E.THROTTLED),
    Row(400, "ProvisionedThroughputExceededException", _E.THROTTLED),
    Row(400, "KMS.ThrottlingException", _E.THROTTLED),
    Row(429, "TooManyRequests", _E.THROTTLED),
    Row(509, "BandwidthLimitExceeded", _E.THROTTLED),
    Row(500, "InternalError", _E.SERVER_ERROR),
    Row(400, "PriorRequestNotComplete", _E.SERVER_ERROR),
    Row(400, "IncompleteBody", _E.SERVER_ERROR),
    Row(307, "TemporaryRedirect", _E.SERVER_ERROR),
    Row(400, "RequestTimeout", _E.TIMEOUT),
    Row(409, "OperationAborted", _E.CONFLICT),
    Row(409, "ConditionalRequestConflict", _E.CONFLICT),
    # inside a 200
    Row(200, "SlowDown", _E.THROTTLED),
    Row(200, "InternalError", _E.SERVER_ERROR),
    Row(200, "RequestTimeout", _E.TIMEOUT),
    Row(200, "OperationAborted", _E.CONFLICT),
    # other services
    Row(503, "SlowDownRead", _E.THROTTLED),
    Row(503, "SlowDownWrite", _E.THROTTLED),
    Row(503, "ServerBusy", _E.THROTTLED),
    Row(403, "UserRateLimitExceeded", _E.THROTTLED),
    Row(403, "DownloadTrafficRateLimitExceeded", _E.THROTTLED),
    Row(400, "QpsLimitExceeded", _E.THROTTLED),
    Row(503, "XMinioServerNotInitialized", _E.SERVER_ERROR),
    Row(503, "XMinioWriteQuorum", _E.SERVER_ERROR),
    Row(499, "ClientDisconnected", _E.NETWORK),
    Row(503, "RequestTimedout", _E.TIMEOUT),
    Row(409, "ConcurrentModification", _E.CONFLICT),
    # proxies, load balancers and content delivery networks: mostly pages, or nothing at all
    Row(408, _PAGE, _E.TIMEOUT),
    Row(421, "", _E.SERVER_ERROR),
    Row(423, "", _E.CONFLICT),
    Row(425, _PAGE, _E.SERVER_ERROR),
    Row(429, _JSON, _E.THROTTLED),
    Row(444, "", _E.NETWORK),
    Row(460, "", _E.NETWORK),
    Row(499, _PAGE, _E.NETWORK),
    Row(500, _PAGE, _E.SERVER_ERROR),
    Row(502, _PAGE, _E.SERVER_ERROR),
    Row(502, _XHTML, _E.SERVER_ERROR),
    Row(502, "", _E.SERVER_ERROR),
    Row(503, _PAGE, _E.THROTTLED),
    Row(503, _XHTML, _E.THROTTLED),
    Row(503, "", _E.THROTTLED),
    Row(504, _PAGE, _E.TIMEOUT),
    Row(509, "", _E.THROTTLED),
    Row(511, _PAGE, _E.NETWORK),
    Row(520, _PAGE, _E.NETWORK),
    Row(521, _PAGE, _E.NETWORK),
    Row(522, _PAGE, _E.TIMEOUT),
    Row(523, _JSON, _E.NETWORK),
    Row(524, _PAGE, _E.TIMEOUT),
    Row(525, "", _E.NETWORK),
    Row(527, "", _E.NETWORK),
    Row(529, "", _E.THROTTLED),
    Row(530, _PAGE, _E.NETWORK),
    Row(598, "", _E.TIMEOUT),
    Row(599, "", _E.TIMEOUT),
    Row(555, "", _E.SERVER_ERROR),
]


def _disturb(world: World, operation: str, row: Row, key: str, **where: Any) -> None:
    """Answer requests for ``key`` as ``row`` says."""
    is_code = row.said.isascii() and row.said.replace(".", "").isalnum()
    code = row.said if is_code else ""
    body = row.said.encode()
    world.server.inject(Fault.error(operation, row.status, code, executed=True, key=key, **where))
    if not is_code:
        world.server.inject(Fault.rewritten(operation, lambda _: body, key=key, **where))


@pytest.mark.parametrize("engine", ENGINES)
def test_answers_that_pass_are_repeated(engine: Engine) -> None:
    """Each once, after which the object is copied; nothing fails, in one request or in parts."""
    with World(engine) as world:
        for number, row in enumerate(TRANSIENT):
            for size, operation, kind in (
                (1, "CopyObject", "small"),
                (LARGE, "UploadPartCopy", "large"),
            ):
                world.server.put(SRC, f"in/{kind}/{number}", size=size)
                _disturb(world, operation, row, f"out/{kind}/{number}", times=1)

        result = world.copy(preflight=Preflight.SKIP, concurrency=16, retries=1, retry_delay_s=0.01)

        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert result.metrics.retries == 2 * len(TRANSIENT)
        assert world.sent("CopyObject") == 2 * len(TRANSIENT)


@pytest.mark.parametrize("engine", ENGINES)
def test_answers_that_pass_have_their_class(engine: Engine) -> None:
    """Which says what a person can do if they do not pass after all."""
    with World(engine) as world:
        for number, row in enumerate(TRANSIENT):
            world.server.put(SRC, f"in/{number:03}", size=1)
            _disturb(world, "CopyObject", row, f"out/{number:03}")
        world.server.inject(Fault.error("HeadObject", 404, ""))  # the copy is not found

        result = world.copy(preflight=Preflight.SKIP, retries=0, concurrency=16)

    seen = {failed.task.source.key: failed.error.info.error_class for failed in result.failures}
    assert seen == {f"in/{number:03}": row.error_class for number, row in enumerate(TRANSIENT)}


# (status, code, message) of services that are full, over a quota, or read-only.
FULL = {
    "Ceph": (403, "QuotaExceeded", ""),
    "inside a 200": (200, "QuotaExceeded", ""),
    "MinIO, full": (507, "XMinioStorageFull", "Storage backend has reached its minimum free drive"),
    "MinIO, older": (500, "XMinioStorageFull", ""),
    "MinIO, quota": (400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded"),
    "Backblaze": (403, "AccessDenied", "Cannot upload files, storage cap exceeded."),
    "Garage": (403, "AccessDenied", "Forbidden: Object quota is reached, maximum objects: 10"),
    "Swift": (413, "EntityTooLarge", "Upload exceeds quota."),
    "WebDAV's": (507, "", ""),
    "no code of its own": (500, "InternalError", "write /data/1.dat: no space left on device"),
    "read-only": (503, "ServiceReadOnly", ""),
    "read-only, in words": (500, "InternalError", "the volume is read only"),
    "anybody else's": (403, "TenantStorageQuotaExceeded", ""),
    "and else's": (409, "InsufficientCapacity", ""),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("row", FULL)
def test_a_full_service_ends_the_run_at_once(engine: Engine, row: str) -> None:
    """Whatever it calls it: no object more is tried, and access is not diagnosed."""
    status, code, message = FULL[row]
    with World(engine) as world:
        for number in range(200):
            world.server.put(SRC, f"in/{number:03}", size=1)
        world.server.inject(Fault.error("CopyObject", status, code, message, after=10))

        result = world.copy(preflight=Preflight.SKIP, batch_size=10)

        sent = world.sent("CopyObject")
    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.DESTINATION_FULL
    assert "make room" in str(result.aborted_by)
    assert result.diagnosis is None
    assert result.metrics.retries == 0
    assert result.metrics.files_copied_successfully == 10
    assert sent < 100


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPartCopy"])
def test_a_full_destination_is_refused_before_anything_is_written(operation: str) -> None:
    """The preflight blames the destination's room, and nobody's rights to the source."""
    with World(Engine.MANAGED) as world:
        world.server.put(SRC, "in/x", size=1)
        world.server.inject(Fault.error(operation, 403, "QuotaExceeded"))

        with pytest.raises(PreflightError, match=r"dst-bucket.* cannot be written") as refusal:
            world.copy()

        world.assert_untouched()
    assert refusal.value.error_class is ErrorClass.DESTINATION_FULL
    assert refusal.value.diagnosis is None
    assert "s3:GetObject" not in str(refusal.value)
