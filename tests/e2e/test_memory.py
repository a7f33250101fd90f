"""What a long run costs: memory that does not grow, and one request per object."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import PATIENCE_S, PROGRAM, ROOT, Done, environment

OBJECTS = 30_000
# A small process in between: what a child weighs is otherwise at least what this one does.
MEASURED = (
    "import resource, subprocess, sys;"
    "code = subprocess.run(sys.argv[1:]).returncode;"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr);"
    "sys.exit(code)"
)


@pytest.fixture
def stub_url(tmp_path: Path) -> Iterator[str]:
    """A fast S3 that holds many objects and costs next to nothing; needs a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here for benchmarks/s3stub.c")
    stub = tmp_path / "s3stub"
    source = str(ROOT / "benchmarks" / "s3stub.c")
    subprocess.run([compiler, "-O2", "-o", str(stub), source], check=True, timeout=PATIENCE_S)
    server = subprocess.Popen(
        [str(stub), "--objects", str(OBJECTS)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    try:
        yield server.stdout.readline().rpartition(" ")[2].strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_memory_is_bounded_and_requests_are_few(stub_url: str, tmp_path: Path) -> None:
    """30,000 objects are copied in under 120 MiB, with 1.002 requests per object at most."""
    command = [sys.executable, "-c", MEASURED, *PROGRAM, "copy", "s3://src/data/", "s3://dst/"]
    options = ["--recursive", "--endpoint-url", stub_url, "--json", "--progress", "none"]

    finished = subprocess.run(
        command + options,
        env={
            **environment(tmp_path / "home", "", ""),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    metrics = Done(0, finished.stdout, finished.stderr).json()
    assert metrics["files_copied_successfully"] == OBJECTS
    assert sum(metrics["requests"].values()) <= OBJECTS * 1.002, json.dumps(metrics["requests"])
    print("RSS", int(finished.stderr) / 1024, metrics["duration_seconds"])
    assert int(finished.stderr) / 1024 < 120
