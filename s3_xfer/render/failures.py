"""The failures in a summary, explained once per class of error, and the commands that clean up."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.errors import ErrorClass
from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, Failed, OpenUpload
from s3_xfer.render.summary import FailureGroup
from s3_xfer.text import printable, shell_word
from s3_xfer.units import plural
from s3_xfer.wording import Wording

_EXAMPLES = 3  # failures shown per class
_EXAMPLES_VERBOSE = 100
_MESSAGE_MAX = 300
_CLASSES = {error_class.value: error_class for error_class in ErrorClass}


def failure_groups(
    result: CopyResult, *, verbose: bool, wording: Wording
) -> Iterator[FailureGroup]:
    """Yield the failures of each class, the most frequent class first."""
    examples_max = _EXAMPLES_VERBOSE if verbose else _EXAMPLES
    counts = sorted(result.metrics.errors_by_class.items(), key=lambda item: (-item[1], item[0]))
    for name, count in counts:
        error_class = _CLASSES[name]
        failures = [f for f in result.failures if f.error.info.error_class is error_class]
        examples = failures[:examples_max]
        lines = tuple(_lines(failed, verbose=verbose) for failed in examples)
        yield FailureGroup(error_class, count, lines, count - len(examples), wording)


def _lines(failed: Failed, *, verbose: bool) -> tuple[str, ...]:
    lines = [failed.task.source.url, _error_text(failed)]
    if verbose:
        lines += [printable(line) for line in failed.traceback.splitlines()]
    return tuple(lines)


def _error_text(failed: Failed) -> str:
    """Return ``Code: message (HTTP status, attempts, request id)`` as far as known."""
    info = failed.error.info
    text = printable(info.code)
    if info.message:
        message = printable(info.message)
        text += f": {message[:_MESSAGE_MAX]}{'...' if len(message) > _MESSAGE_MAX else ''}"
    details = (
        f"HTTP {info.http_status}" if info.http_status else "",
        plural(info.attempts, "attempt") if info.attempts else "",
        f"request id {printable(info.request_id)}" if info.request_id else "",
    )
    known = ", ".join(detail for detail in details if detail)
    return f"{text} ({known})" if known else text


def abort_command(upload: OpenUpload, account: AccountContext) -> str:
    """Return the AWS CLI command that aborts ``upload``."""
    words = ["aws", "s3api", "abort-multipart-upload", "--bucket", upload.bucket]
    words += ["--key", shell_word(upload.key), "--upload-id", shell_word(upload.upload_id)]
    options = {
        "--profile": account.profile,
        "--region": account.region,
        "--endpoint-url": account.endpoint_url,
    }
    for name, value in options.items():
        words += [name, shell_word(value)] if value else []
    return " ".join(words)
