"""What all tests share: a clean environment, and a world of two accounts to copy between.

The world is on the fault server. With ``--ceph-root`` (``make test-ceph``) there is a real S3 too:
Ceph's, unpacked below that directory. Then, and only then, ``tests/ceph`` is collected, and tests
of the contract that are marked ``on_ceph`` take place there instead. The header of a test report
says whether the real S3 takes part.
"""

from __future__ import annotations

import os
import signal
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.ceph.cluster import CephCluster
from tests.ceph.world import add_accounts
from tests.world import World

# They need Airflow, and run in environments that have it: make test-airflow.
collect_ignore = ["airflow"]
# A shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The same examples every time: a failure is the fault of a change. Other examples: make fuzz. How
# long one takes says more of the machine than of the program, so there is no deadline.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("repeatable")
CEPH_TESTS = Path(__file__).parent / "ceph"
SLOW_ROOMS = ("access", "batch", "contract", "e2e", "journal")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the place of the real S3."""
    parser.addoption(
        "--ceph-root",
        type=Path,
        metavar="DIR",
        help="run the tests of Ceph too, with the programs that scripts/fetch_ceph.sh put there",
    )
    parser.addoption(
        "--whole-tables", action="store_true", help="run what is long, and every case of the tables"
    )
    parser.addoption(
        "--all-engines", action="store_true", help="try the contract with each engine there is"
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say what takes part, and what does not."""
    root: Path | None = config.option.ceph_root
    ceph = f"real S3: Ceph below {root}" if root else "real S3: none, see make test-ceph"
    return f"{ceph}; Airflow: none, see make test-airflow"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests that are about Ceph alone where there is none."""
    absent = config.option.ceph_root is None and collection_path.is_relative_to(CEPH_TESTS)
    return True if absent else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would take CI beyond its time; ``make test-long`` leaves out nothing.

    That is what is marked ``long``, and, of the tables in the rooms whose tests start servers or
    processes, all cases but every third; of two cases one. Which one differs from test to test,
    for the two are often the engines.
    """
    if config.option.whole_tables:
        return
    cases = Counter(item.nodeid.partition("[")[0] for item in items)
    seen: Counter[str] = Counter()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        name = item.nodeid.partition("[")[0]
        step = min(cases[name], _one_in(item))
        is_turn = seen[name] % step == zlib.crc32(name.encode()) % step
        (kept if is_turn and not item.get_closest_marker("long") else left_out).append(item)
        seen[name] += 1
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def _one_in(item: pytest.Item) -> int:
    """Return which share of a table is run."""
    mark = item.get_closest_marker("one_in")
    if mark:
        return int(mark.args[0])
    return 3 if item.path.relative_to(Path(__file__).parent).parts[0] in SLOW_ROOMS else 1


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
    """Two accounts, two buckets, and the access that a copy needs."""
    with World() as stage:
        yield stage


@pytest.fixture(scope="session")
def ceph(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CephCluster]:
    """The real S3, with two accounts; every test makes and removes its own buckets."""
    with CephCluster(pytestconfig.option.ceph_root, tmp_path_factory.mktemp("ceph")) as cluster:
        add_accounts(cluster)
        yield cluster
