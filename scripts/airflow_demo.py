"""The demonstration behind ``make airflow-demo``: an Airflow with the operator, ready to click.

Starts the embedded S3 with two accounts, and an Airflow 3 beside it whose connections and example
DAGs are set up; prints the address and runs until Ctrl-C. Everything listens on loopback only and
is kept in a folder that is removed at the end. No login: everyone on this machine is an admin.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from scripts.airflow_accounts import OUR_BUCKET, THEIR_BUCKET, ExampleAccounts
from scripts.airflow_local import LocalAirflow, run_airflow

DEFAULT_PORT = 8080
DEFAULT_PER_YEAR = 700
_EXAMPLES = Path(__file__).parent.parent / "airflow_plugin" / "example_dags"
_START_S = 180
_ANSWER_S = 60  # on a busy machine
_POLL_S = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration until it is interrupted, and return its exit code."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has switched Ctrl-C off
        signal.signal(number, signal.default_int_handler)
    try:
        with TwoAccounts() as two, demonstration(two, options.port, options.per_year) as airflow:
            _print_introduction(airflow, two)
            _wait_for_failure(airflow)
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.")
    except RuntimeError as error:
        print(f"The demonstration failed: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def demonstration(
    two: TwoAccounts, port: int, per_year: int, *, as_aws: bool = False
) -> Iterator[LocalAirflow]:
    """Run Airflow with the example DAGs for as long as the ``with`` block lasts.

    With ``as_aws`` tasks take the embedded S3 for AWS.

    Raises:
        RuntimeError: Airflow did not start.
    """
    with tempfile.TemporaryDirectory(prefix="s3-xfer-airflow-") as folder:
        connections = ExampleAccounts(two, per_year=per_year).connections(as_aws=as_aws)
        environment = _environment(Path(folder), connections)
        print("Making Airflow's database", flush=True)
        run_airflow("db", "migrate", environment=environment)
        print("Starting Airflow", flush=True)
        with LocalAirflow(Path(folder), environment, port=port) as airflow:
            _wait_until_ready(airflow)
            yield airflow


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Airflow with the operator and two accounts.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of Airflow's pages")
    parser.add_argument(
        "--per-year", type=int, default=DEFAULT_PER_YEAR, help="objects in each of three folders"
    )
    return parser


def _environment(home: Path, connections: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the settings of another Airflow or of AWS."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "AWS_")) and not name.lower().endswith("_proxy")
    }
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(_EXAMPLES),
        "AIRFLOW__S3_XFER__LOG_INTERVAL": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(_EXAMPLES.parent.parent),
        **connections,
    }


def _wait_until_ready(airflow: LocalAirflow) -> None:
    """Return when Airflow has parsed all example DAGs.

    Raises:
        RuntimeError: Airflow did not start.
    """
    until_s = time.monotonic() + _START_S
    while not _is_ready(airflow):
        ended = airflow.failed()
        if ended or time.monotonic() > until_s:
            logs = "".join(log.read_text()[-2000:] for log in airflow.home.glob("*.log"))
            raise RuntimeError(f"{ended or 'Airflow'} did not start:\n{logs}")
        time.sleep(_POLL_S)


def _is_ready(airflow: LocalAirflow) -> bool:
    """Return whether Airflow's API lists every example."""
    try:
        dags = ask(airflow, "/api/v2/dags")["total_entries"]
    except OSError:
        return False
    return bool(dags >= len(list(_EXAMPLES.glob("example_*.py"))))


def ask(airflow: LocalAirflow, path: str, document: Any = None) -> Any:
    """Return the answer of Airflow's API; what is given is posted.

    Raises:
        OSError: there is no answer, or it is an error.
    """
    token = _answer(urllib.request.Request(f"{airflow.url}/auth/token"))["access_token"]  # noqa: S310
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document).encode()
    return _answer(urllib.request.Request(f"{airflow.url}{path}", body, headers))  # noqa: S310


def _answer(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:  # noqa: S310 - our server
        return json.load(response)


def _print_introduction(airflow: LocalAirflow, two: TwoAccounts) -> None:
    names = "\n".join(f"    {path.stem}" for path in sorted(_EXAMPLES.glob("example_*.py")))
    print(f"""
Airflow is ready:  {airflow.url}

  account A {SOURCE_ACCOUNT}  s3://{THEIR_BUCKET}    connection s3_xfer_them
  account B {DESTINATION_ACCOUNT}  s3://{OUR_BUCKET}      connection s3_xfer_us
  embedded S3 and STS at {two.url}

  DAGs, each with a button "Trigger":
{names}

  Start example_s3_xfer_prefix, then look at its task copy_prefix: the log, and the XCom with the
  counts. The links "S3 source" and "S3 destination" are there only on AWS, which has the console.
  The embedded S3 is moto, which checks no policies: access always works here.
  The page asks for no password; it listens on this machine only.

Ctrl-C ends everything.""")
    sys.stdout.flush()


def _wait_for_failure(airflow: LocalAirflow) -> None:
    while True:
        ended = airflow.failed()
        if ended:
            raise RuntimeError(f"{ended} has ended")
        time.sleep(_POLL_S)


if __name__ == "__main__":
    sys.exit(main())
