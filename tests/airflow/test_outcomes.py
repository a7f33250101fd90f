"""How a copy ends its task: what it returns, logs and raises."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_plugin import (
    S3CopyPermanentError,
    S3CopyRetryableError,
    S3CopyStoppedError,
    S3CopyThrottledError,
    S3CrossAccountCopyOperator,
)
from airflow_plugin._compat import (
    AirflowFailException,
    AirflowSkipException,
    Asset,
    AssetAlias,
    stats,
)
from airflow_plugin.links import persist_links
from s3_xfer import AccountContext, ErrorClass, S3Location
from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from tests.airflow.stage import SECRET, Stage, Ti, connection
from tests.fault_server import Fault
from tests.world import DST, LARGE, SRC


class Terminated(BaseException):
    """As Airflow 2 raises in the main thread."""


OUTPUT_SCHEMA: dict[str, Any] = {
    "operation_id": str,
    "duration_seconds": (int, float),
    "total_files_found": int,
    "files_copied_successfully": int,
    "files_failed": int,
    "total_bytes_transferred": int,
    "errors": list,
}
PERMANENT = {
    "PlanUnusable",
    "AccessDenied", "Archived", "Kms", "KeyTooLong", "EmptyKey", "TagsNotCopied",
    "InvalidRequest", "CredentialsRefused", "BucketMissing", "WrongRegion", "ClockSkew",
    "NotSupported", "Configuration", "InvalidInput", "NothingToCopy", "ReportUnusable",
    "JournalUnusable", "UnorderedListing", "Malformed", "SizeRefused",
    "ConditionRefused", "SourceNotFound", "KeyTaken", "TagsNotSupported", "PartsNotSupported",
    "MetadataUnreadable", "DestinationFull", "ListUnusable", "TooManyDeletes",
    "BackupFailed",
}  # fmt: skip


def fill(stage: Stage, count: int = 5, size: int = 10) -> None:
    """Put objects below the source prefix."""
    for number in range(count):
        stage.server.put(SRC, f"in/{number}", size=size)


# ------------------------------------------------------------------------------------ the result


def test_the_result_is_plain_json_with_the_output_schema(stage: Stage) -> None:
    """What goes to XCom survives a journey through JSON unchanged."""
    fill(stage)

    result = stage.execute()

    assert json.loads(json.dumps(result)) == result
    assert all(isinstance(result[name], kind) for name, kind in OUTPUT_SCHEMA.items())
    assert (result["total_files_found"], result["files_copied_successfully"]) == (5, 5)
    assert result["total_bytes_transferred"] == 50
    assert (result["source"], result["destination"]) == (f"s3://{SRC}/in/", f"s3://{DST}/out/")


def test_the_same_stands_in_the_log_as_one_line(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """For programs that collect logs instead of XComs."""
    caplog.set_level(logging.INFO)
    fill(stage)

    result = stage.execute()

    lines = [record.getMessage() for record in caplog.records]
    results = [line for line in lines if line.startswith("s3_xfer_result ")]
    assert [json.loads(line.partition(" ")[2]) for line in results] == [result]


def test_the_log_shows_progress_groups_and_summary_and_no_secret(
    stage: Stage, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A line a second (as set for the tests); settings folded; nothing on stdout or stderr."""
    caplog.set_level(logging.INFO)
    fill(stage)
    stage.server.inject(Fault.slow("CopyObject", delay_s=0.6))

    stage.execute(concurrency=1)

    lines = [record.getMessage() for record in caplog.records]
    progress = [line for line in lines if " objects=" in line]
    assert len(progress) >= 3
    assert progress[-1].startswith("ended objects=5/5 ")
    assert lines.count("::endgroup::") == sum(line.startswith("::group::") for line in lines) == 2
    assert "source: connection them, endpoint " + stage.server.url in lines
    assert "concurrency: 1" in lines
    assert "Copied all 5 objects" in lines
    assert not [line for line in lines if SECRET in line or "\r" in line or "\x1b" in line]
    printed = capfd.readouterr()
    assert "objects=" not in printed.err
    assert "\r" not in printed.out + printed.err


