"""How programs use the library: read strictly by mypy and by pyright, and never run.

What a type checker would not let a user write is wrong here, even if it works.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import s3_xfer
from s3_xfer import (
    AccountContext,
    CheckResult,
    CheckRun,
    CompareField,
    CompareResult,
    CompareStatus,
    Copied,
    Copy,
    CopyFailed,
    CopyOptions,
    CopyResult,
    CopyRun,
    Deleted,
    Engine,
    ErrorClass,
    Extra,
    Failed,
    JournalUse,
    NotAttempted,
    ObjectError,
    Outcome,
    Planned,
    RateMeter,
    Refuse,
    RunMode,
    S3CheckOperation,
    S3CopyOperation,
    S3Location,
    S3Object,
    S3XferError,
    Session,
    Skip,
    Skipped,
    SkipReason,
    StorageClass,
    TransferMetrics,
    check_html,
    progress_text,
    result_html,
    result_text,
)


def describe() -> S3CopyOperation:
    """Every field takes what its documentation says."""
    options = CopyOptions(
        mode=RunMode.DRY_RUN,
        engine=Engine.CRT,
        storage_class=StorageClass.GLACIER_IR,
        concurrency=8,
        deadline="2h",
        report_path=Path("report.jsonl"),
        journal="copy.db",
        journal_use=JournalUse.CONTINUE,
    )
    return S3CopyOperation(
        source_bucket="from",
        source_key="data/",
        destination_bucket="to",
        destination_key="",
        recursive=True,
        source=AccountContext(profile="them"),
        destination=AccountContext(role_arn="arn:aws:iam::123456789012:role/r"),
        options=options,
        batch_size=10,
        overwrite=False,
        objects=["data/a", S3Object(bucket="from", key="data/b", size=1)],
        where=lambda found: found.size > 0,
        rename=lambda found: found.key.upper(),
    )


def watch(operation: S3CopyOperation) -> CopyResult:
    """A run, its numbers, its outcomes and its result have their types."""
    meter = RateMeter()
    with operation.start() as run:
        assert_type(run, CopyRun)
        assert_type(run.outcomes(), Iterator[Outcome])
        for outcome in run.outcomes():
            match outcome:
                case Copied():
                    assert_type(outcome.parts, int)
                case Deleted():
                    assert_type(outcome.version_id, str)
                case Skipped():
                    assert_type(outcome.reason, SkipReason)
                case Failed():
                    assert_type(outcome.error, ObjectError)
                case NotAttempted():
                    assert_type(outcome.task.source.key, str)
        now = run.snapshot()
        assert_type(now, TransferMetrics)
        assert_type(progress_text(run.state, now, meter.observe(now)), str)
        run.cancel("enough")
        return run.result()


def functions(operation: S3CopyOperation) -> CopyResult:
    """What is called back has its types, too."""
    failed: list[Failed] = []

    def on_outcome(outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            failed.append(outcome)

    def on_progress(now: TransferMetrics) -> None:
        assert_type(now.files_done, int)

    return operation.run(on_outcome=on_outcome, on_progress=on_progress, progress_interval_s=0.5)


async def await_it(operation: S3CopyOperation, check: S3CheckOperation) -> CheckResult:
    """In an event loop."""
    result = await operation.run_async()
    assert_type(result, CopyResult)
    async with operation.start() as run:
        assert_type(run, CopyRun)
        await run.wait_async()
        assert_type(await run.result_async(), CopyResult)
    return await check.run_async()


def plan(operation: S3CopyOperation) -> int:
    """Decisions are data."""
    refused = 0
    for each in operation.plan():
        assert_type(each, Planned)
        match each.decision:
            case Copy():
                pass
            case Skip(reason):
                assert_type(reason, SkipReason)
            case Refuse(error):
                assert_type(error.error_class, ErrorClass | None)
                refused += 1
    return refused


def compare(operation: S3CheckOperation) -> bool:
    """A check is used like a copy."""
    with operation.start() as run:
        assert_type(run, CheckRun)
        for result in run.outcomes():
            assert_type(result, CompareResult)
        found = run.result()
    assert_type(found.totals.counts[CompareStatus.MISSING], int)
    return found.no_difference


def one_line() -> str:
    """URLs or locations."""
    result = s3_xfer.copy("s3://from/a/", S3Location.parse("s3://to/b/"), recursive=True)
    assert_type(result, CopyResult)
    found = s3_xfer.check(
        "s3://from/a/", "s3://to/b/", compare={CompareField.TAGS}, extra=Extra.IGNORE
    )
    assert_type(found, CheckResult)
    return result_text(result, source_url="s3://from/a/", destination_url="s3://to/b/")


def pages(copied: CopyResult, compared: CheckResult, operation: S3CopyOperation) -> str:
    """The end of a run as one file, for people."""
    check = S3CheckOperation.between(
        S3Location.parse("s3://from/a/"), S3Location.parse("s3://to/b/")
    )
    return result_html(copied, operation) + check_html(compared, check)


def several(copying: S3CopyOperation, comparing: S3CheckOperation) -> None:
    """Runs of a session are of the kind of their operation."""
    with Session(max_requests_per_s=100, logger=logging.getLogger("theirs")) as session:
        assert_type(session.start(copying), CopyRun)
        run = session.start(comparing, on_outcome=lambda result: result.status)
        assert_type(run, CheckRun)
        assert_type(run.result(timeout_s=60), CheckResult)
        assert_type(session.copy("s3://a/x", "s3://b/y", concurrency=8), CopyResult)
        assert_type(session.sync("s3://a/x/", "s3://b/y/"), CopyResult)
        assert_type(session.check("s3://a/x", "s3://b/y"), CheckResult)
    assert_type(copying.run(logger=logging.getLogger("theirs")), CopyResult)


def refusals(operation: S3CopyOperation) -> str | None:
    """Errors say what, why and what next."""
    try:
        operation.run().raise_for_failures()
    except CopyFailed as error:
        return error.remedy
    except S3XferError as error:
        assert_type(error.problem, str)
        assert_type(error.error_class, ErrorClass | None)
        return str(error)
    return None
