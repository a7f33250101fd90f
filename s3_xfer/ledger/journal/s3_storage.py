"""A journal in S3, for a run on another machine.

The object is the journal's file as it was a few seconds ago. Its metadata names the run that owns
it, and each save is conditional on the one before, so two runs cannot both believe that they own
it. An owner that has not saved for :data:`LEASE_S` counts as dead; a run that comes earlier waits
for that. Times are S3's own, so no clocks are compared.

This takes a service that keeps metadata and refuses a write whose condition does not hold. AWS
does; of any other it is tried once, after the first save, and where it does not, a journal in S3 is
refused.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import (
    ErrorClass,
    ErrorInfo,
    JournalError,
    ObjectError,
    RetryAction,
    S3XferError,
    translate,
)
from s3_xfer.ledger.journal.storage import JournalStorage
from s3_xfer.ledger.journal.store import busy
from s3_xfer.model import S3Location
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable
from s3_xfer.wording import message

LEASE_S = 30.0
_POLL_S = 5.0
_MISSING = frozenset({"NoSuchKey", "404"})
_CONDITION_FAILED = frozenset({"PreconditionFailed", "412"}) | _MISSING
_CANNOT_HOLD = {  # conditions on the write of an object that is there, by their headers
    "If-Match": {"IfMatch": '"00000000000000000000000000000000"'},
    "If-None-Match": {"IfNoneMatch": "*"},
}
_ATTEMPTS_TO_REPLACE = 2
_UNEXPLAINED = (400, 403)  # of many meanings, without a code in the answer to a HEAD
_PASSING = frozenset(
    error_class
    for error_class in ErrorClass
    if error_class.retry_action in (RetryAction.RETRY, RetryAction.SLOW_DOWN)
) - {ErrorClass.NETWORK}
# Classes whose advice is about the copy of an object, or about what an option asks for.
_OF_THE_SERVICE = frozenset(
    error_class
    for error_class in ErrorClass
    if error_class is ErrorClass.NOT_SUPPORTED
    or error_class.retry_action in (RetryAction.FAIL_OBJECT, RetryAction.RESTART_OBJECT)
) - {ErrorClass.INTERRUPTED}
# Not what the connection raises inside the body, that of a refusal (urllib3's own) included.
_REPEATED_BY_CLIENT = (BotoCoreError, ClientError, S3XferError)
_OWNER, _SAVE, _DIGEST = "owner", "save", "sha256"
_NAME_A_FILE = message("{LOCAL_JOURNAL}")
_Answer = TypeVar("_Answer")


class S3Storage(JournalStorage):
    """A journal in S3, worked on in a temporary folder. For one thread at a time.

    ``client`` sends its requests by the rules of ``requests``, which end all waits with the run.
    ``is_aws`` is whether the service is known to keep two runs apart.
    """

    is_remote = True

    def __init__(
        self,
        location: S3Location,
        client: S3Client,
        *,
        requests: RequestPolicy,
        is_aws: bool,
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
        self._last_save: str | None = None  # the name of the save that is in S3, as far as is known
        self._keeps_runs_apart = is_aws

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
        self._etag, self._last_save = answer["ETag"], _metadata(answer).get(_SAVE)
        self.path.write_bytes(answer["Body"])
        return bool(answer["Body"])

    def _get(self) -> dict[str, Any] | None:
        """Return S3's answer with the whole body, or None if there is no journal."""
        attempts = 0
        while True:
            attempts += 1
            body_begins = False
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
                body_begins = True
                return {**answer, "Body": _body(answer)}
            except Exception as error:
                info = translate(error)
                if info.code in _MISSING:
                    return None
                is_of_body = body_begins or not isinstance(error, _REPEATED_BY_CLIENT)
                if not (is_of_body and self._requests.repeats(info, attempts=attempts)):
                    raise _refused(self.name, info, "read") from error

    def _lease_left_s(self, answer: dict[str, Any]) -> float:
        """Return for how long the owner's lease still holds; 0 without an owner."""
        if not _metadata(answer).get(_OWNER):
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
        metadata = {_SAVE: save, _DIGEST: _digest(contents)}
        metadata |= {} if final else {_OWNER: self._owner}
        self._etag = self._replace(contents, metadata)
        self._last_save = save
        if not (self._keeps_runs_apart or final):
            self._require_lease(contents, metadata)
            self._keeps_runs_apart = True

    def _replace(self, contents: bytes, metadata: Mapping[str, str]) -> str:
        """Write what nobody else has changed since the last save; return its ETag.

        An answer may have been lost, so that the repetition met our own save. A service may also
        refuse the condition although nothing has changed: the ETag that it shows is tried then.
        """
        for _ in range(_ATTEMPTS_TO_REPLACE):
            unchanged = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
            answer = self._put(contents, metadata, unchanged)
            if answer:
                return str(answer["ETag"])
            found = self._head()
            if found and _metadata(found).get(_SAVE) == metadata[_SAVE]:
                return str(found["ETag"])
            self._require_unchanged(found)
            self._etag = found["ETag"] if found else None
        raise _cannot_be_in_s3(self.name, "rejects the ETag that it returned itself")

    def _require_unchanged(self, found: Mapping[str, Any] | None) -> None:
        """Return if ``found``, which is in S3, is what this run has left there."""
        if found is None:
            if self._etag:
                raise _removed(self.name)
            return
        save = _metadata(found).get(_SAVE)
        is_ours = save == self._last_save if save else found["ETag"] == self._etag
        if not (self._etag and is_ours):
            raise busy(self.name, "another run has taken it over")

    def _require_lease(self, contents: bytes, metadata: Mapping[str, str]) -> None:
        """Return if the service gives metadata back, and refuses conditions that do not hold."""
        found = self._head()
        if found is None:
            raise _removed(self.name)
        if _metadata(found).get(_OWNER) != self._owner:
            raise _cannot_be_in_s3(self.name, "does not give back the metadata of an object")
        for header, condition in _CANNOT_HOLD.items():
            answer = self._put(contents, metadata, condition)
            if answer:
                self._etag = answer["ETag"]
                raise _cannot_be_in_s3(self.name, f"ignores {header} on a write")

    def _put(
        self, contents: bytes, metadata: Mapping[str, str], condition: Mapping[str, str]
    ) -> Mapping[str, Any] | None:
        """Write if ``condition`` holds; return the answer, None if it does not hold."""
        request: Mapping[str, Any] = {"Body": contents, "Metadata": metadata, **condition}
        return self._ask(
            "written",
            lambda: self._client.put_object(Bucket=self._bucket, Key=self._key, **request),
            none_for=_CONDITION_FAILED,
        )

    def _head(self) -> Mapping[str, Any] | None:
        """Return the headers of what is in S3; None if nothing is."""
        try:
            return self._client.head_object(Bucket=self._bucket, Key=self._key)
        except Exception as error:
            info = translate(error)
            if info.code in _MISSING:
                return None
            if info.http_status not in _UNEXPLAINED:
                raise _refused(self.name, info, "read") from error
        return self._get()  # a HEAD is refused without a word; a GET says why

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
            raise _refused(self.name, info, action) from error

    def close(self) -> None:
        """Remove the temporary folder."""
        self._folder.cleanup()


