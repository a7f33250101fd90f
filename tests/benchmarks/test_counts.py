"""What a copy costs in requests and memory: counts, which a busy machine cannot change.

The times, and the peers, are for ``make bench``. Both run whole processes against the same
counting server; :func:`~benchmarks.measure.measure` refuses a run whose own metrics, bill or exit
code differ from what the server saw.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import server
from benchmarks.copiers import COPIERS, S3_XFER, Copier, Route, Work
from benchmarks.measure import Measurement, Scenario, environment, measure
from benchmarks.server import Conditions, CountingServer
from s3_xfer.pipeline.slots import LONG_RUN_S

FEW, MANY = 3_000, 11_000  # MANY is more than wait at a time, so memory is at its bound
CHECKS = 4  # requests besides copies and pages: what is tried before the copy
ROUND_TRIPS_MAX = 2  # requests that are answered one after the other
MODULES_MAX = 560  # 543 with botocore 1.44; what is looked for in vain counts as well
NOT_NEEDED = frozenset(  # with --json, and no object in parts
    {
        "boto3",
        "s3transfer",
        "rich",
        "pyarrow",
        "moto",
        "asyncio",
        "opentelemetry",
        "sqlite3",
        "tomllib",
    }
)
OF_OTHER_RUNS = frozenset(
    f"s3_xfer.{name}"
    for name in (
        *("access.diagnosis", "access.stated_denial", "cli.batch", "cli.interactive"),
        *("cli.job_files", "cli.metrics_file", "cli.other_tools", "cli.shards"),
        *("copying.managed", "ledger.journal.session", "planning.shards", "plans.document"),
        *("render.summary", "runs.check", "runs.deletion", "sources.inventory", "sources.report"),
    )
)
EXPLAINED = 12  # and after it, once, to explain the first denial
KEYS_PER_PAGE = 1_000
FEW_REQUESTS_PER_OBJECT_MAX = 1.01
MANY_REQUESTS_PER_OBJECT_MAX = 1.002
MANY_USD_PER_MILLION_MAX = 5.02
PEAK_MIB_MAX = 120
MANY_OVER_TLS, TLS_CONNECTIONS_MAX, TLS_PEAK_MIB_MAX = 5_000, 650, 105  # 640, and those of checks
DENIED = 0.02
LARGE_BYTES = 64 * 1024**3  # 512 parts, 64 at a time
PART_LATENCY_MS = 500
SMALL = 1_000
FAULTY, ANSWERED_503 = 200, 0.05  # few: whoever is refused slows down

# "s3-xfer" chooses its engine by itself, which is one of the other two.
OURS = [each for each in COPIERS if each.name.startswith("s3-xfer-") and not each.missing()]

pytestmark = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)


@dataclass(frozen=True)
class Runs:
    """One engine's copies."""

    few: Measurement
    many: Measurement  # with failures among them


# The fastest there is: what the engines send is held equal by tests/contract.
@pytest.fixture(scope="module", params=OURS[:1], ids=lambda copier: copier.name)
def runs(request: pytest.FixtureRequest) -> Runs:
    """Copies of few and of many objects, with each engine that is there."""
    copier: Copier = request.param
    return Runs(
        few=copy(Scenario(copier=copier, objects=FEW)),
        many=copy(Scenario(copier=copier, objects=MANY, denied=DENIED)),
    )


def copy(scenario: Scenario) -> Measurement:
    """Run ``scenario`` once on a server of its own."""
    with CountingServer(scenario) as running:
        return measure(scenario, running)


def test_each_key_takes_one_request(runs: Runs) -> None:
    """One CopyObject per key, and hardly anything else, is what a run may cost."""
    assert runs.few.stats.by_operation["CopyObject"] == FEW
    assert runs.many.stats.by_operation["CopyObject"] == MANY
    assert runs.few.stats.requests <= FEW_REQUESTS_PER_OBJECT_MAX * FEW
    assert runs.many.stats.requests - EXPLAINED <= MANY_REQUESTS_PER_OBJECT_MAX * MANY


def test_besides_the_copies_there_are_pages_and_a_fixed_number_of_checks(runs: Runs) -> None:
    """The other requests are the listing and the checks before the copy."""
    for run, checks in ((runs.few, CHECKS), (runs.many, CHECKS + EXPLAINED)):
        beside = run.stats.requests - run.stats.objects
        assert beside <= run.stats.objects // KEYS_PER_PAGE + checks