def test_failures_in_log_and_xcom_are_bounded(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Of many failures the first hundred are logged; the counts are complete."""
    caplog.set_level(logging.INFO)
    fill(stage, count=130)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))

    with pytest.raises(S3CopyPermanentError, match="130 objects of 130 failed"):
        stage.execute(preflight="skip")

    result = stage.ti.xcoms["return_value"]
    logged = [record for record in caplog.records if "not copied" in record.getMessage()]
    assert (result["files_failed"], result["errors_omitted"]) == (130, 30)
    assert len(result["errors"]) == 100
    assert 100 <= len(logged) < 100 + 4  # four workers may pass the limit together


# ------------------------------------------------------------------------------- how tasks fail


@pytest.mark.parametrize("kind", list(ErrorClass), ids=lambda kind: kind.value)
def test_every_class_of_error_is_either_transient_or_permanent(kind: ErrorClass) -> None:
    """A new class of the library has to be put into one of the two."""
    assert kind.is_transient != (kind.value in PERMANENT)


def test_permanent_errors_are_airflow_s_own_way_to_fail_at_once() -> None:
    """No retry is consumed; retry policies can name the others."""
    assert issubclass(S3CopyPermanentError, AirflowFailException)
    assert not issubclass(S3CopyRetryableError, AirflowFailException)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"source_bucket": "no-such-bucket"}, "cannot be listed", id="source bucket"),
        pytest.param(
            {"destination_bucket": "no-such-bucket"}, "no-such-bucket does not exist", id="bucket"
        ),
        pytest.param({"source_key": "nothing/"}, "there is nothing under", id="empty prefix"),
        pytest.param(
            {"source_key": "missing", "recursive": False}, "there is no object", id="missing key"
        ),
    ],
)
def test_what_does_not_exist_fails_the_task_at_once(
    stage: Stage, changes: dict[str, Any], words: str
) -> None:
    """In the library's words, with its advice."""
    fill(stage)

    with pytest.raises(S3CopyPermanentError, match=words) as refused:
        stage.execute(**changes)

    last_line = str(refused.value).splitlines()[-1]
    assert last_line.startswith("Next: ")
    assert refused.value.__suppress_context__  # the log has the message once
    assert refused.value.__cause__ is None
    assert stage.sent("CopyObject") == 0


@pytest.mark.parametrize(
    ("changes", "last_line"),
    [
        pytest.param(
            {"recursive": False}, "Next: add recursive=True for everything", id="argument"
        ),
        pytest.param(
            {"preflight": "skip", "fault": ("CopyObject", 403, "AccessDenied")},
            "Next: clear this task: only what is missing is copied.",
            id="clear",
        ),
        pytest.param(
            {
                "preflight": "skip",
                "identical": "copy",
                "fault": ("CopyObject", 403, "AccessDenied"),
            },
            'Next: give identical="skip" and clear this task.',
            id="no report",
        ),
        pytest.param(
            {
                "source_region_name": "eu-west-1",
                "fault": ("ListObjectsV2", 301, "PermanentRedirect"),
            },
            "Next: give source_region_name= or dest_region_name=.",
            id="region",
        ),
        pytest.param(
            {"fault": ("ListObjectsV2", 403, "InvalidAccessKeyId")},
            "Next: check role, account and access key of the connection 'them' and the connection "
            "'us'.",
            id="connection",
        ),
    ],
)
def test_what_to_do_next_is_said_in_the_operator_s_words(
    stage: Stage, changes: dict[str, Any], last_line: str
) -> None:
    """Arguments, connections, a cleared task: nothing that only a shell can do."""
    fill(stage)
    fault = changes.pop("fault", None)
    if fault:
        stage.server.inject(Fault.error(*fault))

    with pytest.raises((S3CopyPermanentError, S3CopyRetryableError)) as refused:
        stage.execute(**changes)

    text = str(refused.value)
    assert text.splitlines()[-1].startswith(last_line), text
    assert "--" not in text
    assert "s3-xfer " not in text.replace("documentation of s3-xfer", "")
    assert "docs/" not in text


@pytest.mark.parametrize(
    ("endpoint", "is_linked"),
    [
        (None, True),
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("https://bucket.vpce-1-2.s3.us-east-1.vpce.amazonaws.com", True),
        ("http://127.0.0.1:9000", False),
        ("https://s3.amazonaws.com.example.org", False),
    ],
)
def test_links_lead_to_the_console_of_aws_alone(endpoint: str | None, *, is_linked: bool) -> None:
    """The console has one page for prefixes, and another for objects."""
    ti: Any = Ti(1)
    account = AccountContext(endpoint_url=endpoint, region="eu-west-1")
    source = S3Location(bucket="their-bucket", key="in/a b", account=account)
    destination = S3Location(bucket="our-bucket", key="out/", account=AccountContext())

    task: Any = S3CrossAccountCopyOperator(task_id="copy", source_key="s3://their-bucket/in/")

    persist_links({"ti": ti}, task, source, destination, recursive=False)

    assert ("s3_xfer_source" in ti.xcoms) is is_linked
    assert "s3_xfer_destination" in ti.xcoms
    if is_linked:
        assert ti.xcoms["s3_xfer_source"] == (
            "https://console.aws.amazon.com/s3/object/their-bucket"
            "?region=eu-west-1&prefix=in%2Fa%20b"
        )


@pytest.mark.parametrize(
    ("lines", "is_linked"),
    [
        ("endpoint_url = http://127.0.0.1:9000", False),
        ("services = ours\n[services ours]\ns3 =\n  endpoint_url = http://127.0.0.1:9000", False),
        ("services = ours\n[services ours]\nsqs =\n  endpoint_url = http://127.0.0.1:9000", True),
        ("endpoint_url = https://s3.eu-west-1.amazonaws.com", True),
    ],
)
@pytest.mark.parametrize("profile", ["default", "profile minio", "profile missing"])
def test_links_know_the_endpoint_of_a_configuration_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, profile: str, *, is_linked: bool
) -> None:
    """Of the profile that the worker's own identity has, if there is one of that name."""
    (tmp_path / "config").write_text(f"[{profile}]\n{lines}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "default" if profile == "default" else "minio")
    ti: Any = Ti(1)
    location = S3Location(bucket="a-bucket", key="in/", account=AccountContext())
    task: Any = S3CrossAccountCopyOperator(task_id="copy", source_key="s3://a-bucket/in/")

    persist_links({"ti": ti}, task, location, location, recursive=True)

    assert bool(ti.xcoms) is (is_linked or "missing" in profile)


EMPTY: list[dict[str, Any]] = [
    {"source_key": "nothing/"},
    {"source_key": "missing", "recursive": False},
]


@pytest.mark.parametrize("changes", EMPTY, ids=["prefix", "key"])
@pytest.mark.parametrize("mode", ["copy", "dry-run"])
def test_nothing_to_copy_is_a_matter_of_choice(
    stage: Stage, changes: dict[str, Any], mode: str
) -> None:
    """A partition of a day without data fails the task, skips it, or is copied."""
    fill(stage)

    with pytest.raises(S3CopyPermanentError):
        stage.execute(mode=mode, **changes)
    with pytest.raises(AirflowSkipException, match="there is no"):
        stage.execute(mode=mode, on_empty="skip", **changes)
    result = stage.execute(mode=mode, on_empty="succeed", **changes)

    assert all(isinstance(result[name], kind) for name, kind in OUTPUT_SCHEMA.items())
    assert (result["total_files_found"], result["state"]) == (0, "COMPLETED")


@pytest.mark.parametrize("on_empty", ["skip", "succeed"])
def test_what_is_missing_or_denied_is_not_empty(stage: Stage, on_empty: str) -> None:
    """Only an answer of S3 that there is nothing lets a task go on."""
    fill(stage)
    with pytest.raises(S3CopyPermanentError):
        stage.execute(on_empty=on_empty, source_bucket="no-such-bucket")
    with pytest.raises(S3CopyPermanentError):
        stage.execute(on_empty=on_empty, destination_bucket="no-such-bucket")
    for account in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT):
        stage.server.deny(SRC, account, ["s3:ListBucket"])

    with pytest.raises(S3CopyPermanentError):
        stage.execute(on_empty=on_empty)
    with pytest.raises(S3CopyPermanentError):
        stage.execute(on_empty=on_empty, source_key="missing", recursive=False)


