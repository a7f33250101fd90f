"""The channel between the listing and the workers."""

from __future__ import annotations

import threading
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer.pipeline.channel import Channel
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.pipeline.stop import StopFlag
from tests.patience import PATIENCE_S


def _fail(error: BaseException) -> None:
    raise AssertionError("a worker crashed") from error


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(), max_size=7), max_size=25),
    capacity=st.integers(1, 4),
    workers=st.integers(1, 8),
)
def test_every_item_is_taken_exactly_once(
    batches: list[list[int]], capacity: int, workers: int
) -> None:
    """For any number of batches, capacity and workers."""
    taken: list[int] = []
    executor: Executor[int] = Executor(capacity=capacity, stop=StopFlag(), on_error=_fail)
    executor.start(Processor(taken.append, threads=workers))

    for batch in batches:
        assert executor.channel.put(batch)
    executor.channel.close()

    assert executor.finish(PATIENCE_S)
    assert Counter(taken) == Counter(item for batch in batches for item in batch)


def test_put_waits_while_full() -> None:
    """The producer cannot run ahead of the workers by more than the capacity."""
    channel: Channel[int] = Channel(1)
    channel.put([1, 2])
    passed = threading.Event()

    def produce() -> None:
        channel.put([3])
        passed.set()

    producer = threading.Thread(target=produce)
    producer.start()

    assert not passed.wait(0.05)
    assert [channel.take(), channel.take()] == [1, 2]
    assert passed.wait(PATIENCE_S)
    producer.join()


def test_abort_wakes_the_producer_and_returns_the_rest() -> None:
    """After an abort every item was taken, returned, or not accepted."""
    channel: Channel[int] = Channel(1)
    channel.put([1, 2, 3])
    accepted: list[bool] = []
    producer = threading.Thread(target=lambda: accepted.append(channel.put([4])))
    producer.start()
    taken = channel.take()

    remaining = channel.abort()
    producer.join(PATIENCE_S)

    assert (taken, remaining, accepted) == (1, [2, 3], [False])
    assert channel.take() is None
    assert not channel.put([5])


def test_waiting_worker_ends_when_the_channel_is_closed() -> None:
    """A worker that waits for an item ends too."""
    executor: Executor[int] = Executor(capacity=1, stop=StopFlag(), on_error=_fail)
    executor.start(Processor(_fail_on_item, threads=3))

    assert not executor.finish(0.05)
    executor.channel.close()

    assert executor.finish(PATIENCE_S)


def _fail_on_item(item: int) -> None:
    raise AssertionError(f"nothing was put, {item} came out")


def test_crashing_worker_is_reported() -> None:
    """An exception of the work is passed to ``on_error``."""
    crashes: list[BaseException] = []

    def crash(_: int) -> None:
        raise ValueError("boom")

    executor: Executor[int] = Executor(capacity=1, stop=StopFlag(), on_error=crashes.append)
    executor.start(Processor(crash, threads=1))
    executor.channel.put([1])
    executor.channel.close()

    assert executor.finish(PATIENCE_S)
    assert [str(error) for error in crashes] == ["boom"]


def test_how_much_is_left_is_known_once_nothing_more_comes() -> None:
    """Of all batches, and less with each item that is taken."""
    channel: Channel[int] = Channel(2)
    left = []
    channel.put([1, 2])
    channel.put([3])
    left.append(channel.left)
    channel.close()
    left.append(channel.left)
    channel.take()
    channel.take()
    left.append(channel.left)

    assert left == [None, 3, 1]
