"""The pictures of docs/how-to/airflow.md, taken from a running demonstration.

`make airflow-pictures` needs Chromium, which takes them without a window. Look at each picture
before it is committed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from s3_xfer.testing.two_accounts import TwoAccounts
from scripts.airflow_demo import ask, demonstration
from scripts.airflow_local import LocalAirflow, free_port

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_END_S = 300
_COLOURS = 128
_PREFIX, _VERIFIED = "example_s3_xfer_prefix", "example_s3_xfer_verified"
_COPIED, _NOTHING = "copied", "nothing-there"


def main() -> int:
    """Run the examples, one of them without anything to copy, and take a picture of each page."""
    with TwoAccounts() as two, demonstration(two, free_port(), per_year=200) as airflow:
        _run(airflow, _PREFIX, _COPIED, {})
        _run(airflow, _PREFIX, _NOTHING, {"source": "s3://their-bucket/2027/"})
        _run(airflow, _VERIFIED, _COPIED, {})
        copied, nothing = (_task(_PREFIX, run, "copy_prefix") for run in (_COPIED, _NOTHING))
        pages = {
            "airflow-grid": (f"/dags/{_VERIFIED}/runs/{_COPIED}", 600),
            "airflow-task-log": (copied, 900),
            "airflow-task-failed": (nothing, 520),  # below are names of the machine's folders
            "airflow-xcom": (f"{copied}/xcom", 600),
        }
        for name, (path, height) in pages.items():
            picture = IMAGES / f"{name}.png"
            _take(f"{airflow.url}{path}", picture)
            _reduce(picture, height)
            print(f"{picture.name}: {picture.stat().st_size // 1024} KiB", flush=True)
    return 0


def _task(dag_id: str, run_id: str, task_id: str) -> str:
    return f"/dags/{dag_id}/runs/{quote(run_id)}/tasks/{task_id}"


def _run(airflow: LocalAirflow, dag_id: str, run_id: str, params: dict[str, str]) -> None:
    """Run a DAG to its end, however it ends."""
    runs = f"/api/v2/dags/{dag_id}/dagRuns"
    ask(airflow, runs, {"dag_run_id": run_id, "logical_date": None, "conf": params})
    until_s = time.monotonic() + _END_S
    while ask(airflow, f"{runs}/{run_id}")["state"] not in ("success", "failed"):
        if time.monotonic() > until_s:
            raise RuntimeError(f"{dag_id} has not ended after {_END_S} s")
        time.sleep(1)


def _take(url: str, picture: Path) -> None:
    """Let a browser load a page, wait for what it fetches, and write the picture."""
    program = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if program is None:
        raise RuntimeError(f"none of these is installed: {', '.join(_CHROMIUM)}")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(  # noqa: S603 - the browser of this machine
            [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--window-size=1280,900",
                "--virtual-time-budget=60000",
                f"--user-data-dir={profile}",
                f"--screenshot={picture}",
                url,
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )


def _reduce(picture: Path, height: int) -> None:
    """Keep the upper part of a picture, in few colours: a small file for the repository."""
    with Image.open(picture) as taken:
        part = taken.convert("RGB").crop((0, 0, taken.width, height))
    part.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
