"""The check operator, and the copy operator that only examines, on real servers."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from airflow_plugin import (
    S3CopyPermanentError,
    S3CopyRetryableError,
    S3CopyStoppedError,
    S3CrossAccountCheckOperator,
)
from airflow_plugin._compat import AirflowSkipException, Asset
from airflow_plugin.example_dags.example_s3_xfer_uploads import abort_old_uploads
from tests.airflow.stage import THEM, US, Stage, Ti
from tests.fault_server import Fault
from tests.uploads.test_janitor import THEIRS, leave
from tests.world import DESTINATION_ACCOUNT, DST, SRC


def check(stage: Stage, ti: Ti | None = None, **changes: Any) -> dict[str, Any]:
    """Execute a task that compares both prefixes; return its result."""
    arguments: dict[str, Any] = {
        "task_id": "check",
        "source_key": f"s3://{SRC}/in/",
        "destination_key": f"s3://{DST}/out/",
        "recursive": True,
        "source_aws_conn_id": THEM,
        "dest_aws_conn_id": US,
        "request_retry_delay_s": 0.01,
    }
    task: Any = S3CrossAccountCheckOperator(**(arguments | changes))
    task._log = task._cached_logger = logging.getLogger("task")
    result: dict[str, Any] = task.execute({"ti": ti or Ti(1), "outlet_events": {}})
    return result


def copied(stage: Stage) -> None:
    """Put three objects and copy them."""
    for name in ("a", "b", "c"):
        stage.server.put(SRC, f"in/{name}", size=10)
    stage.execute()


def test_what_is_the_same_lets_the_task_succeed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """The counts are the XCom, plain JSON, and one line of the log."""
    caplog.set_level(logging.INFO)
    copied(stage)

    result = check(stage)

    assert json.loads(json.dumps(result)) == result
    assert (result["no_difference"], result["objects"]["same"]) == (True, 3)
    lines = [record.getMessage() for record in caplog.records]
    logged = [line for line in lines if line.startswith("s3_xfer_result ")][-1]
    assert json.loads(logged.partition(" ")[2]) == result
    assert "No difference: 3 objects proven the same" in lines


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        ({}, S3CopyPermanentError),
        ({"on_difference": "fail"}, S3CopyPermanentError),
        ({"on_difference": "skip"}, AirflowSkipException),
        ({"on_difference": "succeed"}, None),
        ({"extra": "ignore", "filters": "- b"}, None),
        ({"fail_on": "same-size", "on_difference": "skip"}, AirflowSkipException),
    ],
    ids=str,
)
def test_what_differences_do_is_an_argument(
    stage: Stage, arguments: dict[str, Any], end: type[Exception] | None
) -> None:
    """One is missing, one is extra; the counts are the XCom however the task ends."""
    copied(stage)
    stage.server.put(DST, "out/extra", size=1)
    stage.server.put(SRC, "in/b", size=11)
    ti = Ti(1)

    if end:
        with pytest.raises(end, match=r"s3://dst-bucket/out/ differs .*1 different, 1 extra"):
            check(stage, ti, **arguments)
        result = ti.xcoms["return_value"]
    else:
        result = check(stage, ti, **arguments)

    assert result["objects"]["same"] == 2


def test_a_report_of_a_check_is_what_the_copy_needs(stage: Stage) -> None:
    """The folder in S3 is named by the operator; the copy takes its file."""
    copied(stage)
    stage.server.put(SRC, "in/d", size=10)
    ti = Ti(1)
    with pytest.raises(S3CopyPermanentError):
        check(stage, ti, report_path=f"s3://{DST}/reports/")

    report = ti.xcoms["return_value"]["report"]
    assert report.startswith(f"s3://{DST}/reports/dag/")
    assert stage.execute(from_report_path=report)["files_copied_successfully"] == 1
    assert check(stage)["no_difference"]


def test_metadata_is_compared_if_asked(stage: Stage) -> None:
    """As a list, or as one text with commas; a word that means nothing is refused."""
    copied(stage)
    etag = stage.arrived()["out/b"].etag
    stage.server.put(DST, "out/b", size=10, etag=etag, metadata={"changed": "yes"})

    assert check(stage)["no_difference"]
    for compare in (["metadata", "tags"], "metadata,tags"):
        with pytest.raises(S3CopyPermanentError, match="1 different"):
            check(stage, compare=compare)
    with pytest.raises(S3CopyPermanentError, match="compare is 'colour'"):
        check(stage, compare="colour")


def test_what_could_not_be_compared_is_worth_a_retry(stage: Stage) -> None:
    """It is neither the same nor different."""
    copied(stage)
    stage.server.inject(Fault.error("HeadObject", 503, "SlowDown"))
    ti = Ti(1)

    with pytest.raises(S3CopyRetryableError, match="3 objects could not be compared"):
        check(stage, ti, compare="metadata", on_difference="succeed")

    assert ti.xcoms["return_value"]["objects"]["not_compared"] == 3


def test_a_stopped_check_is_no_success(stage: Stage) -> None:
    """A deadline, as any stop."""
    copied(stage)
    stage.server.inject(Fault.slow("ListObjectsV2", delay_s=30))

    with pytest.raises(S3CopyStoppedError, match="stopped"):
        check(stage, deadline="1s", stop_grace_s=0.1)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"on_difference": "explode"}, "on_difference is 'explode'"),
        ({"fail_on": "nothing"}, "fail_on is 'nothing'"),
        ({"dest_aws_conn_id": "nobody"}, "'nobody', which does not exist"),
        ({"source_key": "s3://gone/in/"}, "gone"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_at_once(
    stage: Stage, arguments: dict[str, Any], problem: str
) -> None:
    """With the argument's name."""
    with pytest.raises(S3CopyPermanentError, match=problem):
        check(stage, **arguments)


# ------------------------------------------------------------------------------- only the preflight


def test_a_preflight_alone_copies_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Every step is in the log and in the XCom; no object, no asset event."""
    caplog.set_level(logging.INFO)
    stage.server.put(SRC, "in/a", size=10)

    result = stage.execute(preflight_only="true", outlets=[Asset(f"s3://{DST}/out")])

    assert (result["conclusion"], result["passed"]) == ("allowed", True)
    assert "Everything that this copy needs is allowed" in caplog.text
    stage.assert_untouched()


def test_a_preflight_says_what_is_denied_and_why(stage: Stage) -> None:
    """The task fails at once, with the diagnosis; what was found is the XCom."""
    stage.server.put(SRC, "in/a", size=10)
    stage.server.revoke(SRC, DESTINATION_ACCOUNT)

    with pytest.raises(S3CopyPermanentError, match="This copy would be refused"):
        stage.execute(preflight_only=True, source_aws_conn_id=None)

    assert stage.ti.xcoms["return_value"]["conclusion"] == "refused"
    stage.assert_untouched()


def test_the_janitor_of_the_examples_aborts_what_is_old(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library with a connection, in a task of one's own: what is young or of others stays."""
    monkeypatch.setenv("AIRFLOW_CONN_S3_XFER_US", stage.connections()["AIRFLOW_CONN_US"])
    leave(stage, "old", "1", age=timedelta(days=8))
    leave(stage, "young", "2", age=timedelta(days=6))
    leave(stage, "of-others", "3", age=timedelta(days=8), arn=THEIRS)

    told = abort_old_uploads.function({"destination": f"s3://{DST}/", "days": 7})

    assert told == {"found": 3, "aborted": 1}
    assert {upload.key for upload in stage.server.uploads(DST)} == {"young", "of-others"}
