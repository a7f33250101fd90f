"""The pictures of docs/how-to/airflow.md, taken from a running demonstration.

`make airflow-pictures` needs Chromium, which takes them without a window. Look at each picture
before it is committed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from s3_xfer.testing.two_accounts import TwoAccounts
from scripts.airflow_browser import browser
from scripts.airflow_demo import ask, demonstration
from scripts.airflow_local import LocalAirflow, free_port

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_END_S = 300
_COLOURS = 128
_PREFIX, _VERIFIED = "example_s3_xfer_prefix", "example_s3_xfer_verified"
_COPIED, _NOTHING = "copied", "nothing-there"


@dataclass(frozen=True)
class _Picture:
    """A page of Airflow, and from where to where it is of use in a document."""

    name: str
    path: str
    text: str
    """What the page shows when it is complete."""
    height: int
    click: tuple[str, str] | None = None
    """A button, and what the page shows then."""


def main() -> int:
    """Run the examples, one of them without anything to copy, and take a picture of each page."""
    with TwoAccounts() as two:
        with demonstration(two, free_port(), per_year=200) as airflow:
            _run(airflow, _PREFIX, _COPIED, {})
            _run(airflow, _PREFIX, _NOTHING, {"source": "s3://their-bucket/2027/"})
            _run(airflow, _VERIFIED, _COPIED, {})
            _take(airflow, _pictures())
        two.reset()
        with demonstration(two, free_port(), per_year=200, as_aws=True) as airflow:
            _run(airflow, _PREFIX, _COPIED, {})
            _take(airflow, _pictures_on_aws())
    return 0


def _pictures() -> list[_Picture]:
    copied, nothing = (_task(_PREFIX, run, "copy_prefix") for run in (_COPIED, _NOTHING))
    docs = ("Dag Docs", "Dag Documentation")
    return [
        _Picture("airflow-docs", f"/dags/{_VERIFIED}", "Latest Run", 480, docs),
        _Picture("airflow-grid", f"/dags/{_VERIFIED}/runs/{_COPIED}", "preflight", 600),
        _Picture("airflow-task-log", copied, "Result as JSON", 900),
        # Below are names of the machine's folders.
        _Picture("airflow-task-failed", nothing, "Next:", 520),
    ]


def _pictures_on_aws() -> list[_Picture]:
    copied = _task(_PREFIX, _COPIED, "copy_prefix")
    return [
        # The brace is the result's, whose key is shown before its value.
        _Picture("airflow-xcom", f"{copied}/xcom", "}", 600),
        _Picture("airflow-links", f"{copied}/details", "S3 destination", 460),
    ]


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


def _take(airflow: LocalAirflow, pictures: list[_Picture]) -> None:
    with browser(width=1280, height=900) as page:
        for picture in pictures:
            page.open(f"{airflow.url}{picture.path}", text=picture.text)
            if picture.click is not None:
                button, text = picture.click
                page.click(button, text=text)
            file = IMAGES / f"{picture.name}.png"
            file.write_bytes(page.picture())
            _reduce(file, picture.height)
            print(f"{file.name}: {file.stat().st_size // 1024} KiB", flush=True)


def _reduce(picture: Path, height: int) -> None:
    """Keep the upper part of a picture, in few colours: a small file for the repository."""
    with Image.open(picture) as taken:
        part = taken.convert("RGB").crop((0, 0, taken.width, height))
    part.quantize(_COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
