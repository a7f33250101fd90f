"""A fake S3 that is right where a copier can be hurt, and wrong on command.

moto answers most of S3 but not what a copy between accounts depends on: grants on the source,
conditions, owner checks, size limits. This one answers only what copying needs, strictly, and
injects faults. Objects have no content, only a claimed size::

    with FaultServer() as server:
        server.add_account("111111111111", access_key="AKIASOURCE")
        server.create_bucket("source", owner="111111111111")
        server.put("source", "big", size=6 * 1024**3)
        throttle = server.inject(Fault.error("CopyObject", 503, "SlowDown", times=2))
        ...  # point a boto3 client at server.url
        assert throttle.hits == 2

It is no general S3: it refuses, with 501, whatever a server-side copier has no business asking.
"""

from tests.fault_server.faults import Fault, InjectedFault, Where
from tests.fault_server.journal import RequestRecord
from tests.fault_server.server import FaultServer
from tests.fault_server.state import Part, StoredObject, Upload
from tests.fault_server.wire import Request

__all__ = [
    "Fault",
    "FaultServer",
    "InjectedFault",
    "Part",
    "Request",
    "RequestRecord",
    "StoredObject",
    "Upload",
    "Where",
]
