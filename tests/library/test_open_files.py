"""All runs of a process share its open files: none fails because another one has them.

The programs are processes of their own, with a low limit of open files.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

from tests.fault_server import Fault
from tests.library.embedded import Embedded
from tests.world import SRC

_OBJECTS = 50
LIMITED = """
import boto3, dataclasses, json, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, SOFT_LIMIT))
them, us = (
    AccountContext(session=boto3.Session(profile_name=name)) for name in ("them", "us")
)

def copying(number=0, **changes):
    options = {"concurrency": 200, "report_path": None, "journal": None, **ONE_TRY, **changes}
    return dataclasses.replace(
        slowly_copying(**options), source=them, destination=us,
        source_key="few/", destination_key=f"out{number}/",
    )

ONE_TRY = {"retries": 0, "second_chance": "skip"}

def numbers_of(results):
    say(json.dumps([
        [result.metrics.files_copied_successfully, *map(str, result.failures[:1])]
        for result in results
    ]))
"""


def run_limited(embedded: Embedded, code: str, *, limit: int = 256) -> Any:
    """Run the program under a limit of open files; return what it printed as JSON."""
    prelude = LIMITED.replace("SOFT_LIMIT", str(limit))
    ended = embedded.run(prelude + textwrap.dedent(code))
    assert ended.code == 0, ended.said
    return json.loads(ended.out)


def test_runs_share_the_open_files(embedded: Embedded) -> None:
    """Others begin, with each engine, while the first has everything; no request fails."""
    server = embedded.world.server
    embedded.slowness.remove()
    server.inject(Fault.slow("CopyObject", delay_s=0.3))
    for number in range(_OBJECTS):
        server.put(SRC, f"few/{number}", size=3)
    said = run_limited(
        embedded,
        """
        first = copying().start()
        while first.snapshot().files_copied_successfully < 10 and not first.wait(0.01):
            pass
        engines = ["crt", "managed"] * 5
        others = [copying(n, engine=engine).start() for n, engine in enumerate(engines, 1)]
        numbers_of(run.result() for run in [first, *others])
        """,
    )
    assert said == [[_OBJECTS]] * 11