def test_a_wrong_word_for_empty_is_refused(stage: Stage) -> None:
    """By name, with the right ones."""
    with pytest.raises(S3CopyPermanentError, match="on_empty is 'pass'; it must be one of fail,"):
        stage.execute(on_empty="pass")


def test_denied_writing_is_known_before_anything_is_written(stage: Stage) -> None:
    """The preflight refuses the copy, and the task fails at once."""
    fill(stage)
    stage.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"])

    with pytest.raises(S3CopyPermanentError, match="cannot be written"):
        stage.execute()

    assert stage.sent("CopyObject") == 0


def test_no_route_to_s3_is_worth_a_retry(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is copied, too."""
    value = connection("AKIA", "http://127.0.0.1:9")
    monkeypatch.setenv("AIRFLOW_CONN_US", value)
    monkeypatch.setenv("AIRFLOW_CONN_THEM", value)

    with pytest.raises(S3CopyRetryableError):
        stage.execute(request_retries=0)


def test_partial_failure_fails_the_task_after_everything_else_was_copied(stage: Stage) -> None:
    """The message has the counts, and the result is in XCom."""
    fill(stage)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/3"))

    with pytest.raises(S3CopyPermanentError, match="1 object of 5 failed"):
        stage.execute()

    assert set(stage.server.objects(DST)) == {"out/0", "out/1", "out/2", "out/4"}
    assert stage.ti.xcoms["return_value"]["files_failed"] == 1


def test_partial_failure_can_be_let_pass(stage: Stage) -> None:
    """Then the DAG looks at the counts."""
    fill(stage)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/3"))

    result = stage.execute(fail_on_error=False)

    assert (result["files_failed"], result["files_copied_successfully"]) == (1, 4)
    assert result["state"] == "COPY_FAILED"
    assert "out/3" not in stage.server.objects(DST)


def test_a_copy_that_ended_early_is_never_let_pass(stage: Stage) -> None:
    """It is not a failure of some objects."""
    fill(stage)
    stage.server.inject(Fault.error("CopyObject", 404, "NoSuchBucket"))

    with pytest.raises(S3CopyPermanentError):
        stage.execute(fail_on_error=False)


def test_objects_that_may_do_better_next_time_leave_the_task_its_retries(stage: Stage) -> None:
    """One of them is enough; the errors of the others do not matter."""
    fill(stage)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/1"))
    stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/2"))

    with pytest.raises(S3CopyRetryableError, match="2 objects of 5 failed"):
        stage.execute(request_retries=1)


def test_throttling_has_an_exception_of_its_own(stage: Stage) -> None:
    """So that a retry policy can wait longer."""
    fill(stage, count=1)
    stage.server.inject(Fault.error("CopyObject", 503, "SlowDown"))

    with pytest.raises(S3CopyThrottledError):
        stage.execute(request_retries=1)


# -------------------------------------------------------------------------------------- retries


def test_a_retry_leaves_alone_what_is_identical(stage: Stage) -> None:
    """By default; what failed, and what changed meanwhile, is copied."""
    fill(stage)
    broken = stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/2"))
    with pytest.raises(S3CopyRetryableError):
        stage.execute(request_retries=0)
    broken.remove()
    stage.server.put(SRC, "in/4", size=10)
    stage.server.forget_requests()

    result = stage.execute(try_number=2)

    assert result["files_copied_successfully"] == 2
    assert result["skips_by_reason"] == {"identical at the destination": 3}
    assert stage.sent("CopyObject") == 2


@pytest.mark.parametrize(
    ("chosen", "try_number", "copied"),
    [("copy", 2, 5), ("skip", 1, 0), ("skip", 2, 0), ("skip-on-retry", 1, 5), (None, 2, 0)],
)
def test_what_is_identical_is_a_matter_of_choice(
    stage: Stage, chosen: str | None, try_number: int, copied: int
) -> None:
    """An argument, by try."""
    fill(stage)
    stage.execute()

    result = stage.execute(try_number=try_number, identical=chosen)

    assert result["files_copied_successfully"] == copied


def test_defaults_come_from_airflow_s_configuration(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section [s3_xfer]; the task's argument goes first."""
    monkeypatch.setenv("AIRFLOW__S3_XFER__IDENTICAL", "skip")
    fill(stage)
    stage.execute()

    assert stage.execute()["files_skipped"] == 5
    assert stage.execute(identical="copy")["files_skipped"] == 0


def test_a_setting_that_cannot_be_read_is_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its section."""
    monkeypatch.setenv("AIRFLOW__S3_XFER__LOG_INTERVAL", "often")
    fill(stage)

    with pytest.raises(S3CopyPermanentError, match=r"\[s3_xfer\] log_interval is 'often'"):
        stage.execute()
    assert stage.sent("CopyObject") == 0


# -------------------------------------------------------------------------------------- reports


def test_a_report_goes_to_a_file(stage: Stage, tmp_path: Path) -> None:
    """One line for each object that was not copied, and the next run's input."""
    fill(stage)
    report = tmp_path / "report.jsonl"
    broken = stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/3"))
    with pytest.raises(S3CopyPermanentError):
        stage.execute(report_path=str(report))
    broken.remove()

    result = stage.execute(from_report_path=str(report))

    assert [json.loads(line).get("source_key") for line in report.read_text().splitlines()] == [
        "in/3",
        None,  # the last line counts the others
    ]
    assert (result["total_files_found"], result["files_copied_successfully"]) == (1, 1)


class Moto:
    """Two accounts on moto, whose objects have contents, with a connection for each."""

    def __init__(self, accounts: TwoAccounts, monkeypatch: pytest.MonkeyPatch) -> None:
        self.us = accounts.client("s3", DESTINATION_ACCOUNT)
        accounts.client("s3", SOURCE_ACCOUNT).create_bucket(Bucket=SRC)
        self.us.create_bucket(Bucket=DST)
        for name, account in (("THEM", SOURCE_ACCOUNT), ("US", DESTINATION_ACCOUNT)):
            credentials = accounts.credentials(account)
            value = json.loads(connection(credentials["AccessKeyId"], accounts.url))
            value["password"] = credentials["SecretAccessKey"]
            value["extra"]["aws_session_token"] = credentials["SessionToken"]
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(value))

    def read(self, key: str) -> str:
        """Return what the destination has under ``key``."""
        body: bytes = self.us.get_object(Bucket=DST, Key=key)["Body"].read()
        return body.decode()


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two accounts on moto with three objects below ``in/``."""
    with TwoAccounts() as accounts:
        stage = Moto(accounts, monkeypatch)
        accounts.store(SRC, [(f"in/{number}", b"content") for number in range(3)])
        accounts.store(SRC, [("other/0", b"content")])
        accounts.store(SRC, [("in/" + "k" * 1020, b"too long below out/longer/")])
        yield stage


def test_a_report_in_s3_is_named_by_its_url(moto: Moto, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can open a temporary file of a pod: not in the settings, not in a message."""
    caplog.set_level(logging.INFO)
    url = f"s3://{DST}/r.jsonl"
    Stage().execute(report_path=url, destination_key="out/longer/", fail_on_error=False)

    with pytest.raises(S3CopyPermanentError, match=f"line 1 of {url} is not under") as refused:
        Stage().execute(source_key="other/", from_report_path=url)

    lines = [record.getMessage() for record in caplog.records]
    assert {f"report_path: {url}", f"from_report_path: {url}"} <= set(lines)
    assert "/s3-xfer-" not in "\n".join([*lines, str(refused.value)])


