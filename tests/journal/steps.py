"""What tests of journals do over and over: fill, stop in the middle, go on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from s3_xfer import CopyResult, S3CopyOperation
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_KEY, SOURCE_KEY, SRC, World, check_accounts

SLOW = ("CopyObject", "UploadPartCopy")


def fill(world: World, count: int, size: int = 1) -> None:
    """Store objects at the source."""
    for number in range(count):
        world.server.put(SRC, f"in/{number:04}", size=size)


def resume(world: World, journal: Path | str, **changes: Any) -> CopyResult:
    """Go on from a journal to the end, as the library's users do."""
    result = S3CopyOperation.resume(
        journal,
        source=world.account(SOURCE_KEY),
        destination=world.account(DESTINATION_KEY),
        **changes,
    ).run()
    check_accounts(result)
    return result


def stopped_after(
    world: World,
    operation: str,
    count: int,
    journal: Path | str,
    *,
    delay_s: float = 0.01,
    **changes: Any,
) -> CopyResult:
    """Begin a copy, and cancel it when S3 was asked so often for ``operation``.

    What is asked for after that waits until the copy is cancelled, however long that takes.
    """
    slow = world.server.inject(
        Fault.slow(SLOW, delay_s=delay_s, key=lambda key: "preflight" not in key)
    )
    cancelled = threading.Event()
    held = world.server.inject(
        Fault.call(
            operation,
            lambda _: cancelled.wait(PATIENCE_S),
            after=count,
            key=lambda key: "preflight" not in key,
        )
    )
    world.server.forget_requests()
    run = world.operation(journal=str(journal), **changes).start()
    try:
        world.server.wait_for(operation, count=count)
        run.cancel("test")
    finally:
        cancelled.set()
    result = run.result()
    slow.remove()
    held.remove()
    check_accounts(result)
    return result
