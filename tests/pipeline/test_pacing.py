"""Slowing down together when the rate is too high, and only then, in a simulation."""

from __future__ import annotations

import functools
import threading
import time
from dataclasses import replace
from statistics import mean

import pytest

from s3_xfer.pipeline.pacing import Pacer
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S
from tests.pipeline.simulation import Server, Simulation

OBJECTS = 3_000
WASTED_MAX = 0.02

LIMITS = pytest.mark.parametrize("limit_per_s", [300, 3500])
SEEDS = (1, 2, 3)
LATENCIES = pytest.mark.parametrize("latency_s", [0.01, 0.05])


def ended(server: Server, *, objects: int = OBJECTS, seed: int = 1) -> Simulation:
    """Return a run that has ended."""
    simulation = Simulation(server, objects=objects, seed=seed)
    simulation.run()
    return simulation


def runs_under(server: Server) -> list[Simulation]:
    """Return runs of some ten seconds or more under a limit, which have ended."""
    objects = 6_000 if server.limit_per_s == 300 else 24_500
    return [ended(server, objects=objects, seed=seed) for seed in SEEDS]


@functools.cache
def undisturbed_s(server: Server, share: float) -> float:
    """Return when ``share`` of the objects are copied by a server that refuses nothing."""
    return ended(server).done_s(share)


@pytest.mark.parametrize(
    ("throttled", "failed", "slowdown_max"),
    [
        (0.01, 0.0, 1.25),
        (0.05, 0.0, 1.25),
        (0.1, 0.0, 1.25),
        (0.2, 0.0, 1.5),  # two steps down, a quarter of a second each, are a third of the run
        (0.0, 0.01, 1.25),
        (0.0, 0.05, 1.25),
        (0.05, 0.05, 1.25),
    ],
)
@LATENCIES
def test_refusals_at_any_rate_do_not_slow_a_run_down(
    throttled: float, failed: float, latency_s: float, slowdown_max: float
) -> None:
    """What is not refused is copied as soon as without them; the others wait for their retry."""
    server = Server(latency_s=latency_s)
    share = 0.95 - throttled - failed

    run = ended(replace(server, throttled_ratio=throttled, failed_ratio=failed))

    assert run.done_s(share) <= slowdown_max * undisturbed_s(server, share)


@pytest.mark.parametrize("throttled", [0.01, 0.05])
def test_refusals_at_any_rate_do_not_slow_a_long_run_down(throttled: float) -> None:
    """Once they are known, they are not tested again and again."""
    run = Simulation(Server(latency_s=0.02, throttled_ratio=throttled))
    undisturbed = Simulation(Server(latency_s=0.02)).measure(5)

    assert run.measure(5).copied >= 0.85 * undisturbed.copied
    before = run.copied
    run.run(7)

    assert run.copied - before >= 0.9 * (1 - throttled) * undisturbed.copied / 5 * 2
    assert not run.pacer.is_paced


def test_refusals_while_few_requests_are_in_flight_do_not_slow_a_run_down() -> None:
    """A slow server answers too rarely to tell; its refusals never add up to a standstill."""
    refusing, seeds = Server(latency_s=2.0, throttled_ratio=0.05), range(1, 13)  # one is chance
    copied = [Simulation(refusing, seed=seed).measure(30).copied for seed in seeds]
    undisturbed = Simulation(Server(latency_s=2.0)).measure(30)

    assert sum(copied) / len(seeds) >= 0.7 * undisturbed.copied


@LIMITS
@LATENCIES
def test_limit_is_found_at_once(limit_per_s: float, latency_s: float) -> None:
    """From the first request to the last copy, whatever waits for its repetition at the end."""
    for run in runs_under(Server(limit_per_s=limit_per_s, latency_s=latency_s)):
        assert run.useful(1.0) >= 0.95
        assert run.wasted < WASTED_MAX
        assert run.failed == 0


@LIMITS
@LATENCIES
def test_limit_is_found_at_once_among_refusals_at_any_rate(
    limit_per_s: float, latency_s: float
) -> None:
    """But the last objects, which wait for their repetitions."""
    server = Server(limit_per_s=limit_per_s, latency_s=latency_s, throttled_ratio=0.01)
    runs = runs_under(server)

    assert mean(run.useful(0.95) for run in runs) >= 0.95
    assert mean(run.wasted for run in runs) < 1.25 * WASTED_MAX
    assert not any(run.failed for run in runs)


