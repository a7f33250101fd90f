"""Completion reports of S3 Batch Operations as the input of a copy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from s3_xfer import ReportError, RunState
from tests.world import SRC, World

ODD = ["in/ a ", "in/+%2B%", "in/ü/日本", "in/a\nb", "in/'q\"uote,"]


def results(rows: list[tuple[str, str]]) -> str:
    """Return results as S3 writes them: the order of the last fields differs between examples."""
    tails = {
        "succeeded": ',200,,"Successful"',
        "failed": ',failed,AccessDenied,403,"Access, Denied ""x"""',
    }
    return "".join(
        f"{SRC},{key},{tails[status] if status == 'failed' else ',succeeded' + tails[status]}\n"
        for key, status in rows
    )


def report(folder: Path, *failed: str, succeeded: str = "", below: str = "results") -> Path:
    """Write a job's folder; return its manifest."""
    listed = []
    files = [*(("failed", text) for text in failed), ("succeeded", succeeded)]
    for number, (status, text) in enumerate(files):
        path = folder / below / f"{status}{number}.csv"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        listed.append(
            {
                "TaskExecutionStatus": status,
                "Bucket": "reports",
                "Key": f"plan/job-1/results/{path.name}",
                "MD5Checksum": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
            }
        )
    manifest = folder / "manifest.json"
    fields = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
    manifest.write_text(
        json.dumps({"Format": "Report_CSV_20180820", "Results": listed, "ReportSchema": fields})
    )
    return manifest


@pytest.mark.parametrize("below", ["results", "."])
@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_what_the_job_could_not_copy_is_copied(
    world: World, tmp_path: Path, below: str, encode: object
) -> None:
    """Whatever the keys, and however they are encoded; what succeeded is left alone."""
    assert callable(encode)
    for key in [*ODD, "in/done"]:
        world.server.put(SRC, key, size=2)
    failed = [results([(encode(key), "failed") for key in keys]) for keys in (ODD[:2], ODD[1:])]
    done = results([("in/done", "succeeded")])
    manifest = report(tmp_path, done + failed[0], failed[1], succeeded=done, below=below)

    result = world.copy(from_report_path=manifest)

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {f"out/{key[3:]}" for key in ODD}


def test_a_results_file_may_be_given_alone(world: World, tmp_path: Path) -> None:
    """With rows of both kinds; a journal keeps them."""
    for key in ("in/a", "in/done"):
        world.server.put(SRC, key, size=2)
    path = tmp_path / "results.csv"
    path.write_text(results([("in/done", "succeeded"), ("in/a", "failed")]))

    result = world.copy(from_report_path=path, journal=str(tmp_path / "j.db"))

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/a"}


WRONG = {
    "bucket": ("other,in/a,,failed,403,x,y\n", "line 1 of .* is not under s3://src-bucket/in/"),
    "prefix": (f"{SRC},out/a,,failed,403,x,y\n", "line 1 of .* is not under s3://src-bucket/in/"),
    "status": (f"{SRC},in/a,,perhaps,403,x,y\n", "line 1 of .* is no row of a completion report"),
    "list": (f"{SRC},in/a\n", "line 1 of .* is no row of a completion report"),
    "encoding": (f"{SRC},in/%FF,,failed,403,x,y\n", "has a key that is not URL-encoded UTF-8"),
    "quote": (f'{SRC},"in/a,,failed\n', "of the job cannot be read"),
    "versions": (
        f"{SRC},in/a,1,failed,403,x,y\n{SRC},in/a,2,failed,403,x,y\n",
        "has copied several versions of 'in/a'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_report_is_refused(world: World, tmp_path: Path, name: str) -> None:
    """Before anything is written."""
    content, message = WRONG[name]

    with pytest.raises(ReportError, match=message):
        world.copy(from_report_path=report(tmp_path, content))

    assert world.server.requests == []


def test_damaged_or_missing_results_are_refused(world: World, tmp_path: Path) -> None:
    """The manifest has the MD5 of each file."""
    manifest = report(tmp_path, results([("in/a", "failed")]))
    data = tmp_path / "results" / "failed0.csv"
    data.write_text(data.read_text()[:-20])
    with pytest.raises(ReportError, match="another MD5"):
        world.copy(from_report_path=manifest)
    data.unlink()
    with pytest.raises(ReportError, match="cannot be read"):
        world.copy(from_report_path=manifest)