def _refused(name: str, info: ErrorInfo, action: str) -> JournalError:
    """Return the error of a request that S3 refuses: what to do depends on its class."""
    reason = f"{info.code}: {info.message}" if info.message else info.code
    error_class: ErrorClass | None = info.error_class
    remedy = ""
    if error_class is ErrorClass.ACCESS_DENIED:
        remedy = (
            "grant the destination's credentials s3:GetObject and s3:PutObject there, and "
            "s3:ListBucket, without which S3 does not say that it is missing"
        )
    elif info.error_class in _OF_THE_SERVICE:
        remedy = message("do what the service says, or {LOCAL_JOURNAL}")
        error_class = None
    elif info.error_class in _PASSING:
        remedy = message("{RUN_AGAIN}; if it persists, {LOCAL_JOURNAL}")
    return JournalError(
        f"the journal {name} cannot be {action}: {printable(reason)}",
        remedy=remedy,
        error_class=error_class,
    )


def _removed(name: str) -> JournalError:
    return JournalError(
        f"the journal {name} was removed while this run kept it",
        remedy=message(
            "find out what removed it (a lifecycle rule?), then run the copy itself "
            "with a new journal and {identical=skip}"
        ),
    )


def _cannot_be_in_s3(name: str, why: str) -> JournalError:
    return JournalError(
        f"the journal {name} cannot be kept there: this service {why}, "
        "so two runs could use it at the same time",
        remedy=_NAME_A_FILE,
    )


def _metadata(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of an object; their names have no case, and services change it."""
    return {name.lower(): value for name, value in answer.get("Metadata", {}).items()}


def _digest(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


def _body(answer: Mapping[str, Any]) -> bytes:
    """Return the body of an answer.

    Raises:
        ObjectError: it is not what was saved: it was cut off where nobody noticed.
    """
    with closing(answer["Body"]) as stream:
        body: bytes = stream.read()
    if _metadata(answer).get(_DIGEST, _digest(body)) != _digest(body):
        raise ObjectError.of(
            ErrorClass.EMPTY_RESPONSE, "the contents are not those that were saved", attempts=1
        )
    return body
