"""Reports at ``s3://`` URLs: a worker's own disk is gone with its pod.

The library reads and writes local files; this brings them from and to S3 with the destination's
connection. That the report can be written is proven before the copy, without a trace: an upload
is opened and aborted. Refuses to keep a report back: it is delivered however the run ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from s3_xfer import ErrorClass, PreflightError, S3Location, S3XferError, translate


@dataclass
class ReportFiles:
    """The two reports of a task for as long as the ``with`` block lasts.

    ``client`` makes an S3 client when one is needed. ``written`` and ``read`` are what the DAG
    said: a path, an ``s3://`` URL, or nothing.
    """

    client: Callable[[], Any]
    written: str | Path | None
    read: str | Path | None
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    @cached_property
    def _s3(self) -> Any:
        return self.client()

    def __enter__(self) -> Self:
        """Fetch the report to read; prove that the other can be written.

        Raises:
            PreflightError: S3 refuses one of them.
        """
        self._folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="s3-xfer-")))
        try:
            self.read_path = self._local(self.read, "input.jsonl")
            if self.read_path and is_url(self.read):
                self._fetch(S3Location.parse(str(self.read)), self.read_path)
            self.written_path = self._local(self.written, "report.jsonl")
            if is_url(self.written):
                self._prove_writable(S3Location.parse(str(self.written)))
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

    def deliver(self) -> S3XferError | None:
        """Put the finished report where the DAG wants it; return what went wrong, if anything."""
        if self.written_path is None or not is_url(self.written) or not self.written_path.exists():
            return None
        place = S3Location.parse(str(self.written))
        try:
            self._s3.upload_file(str(self.written_path), place.bucket, place.key)
        except Exception as error:  # noqa: BLE001 - handed to the caller
            info = translate(error)
            return S3XferError(
                f"the report cannot be written to {place.url}: {info.message or info.code}",
                remedy="the copy has ended and is not affected; a retry writes another report",
                error_class=info.error_class,
            )
        return None

    def _local(self, given: str | Path | None, name: str) -> Path | None:
        if given is None or given == "":
            return None
        return self._folder / name if is_url(given) else Path(given)

    def _fetch(self, place: S3Location, path: Path) -> None:
        try:
            self._s3.download_file(place.bucket, place.key, str(path))
        except Exception as error:
            info = translate(error)
            raise PreflightError(
                f"the report {place.url} cannot be read: {info.message or info.code}",
                remedy="check its name, and that the destination's connection may read it",
                error_class=_for_reports(info.error_class),
            ) from error

    def _prove_writable(self, place: S3Location) -> None:
        client, key = self._s3, place.key
        try:
            opened = client.create_multipart_upload(Bucket=place.bucket, Key=key)
            client.abort_multipart_upload(Bucket=place.bucket, Key=key, UploadId=opened["UploadId"])
        except Exception as error:
            info = translate(error)
            raise PreflightError(
                f"the report cannot be written to {place.url}: {info.message or info.code}",
                remedy="grant s3:PutObject and s3:AbortMultipartUpload there to the destination's "
                "connection, or choose another place",
                error_class=info.error_class,
            ) from error


def _for_reports(error_class: ErrorClass) -> ErrorClass:
    """Return the class of a report's error: one that is missing will not appear by itself."""
    missing = error_class is ErrorClass.SOURCE_VANISHED
    return ErrorClass.REPORT_UNUSABLE if missing else error_class


def is_url(given: str | Path | None) -> bool:
    """Return whether a report lies in S3."""
    return isinstance(given, str) and given.startswith("s3://")