def test_a_report_goes_to_s3_and_comes_from_there(moto: Moto) -> None:
    """A pod's disk is gone when the report is needed."""
    url = f"s3://{DST}/reports/today.jsonl"
    failing: dict[str, Any] = {"destination_key": "out/longer/", "fail_on_error": False}

    result = Stage().execute(report_path=url, report_scope="all", **failing)
    lines = [json.loads(line) for line in moto.read("reports/today.jsonl").splitlines()]
    again = Stage().execute(from_report_path=url, **failing)

    assert result["report"] == url
    assert sorted(line["status"] for line in lines[:-1]) == ["copied", "copied", "copied", "failed"]
    assert (again["total_files_found"], again["files_failed"]) == (1, 1)


def test_a_task_that_fails_still_delivers_its_report(moto: Moto) -> None:
    """That is when it is needed."""
    url = f"s3://{DST}/reports/today.jsonl"

    with pytest.raises(S3CopyPermanentError, match="1 object of 4 failed"):
        Stage().execute(report_path=url, destination_key="out/longer/")

    first, *_ = moto.read("reports/today.jsonl").splitlines()
    assert json.loads(first)["error_class"] == "KeyTooLong"


def test_a_report_that_cannot_be_written_is_refused_before_the_copy(stage: Stage) -> None:
    """Hours of copying must not end without the report."""
    fill(stage)
    stage.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="reports/")

    with pytest.raises(S3CopyPermanentError, match="the report cannot be written to s3://"):
        stage.execute(report_path=f"s3://{DST}/reports/today.jsonl")

    assert stage.sent("CopyObject") == 0
    assert stage.server.uploads(DST) == []