def test_no_object_is_looked_at_before_it_is_copied(runs: Runs) -> None:
    """Size and ETag come from the listing, not from a request per object."""
    looking = ("HeadObject", "GetObject", "GetObjectTagging", "GetObjectAttributes")
    assert not [operation for operation in looking if operation in runs.few.stats.by_operation]
    assert sum(runs.many.stats.by_operation.get(operation, 0) for operation in looking) <= EXPLAINED


def test_a_million_objects_cost_five_dollars(runs: Runs) -> None:
    """The bill is that of the copies; everything else is two cents in a million objects."""
    usd = runs.many.usd_per_million * runs.many.copied / MANY  # those denied cost as much
    assert 5 < usd <= MANY_USD_PER_MILLION_MAX


def test_objects_are_lost_only_where_they_are_denied(runs: Runs) -> None:
    """All of them arrive, or fail one by one and are counted."""
    assert runs.few.lost == 0
    assert 0 < runs.many.lost < 2 * DENIED * MANY


def test_memory_is_bounded(runs: Runs) -> None:
    """However wide the window becomes; that nothing is kept of an object is for tests/e2e."""
    assert max(runs.few.peak_mib, runs.many.peak_mib) < PEAK_MIB_MAX


@pytest.mark.skipif(
    not shutil.which("openssl") or not Path("/usr/include/openssl/ssl.h").exists(),
    reason="the counting server needs openssl and libssl-dev for TLS",
)
def test_a_short_run_over_tls_opens_no_more_connections_than_it_is_worth() -> None:
    """Each takes 45 KiB, and as much processor time as five copies."""
    run = copy(Scenario(copier=OURS[0], objects=MANY_OVER_TLS, latency_ms=50, tls=True))
    assert run.lost == 0
    is_long = run.stats.copy_window_s > LONG_RUN_S  # on a busy machine; then it may have more
    assert is_long or run.stats.connections <= TLS_CONNECTIONS_MAX
    assert is_long or run.peak_mib < TLS_PEAK_MIB_MAX


@pytest.mark.parametrize("copier", OURS, ids=lambda copier: copier.name)
def test_a_fault_costs_one_more_request(copier: Copier) -> None:
    """With one in twenty copies answered 503, all arrive, and only those are sent again."""
    run = copy(Scenario(copier=copier, objects=FAULTY, answered_503=ANSWERED_503))
    assert run.lost == 0
    assert run.stats.refused > 0
    assert run.stats.by_operation["CopyObject"] <= FAULTY + run.stats.refused


def test_small_objects_do_not_wait_for_the_parts_of_a_large_one() -> None:
    """All of them are done before it is, although it was listed first."""
    run = copy(
        Scenario(
            copier=OURS[0],
            objects=SMALL,
            first_size_bytes=LARGE_BYTES,
            part_latency_ms=PART_LATENCY_MS,
        )
    )
    assert run.lost == 0
    assert run.stats.by_operation["UploadPartCopy"] == 512 + 1  # and that of the checks
    assert run.stats.singles_done_s < run.stats.copy_window_s


def test_an_unchanged_object_costs_two_thousandths_of_a_request() -> None:
    """A sync lists both sides, and asks for nothing else."""
    run = copy(Scenario(copier=OURS[0], work=Work.SYNC, objects=FEW, present=1))
    assert run.lost == 0
    assert run.stats.copies_done == 0
    assert run.stats.requests <= 2 * FEW // KEYS_PER_PAGE + CHECKS
    assert run.peak_mib < PEAK_MIB_MAX


def test_few_round_trips_pass_before_the_first_copy() -> None:
    """What is checked before is what a small job waits for."""
    patient_ms = 400  # a busy machine sends what belongs together as far apart as that
    run = copy(Scenario(copier=OURS[0], objects=1, latency_ms=patient_ms))
    assert run.stats.round_trips_to_copy <= ROUND_TRIPS_MAX


def test_a_copy_imports_only_what_it_needs(tmp_path: Path) -> None:
    """Every module is time before the first request, in each of a thousand small jobs."""
    with CountingServer(Conditions(objects=1)) as running:
        route = Route(
            endpoint_url=running.url,
            source_bucket=server.SOURCE_BUCKET,
            destination_bucket=server.DESTINATION_BUCKET,
            prefix=server.PREFIX,
        )
        python, *command = S3_XFER.commands[Work.COPY](route)
        done = subprocess.run(
            [python, "-X", "importtime", *command],
            capture_output=True,
            text=True,
            env=environment(str(tmp_path), {}),
            check=True,
        )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
    assert len(modules) <= MODULES_MAX
    assert NOT_NEEDED.isdisjoint(module.partition(".")[0] for module in modules)
    assert OF_OTHER_RUNS.isdisjoint(modules)
