"""The rate of requests as a function of the time since the last decrease.

The curve is that of TCP CUBIC (RFC 9438): a step below what the server accepted, back there after
:data:`RECOVERY_S`, a plateau, and then growth that ends in doubling within a second. So most of the
time is spent close to the limit, and a limit that rose tenfold is found in six seconds.
"""

from __future__ import annotations

DECREASE_RATIO = 0.12  # of what was accepted, at once after a throttle
RECOVERY_S = 2.0  # until the rate is back at what was accepted
RATE_MIN_PER_S = 1.0
_PLATEAU = 1.3  # times RECOVERY_S beyond that, before the rate grows exponentially
_GROWTH_FACTOR = 8.0  # in each further RECOVERY_S
GROWTH_BEGINS_S = (1 + _PLATEAU) * RECOVERY_S  # after a decrease


def paced_rate_per_s(peak_per_s: float, since_decrease_s: float) -> float:
    """Return the rate; ``peak_per_s`` is what the server accepted at the last decrease."""
    distance = (since_decrease_s - RECOVERY_S) / RECOVERY_S
    growth = _GROWTH_FACTOR ** max(0.0, distance - _PLATEAU)
    curve = 1 + DECREASE_RATIO * min(distance, _PLATEAU) ** 3
    return float(max(RATE_MIN_PER_S, peak_per_s * curve * growth))