def test_a_report_that_is_not_there_is_refused_before_the_copy(moto: Moto) -> None:
    """With its name."""
    with pytest.raises(S3CopyPermanentError, match=f"the report s3://{DST}/none.jsonl cannot"):
        Stage().execute(from_report_path=f"s3://{DST}/none.jsonl")


# ------------------------------------------------------------------------------------- stopping


def test_on_kill_takes_no_lock_and_calls_nothing(stage: Stage) -> None:
    """It runs in a signal handler, perhaps while the interrupted code holds a lock."""
    task = stage.task()

    task.on_kill()

    assert task.killed is True
    assert stage.task().killed is False
    assert task.on_kill.__code__.co_names == ("killed",)


def test_a_killed_task_ends_by_an_exception_with_nothing_left_behind(stage: Stage) -> None:
    """Airflow 3 calls on_kill, and execute goes on."""
    stage.server.put(SRC, "in/large", size=LARGE)
    stage.server.put(SRC, "in/small", size=1)
    stage.server.inject(Fault.slow("UploadPartCopy", delay_s=60, key="out/large"))
    task = stage.task()
    context: Any = {"ti": Ti(1), "outlet_events": {}}
    killed_at_s: list[float] = []

    def kill() -> None:
        stage.server.wait_for("UploadPartCopy", count=2)
        killed_at_s.append(time.monotonic())
        task.on_kill()

    killer = threading.Thread(target=kill)
    killer.start()

    with pytest.raises(S3CopyStoppedError):
        task.execute(context)

    killer.join()
    assert time.monotonic() - killed_at_s[0] < 15  # not when S3 answers, and not much later
    assert stage.server.uploads(DST) == []
    assert stage.server.uploads(DST) == []
    result = context["ti"].xcoms["return_value"]
    assert (result["total_files_found"], result["files_copied_successfully"]) == (2, 1)
    assert result["total_bytes_transferred"] == 1
    assert result["files_failed"] + result["files_not_attempted"] == 1
    assert result["cancelled_by"]
    assert task.copied == result


