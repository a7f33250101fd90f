"""Reports at ``s3://`` URLs, because a worker's own disk is gone with its pod.

The library reads and writes local files; this module downloads and uploads them with the
destination's connection. Before the copy it tests that the report can be written, and leaves
nothing behind: a multipart upload is created and aborted. The report is uploaded however the run
ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self

from s3_xfer import ErrorClass, PreflightError, S3Location, S3XferError, translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass
class ReportFiles:
    """The two reports of a task for as long as the ``with`` block lasts.

    ``make_client`` returns an S3 client and is called once, when a report is in S3. ``output`` and
    ``input`` are the task's arguments: a path, an ``s3://`` URL, or nothing. ``output_path`` and
    ``input_path`` are the local files that the library writes and reads.
    """

    make_client: Callable[[], S3Client]
    output: str | Path | None
    input: str | Path | None
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    @cached_property
    def _s3(self) -> S3Client:
        return self.make_client()

    def __enter__(self) -> Self:
        """Download the report to read; test that the other can be written.

        Raises:
            PreflightError: S3 refuses one of them.
        """
        self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="s3-xfer-")))
        try:
            self.input_path = self._local(self.input, "input.jsonl")
            if self.input_path and is_url(self.input):
                self._download(S3Location.parse(str(self.input)), self.input_path)
            self.output_path = self._local(self.output, "report.jsonl")
            if is_url(self.output):
                self._require_writable(S3Location.parse(str(self.output)))
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
            self._s3.upload_file(str(self.output_path), location.bucket, location.key)
        except Exception as error:  # noqa: BLE001 - returned to the caller
            info = translate(error)
            return S3XferError(
                f"the report cannot be written to {location.url}: {info.message or info.code}",
                remedy="the copy has ended and is not affected; a retry writes another report",
                error_class=info.error_class,
            )
        return None

    def _local(self, argument: str | Path | None, name: str) -> Path | None:
        if argument is None or argument == "":
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


def _for_reports(error_class: ErrorClass) -> ErrorClass:
    """Return the class of a report's error: a missing report is not worth a retry."""
    is_missing = error_class is ErrorClass.SOURCE_VANISHED
    return ErrorClass.REPORT_UNUSABLE if is_missing else error_class


def is_url(argument: str | Path | None) -> bool:
    """Return whether a report is in S3."""
    return isinstance(argument, str) and argument.startswith("s3://")
