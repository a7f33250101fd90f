"""How a copy that did not succeed ends its task: with retries, or at once.

Exceptions, with the library's messages::

    S3CopyPermanentError    (AirflowFailException)  a repetition would fail the same way
    S3CopyRetryableError    (RuntimeError)          a repetition may do better
    ├── S3CopyThrottledError                        S3 asked for fewer requests until the end
    └── S3CopyStoppedError                          Airflow ended the task

Airflow 3.3's retry policies can name the retryable ones (a longer delay after throttling, say);
the permanent one fails the task before any policy is asked. Refuses to word messages: they come
from the library, whose exception is the ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from airflow_plugin._compat import AirflowFailException
from s3_xfer import (
    CopyFailed,
    CopyResult,
    ErrorClass,
    RunCancelled,
    S3XferError,
)

# Another try, on another day or another worker, may see these go away without anybody's help.
# An object that changed or vanished is listed anew; expired credentials are fetched anew; why too
# many objects failed is not known, and the limit makes another try cheap.
PASSING = frozenset(
    {
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.TIMEOUT,
        ErrorClass.NETWORK,
        ErrorClass.CONFLICT,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.UPLOAD_LOST,
        ErrorClass.SOURCE_CHANGED,
        ErrorClass.SOURCE_VANISHED,
        ErrorClass.MISMATCH,
        ErrorClass.CREDENTIALS_EXPIRED,
        ErrorClass.JOURNAL_BUSY,
        ErrorClass.TOO_MANY_FAILURES,
        ErrorClass.INTERRUPTED,
        ErrorClass.UNEXPECTED,
    }
)
_CLASSES = {member.value: member for member in ErrorClass}


class S3CopyPermanentError(AirflowFailException):
    """The same copy would fail the same way: the task fails, whatever retries it has left."""


class S3CopyRetryableError(RuntimeError):
    """The same copy may succeed later: the task's retries apply."""


class S3CopyThrottledError(S3CopyRetryableError):
    """S3 asked for fewer requests and did not relent: wait longer than usual."""


class S3CopyStoppedError(S3CopyRetryableError):
    """Airflow ended the task: marked failed, cleared, a timeout, or the worker went away."""


def raise_for(error: S3XferError, classes: Iterable[ErrorClass | None]) -> None:
    """Raise what ends the task because of ``error``, which these classes of errors led to.

    One class that may pass is enough for a retry: what the others concern fails there again, and
    what passed is copied.
    """
    known = set(classes)
    if isinstance(error, RunCancelled):
        raise S3CopyStoppedError(str(error)) from error
    if ErrorClass.THROTTLED in known:
        raise S3CopyThrottledError(str(error)) from error
    if known & PASSING or not known:
        raise S3CopyRetryableError(str(error)) from error
    raise S3CopyPermanentError(str(error)) from error


@contextmanager
def ended_by_the_library() -> Iterator[None]:
    """End the task by what the library raises inside the block: refusals, mostly."""
    try:
        yield
    except S3XferError as error:
        raise_for(error, [error.error_class])


def raise_for_result(
    result: CopyResult, undelivered: S3XferError | None, *, fail_on_error: bool
) -> None:
    """Return if ``result`` lets the task succeed.

    With ``fail_on_error`` no object may have failed; a run that ended early never passes, and
    neither does one whose report is ``undelivered``.

    Raises:
        S3XferError, S3CopyPermanentError, S3CopyRetryableError: it does not.
    """
    try:
        result.raise_for_failures()
    except CopyFailed as error:
        if fail_on_error:
            raise_for(error, (_CLASSES[name] for name in result.metrics.errors_by_class))
    if undelivered:
        raise undelivered