@pytest.mark.parametrize("why", [Terminated, KeyboardInterrupt, TimeoutError])
def test_a_stopped_task_says_what_was_copied(
    stage: Stage, caplog: pytest.LogCaptureFixture, why: type[BaseException]
) -> None:
    """Summary, JSON line and XCom after whatever Airflow raises; found is the sum of all ends."""
    caplog.set_level(logging.INFO)
    fill(stage, count=30)
    stage.server.inject(Fault.slow("CopyObject", delay_s=60, key=lambda key: key >= "out/2"))
    seen: list[int] = []

    class Raising:
        """Stands for the moment at which Airflow's exception arrives."""

        def __get__(self, *_: object) -> bool:
            seen.append(stage.server.count("CopyObject"))
            if seen[-1] >= 8:
                raise why
            return False

    task: Any = stage.task(stop_grace_s=0.2, request_retries=0)
    task._log = task._cached_logger = logging.getLogger("task")
    task.__class__ = type("Killable", (type(task),), {"killed": Raising()})
    ti = Ti(1)
    with pytest.raises(why):
        task.execute({"ti": ti, "outlet_events": {}})

    result = ti.xcoms["return_value"]
    lines = [record.getMessage() for record in caplog.records]
    logged = [line.partition(" ")[2] for line in lines if line.startswith("s3_xfer_result ")]
    assert [json.loads(line) for line in logged] == [result]
    ended = ("files_copied_successfully", "files_skipped", "files_failed", "files_not_attempted")
    assert result["total_files_found"] == sum(result[name] for name in ended) == 30
    assert result["files_copied_successfully"] < 30
    (last,) = (line for line in lines if line.startswith("ended objects="))
    assert "objects=30/30" not in last
    assert not any("Copied all" in line for line in lines)


def test_any_exception_that_airflow_raises_stops_the_copy_first(stage: Stage) -> None:
    """Airflow 2 and timeouts raise in the main thread, at any time."""
    stage.server.put(SRC, "in/large", size=LARGE)
    stage.server.inject(Fault.slow("UploadPartCopy", delay_s=30, key="out/large"))
    task = stage.task()
    was_open: list[bool] = []

    class Raising:
        """Stands for the moment at which Airflow's exception arrives."""

        def __get__(self, *_: object) -> bool:
            was_open.append(bool(stage.server.uploads(DST)))
            if stage.server.count("UploadPartCopy") >= 2:
                raise Terminated
            return False

    kind = type("Killable", (type(task),), {"killed": Raising()})
    task.__class__ = kind
    with pytest.raises(Terminated):
        task.execute({"ti": Ti(1), "outlet_events": {}})  # type: ignore[typeddict-item]

    assert any(was_open)
    assert stage.server.uploads(DST) == []
    sent = len(stage.server.requests)
    assert not threading.Event().wait(0.5)
    assert len(stage.server.requests) == sent


