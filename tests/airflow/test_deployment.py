"""A deployed Airflow runs the examples, retries, fails and stops tasks, and emits events.

Everything is started at once and examined afterwards, because most of the time is Airflow's own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from s3_xfer.testing.two_accounts import TwoAccounts
from s3_xfer.units import MIB
from scripts.airflow_accounts import ExampleAccounts
from scripts.airflow_local import IS_2, VERSION, run_airflow
from tests.airflow.dags import ending
from tests.airflow.deployment import (
    Deployment,
    messages,
    supervisor_of,
    wait_until,
)
from tests.airflow.stage import SECRET, Stage
from tests.fault_server import Fault, InjectedFault
from tests.world import DST, SRC

EXAMPLES = ("single_object", "prefix", "cross_account", "mapped", "verified", "uploads")
PASSES_SIGTERM_ON = IS_2 or VERSION >= (3, 3)
SIGTERM = pytest.param(
    "sigterm",
    marks=pytest.mark.skipif(
        not PASSES_SIGTERM_ON,
        reason="Airflow 3.0 to 3.2: a task's supervisor does not pass SIGTERM on to any task",
    ),
)
IS_3_0 = VERSION == (3, 0)
NO_SECOND_TRY = pytest.mark.skipif(
    IS_3_0, reason="Airflow 3.0 leaves a task that is cleared while it runs in the state restarting"
)
CLEARED = pytest.param("cleared", marks=NO_SECOND_TRY)
STOPPED = [
    "failed",
    *([] if IS_3_0 else ["cleared"]),
    "timeout",
    *(["sigterm"] if PASSES_SIGTERM_ON else []),
]
WITH_POLICY = ["policy"] if hasattr(ending, "end_policy") else []
ENDED = ("retried", "permanent", "partial", "alias", *WITH_POLICY)
# From the change of state (or the signal) to the abort of the upload; Airflow itself takes one to
# five seconds to notice, and the timeout comes when it comes.
STOPS_WITHIN_S = {"failed": 12, "cleared": 12, "sigterm": 8, "timeout": 90}


class StatsD:
    """Collects the metrics that Airflow sends."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.lines: list[str] = []
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            self.lines.append(self._socket.recv(65536).decode())


@dataclass
class Deployed:
    """Everything that happened, for the tests to look at."""

    airflow: Deployment
    stage: Stage
    moto: ExampleAccounts
    statsd: StatsD
    lineage: Path
    slow: dict[str, InjectedFault]
    ended_after_s: dict[str, float] = field(default_factory=dict)

    def stop_everything(self) -> None:
        """End copies in all the ways, each in the middle of its large object."""
        stops: dict[str, Callable[[], object]] = {
            "failed": lambda: self.airflow.mark_failed("stop_failed"),
            "cleared": self._clear,
            "sigterm": lambda: os.kill(
                supervisor_of(self.airflow.instances("stop_sigterm")[0]), signal.SIGTERM
            ),
            "timeout": lambda: None,  # Airflow's own clock
        }
        for name in STOPPED:
            key = f"{name}/large"
            wait_until(partial(self._was_opened, key), f"the copy {name}", 240)
            stops[name]()
            began_s = time.monotonic()
            wait_until(partial(self._is_aborted, key), f"the end of {name}", 120)
            self.ended_after_s[name] = time.monotonic() - began_s

    def _clear(self) -> None:
        """Let the second try find S3 quick again."""
        self.slow["cleared"].remove()
        self.airflow.clear("stop_cleared")

    def _was_opened(self, key: str) -> bool:
        """Return whether the upload was created; Airflow's clock may have ended it by now."""
        return any(
            request.operation == "CreateMultipartUpload" and request.key == key
            for request in tuple(self.stage.server.requests)
        )

    def _is_open(self, key: str) -> bool:
        return key in {upload.key for upload in self.stage.server.uploads(DST)}

    def _is_aborted(self, key: str) -> bool:
        return not self._is_open(key)

    def instance(self, dag_id: str) -> Any:
        """Return the only task instance of a run."""
        (instance,) = self.airflow.instances(dag_id)
        return instance

    def events(self) -> list[dict[str, Any]]:
        """Return what OpenLineage sent about our tasks."""
        lines = self.lineage.read_text().splitlines() if self.lineage.exists() else []
        return [event for event in map(json.loads, lines) if "copy" in event["job"]["name"]]


