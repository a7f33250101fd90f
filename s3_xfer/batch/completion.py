"""The completion report of a job: a list of files with a row for each object that was tried.

It is a word of S3's, row by row; whether it is true is found out elsewhere. The documented examples
have HTTP status and error code in the opposite order to the schema that they announce, so the
column with three digits is taken for the status (S3 User Guide, "Examples: completion reports").
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote

from s3_xfer.access.lookups import refused, refusing
from s3_xfer.batch.plan import BatchPlan
from s3_xfer.errors import ErrorClass, ErrorInfo, ReportError, translate
from s3_xfer.errors.codes import classify
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url

_NAMES = ("manifest.json", "report.json")  # by the examples, and by the API reference
_COLUMNS = 7
_STATUS = re.compile(r"\d{3}")
_CODE_IN_MESSAGE = re.compile(r"Error Code: (\w+)")
_STATUS_IN_MESSAGE = re.compile(r"Status Code: (\d{3})")
_REQUEST_IN_MESSAGE = re.compile(r"Request ID: (\w+)")
_CHUNK_BYTES = 1 << 20
_DENIED = "grant s3:GetObject on the report, and s3:ListBucket on its bucket"


@dataclass(frozen=True, slots=True)
class Row:
    """What the job says about one object. ``error`` is None if it says that it was copied.

    ``written_key`` is the key as it stands there, ``key`` the same decoded.
    """

    bucket: str
    written_key: str
    key: str
    error: ErrorInfo | None


def completion_rows(s3: S3Client, plan: BatchPlan, job_id: str) -> Iterator[Row] | None:
    """Return the rows of the report; None if there is no report.

    Raises:
        PreflightError: it cannot be read.
        ReportError: it contradicts itself, or is not what S3 has written.
    """
    bucket, prefix = plan.report
    for name in _NAMES:
        key = f"{prefix}/job-{job_id}/{name}"
        contents = _contents(s3, bucket, key)
        if contents is not None:
            return _rows_of(s3, bucket, key, contents)
    return None


def _contents(s3: S3Client, bucket: str, key: str) -> bytes | None:
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except Exception as error:
        info = translate(error)
        if info.error_class is ErrorClass.SOURCE_VANISHED:
            return None
        problem = f"the completion report {s3_url(bucket, key)} cannot be read"
        raise refused(problem, info, if_denied=_DENIED) from error


def _rows_of(s3: S3Client, bucket: str, key: str, contents: bytes) -> Iterator[Row]:
    for result in _results(s3_url(bucket, key), contents):
        name, digest = result["Key"], result["MD5Checksum"]
        says_copied = result["TaskExecutionStatus"].lower() == "succeeded"
        with tempfile.TemporaryFile() as file:
            _download(s3, bucket, name, digest, file)
            file.seek(0)
            for number, columns in enumerate(_lines(file, s3_url(bucket, name)), start=1):
                if columns:
                    place = f"line {number} of {s3_url(bucket, name)}"
                    yield _row(columns, place, says_copied=says_copied)


def _lines(file: BinaryIO, url: str) -> Iterator[list[str]]:
    lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield from csv.reader(lines)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ReportError(
            f"{url} is no table in UTF-8: {error}", remedy="find out what has written it"
        ) from error
    finally:
        lines.detach()  # the file is closed by who has opened it


def _results(url: str, contents: bytes) -> list[Mapping[str, str]]:
    """Return the files that the report consists of."""
    try:
        results: list[Any] = json.loads(contents)["Results"]
        names = ("TaskExecutionStatus", "Key", "MD5Checksum")
        return [{name: str(result[name]) for name in names} for result in results]
    except (ValueError, KeyError, TypeError) as error:
        raise ReportError(
            f"{url} is not the completion report of a job", remedy="find out what has written it"
        ) from error


def _download(s3: S3Client, bucket: str, key: str, digest: str, file: BinaryIO) -> None:
    url, found = s3_url(bucket, key), hashlib.md5(usedforsecurity=False)
    with refusing(f"the completion report {url} cannot be read", if_denied=_DENIED):
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES):
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != digest.lower():
        raise ReportError(
            f"{url} is not what the job has written: its MD5 is another",
            remedy="collect again; if it persists, find out what has changed the file",
        )


def _row(columns: list[str], place: str, *, says_copied: bool) -> Row:
    if len(columns) < _COLUMNS:
        raise ReportError(
            f"{place} is no row of a completion report", remedy="find out what has written it"
        )
    bucket, key, _version, task_status, first, second, *message = columns
    is_copied = says_copied and task_status.lower() == "succeeded"
    error = None if is_copied else _error(first, second, ",".join(message))
    return Row(bucket, key, unquote(key), error)


def _error(first: str, second: str, message: str) -> ErrorInfo:
    """Return what a failed row says, whichever way round its columns are."""
    code, status = (second, first) if _STATUS.fullmatch(first.strip()) else (first, second)
    if named := _CODE_IN_MESSAGE.search(message):
        code = named[1]  # of the request behind the task, whose own code is a summary
    if told := _STATUS_IN_MESSAGE.search(message):
        status = told[1]
    http_status = int(status) if _STATUS.fullmatch(status.strip()) else None
    request = _REQUEST_IN_MESSAGE.search(message)
    return ErrorInfo(
        error_class=classify(code, http_status),
        code=printable(code) or "unknown",
        message=printable(message),
        http_status=http_status,
        request_id=request[1] if request else None,
    )
