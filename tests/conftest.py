"""What all tests share: a clean environment, and a world of two accounts on the fault server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World

# They need Airflow, and run in environments that have it: make test-airflow.
collect_ignore = ["airflow"]


def pytest_report_header() -> str:
    """Say what is not run here."""
    return "tests/airflow: not here, they need Airflow (make test-airflow)"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the machine's AWS configuration and proxies out of every test."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def world() -> Iterator[World]:
    """Two accounts, two buckets, and the access that a copy needs, on a fault server."""
    with World() as stage:
        yield stage