def slow_world(stage: Stage) -> dict[str, InjectedFault]:
    """Put what the DAGs in ``dags/`` copy, and make it slow (returned), broken or throttled."""
    server, slow = stage.server, {}
    for name in STOPPED:
        server.put(SRC, f"{name}/large", size=40 * MIB)
        for number in range(3):
            server.put(SRC, f"{name}/{number}", size=10)
        slow[name] = server.inject(Fault.slow("UploadPartCopy", delay_s=600, key=f"{name}/large"))
    for name in ENDED:
        for number in range(4):
            server.put(SRC, f"{name}/{number}", size=10)
    server.inject(Fault.error("CopyObject", 500, "InternalError", key="end_retried/3", times=1))
    server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="end_partial/2"))
    server.inject(Fault.error("CopyObject", 503, "SlowDown", key="end_policy/1"))
    return slow


@pytest.fixture(scope="module")
def deployed(database: Path) -> Iterator[Deployed]:
    """Run everything."""
    statsd, lineage = StatsD(), database / "lineage.jsonl"
    with Stage() as stage, TwoAccounts() as accounts:
        moto = ExampleAccounts(accounts)
        slow = slow_world(stage)
        environment = {
            **stage.connections(),
            **moto.connections(),
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd.port),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(lineage), "append": True}
            ),
        }
        with Deployment(database, environment) as airflow:
            deployment = Deployed(airflow, stage, moto, statsd, lineage, slow)
            for name in STOPPED:
                airflow.trigger(f"stop_{name}")
            for name in ENDED:
                airflow.trigger(f"end_{name}")
            for name in EXAMPLES:
                airflow.trigger(f"example_s3_xfer_{name}")
            deployment.stop_everything()
            for dag_id in [f"stop_{name}" for name in STOPPED] + [f"end_{name}" for name in ENDED]:
                airflow.wait_for_end(dag_id)
            for name in EXAMPLES:
                airflow.wait_for_end(f"example_s3_xfer_{name}")
            yield deployment


# ------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("how", ["failed", CLEARED, "timeout", SIGTERM])
def test_a_stopped_task_leaves_no_upload_and_no_large_object(deployed: Deployed, how: str) -> None:
    """The upload was open when Airflow ended the task; seconds later it was aborted."""
    assert deployed.ended_after_s[how] < STOPS_WITHIN_S[how]
    assert deployed.stage.server.uploads(DST) == []
    arrived = f"{how}/large" in deployed.stage.server.objects(DST)
    assert arrived is (how == "cleared")  # its second try


@pytest.mark.parametrize("how", ["failed", "timeout", SIGTERM])
def test_a_stopped_task_is_never_a_success(deployed: Deployed, how: str) -> None:
    """What its process did after the stop does not matter."""
    assert deployed.instance(f"stop_{how}").state == "failed"
    assert deployed.airflow.state_of(f"stop_{how}") == "failed"


@NO_SECOND_TRY
def test_a_cleared_task_starts_again_and_copies_only_what_is_missing(deployed: Deployed) -> None:
    """The first try's small objects are left alone in the second."""
    result = deployed.airflow.xcom("stop_cleared")

    assert deployed.instance("stop_cleared").state == "success"
    assert (result["files_copied_successfully"], result["files_skipped"]) == (1, 3)


@pytest.mark.parametrize("how", ["failed", CLEARED, "timeout", SIGTERM])
def test_the_log_has_a_line_about_the_stop(deployed: Deployed, how: str) -> None:
    """And that nothing was going on any more when the process ended."""
    lines = list(messages(deployed.airflow.log_of(f"stop_{how}")))

    assert any("stopping: nothing new starts" in line for line in lines)
    assert any("s3_xfer_result " in line for line in lines)
    assert not any("Copied all" in line for line in lines)


# --------------------------------------------------------------------------------- other endings


def test_a_retry_copies_what_the_first_try_did_not(deployed: Deployed) -> None:
    """Three were copied in the first, one in the second."""
    result = deployed.airflow.xcom("end_retried")
    instance = deployed.instance("end_retried")

    assert (instance.state, instance.try_number) == ("success", 2)
    assert (result["files_copied_successfully"], result["files_skipped"]) == (1, 3)


@pytest.mark.parametrize("name", ["permanent", "partial", *WITH_POLICY])
def test_a_permanent_error_consumes_no_retry(deployed: Deployed, name: str) -> None:
    """Missing bucket, denied object, and throttling under a retry policy of 3.3."""
    instance = deployed.instance(f"end_{name}")

    assert (instance.state, instance.try_number, instance.max_tries) == ("failed", 1, 3)


def test_a_failed_task_leaves_its_result(deployed: Deployed) -> None:
    """For tasks whose trigger rule lets them run after a failure."""
    result = deployed.airflow.xcom("end_partial")

    assert (result["files_copied_successfully"], result["files_failed"]) == (3, 1)
    assert len(result["errors"]) == 1


def test_the_library_s_message_stands_in_the_log(deployed: Deployed) -> None:
    """With what to do next; 2.x itself logs whatever a task raises three times."""
    log = deployed.airflow.log_of("end_permanent")

    times = log.count("the destination bucket no-such-bucket does not exist")
    assert times == (3 if IS_2 else 1)
    assert "Next: check the name" in log
    assert "direct cause" not in log
    assert "During handling" not in log


