"""What a long run costs: memory that does not grow, and one request per object."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import PROGRAM, ROOT, Done, environment
from tests.patience import PATIENCE_S

MANY, FEW = 27_000, 9_000  # FEW are more than wait or are under way at a time
# Without a number under way a run would find its own, and open as many connections: as many MiB.
HOW = ("--recursive", "--json", "--progress", "none", "--concurrency", "128")
# A small process in between: what a child weighs is otherwise at least what this one does.
MEASURED = (
    "import resource, subprocess, sys;"
    "code = subprocess.run(sys.argv[1:]).returncode;"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr);"
    "sys.exit(code)"
)


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """A fast S3 that holds many objects and costs next to nothing; needs a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here for benchmarks/s3stub.c")
    program = tmp_path / "s3stub"
    source = str(ROOT / "benchmarks" / "s3stub.c")
    subprocess.run([compiler, "-O2", "-o", str(program), source], check=True, timeout=PATIENCE_S)
    return program


@contextmanager
def serving(stub: Path, objects: int) -> Iterator[str]:
    """Serve ``objects`` as long as the block lasts; yield the endpoint."""
    server = subprocess.Popen(
        [str(stub), "--objects", str(objects)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    try:
        yield server.stdout.readline().rpartition(" ")[2].strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def copy(stub: Path, home: Path, objects: int) -> tuple[dict[str, Any], float]:
    """Copy so many objects; return the metrics and the program's peak memory in MiB."""
    with serving(stub, objects) as url:
        return measured(home, "--endpoint-url", url)


def measured(home: Path, *options: str) -> tuple[dict[str, Any], float]:
    """Run a copy with these options; return the metrics and the peak memory in MiB."""
    command = [sys.executable, "-c", MEASURED, *PROGRAM, "copy", "s3://src/data/", "s3://dst/"]
    finished = subprocess.run(
        [*command, *HOW, *options],
        env={
            **environment(home, "", "", measure=False),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    metrics = Done(0, finished.stdout, finished.stderr).json()
    return metrics, int(finished.stderr.splitlines()[-1]) / 1024


def test_memory_is_bounded_and_requests_are_few(stub: Path, tmp_path: Path) -> None:
    """The peak is below 120 MiB however many objects there are; 1.002 requests per object."""
    _, few_mib = copy(stub, tmp_path / "home", FEW)
    metrics, many_mib = copy(stub, tmp_path / "home", MANY)

    assert metrics["files_copied_successfully"] == MANY
    assert sum(metrics["requests"].values()) <= 1.002 * MANY, metrics["requests"]
    assert many_mib < 120
    assert many_mib - few_mib < 10  # a kilobyte kept of each object would show


@pytest.mark.long
def test_memory_does_not_grow_with_a_list(tmp_path: Path) -> None:
    """Lines in no order: all are checked and known, and the peak is below 120 MiB.

    ``S3_XFER_LIST_LINES=1000000`` tries a million. With sizes and ETags nothing is asked for.
    """
    lines = int(os.environ.get("S3_XFER_LIST_LINES", "300000"))
    rng, keys = random.Random(1), tmp_path / "keys.csv"
    with keys.open("w") as file:
        file.write("key,size,etag\n")
        for number in range(lines):
            file.write(f"data/{rng.getrandbits(64):016x}/{number},3,{number:032x}\n")

    options = ("--dry-run", "--no-preflight", "--files-from", str(keys))
    metrics, peak_mib = measured(tmp_path / "home", *options)

    assert metrics["planned_bytes"] == 3 * lines
    assert peak_mib < 120
