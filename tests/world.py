"""Two accounts with a bucket each, and an operation between them, ready to be disturbed."""

from __future__ import annotations

import dataclasses
import functools
from types import TracebackType
from typing import Any, Self

import boto3

from s3_xfer import AccountContext, CopyOptions, CopyResult, Engine, S3CopyOperation
from s3_xfer.options import SecondChance
from s3_xfer.units import MIB
from tests.fault_server import FaultServer, StoredObject

SOURCE_ACCOUNT = "111111111111"
DESTINATION_ACCOUNT = "222222222222"
SOURCE_KEY = "AKIASOURCE"
DESTINATION_KEY = "AKIADESTINATION"
SRC = "src-bucket"
DST = "dst-bucket"
READ = ("s3:ListBucket", "s3:GetObject", "s3:GetObjectTagging")
# Small enough that "large" objects have a handful of parts, fast enough that retries cost nothing.
QUICK = CopyOptions(
    concurrency=4,
    multipart_threshold_bytes=16 * MIB,
    part_size_bytes=8 * MIB,
    retry_delay_s=0.01,
    stop_grace_s=3,
    second_chance=SecondChance.SKIP,  # tests of it say so
    outage_limit_s=0,  # the same: a probe on a slow machine is one request more
)
LARGE = 40 * MIB  # five parts


@functools.cache
def session(access_key: str) -> boto3.Session:
    """Return a session with the permanent key of one account.

    One for all tests of a process: botocore reads its models once per session, which takes longer
    than most tests.
    """
    return boto3.Session(
        aws_access_key_id=access_key, aws_secret_access_key="secret", region_name="us-east-1"
    )


class World:
    """The stage of most tests. ``server`` is the fault server itself; ``engine`` copies."""

    def __init__(self, engine: Engine = Engine.AUTO) -> None:
        self.engine = engine
        self.server = FaultServer()

    def __enter__(self) -> Self:
        server = self.server
        server.__enter__()
        server.add_account(SOURCE_ACCOUNT, access_key=SOURCE_KEY)
        server.add_account(DESTINATION_ACCOUNT, access_key=DESTINATION_KEY)
        server.create_bucket(SRC, owner=SOURCE_ACCOUNT)
        server.create_bucket(DST, owner=DESTINATION_ACCOUNT)
        server.grant(SRC, to=DESTINATION_ACCOUNT, actions=READ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.__exit__(kind, error, traceback)

    def account(self, access_key: str, **settings: Any) -> AccountContext:
        """Return how one side is reached."""
        return AccountContext(
            **{"session": session(access_key), "endpoint_url": self.server.url, **settings}
        )

    def operation(
        self, source_key: str = "in/", destination_key: str = "out/", **changes: Any
    ) -> S3CopyOperation:
        """Return a copy from one account to the other; options are changed by their names."""
        names = {field.name for field in dataclasses.fields(CopyOptions)}
        options = {name: value for name, value in changes.items() if name in names}
        settings: dict[str, Any] = {
            "source_bucket": SRC,
            "source_key": source_key,
            "destination_bucket": DST,
            "destination_key": destination_key,
            "recursive": True,
            "source": self.account(SOURCE_KEY),
            "destination": self.account(DESTINATION_KEY),
            "options": dataclasses.replace(QUICK, **({"engine": self.engine} | options)),
        }
        rest = {name: value for name, value in changes.items() if name not in names}
        return S3CopyOperation(**(settings | rest))

    def copy(
        self, source_key: str = "in/", destination_key: str = "out/", **changes: Any
    ) -> CopyResult:
        """Run a copy to its end, and check the accounts of whatever happened."""
        result = self.operation(source_key, destination_key, **changes).run()
        check_accounts(result)
        return result

    def arrived(self) -> dict[str, StoredObject]:
        """Return what is at the destination."""
        return self.server.objects(DST)

    def assert_untouched(self) -> None:
        """Assert that the destination is as it was: no object, no upload, no copy tried."""
        assert self.arrived() == {}
        assert self.server.uploads(DST) == []
        assert self.server.count("CopyObject") == 0

    def headers_of(self, operation: str) -> list[dict[str, str]]:
        """Return the headers of every request of ``operation`` that was not the preflight's."""
        return [
            dict(request.headers)
            for request in self.server.requests
            if request.operation == operation and "preflight" not in request.key
        ]

    def sent(self, operation: str, **filters: object) -> int:
        """Return how many requests of ``operation`` were sent, the preflight's left out."""
        return sum(
            "preflight" not in request.key
            and request.operation == operation
            and all(getattr(request, name) == value for name, value in filters.items())
            for request in self.server.requests
        )


def check_accounts(result: CopyResult) -> None:
    """Assert the invariant of every run: found = copied + skipped + deleted + failed + rest."""
    seen = result.metrics
    assert seen.total_files_found == (
        seen.files_copied_successfully
        + seen.files_skipped
        + seen.files_deleted
        + seen.files_failed
        + seen.files_not_attempted
    )
    assert seen.bytes_in_progress == 0
