"""The reports of a task: in S3, because a worker's own disk is gone with its pod, or on that disk.

The library reads and writes local files; this module downloads and uploads those of S3 with the
destination's connection. Before the copy it tests that the report can be written, and leaves
nothing behind: a multipart upload is created and aborted. The report is uploaded however the run
ended.

A report belongs to one task of one DAG run, whose tries may replace it, and nobody else. In S3 its
metadata names the task, and the upload is conditional; on a disk a file beside it does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from airflow_plugin.file_names import is_url
from s3_xfer import (
    ErrorClass,
    PreflightError,
    ReportError,
    S3Location,
    S3XferError,
    ValidationError,
    translate,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OWNER = "s3-xfer-task"  # the metadata, and the suffix of the file, that name a report's task
_CONDITION_FAILED = 412
_UPLOADS = ("PutObject", "CompleteMultipartUpload")


@dataclass
class ReportFiles:
    """The two reports of a task for as long as the ``with`` block lasts.

    ``make_client`` returns an S3 client and is called once, when a report is in S3. ``output`` and
    ``input`` are a path, an ``s3://`` URL, or nothing. ``output_path`` and ``input_path`` are the
    local files that the library writes and reads. ``owner`` is the task, the same in every try.
    """

    make_client: Callable[[], S3Client]
    output: str | None
    input: str | None
    owner: str
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _condition: dict[str, str] = field(default_factory=dict, init=False)

    @cached_property
    def _s3(self) -> S3Client:
        return self.make_client()

    def __enter__(self) -> Self:
        """Download the report to read; test that the other can be written.

        Raises:
            PreflightError: S3 refuses one of them.
            ReportError: the disk does.
            ValidationError: the report to write is another task's.
        """
        self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="s3-xfer-")))
        try:
            self.input_path = self._local(self.input, "input.jsonl")
            if self.input_path and is_url(self.input):
                self._download(S3Location.parse(str(self.input)), self.input_path)
            self.output_path = self._local(self.output, "report.jsonl")
            if self.output_path and is_url(self.output):
                location = S3Location.parse(str(self.output))
                self._require_own(location)
                self._require_writable(location)
            elif self.output_path:
                _claim(self.output_path, self.owner)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def urls(self) -> dict[str, str]:
        """The URLs by the local files that stand for them."""
        files = ((self.output_path, self.output), (self.input_path, self.input))
        return {str(path): str(argument) for path, argument in files if is_url(argument)}

    def deliver(self) -> S3XferError | None:
        """Upload the finished report if it belongs in S3; return the error if that fails."""
        if self.output_path is None or not is_url(self.output) or not self.output_path.exists():
            return None
        location = S3Location.parse(str(self.output))
        try:
            self._upload(self.output_path, location)
        except Exception as error:  # noqa: BLE001 - returned to the caller
            info = translate(error)
            if info.http_status == _CONDITION_FAILED:
                # Ours where an answer was lost and the same upload was sent again.
                return None if self._owner_of(location) == self.owner else _not_own(location.url)
            return S3XferError(
                f"the report cannot be written to {location.url}: {info.message or info.code}",
                remedy="the copy has ended and is not affected; a retry writes another report",
                error_class=info.error_class,
            )
        return None

    def _upload(self, path: Path, location: S3Location) -> None:
        """Upload on the condition that nobody has written there since :meth:`__enter__`.

        A service that has no such conditions gets the report without: who owned the place was
        looked up before the copy.
        """

        def add_condition(params: dict[str, Any], **_: Any) -> None:
            params.update(self._condition)

        events = self._s3.meta.events  # s3transfer's upload_file takes no conditions
        for operation in _UPLOADS:
            events.register(f"provide-client-params.s3.{operation}", add_condition)
        upload = partial(
            self._s3.upload_file,
            str(path),
            location.bucket,
            location.key,
            ExtraArgs={"Metadata": {OWNER: self.owner}},
        )
        try:
            upload()
        except Exception as error:
            if translate(error).error_class is not ErrorClass.NOT_SUPPORTED:
                raise
            self._condition = {}
            upload()

    def _local(self, argument: str | None, name: str) -> Path | None:
        if not argument:
            return None
        return self._folder / name if is_url(argument) else Path(argument)

    def _download(self, location: S3Location, path: Path) -> None:
        try:
            self._s3.download_file(location.bucket, location.key, str(path))
        except Exception as error:
            info = translate(error)
            raise PreflightError(
                f"the report {location.url} cannot be read: {info.message or info.code}",
                remedy="check its name, and that the destination's connection may read it",
                error_class=_for_reports(info.error_class),
            ) from error

    def _require_own(self, location: S3Location) -> None:
        """Find out whether a report is there, and whose it is.

        Who may not look finds out at the end: a report that is there is not replaced.
        """
        found = self._found(location)
        if found is None:
            self._condition = {"IfNoneMatch": "*"}
        elif found["Metadata"].get(OWNER) == self.owner:
            self._condition = {"IfMatch": found["ETag"]}
        else:
            raise _not_own(location.url)

    def _found(self, location: S3Location) -> Any:
        """Return what is at the place of the report, None if it is nothing or cannot be seen."""
        try:
            return self._s3.head_object(Bucket=location.bucket, Key=location.key)
        except Exception:  # noqa: BLE001 - the test for writing says what is wrong with the bucket
            return None

    def _owner_of(self, location: S3Location) -> str | None:
        found = self._found(location)
        owner: str | None = found["Metadata"].get(OWNER) if found else None
        return owner

    def _require_writable(self, location: S3Location) -> None:
        client, bucket, key = self._s3, location.bucket, location.key
        try:
            upload = client.create_multipart_upload(Bucket=bucket, Key=key)
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload["UploadId"])
        except Exception as error:
            info = translate(error)
            raise PreflightError(
                f"the report cannot be written to {location.url}: {info.message or info.code}",
                remedy="grant s3:PutObject and s3:AbortMultipartUpload there to the destination's "
                "connection, or choose another place",
                error_class=info.error_class,
            ) from error


def _claim(path: Path, owner: str) -> None:
    """Write down that the report at ``path`` is ``owner``'s, or find that it is.

    Raises:
        ValidationError: it is another's.
        ReportError: the disk refuses.
    """
    note = path.with_name(f"{path.name}.{OWNER}")
    try:
        if note.exists() and note.read_text() == owner:
            return
        if note.exists() or path.exists():
            raise _not_own(str(path))
        with note.open("x") as file:  # of two tasks at the same moment, one
            file.write(owner)
    except FileExistsError as error:
        raise _not_own(str(path)) from error
    except OSError as error:
        raise ReportError(
            f"the report {path} cannot be written: {error.strerror or error}",
            remedy="give report_path a file on a disk with room that the worker may write",
        ) from error


def _not_own(place: str) -> ValidationError:
    return ValidationError(
        f"the report {place} exists already and is not this task's: it is not replaced",
        remedy="let report_path end in / and the operator names the file after DAG, run, task and "
        "try, or put {{ run_id }} into its name",
    )


def _for_reports(error_class: ErrorClass) -> ErrorClass:
    """Return the class of a report's error: a missing report is not worth a retry."""
    is_missing = error_class is ErrorClass.SOURCE_VANISHED
    return ErrorClass.REPORT_UNUSABLE if is_missing else error_class
