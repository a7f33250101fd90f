"""What a run is doing, in one word for logs and a few for people.

One place decides, so that bars and log lines never disagree.
"""

from __future__ import annotations

import enum

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import RunState


class Phase(enum.Enum):
    """The value is the word in log lines."""

    CHECKING = "checking"  # access to both sides; nothing is written yet
    LISTING = "listing"  # totals still grow; copying has begun
    COPYING = "copying"  # totals are final
    STOPPING = "stopping"  # nothing new starts
    ENDED = "ended"


def phase_of(state: RunState, metrics: TransferMetrics, *, stopping: bool = False) -> Phase:
    """Return what a run in ``state`` with these numbers is doing."""
    if state in (RunState.INITIALIZED, RunState.VALIDATING):
        return Phase.STOPPING if stopping else Phase.CHECKING
    if state is not RunState.COPYING:
        return Phase.ENDED
    if stopping:
        return Phase.STOPPING
    return Phase.COPYING if metrics.listing_complete else Phase.LISTING