@pytest.mark.parametrize("objects", [600, 1_500])
def test_limit_does_not_make_a_short_run_longer_than_it_must(objects: int) -> None:
    """The first rate is measured in a moment; a run that ends soon does not stay at it."""
    run = ended(Server(limit_per_s=300), objects=objects)

    assert run.useful(1.0) >= 0.9


def test_higher_limit_is_found_although_little_seems_to_be_left() -> None:
    """What is left may take many requests: an object is copied in parts."""
    run = Simulation(Server(limit_per_s=100))
    run.pacer.expect_end(lambda: 10)
    run.run(8)
    run.server = Server(limit_per_s=1000)
    run.run(20)

    assert run.measure(24).copied >= 0.85 * 1000 * 4


@LATENCIES
@pytest.mark.parametrize("throttled", [0.0, 0.01, 0.05])
def test_nothing_fails_under_a_limit(latency_s: float, throttled: float) -> None:
    """Nor does the whole run take longer than the limit makes it."""
    run = ended(Server(limit_per_s=300, latency_s=latency_s, throttled_ratio=throttled))

    assert run.failed == 0
    assert run.done_s(0.9) <= OBJECTS / 300 * 1.2


def test_low_limit_is_kept() -> None:
    """One refusal is 3 % of a second's requests, so a little more is allowed."""
    run = Simulation(Server(limit_per_s=30))
    run.run(15)

    span = run.measure(75)

    assert span.copied >= 0.9 * 30 * span.length_s
    assert span.wasted < 0.06


@pytest.mark.parametrize(("before", "after"), [(300, 3000), (3000, 300), (1000, 50), (50, 1000)])
@pytest.mark.parametrize("throttled", [0.0, 0.01])
def test_limit_that_changes_suddenly_is_found_again(
    before: float, after: float, throttled: float
) -> None:
    """A lower one within three seconds, one twenty times as high within eight."""
    server = Server(limit_per_s=before, throttled_ratio=throttled)
    run = Simulation(server)
    run.run(8)
    run.server = replace(server, limit_per_s=after)
    run.run(11 if after < before else 16)

    span = run.measure(24)

    assert span.copied >= 0.85 * after * span.length_s
    assert span.wasted < 0.05


def test_server_that_stands_still_is_not_met_with_all_that_waited_meanwhile() -> None:
    """Neither is the pace given up."""
    run = Simulation(Server(limit_per_s=300))
    run.run(3)
    before = run.over_limit
    for _ in range(3):
        run.frozen_until_s = run.now_s + 0.6
        run.run(run.now_s + 1.5)

    assert run.over_limit - before < 3 * 50
    assert run.pacer.is_paced


def test_run_is_not_paced_until_the_first_throttle() -> None:
    """A run that is never throttled is never paced."""
    run = ended(Server())

    assert not run.pacer.is_paced
    assert run.sent == OBJECTS


def test_pace_is_released_when_the_limit_is_gone() -> None:
    """Once the server takes everything, the rate grows until it no longer matters."""
    run = Simulation(Server(limit_per_s=100))
    run.run(5)
    assert run.pacer.is_paced
    run.server = Server()

    run.run(20)

    assert not run.pacer.is_paced


def test_turn_that_is_given_back_can_be_taken_again() -> None:
    """Nobody waits for a turn that was not used."""
    run = Simulation(Server(limit_per_s=50))
    run.run(5)
    pacer = run.pacer
    while not pacer.turn_in_s():
        pass
    run.now_s += pacer.turn_in_s()

    for _ in range(100):
        assert pacer.turn_in_s() == 0
        pacer.return_turn()

    assert pacer.turn_in_s() == 0
    assert pacer.turn_in_s() > 0


def test_stopped_run_does_not_wait_for_its_turn() -> None:
    """The wait for the pace ends with the run."""
    stop = StopFlag()
    pacer = Pacer(stop)
    pacer.throttled(time.monotonic())
    time.sleep(0.06)  # what is refused in a shorter time proves nothing
    for _ in range(40):
        pacer.throttled(time.monotonic())
    assert pacer.is_paced
    for _ in range(int(2 * PATIENCE_S)):
        threading.Thread(target=pacer.wait, daemon=True).start()
    stop.set("test")
    started_s = time.monotonic()

    pacer.wait()

    assert time.monotonic() - started_s < PATIENCE_S
