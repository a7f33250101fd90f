"""The phase of a run as progress shows it, the same in bars and in log lines."""

from __future__ import annotations

import enum

from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.result import RunState


class Phase(enum.Enum):
    """The value is the word in log lines."""

    PREFLIGHT = "preflight"  # access to both sides; nothing is written yet
    LISTING = "listing"  # totals still grow; copying has begun
    COPYING = "copying"  # totals are final
    STOPPING = "stopping"  # nothing new starts
    ENDED = "ended"


def phase_of(state: RunState, metrics: TransferMetrics, *, stopping: bool = False) -> Phase:
    """Return the phase of a run in ``state`` with these numbers."""
    if state in (RunState.INITIALIZED, RunState.VALIDATING):
        return Phase.STOPPING if stopping else Phase.PREFLIGHT
    if state is not RunState.COPYING:
        return Phase.ENDED
    if stopping:
        return Phase.STOPPING
    return Phase.COPYING if metrics.listing_complete else Phase.LISTING
