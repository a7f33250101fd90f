"""Where a journal lies: in a file, or in S3 for whoever goes on on another machine.

In S3 the object is the journal's file as it was a few seconds ago, and its owner: metadata names
the run that keeps it, and each save is conditional on the one before, so two runs cannot both
believe that it is theirs. An owner that has not saved for :data:`LEASE_S` is taken for dead;
whoever comes earlier waits for that. Times are S3's own, so no clocks are compared.

Refuses services without conditional writes silently: there the first save of a second run wins, and
the first run's next one fails. Refuses to know what is in a journal.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from s3_xfer.errors import ErrorInfo, JournalError, RetryAction, translate
from s3_xfer.ledger.journal.store import busy, cannot_write
from s3_xfer.model import S3Location
from s3_xfer.text import printable

LEASE_S = 30.0
_LOOK_S = 5.0
_ATTEMPTS = 4
_DELAY_S = 0.5
_TAKEN = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404"})
_OWNER, _SAVE = "owner", "save"


def is_url(journal: str) -> bool:
    """Return whether a journal lies in S3."""
    return journal.startswith("s3://")


class LocalFile:
    """A journal on this machine; SQLite locks it."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = printable(str(path))

    def fetch(self) -> bool:
        """Return whether there is one; an empty file is what a killed beginning leaves."""
        if not self.path.absolute().parent.is_dir():
            raise cannot_write(self.name, "there is no such folder")
        if self.path.exists() and not self.path.is_file():
            raise cannot_write(self.name, "it is not a regular file")
        return self.path.exists() and self.path.stat().st_size > 0

    def discard(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)

    def save(self, contents: bytes, *, final: bool = False) -> None:
        """Do nothing: it is there."""

    def close(self) -> None:
        """Do nothing."""


class S3File:
    """A journal in S3, worked on in a temporary folder.

    ``client`` makes an S3 client when one is needed. ``wait`` sleeps for so many seconds and
    returns whether the run was stopped meanwhile.
    """

    is_remote = True

    def __init__(
        self,
        place: S3Location,
        client: Callable[[], Any],
        *,
        wait: Callable[[float], object] = time.sleep,
        lease_s: float = LEASE_S,
    ) -> None:
        self.name = place.url
        self._place = {"Bucket": place.bucket, "Key": place.key}
        self._client = client()
        self._wait = wait
        self._lease_s = lease_s
        self._owner = uuid.uuid4().hex
        self._saves = 0
        self._etag: str | None = None
        self._folder = TemporaryDirectory(prefix="s3-xfer-")
        self.path = Path(self._folder.name) / "journal"

    def fetch(self) -> bool:
        """Bring it here, as soon as nobody else keeps it.

        Raises:
            JournalError: somebody does, or S3 refuses.
        """
        answer = first = self._get()
        while answer and first and self._lease_left_s(answer) > 0:
            if answer["ETag"] != first["ETag"]:
                raise busy(self.name, "another run has just saved it")
            if self._wait(min(_LOOK_S, self._lease_left_s(answer) + 1)):
                raise busy(self.name, "stopped while waiting for another run's sign of life")
            answer = self._get()
        if answer is None:
            return False
        self._etag = answer["ETag"]
        self.path.write_bytes(answer["Body"])
        return bool(answer["Body"])

    def _get(self) -> dict[str, Any] | None:
        try:
            answer = self._client.get_object(**self._place)
            return {**answer, "Body": answer["Body"].read()}
        except Exception as error:
            info = translate(error)
            if info.code in ("NoSuchKey", "404"):
                return None
            raise self._refused(info, "read") from error

    def _lease_left_s(self, answer: dict[str, Any]) -> float:
        """Return how long the owner may be silent before it is taken for dead; 0: no owner."""
        if not answer.get("Metadata", {}).get(_OWNER):
            return 0.0
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        silent_s: float = (now - answer["LastModified"]).total_seconds()
        return self._lease_s - silent_s

    def discard(self) -> None:
        """Remove the file here; the next save replaces that in S3."""
        self.path.unlink(missing_ok=True)

    def save(self, contents: bytes, *, final: bool = False) -> None:
        """Replace what we saved last, or found.

        Raises:
            JournalError: somebody else has, or S3 refuses.
        """
        self._saves += 1
        owner = {} if final else {_OWNER: self._owner}
        metadata = {**owner, _SAVE: f"{self._owner}-{self._saves}"}
        for attempt in range(1, _ATTEMPTS + 1):
            info = self._try_to_put(contents, metadata)
            if info is None:
                return
            if info.code in _TAKEN and self._etag_of(metadata[_SAVE]) is None:
                raise busy(self.name, "another run has taken it over")
            if info.code in _TAKEN:  # the answer of an earlier attempt was lost
                self._etag = self._etag_of(metadata[_SAVE])
                return
            retry_action = info.error_class.retry_action
            if attempt == _ATTEMPTS or retry_action not in (
                RetryAction.RETRY,
                RetryAction.SLOW_DOWN,
            ):
                raise self._refused(info, "written")
            time.sleep(_DELAY_S * 2 ** (attempt - 1))

    def _try_to_put(self, contents: bytes, metadata: dict[str, str]) -> ErrorInfo | None:
        condition = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        try:
            answer = self._client.put_object(
                **self._place, Body=contents, Metadata=metadata, **condition
            )
        except Exception as error:  # noqa: BLE001 - judged by the caller
            return translate(error)
        self._etag = answer["ETag"]
        return None

    def _etag_of(self, save: str) -> str | None:
        """Return the ETag in S3 if it is that of our own ``save``."""
        try:
            answer = self._client.head_object(**self._place)
        except Exception:  # noqa: BLE001 - then it is not known to be ours
            return None
        return answer["ETag"] if answer.get("Metadata", {}).get(_SAVE) == save else None

    def _refused(self, info: ErrorInfo, done: str) -> JournalError:
        said = f"{info.code}: {info.message}" if info.message else info.code
        return JournalError(
            f"the journal {self.name} cannot be {done}: {printable(said)}",
            remedy="grant the destination's credentials s3:GetObject and s3:PutObject there, and "
            "s3:ListBucket, without which S3 does not say that it is missing",
            error_class=info.error_class,
        )

    def close(self) -> None:
        """Remove the temporary folder."""
        self._folder.cleanup()