# --------------------------------------------------------------------------------- dry runs


def test_a_dry_run_emits_no_asset_event_and_no_output(stage: Stage) -> None:
    """Nothing was written, so nobody waits for it any longer."""
    pytest.importorskip("openlineage")
    fill(stage)
    alias, asset = AssetAlias("copied"), Asset("s3://dst-bucket/out")
    events = Events()
    ti = Ti(1)
    task = stage.task(mode="dry-run", outlets=[alias, asset])
    ti.task = task

    task.execute({"ti": ti, "outlet_events": events})  # type: ignore[typeddict-item]

    assert not events
    assert ti.task.outlets == []  # those of which Airflow emits events
    assert task.outlets == [alias, asset]
    assert task.get_openlineage_facets_on_start().outputs == []
    assert task.get_openlineage_facets_on_complete(ti).outputs == []
    assert len(task.get_openlineage_facets_on_complete(ti).inputs) == 1


class Events:
    """What Airflow makes events from, and the assets that an alias was given."""

    def __init__(self) -> None:
        self._events: list[tuple[object, Any]] = []  # 3.0's aliases cannot be hashed

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, outlet: object) -> Any:
        for known, event in self._events:
            if known == outlet:
                return event
        event = SimpleNamespace(extra={}, uris=[])
        event.add = lambda asset, extra: event.uris.append(asset)
        self._events.append((outlet, event))
        return event


@pytest.mark.parametrize("key", ["out", "out/", "out//", "out/deep/"])
def test_assets_and_datasets_have_no_slash_at_the_end(stage: Stage, key: str) -> None:
    """As a consumer's schedule has them: its asset is found by URI and, on 3.x, by name."""
    fill(stage)
    alias, events, ti = AssetAlias("copied"), Events(), Ti(1)
    task = stage.task(destination_key=key, outlets=[alias])

    task.execute({"ti": ti, "outlet_events": events})  # type: ignore[typeddict-item]

    assert events[alias].uris == [Asset(f"s3://{DST}/{key.rstrip('/')}")]
    (output,) = task.get_openlineage_facets_on_complete(ti).outputs
    assert output.name == key.rstrip("/")


def test_a_failed_task_s_lineage_has_what_was_copied(stage: Stage) -> None:
    """Bytes and objects of a partial copy are in the event FAIL."""
    fill(stage)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/3"))
    task, ti = stage.task(), Ti(1)
    with pytest.raises(S3CopyPermanentError):
        task.execute({"ti": ti, "outlet_events": {}})  # type: ignore[typeddict-item]

    (output,) = task.get_openlineage_facets_on_failure(ti).outputs

    statistics: Any = output.outputFacets["outputStatistics"]
    assert (statistics.fileCount, statistics.size) == (4, 40)


# ---------------------------------------------------------------------------------- metrics


def test_metrics_count_what_this_try_has_copied(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A journal carries the first try's over; DAG and task stand in names and tags."""
    sent: list[tuple[str, int, Any]] = []
    monkeypatch.setattr(
        stats, "incr", lambda name, count, tags=None: sent.append((name, count, tags))
    )
    fill(stage)
    broken = stage.server.inject(Fault.error("CopyObject", 500, "InternalError", key="out/3"))
    with pytest.raises(S3CopyRetryableError):
        stage.execute(journal=f"{tmp_path}/", request_retries=0, task_id="copy-é")
    broken.remove()
    stage.execute(journal=f"{tmp_path}/", try_number=2, task_id="copy-é")

    totals: Counter[str] = Counter()
    for name, count, _ in sent:
        totals[name] += count
    assert totals["s3_xfer.objects_copied"] == 5
    assert totals["s3_xfer.bytes_copied"] == 50
    named = [name for name in totals if name.startswith("s3_xfer.objects_copied.")]
    assert len(named) == 1
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", named[0])
    assert totals[named[0]] == 5
    assert {tuple(tags) for name, _, tags in sent if tags} == {("dag_id", "task_id")}
