"""A retried task goes on from the journal of the try before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_plugin import S3CopyPermanentError, S3CopyRetryableError
from tests.airflow.stage import Stage
from tests.fault_server import Fault
from tests.world import DESTINATION_ACCOUNT, SRC


@pytest.fixture(params=["file", "s3"])
def journal(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> str:
    """Return the location of a journal, as a rendered template names it."""
    if request.param == "file":
        return str(tmp_path / "run-1.db")
    stage.server.create_bucket("journals", owner=DESTINATION_ACCOUNT)
    return "s3://journals/run-1.db"


def test_a_retry_goes_on(stage: Stage, journal: str) -> None:
    """The second try copies what the first did not, and returns the numbers of both."""
    for number in range(40):
        stage.server.put(SRC, f"in/{number:02}", size=1)
    fault = stage.server.inject(
        Fault.error("CopyObject", 500, "InternalError", key=lambda key: key.endswith("7"))
    )
    with pytest.raises(S3CopyRetryableError):
        stage.execute(journal=journal)
    fault.remove()
    stage.server.forget_requests()

    result = stage.execute(journal=journal, try_number=2)

    assert stage.sent("CopyObject") == 4
    assert result["files_copied_successfully"] == result["total_files_found"] == 40
    assert result["files_copied_earlier"] == 36
    assert (result["journal"], result["resumable"]) == (journal, False)


def test_the_next_run_with_the_same_journal_begins(stage: Stage, journal: str) -> None:
    """A constant name does not make the second day's copy do nothing."""
    stage.server.put(SRC, "in/x", size=1)
    stage.execute(journal=journal)
    stage.server.put(SRC, "in/y", size=1)

    result = stage.execute(journal=journal)

    assert result["files_copied_successfully"] == 2


def test_a_journal_of_another_copy_fails_the_task_at_once(stage: Stage, journal: str) -> None:
    """A retry would find the same."""
    stage.server.put(SRC, "in/x", size=1)
    stage.execute(journal=journal)

    with pytest.raises(S3CopyPermanentError, match="belongs to another copy"):
        stage.execute(journal=journal, destination_key="elsewhere/")
