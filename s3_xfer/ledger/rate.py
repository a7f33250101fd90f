"""Speed and remaining time, from snapshots.

Progress-bar libraries forget their samples whenever the total grows, and here it grows as long as
the listing lasts. Until that is complete there is no estimate of the remaining time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from s3_xfer.errors import check_fields, checked_call
from s3_xfer.ledger.metrics import TransferMetrics

WINDOW_S = 20.0
_SETTLED_S = 2.0  # shorter spans say more about start-up than about speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Recent speed."""

    objects_per_s: float
    """Objects per second."""
    bytes_per_s: float
    """Bytes per second."""
    eta_s: float | None
    """Seconds until the end; None while that cannot be known."""
    still_s: float = 0.0
    """For how long no number has changed: nothing was sent, and nothing answered."""

    def __post_init__(self) -> None:
        check_fields(self)


class RateMeter:
    """Turns successive snapshots into :class:`Rates` over the last ``window_s`` seconds.

    Belongs to the one thread that draws.
    """

    @checked_call
    def __init__(self, *, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int, int]] = deque()
        self._last_change: tuple[float, tuple[int, ...]] = (0.0, ())

    def observe(self, metrics: TransferMetrics) -> Rates:
        """Take one snapshot into account and return the rates as of then."""
        if (
            metrics.bytes_done == metrics.bytes_earlier
            and metrics.files_done == metrics.files_earlier
        ):
            self._samples.clear()  # preflight and listing say nothing about the speed of copying
        self._samples.append((metrics.duration_s, metrics.files_done, metrics.bytes_done))
        while len(self._samples) > 2 and self._samples[0][0] < metrics.duration_s - self._window_s:  # noqa: PLR2004
            self._samples.popleft()
        first_s, first_objects, first_bytes = self._samples[0]
        span_s = metrics.duration_s - first_s
        settled = span_s >= _SETTLED_S or metrics.files_done == metrics.total_files_found
        if span_s < _SETTLED_S:
            first_objects, first_bytes = metrics.files_earlier, metrics.bytes_earlier
            span_s = max(metrics.duration_s, 1e-3)
        numbers = _numbers(metrics)
        if numbers != self._last_change[1]:
            self._last_change = (metrics.duration_s, numbers)
        objects_per_s = (metrics.files_done - first_objects) / span_s
        bytes_per_s = (metrics.bytes_done - first_bytes) / span_s
        return Rates(
            objects_per_s=objects_per_s,
            bytes_per_s=bytes_per_s,
            eta_s=_eta_s(metrics, objects_per_s, bytes_per_s) if settled else None,
            still_s=metrics.duration_s - self._last_change[0],
        )


def _numbers(metrics: TransferMetrics) -> tuple[int, ...]:
    """Return numbers that change with every request and every answer that counts."""
    sent = sum(metrics.requests.values())
    return sent, metrics.total_files_found, metrics.files_done, metrics.bytes_done


def _eta_s(metrics: TransferMetrics, objects_per_s: float, bytes_per_s: float) -> float | None:
    """Return the longer of two estimates: small objects are slow to count, large ones to move."""
    if not metrics.listing_complete:
        return None
    objects_left = metrics.total_files_found - metrics.files_done
    bytes_left = metrics.total_bytes_found - metrics.bytes_done
    if objects_left <= 0:
        return 0.0
    if objects_per_s <= 0 and bytes_per_s <= 0:
        return None
    by_objects_s = objects_left / objects_per_s if objects_per_s > 0 else 0.0
    by_bytes_s = bytes_left / bytes_per_s if bytes_per_s > 0 else 0.0
    return max(by_objects_s, by_bytes_s)
