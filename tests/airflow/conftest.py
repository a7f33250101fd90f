"""A new Airflow home for each run, set before anything imports Airflow."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="s3-xfer-airflow-"))
for name in list(os.environ):
    if name.startswith(("AIRFLOW", "AWS_")) or name.lower().endswith("_proxy"):
        del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",  # of a busy machine; Kubernetes' client is large
    "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
    "AIRFLOW__S3_XFER__LOG_INTERVAL": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": str(HOME / "no-config"),
    "AWS_SHARED_CREDENTIALS_FILE": str(HOME / "no-credentials"),
    "AWS_DEFAULT_REGION": "us-east-1",
}

import pytest  # noqa: E402

from scripts.airflow_local import run_airflow  # noqa: E402
from tests.airflow.stage import Stage  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _home() -> Iterator[None]:
    """Remove the home at the end."""
    yield
    if "KEEP_AIRFLOW_HOME" not in os.environ:  # to look into it
        shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Two accounts on the fault server, and a connection for each."""
    with Stage() as world:
        for name, value in world.connections().items():
            monkeypatch.setenv(name, value)
        yield world


@pytest.fixture(scope="session")
def database() -> Path:
    """Make Airflow's database, and return its home."""
    run_airflow("db", "migrate", environment=os.environ)
    return HOME