# ---------------------------------------------------------------------------------- the examples


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_succeed(deployed: Deployed, name: str) -> None:
    """Run by a scheduler, in processes of their own, against two accounts."""
    assert deployed.airflow.state_of(f"example_s3_xfer_{name}") == "success"


def test_examples_copy_what_they_describe(deployed: Deployed) -> None:
    """Each to its own prefix."""
    arrived = deployed.moto.arrived()

    assert "from-them/orders.csv" in arrived
    assert len([key for key in arrived if key.startswith("from-them/20")]) == 9
    run = "from-them/test_example_s3_xfer_cross_account/"
    assert len([key for key in arrived if key.startswith(run)]) == 10
    assert len([key for key in arrived if key.startswith("mapped/")]) == 9
    assert len([key for key in arrived if key.startswith("verified/")]) == 10
    report = "example_s3_xfer_prefix/test_example_s3_xfer_prefix/copy_prefix/report-try-1.jsonl"
    assert f"reports/{report}" in arrived


def test_mapped_copies_add_up(deployed: Deployed) -> None:
    """Three prefixes, three objects each."""
    totals = deployed.airflow.xcom("example_s3_xfer_mapped", "add_up")

    assert totals == {"prefixes": 3, "objects": 9, "bytes": 9 * len(b"some data")}


def test_a_task_s_log_reads_well(deployed: Deployed) -> None:
    """Groups that close, progress, a summary, the result as JSON; no secret, nothing on stderr."""
    log = deployed.airflow.log_of("example_s3_xfer_prefix", "copy_prefix")
    lines = list(messages(log))

    first_line = "copying s3://their-bucket/data/ to s3://our-bucket/from-them/"
    assert any(line.endswith(first_line) for line in lines)
    assert any("::group::Settings" in line for line in lines)
    assert any("Copied all 10 objects" in line for line in lines)
    results = [line.partition("s3_xfer_result ")[2] for line in lines if "s3_xfer_result " in line]
    assert json.loads(results[0])["files_copied_successfully"] == 10
    assert SECRET not in log
    assert "task.stderr" not in log
    assert "ERROR" not in log


# ------------------------------------------------------------------------------- fitting in


def test_no_link_leads_to_a_console_that_has_other_buckets(deployed: Deployed) -> None:
    """The connections have an endpoint that is not AWS's."""
    links = deployed.airflow.links("example_s3_xfer_prefix", "copy_prefix")

    assert not any(links.values())


def test_asset_events_carry_the_counts(deployed: Deployed) -> None:
    """A declared asset's, and that of an alias, which gets the rendered destination."""
    events = deployed.airflow.asset_events()

    declared = events["s3://our-bucket/from-them"]
    assert (declared["files_copied_successfully"], declared["files_failed"]) == (10, 0)
    assert events["s3://dst-bucket/end_alias"]["total_bytes_transferred"] == 40


def test_openlineage_gets_both_datasets_with_counts_and_bytes(deployed: Deployed) -> None:
    """At the end of the task; both datasets by OpenLineage's naming of S3."""
    events = wait_until(
        lambda: [
            event
            for event in deployed.events()
            if event["job"]["name"] == "example_s3_xfer_prefix.copy_prefix"
            and event["eventType"] == "COMPLETE"
        ],
        "the event of OpenLineage",
    )
    (source,), (destination,) = events[0]["inputs"], events[0]["outputs"]
    statistics = destination["outputFacets"]["outputStatistics"]

    assert (source["namespace"], source["name"]) == ("s3://their-bucket", "data")
    assert (destination["namespace"], destination["name"]) == ("s3://our-bucket", "from-them")
    assert (statistics["fileCount"], statistics["size"]) == (10, 10 * len(b"some data"))


def test_metrics_are_sent(deployed: Deployed) -> None:
    """Through Airflow's own, under its prefix."""
    wait_until(
        lambda: any("s3_xfer.duration" in line for line in deployed.statsd.lines), "metrics", 20
    )
    sent = "\n".join(deployed.statsd.lines)

    assert "airflow.s3_xfer.objects_copied:10|c" in sent
    assert f"airflow.s3_xfer.bytes_copied:{10 * len(b'some data')}|c" in sent
    assert "airflow.s3_xfer.objects_failed:1|c" in sent


def test_the_provider_is_known_to_airflow(database: Path) -> None:
    """``airflow providers list`` shows it."""
    listed = run_airflow("providers", "list", "--output", "json", environment=os.environ)

    assert "s3-xfer" in {row["package_name"] for row in json.loads(listed[listed.index("[{") :])}
