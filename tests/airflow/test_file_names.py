"""Where a task keeps its journal and its report, and that it replaces nobody else's."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError, S3CopyRetryableError
from airflow_plugin.file_names import TaskIdentity
from tests.airflow.stage import Stage, Ti
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, DST, SRC

FILES = "files"
RUN = "manual__2026-01-01T00!3A00!3A00!2B00!3A00"  # how a key has the run of Ti


def identity(**changes: Any) -> TaskIdentity:
    """Return that of a task."""
    values: dict[str, Any] = {
        "dag_id": "d",
        "run_id": "r",
        "task_id": "t",
        "map_index": -1,
        "try_number": 1,
    }
    return TaskIdentity(**(values | changes))


ODD = [
    "a", "a/b", "a!2Fb", "a.b", ".", "..", "!", "a b", "a+b", "a%2Fb", "ä", "a\u0308", "日本", "A",
    "x" * 250, "x" * 249 + "y", "ü" * 250, "ü" * 249 + "u", "a\nb", "-1", "0", "journal.db", "",
]  # fmt: skip


def test_no_two_tasks_share_a_name() -> None:
    """Whatever their ids hold, mapped or not; names are safe in a key and on a disk."""
    identities = {
        identity(dag_id=dag, run_id=run, task_id=task, map_index=index)
        for one, other in itertools.product(ODD, repeat=2)
        for dag, run, task in {(one, other, "t"), ("t", one, other), (other, "t", one)}
        for index in (-1, 0, 7)
    }
    journals = [one.journal("s3://b/f/") for one in identities]
    reports = [one.report("s3://b/f/") for one in identities]

    assert len({*journals, *reports}) == 2 * len(identities)
    for name in (*journals, *reports):
        key = name.removeprefix("s3://b/")
        assert key.isascii()
        assert key.isprintable()
        assert len(key) < 900
        assert not {".", ".."} & set(key.split("/"))
        assert max(map(len, key.split("/"))) <= 255


def test_a_journal_is_of_all_tries_and_a_report_of_one() -> None:
    """A retry goes on from the journal, and leaves the first try's report."""
    first, second = identity(), identity(try_number=2)

    assert first.journal("s3://b/") == second.journal("s3://b/") == "s3://b/d/r/t/journal.db"
    assert first.report("s3://b/") == "s3://b/d/r/t/report-try-1.jsonl"
    assert second.report("s3://b/") == "s3://b/d/r/t/report-try-2.jsonl"
    assert identity(map_index=0).report("x/") == "x/d/r/t/0/report-try-1.jsonl"


@pytest.mark.parametrize("place", ["s3://b/report.jsonl", "report.jsonl", "/a/b"])
def test_what_is_no_folder_is_taken_as_it_is(place: str) -> None:
    """The DAG's author has named it."""
    assert identity().report(place) == identity().journal(place) == place


@pytest.fixture(params=["local", "s3"])
def folder(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> str:
    """Return a folder for files."""
    if request.param == "local":
        return f"{tmp_path}/made/by/the/operator/"
    stage.server.create_bucket(FILES, owner=DESTINATION_ACCOUNT)
    return f"s3://{FILES}/folder/"


def names(stage: Stage, folder: str) -> set[str]:
    """Return the files in ``folder``."""
    if folder.startswith("s3://"):
        keys = stage.server.objects(FILES)
        return {key.removeprefix("folder/") for key in keys}
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if path.suffix in (".db", ".jsonl")}


def test_mapped_tasks_share_a_folder(stage: Stage, folder: str) -> None:
    """Each with a journal and reports of its own, in one folder for all."""
    for index in range(2):
        stage.server.put(SRC, f"in/{index}/x", size=1)
        stage.execute(
            ti=Ti(1, map_index=index),
            source_key=f"in/{index}/",
            destination_key=f"out/{index}/",
            journal=folder,
            report_path=folder,
        )

    assert names(stage, folder) == {
        f"dag/{RUN}/copy/{index}/{name}"
        for index in range(2)
        for name in ("journal.db", "report-try-1.jsonl")
    }


def test_a_retry_goes_on_from_the_folder(stage: Stage, folder: str) -> None:
    """With a report for each try."""
    for number in range(5):
        stage.server.put(SRC, f"in/{number}", size=1)
    broken = stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/3"))
    with pytest.raises(S3CopyRetryableError):
        stage.execute(journal=folder, report_path=folder, request_retries=0, second_chance="skip")
    broken.remove()

    result = stage.execute(journal=folder, report_path=folder, try_number=2)

    assert result["files_copied_earlier"] == 4
    assert names(stage, folder) == {
        f"dag/{RUN}/copy/{name}"
        for name in ("journal.db", "report-try-1.jsonl", "report-try-2.jsonl")
    }
    assert result["report"] == f"{folder}dag/{RUN}/copy/report-try-2.jsonl"


@pytest.fixture(params=["local", "s3"])
def report(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> str:
    """Return the place of a report that a DAG's author has named."""
    if request.param == "local":
        return str(tmp_path / "report.jsonl")
    stage.server.create_bucket(FILES, owner=DESTINATION_ACCOUNT)
    return f"s3://{FILES}/report.jsonl"


class OtherRun(Ti):
    """The same task of the next day."""

    run_id = "manual__2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize("other", [OtherRun(1), Ti(1, map_index=0)], ids=["run", "mapped"])
def test_another_task_s_report_is_not_replaced(stage: Stage, report: str, other: Ti) -> None:
    """It is refused before anything is copied, without a retry."""
    stage.server.put(SRC, "in/x", size=1)
    stage.execute(report_path=report)
    stage.server.forget_requests()

    with pytest.raises(S3CopyPermanentError, match="exists already and is not this task's"):
        stage.execute(ti=other, report_path=report)

    assert stage.sent("CopyObject") == 0


def test_a_retry_replaces_its_own_report(stage: Stage, report: str) -> None:
    """The file is the last try's."""
    stage.server.put(SRC, "in/x", size=1)
    broken = stage.server.inject(Fault.error("CopyObject", 500, "InternalError"))
    with pytest.raises(S3CopyRetryableError):
        stage.execute(report_path=report, request_retries=0, second_chance="skip")
    broken.remove()

    result = stage.execute(report_path=report, try_number=2)

    assert result["files_copied_successfully"] == 1


def test_a_file_of_anybody_else_is_not_replaced(stage: Stage, tmp_path: Path) -> None:
    """Also if no copy has written it."""
    stage.server.put(SRC, "in/x", size=1)
    stage.server.put(DST, "mine.jsonl", size=1)
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({}))

    for place in (str(file), f"s3://{DST}/mine.jsonl"):
        with pytest.raises(S3CopyPermanentError, match="is not replaced"):
            stage.execute(report_path=place)

    assert file.read_text() == "{}"
