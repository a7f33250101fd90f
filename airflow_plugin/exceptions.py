"""How a copy that did not succeed ends its task: with retries, or at once.

Exceptions, with the library's messages::

    S3CopyPermanentError    (AirflowFailException)  a repetition would fail the same way
    S3CopyRetryableError    (RuntimeError)          a repetition may do better
    ├── S3CopyThrottledError                        S3 asked for fewer requests until the end
    └── S3CopyStoppedError                          Airflow ended the task

Airflow 3.3's retry policies can name the retryable ones (for a longer delay after throttling, say);
the permanent one fails the task before any policy is asked. The messages are the library's in the
operator's words, with what to do next as the last line; its exceptions are not chained, so that a
log has the message once. Only what nobody expected keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from airflow_plugin._compat import AirflowFailException
from airflow_plugin.wording import OperatorWording
from s3_xfer import (
    CopyFailed,
    CopyResult,
    ErrorClass,
    PreflightError,
    RunCancelled,
    S3XferError,
)

_CLASSES = {member.value: member for member in ErrorClass}


class S3CopyPermanentError(AirflowFailException):
    """The same copy would fail the same way: the task fails at once, with retries left or not."""


class S3CopyRetryableError(RuntimeError):
    """The same copy may succeed later: the task's retries apply."""


class S3CopyThrottledError(S3CopyRetryableError):
    """S3 throttled requests until their last attempt: wait longer than usual."""


class S3CopyStoppedError(S3CopyRetryableError):
    """Airflow ended the task: marked failed, cleared, a timeout, or the worker went away."""


def raise_task_error(
    error: S3XferError, classes: Iterable[ErrorClass | None], *, wording: OperatorWording
) -> None:
    """Raise the exception that ends the task for ``error``, caused by errors of ``classes``.

    One transient class is enough for a retry: it copies the objects that failed for a transient
    reason, and the others fail again.
    """
    text = task_error_text(error, wording)
    cause = error if error.error_class is ErrorClass.UNEXPECTED else None
    raise _kind_of(error, set(classes))(text) from cause


def _kind_of(error: S3XferError, causes: set[ErrorClass | None]) -> type[Exception]:
    if isinstance(error, RunCancelled):
        return S3CopyStoppedError
    if ErrorClass.THROTTLED in causes:
        return S3CopyThrottledError
    is_passing = not causes or any(cause and cause.is_transient for cause in causes)
    return S3CopyRetryableError if is_passing else S3CopyPermanentError


def task_error_text(error: S3XferError, wording: OperatorWording) -> str:
    """Return what went wrong, what explains it, and in the last line what to do next."""
    diagnosis = error.diagnosis if isinstance(error, PreflightError) else None
    lines = [wording.say(error.problem), *(diagnosis.lines(wording) if diagnosis else ())]
    if error.error_class and not diagnosis:  # which ends with it
        lines.append(f"{wording.say(error.error_class.see)}.")
    if error.remedy:
        lines.append(f"Next: {wording.say(error.remedy)}.")
    return "\n".join(lines)


@contextmanager
def library_errors_as_task_errors(wording: OperatorWording) -> Iterator[None]:
    """Turn the library's errors inside the block (mostly refusals) into the task's."""
    try:
        yield
    except S3XferError as error:
        raise_task_error(error, [error.error_class], wording=wording)


def raise_for_result(
    result: CopyResult,
    report_error: S3XferError | None,
    *,
    fail_on_error: bool,
    wording: OperatorWording,
) -> None:
    """Return if ``result`` lets the task succeed.

    With ``fail_on_error`` no object may have failed. A run that ended early always fails the task,
    and so does ``report_error``, which prevented the delivery of the report.

    Raises:
        S3XferError, S3CopyPermanentError, S3CopyRetryableError: it does not.
    """
    try:
        result.raise_for_failures()
    except CopyFailed as error:
        if fail_on_error:
            classes = (_CLASSES[name] for name in result.metrics.errors_by_class)
            raise_task_error(error, classes, wording=wording)
    if report_error:
        raise report_error
