"""The counting server: a limit on writes that changes while clients are busy; parts by size."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from benchmarks import server
from benchmarks.limits import Change, changing
from benchmarks.server import DESTINATION_BUCKET, PREFIX, SOURCE_BUCKET, Conditions, CountingServer

OBJECTS = 1_000
LOW, HIGH = 100, 100_000

pytestmark = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)


@pytest.fixture
def running() -> Iterator[CountingServer]:
    """A server that accepts few copies a second."""
    with CountingServer(Conditions(objects=OBJECTS, writes_per_s_max=LOW)) as started:
        yield started


def copies(running: CountingServer, numbers: range) -> list[int]:
    """Ask for the copies of those objects, one after the other; return the statuses."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=60)
    statuses = []
    for number in numbers:
        key = f"{PREFIX}{number:09d}.bin"
        source = {"x-amz-copy-source": f"/{SOURCE_BUCKET}/{key}"}
        connection.request("PUT", f"/{DESTINATION_BUCKET}/{key}", headers=source)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses


def test_copies_above_the_limit_are_refused_and_counted(running: CountingServer) -> None:
    """What comes faster than the limit is answered 503, by second and in total."""
    statuses = copies(running, range(OBJECTS))
    stats = running.stats()
    assert set(statuses) == {200, 503}
    assert stats.throttled == stats.refused == statuses.count(503)
    assert sum(stats.throttled_by_second) == stats.throttled
    assert sum(stats.copies_by_second) == stats.copies_done == statuses.count(200)


def test_a_limit_can_be_changed_while_the_server_runs(running: CountingServer) -> None:
    """A higher limit, or none, holds from the next request on."""
    assert 503 in copies(running, range(100))
    running.limit(HIGH)
    assert set(copies(running, range(100, 200))) == {200}
    running.limit(LOW)
    assert 503 in copies(running, range(200, 300))
    running.limit(0)
    assert set(copies(running, range(300, OBJECTS))) == {200}


def test_a_limit_can_change_gradually(running: CountingServer) -> None:
    """On the way to another limit the present one lies between the two."""
    running.limit(LOW, over_s=0)
    running.limit(HIGH, over_s=3600)  # 28 more each second
    assert 503 in copies(running, range(OBJECTS))


def test_the_change_is_placed_on_the_axis_of_the_counters(running: CountingServer) -> None:
    """The server says when a limit changed, in seconds since the first copy came."""
    assert running.limit(LOW) == 0
    copies(running, range(1))
    before_s = time.monotonic()
    at_s = running.limit(LOW)
    again_s = running.limit(LOW)
    assert 0 < at_s <= again_s <= at_s + (time.monotonic() - before_s) + 0.001


def test_a_reset_brings_the_first_limit_back(running: CountingServer) -> None:
    """Runs that share a server all begin with the limit that it was started with."""
    running.limit(0)
    running.reset()
    assert 503 in copies(running, range(OBJECTS))


def test_a_limit_that_is_no_number_is_refused(running: CountingServer) -> None:
    """A mistake in a control request is an answer, not a limit of zero."""
    with pytest.raises(ValueError, match="not a number"):
        running.limit(-1)


def test_a_change_of_a_scenario_waits_for_the_first_copy(running: CountingServer) -> None:
    """It is carried out beside the run, after the first copy, and says when that was."""
    running.limit(0)
    with changing(running, (Change(after_s=0.2, writes_per_s_max=LOW),)) as changed:
        time.sleep(0.5)
        assert not changed
        assert set(copies(running, range(1))) == {200}
        until_s = time.monotonic() + 30
        while not changed and time.monotonic() < until_s:
            time.sleep(0.05)
    (change,) = changed
    assert (change.at_s >= 0.2, change.writes_per_s_max) == (True, LOW)
    assert 503 in copies(running, range(OBJECTS))


def test_a_run_that_ends_early_leaves_the_limit_alone(running: CountingServer) -> None:
    """A change that was not due yet does not hold the benchmark up."""
    with changing(running, (Change(after_s=3600, writes_per_s_max=LOW),)) as changed:
        copies(running, range(1))
    assert changed == []


def test_parts_take_time_in_proportion_to_their_size() -> None:
    """64 MiB at 256 MiB/s are a quarter of a second, 1 MiB next to nothing."""
    with CountingServer(
        Conditions(objects=1, size_bytes=64 * 1024**2, part_mib_per_s=256)
    ) as started:
        small_s, large_s = part_s(started, 1024**2), part_s(started, 64 * 1024**2)

    assert large_s >= 0.25
    assert small_s < large_s


def part_s(running: CountingServer, size_bytes: int) -> float:
    """Return how long the copy of a part of this size takes."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=60)
    key = f"{PREFIX}000000000.bin"
    headers = {
        "x-amz-copy-source": f"/{SOURCE_BUCKET}/{key}",
        "x-amz-copy-source-range": f"bytes=0-{size_bytes - 1}",
    }
    start = time.monotonic()
    connection.request(
        "PUT", f"/{DESTINATION_BUCKET}/{key}?partNumber=1&uploadId=u", headers=headers
    )
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == http.HTTPStatus.OK
    return time.monotonic() - start


def test_the_waits_that_faults_impose_are_followed() -> None:
    """Two faults of one object take 1 and 2 s; the first reset may be repeated at once."""
    failing = {
        503: Conditions(objects=2, answered_503=1.0),
        500: Conditions(objects=2, answered_500=1.0),
    }
    for status, conditions in failing.items():
        with CountingServer(conditions) as started:
            assert copies(started, range(1)) == [status]
            assert started.stats().backed_off_s == pytest.approx(1, abs=0.1)
            assert copies(started, range(2)) == [status] * 2
            assert started.stats().backed_off_s == pytest.approx(3, abs=0.1)
    with CountingServer(Conditions(objects=1, reset=1.0)) as started:
        for waited_s in (0, 1, 3, 7, 7):
            with pytest.raises(ConnectionResetError):
                copies(started, range(1))
            assert started.stats().backed_off_s == pytest.approx(waited_s, abs=0.1)
