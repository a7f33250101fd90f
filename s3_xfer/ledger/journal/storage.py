"""Where a journal is stored: in a file, or in S3 for a run on another machine.

In S3 the object is the journal's file as it was a few seconds ago. Its metadata names the run that
owns it, and each save is conditional on the one before, so two runs cannot both believe that they
own it. An owner that has not saved for :data:`LEASE_S` counts as dead; a run that comes earlier
waits for that. Times are S3's own, so no clocks are compared.

On a service without conditional writes the first save of a second run succeeds, and the next one of
the first run fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorInfo, JournalError, translate
from s3_xfer.ledger.journal.store import busy, cannot_write
from s3_xfer.model import S3Location
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable

LEASE_S = 30.0
_POLL_S = 5.0
_MISSING = frozenset({"NoSuchKey", "404"})
_CONDITION_FAILED = frozenset({"PreconditionFailed", "412"}) | _MISSING
_OWNER, _SAVE = "owner", "save"
_Answer = TypeVar("_Answer")


class JournalStorage:
    """A journal in a file of this machine; SQLite locks it. ``name`` is what messages call it."""

    is_remote = False

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.path = path
        self.name = name or printable(str(path))

    def fetch(self) -> bool:
        """Bring the journal to ``path``; return whether there is one.

        A run that was killed at its beginning leaves an empty file, which is none.

        Raises:
            JournalError: no file can be there.
        """
        if not self.path.absolute().parent.is_dir():
            raise cannot_write(self.name, "there is no such folder")
        if self.path.exists() and not self.path.is_file():
            raise cannot_write(self.name, "it is not a regular file")
        return self.path.exists() and self.path.stat().st_size > 0

    def discard(self) -> None:
        """Remove the file at ``path``; the next save replaces what is in S3."""
        self.path.unlink(missing_ok=True)

    def save(self, contents: bytes, *, final: bool = False) -> None:
        """Do nothing: the file is where it belongs."""

    def close(self) -> None:
        """Do nothing: the file stays."""


class S3Storage(JournalStorage):
    """A journal in S3, worked on in a temporary folder. For one thread at a time.

    ``client`` sends its requests by the rules of ``requests``, which end all waits with the run.
    """

    is_remote = True

    def __init__(
        self,
        location: S3Location,
        client: S3Client,
        *,
        requests: RequestPolicy,
        lease_s: float = LEASE_S,
    ) -> None:
        self._folder = TemporaryDirectory(prefix="s3-xfer-")
        super().__init__(Path(self._folder.name) / "journal", name=location.url)
        self._bucket, self._key = location.bucket, location.key
        self._client = client
        self._requests = requests
        self._lease_s = lease_s
        self._owner = uuid.uuid4().hex
        self._etag: str | None = None

    def fetch(self) -> bool:
        """Download it, as soon as no other run owns it; return whether there is one.

        Raises:
            JournalError: another run owns it, or S3 refuses.
        """
        answer = first = self._get()
        while answer and first and self._lease_left_s(answer) > 0:
            if answer["ETag"] != first["ETag"]:
                raise busy(self.name, "another run has just saved it")
            if self._requests.stop.wait(min(_POLL_S, self._lease_left_s(answer) + 1)):
                raise busy(self.name, "stopped while waiting for another run's lease to expire")
            answer = self._get()
        if answer is None:
            return False
        self._etag = answer["ETag"]
        self.path.write_bytes(answer["Body"])
        return bool(answer["Body"])

    def _get(self) -> dict[str, Any] | None:
        """Return S3's answer with the whole body, or None if there is no journal."""
        attempts = 0
        while True:
            attempts += 1
            answer = self._ask(
                "read",
                lambda: self._client.get_object(Bucket=self._bucket, Key=self._key),
                none_for=_MISSING,
            )
            if answer is None:
                return None
            try:
                return {**answer, "Body": answer["Body"].read()}
            except Exception as error:  # the body comes after what the client itself repeats
                info = translate(error)
                if not self._requests.repeats(info, attempts=attempts):
                    raise self._refused(info, "read") from error

    def _lease_left_s(self, answer: dict[str, Any]) -> float:
        """Return for how long the owner's lease still holds; 0 without an owner."""
        if not answer.get("Metadata", {}).get(_OWNER):
            return 0.0
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        age_s: float = (now - answer["LastModified"]).total_seconds()
        return self._lease_s - age_s

    def save(self, contents: bytes, *, final: bool = False) -> None:
        """Replace what this run saved last, or found; ``final`` gives up the ownership.

        Raises:
            JournalError: another run has saved meanwhile, or S3 refuses.
        """
        save = uuid.uuid4().hex
        owner = {} if final else {_OWNER: self._owner}
        condition: Mapping[str, Any] = (
            {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        )
        answer = self._ask(
            "written",
            lambda: self._client.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=contents,
                Metadata={**owner, _SAVE: save},
                **condition,
            ),
            none_for=_CONDITION_FAILED,
        )
        # An answer may have been lost, so that the repetition met our own save.
        self._etag = answer["ETag"] if answer else self._etag_of(save)

    def _etag_of(self, save: str) -> str:
        """Return the ETag in S3.

        Raises:
            JournalError: it is not that of our own ``save``, or S3 refuses.
        """
        answer = self._ask(
            "read",
            lambda: self._client.head_object(Bucket=self._bucket, Key=self._key),
            none_for=_MISSING,
        )
        if answer is None or answer.get("Metadata", {}).get(_SAVE) != save:
            raise busy(self.name, "another run has taken it over")
        return answer["ETag"]

    def _ask(
        self, action: str, request: Callable[[], _Answer], *, none_for: Collection[str]
    ) -> _Answer | None:
        """Return the answer to a request; None if S3 refuses it with one of these codes."""
        try:
            return request()
        except Exception as error:
            info = translate(error)
            if info.code in none_for:
                return None
            raise self._refused(info, action) from error

    def _refused(self, info: ErrorInfo, action: str) -> JournalError:
        reason = f"{info.code}: {info.message}" if info.message else info.code
        return JournalError(
            f"the journal {self.name} cannot be {action}: {printable(reason)}",
            remedy="grant the destination's credentials s3:GetObject and s3:PutObject there, and "
            "s3:ListBucket, without which S3 does not say that it is missing",
            error_class=info.error_class,
        )

    def close(self) -> None:
        """Remove the temporary folder."""
        self._folder.cleanup()
