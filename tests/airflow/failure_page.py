"""The page of failures: what a task logs when it fails, from tasks that do.

Each task is executed against the fault server; what its log and its exception say is written down,
without what differs from run to run. ``make airflow-failures`` writes the page.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from airflow_plugin._compat import AirflowSkipException
from tests.airflow.failures import FAILURES, Failure
from tests.airflow.stage import THEM, US, Stage, Ti, connection
from tests.world import DESTINATION_KEY, DST, SOURCE_KEY, SRC

if TYPE_CHECKING:
    from airflow.sdk.exceptions import AirflowTaskTimeout
else:
    try:
        from airflow.sdk.exceptions import AirflowTaskTimeout
    except ImportError:  # Airflow 2 and 3.0
        from airflow.exceptions import AirflowTaskTimeout

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "airflow-failures.md"
_HEAD = """\
# Failures in Airflow

What the log of a task says when a copy or a check fails, and what to do. The lines are those of
real tasks, without times and progress, and without the traceback that Airflow adds. `▸` is what the
log folds, `…` is what differs from run to run.

Messages name arguments of the operator, and connections. Where they name a section of the
[runbook](../runbook.md), the setting `docs_url` makes an address of it
([settings](airflow.md#settings)). `S3CopyPermanentError` fails the task at once; after any other
exception Airflow tries again, if retries are left ([when it fails](airflow.md#when-it-fails)).

`make airflow-failures` writes this page.
"""
_LOGGERS = ("task", "s3_xfer")
_PACKAGES = frozenset(("airflow_plugin", "s3_xfer"))
_FOLD, _END_OF_FOLD = "::group::", "::endgroup::"
_PROGRESS = re.compile(r"\w+ (objects|compared)=")
_DIFFERS = (  # from run to run, and what is written instead
    (r"127\.0\.0\.1:\d{4,}", "127.0.0.1:9000"),
    (r"request id [0-9A-F]+", "request id …"),
    (r"preflight-[0-9a-f]{32}", "preflight-…"),
    (r"\d+ objects?/s, [\d.]+ \w+/s", "…"),
    (r"(  duration +).*", r"\1…"),
    (r"( checks failed) \([\d.]+ s\)", r"\1 (… s)"),
    (r"(  (?:requests|checks) +).*(?:\nINFO {20,}[A-Z].*)*", r"\1…"),
)
_ARGUMENTS: dict[str, Any] = {
    "task_id": "copy",
    "source_key": "in/",
    "source_bucket": SRC,
    "destination_key": "out/",
    "destination_bucket": DST,
    "recursive": True,
    "source_aws_conn_id": THEM,
    "dest_aws_conn_id": US,
    "request_retry_delay_s": 0.01,
}


def page() -> str:
    """Return the page, as Markdown."""
    return "\n".join([_HEAD, *map(section, FAILURES)])


def section(failure: Failure) -> str:
    """Return what the page says about one failure."""
    lines = "\n".join(_lines_of(failure))
    return f"## {failure.title}\n\n{failure.advice}\n\n```\n{lines}\n```\n"


def _lines_of(failure: Failure) -> list[str]:
    """Let a task fail, and return what its log shows."""
    logged, error = _executed(failure)
    text = "\n".join([*_folded(logged), *_as_airflow_logs(error)])
    for pattern, instead in _DIFFERS:
        text = re.sub(pattern, instead, text)
    return [line.rstrip() for line in text.splitlines()]


def _executed(failure: Failure) -> tuple[list[logging.LogRecord], BaseException]:
    """Execute the task, and return what it logged and how it ended."""
    with Stage() as stage, mock.patch.dict(os.environ, _connections(stage, failure)):
        for number in range(5):
            stage.server.put(SRC, f"in/{number}", size=10)
        failure.prepare(stage)
        task: Any = failure.operator(**{**_ARGUMENTS, **failure.changes})
        task._log = task._cached_logger = logging.getLogger("task")
        with _records() as logged, _stopped(stage, task, failure):
            try:
                task.execute({"ti": Ti(1), "outlet_events": {}})
            except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - whatever ends it
                return logged, error
    raise AssertionError(f"the task did not fail: {failure.title}")


def _connections(stage: Stage, failure: Failure) -> dict[str, str]:
    keys = {THEM: SOURCE_KEY, US: DESTINATION_KEY}
    return {
        f"AIRFLOW_CONN_{name.upper()}": connection(
            key, stage.server.url, **failure.connections.get(name, {})
        )
        for name, key in keys.items()
    }


class _Collector(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append(record)


@contextmanager
def _records() -> Iterator[list[logging.LogRecord]]:
    """Collect what the operator and the library log."""
    handler = _Collector(logging.INFO)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield handler.records
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextmanager
def _stopped(stage: Stage, task: Any, failure: Failure) -> Iterator[None]:
    """Stop the task, if that is how it fails, once it copies its large object."""
    stop = failure.stop
    if not stop:
        yield
        return

    def wait_and_stop() -> None:
        stage.server.wait_for("CopyObject", count=5)
        stage.server.wait_for("UploadPartCopy", count=2)
        stop(task)

    before = signal.signal(signal.SIGALRM, _raise_timeout)
    thread = threading.Thread(target=wait_and_stop)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGALRM, before)


def _raise_timeout(*_: object) -> None:
    raise AirflowTaskTimeout("Timeout, PID: …")


def _folded(records: list[logging.LogRecord]) -> Iterator[str]:
    """Yield the lines of a log as its page shows them: groups folded, no lines of progress."""
    is_folded = False
    for record in records:
        if not _PACKAGES.intersection(Path(record.pathname).parts):
            continue  # Airflow's own, with the task's logger
        text = record.getMessage()
        if text.startswith(_FOLD):
            is_folded = True
            yield f"▸ {text.removeprefix(_FOLD)}"
        elif text == _END_OF_FOLD:
            is_folded = False
        elif not is_folded and not _PROGRESS.match(text):
            yield f"{record.levelname:<7} {text}"


def _as_airflow_logs(error: BaseException) -> Iterator[str]:
    """Yield what Airflow logs of the exception that ended the task."""
    if isinstance(error, AirflowSkipException):
        yield f"INFO    Skipping task. reason={error}"
        return
    yield "ERROR   Task failed with exception"
    yield f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
