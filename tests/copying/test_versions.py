"""Copies of a named version, by both engines, against a server that checks it."""

from __future__ import annotations

import importlib.util
import queue
from collections.abc import Iterator
from typing import Any

import pytest

from s3_xfer import Engine, ErrorClass
from s3_xfer.access.clients import open_clients
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.dispatcher import AsyncDispatcher
from s3_xfer.copying.engine_selection import select_engine
from s3_xfer.copying.lookup import compared_counterpart
from s3_xfer.copying.managed_when_needed import ManagedWhenNeeded
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import Copied, CopyTask, Failed, Outcome, S3Object
from s3_xfer.options import CompareBy
from s3_xfer.pipeline.stop import StopFlag
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    QUICK,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    World,
)

VERSIONED = "versioned-bucket"
# The last one is the embedded server's: AWS asks for s3:GetObjectVersionTagging in a copy too.
READ_VERSIONS = (
    "s3:ListBucket",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:GetObjectTagging",
)
ENGINES = [
    Engine.MANAGED,
    pytest.param(
        Engine.CRT,
        marks=pytest.mark.skipif(
            importlib.util.find_spec("awscrt") is None, reason="awscrt is not here"
        ),
    ),
]


@pytest.fixture
def world() -> Iterator[World]:
    """A versioned bucket of which only named versions may be read."""
    with World() as made:
        made.server.create_bucket(VERSIONED, owner=SOURCE_ACCOUNT, versioned=True)
        made.server.grant(VERSIONED, to=DESTINATION_ACCOUNT, actions=READ_VERSIONS)
        yield made


def clients_of(world: World) -> Any:
    """Return the clients of a run."""
    requests = RequestPolicy.of(QUICK, counter=MetricsCollector("versions"), stop=StopFlag())
    return open_clients(
        source=world.account(SOURCE_KEY),
        destination=world.account(DESTINATION_KEY),
        options=QUICK,
        overwrite=True,
        requests=requests,
    )


def copy(world: World, source: S3Object, engine: Engine) -> Outcome:
    """Return how the copy of ``source`` by ``engine`` ended."""
    clients = clients_of(world)
    managed = ManagedWhenNeeded(clients.destination, QUICK)
    context = CopyContext(
        source=clients.source,
        destination=clients.destination,
        hooks=clients.destination_hooks,
        options=QUICK,
        overwrite=True,
        looks_first=False,
    )
    copier = ObjectCopier(context, managed)
    outcomes: queue.Queue[Outcome] = queue.Queue()
    crashes: list[BaseException] = []
    task = CopyTask(source, DST, "out/x")
    if engine is Engine.CRT:
        copy_client = select_engine(context, ca_bundle=None, destination_bucket=DST)
        assert not isinstance(copy_client, str)
        dispatcher = AsyncDispatcher(copier, copy_client, limit=4, on_crash=crashes.append)
        dispatcher.start(task, lambda _, outcome: outcomes.put(outcome))
        outcome = outcomes.get(timeout=50)
        dispatcher.close()
    else:
        outcome = copier.copy(task)
    managed.close()
    assert crashes == []
    return outcome


def stored(world: World, size: int) -> S3Object:
    """Put an object into the versioned bucket, and return it with its version."""
    world.server.put(VERSIONED, "in/x", size=size, metadata={"k": "v"}, tags={"t": "1"})
    item = world.server.objects(VERSIONED)["in/x"]
    assert item.version_id
    return S3Object(
        bucket=VERSIONED, key="in/x", size=size, etag=item.etag, version_id=item.version_id
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
def test_the_named_version_is_copied(world: World, engine: Engine, size: int) -> None:
    """Every request that reads the source names it, or it would be denied."""
    source = stored(world, size)

    outcome = copy(world, source, engine)

    assert isinstance(outcome, Copied)
    arrived = world.arrived()["out/x"]
    assert (arrived.metadata, arrived.tags) == ({"k": "v"}, {"t": "1"})
    named = [
        request.headers.get("x-amz-copy-source", "").partition("?versionId=")[2]
        or request.query.get("versionId", "")
        for request in world.server.requests
        if "x-amz-copy-source" in request.headers or request.bucket == VERSIONED
    ]
    assert set(named) == {source.version_id}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])
def test_a_version_that_is_gone_fails(world: World, engine: Engine, size: int) -> None:
    """It is not replaced by the current one, even if that has the same content."""
    source = stored(world, size)
    gone = S3Object(
        bucket=source.bucket, key=source.key, size=size, etag=source.etag, version_id="v0"
    )

    outcome = copy(world, gone, engine)

    assert isinstance(outcome, Failed)
    assert outcome.error.info.error_class is ErrorClass.SOURCE_VANISHED
    assert world.arrived() == {}


def test_identity_is_checked_with_the_named_version(world: World) -> None:
    """Its checksum counts, not that of the current version."""
    source = stored(world, 1000)
    crc = {"x-amz-checksum-crc64nvme": "Zm9vYmFyCg==", "x-amz-checksum-type": "FULL_OBJECT"}
    world.server.put(DST, "out/x", size=1000, headers=crc)
    clients = clients_of(world)

    compared_counterpart(
        clients.source, clients.destination, CopyTask(source, DST, "out/x"), CompareBy.AUTO
    )

    (head,) = [request for request in world.server.requests if request.bucket == VERSIONED]
    assert head.query["versionId"] == source.version_id
