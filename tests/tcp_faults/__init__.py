"""A TCP proxy in front of any S3, which damages connections in the places that it is told to.

The fault server answers what S3 may answer; what happens to an answer on its way is the proxy's
business: cut inside a header, half of a body, a reset, a connection that stays open and silent. It
looks at requests only to know which ones they are, so the server behind may be the fault server,
moto's, or a real Ceph.

    with TcpFaultProxy(server.url) as proxy:
        proxy.inject(WireFault(cut(Place.HEADERS), operations="PutObject", times=1))
        ...  # use proxy.url
"""

from __future__ import annotations

from tests.tcp_faults.effects import (
    Effect,
    Place,
    after_answer,
    before_delivery,
    cut,
    drip,
    drop_request,
    garbage,
    half_open,
    idle_close,
    on_delivery,
    pass_on,
    reset,
)
from tests.tcp_faults.exchange import Exchange
from tests.tcp_faults.proxy import TcpFaultProxy, WireFault

__all__ = [
    "Effect",
    "Exchange",
    "Place",
    "TcpFaultProxy",
    "WireFault",
    "after_answer",
    "before_delivery",
    "cut",
    "drip",
    "drop_request",
    "garbage",
    "half_open",
    "idle_close",
    "on_delivery",
    "pass_on",
    "reset",
]
