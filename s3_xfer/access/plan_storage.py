"""Where a plan and what its shards say are kept: a folder that all of them see, or a prefix in S3.

What exists is never replaced, but by :meth:`PlanStorage.replace`. Where two write the same new name
at the same time, one of them gets it.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from s3_xfer.access.clients import open_storage_client
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, ErrorInfo, PlanError, ValidationError, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable
from s3_xfer.wording import message

_PATIENCE_S = 30.0
_LIKE_A_URL = re.compile(r"\w+://|s3:", re.IGNORECASE)  # mistyped or not: no folder is meant
_CHUNK_BYTES = 1 << 20
_MISSING = frozenset({"NoSuchKey", "404"})
_EXISTS = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})


class PlanStorage(ABC):
    """Documents and reports by their names, which have ``/`` in them. ``url`` names the whole.

    Every method raises PlanError if the disk or S3 refuses.
    """

    url: str

    @abstractmethod
    def is_within(self, location: S3Location) -> bool:
        """Return whether ``location``, a prefix, has what is kept here."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return what is called ``name``; None if nothing is."""

    @abstractmethod
    def write_new(self, name: str, contents: bytes) -> bool:
        """Write what nothing is called yet; return False, and write nothing, if something is."""

    @abstractmethod
    def replace(self, name: str, contents: bytes) -> None:
        """Write what may be called ``name`` already."""

    @abstractmethod
    def write_file(self, name: str, path: Path) -> str:
        """Write the content of a file of this machine under a new name; return its full name."""

    @abstractmethod
    def entries(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield the names below ``folder``, in order, with what changes when one is replaced."""

    def names(self, folder: str) -> Iterator[str]:
        """Yield the names below ``folder``, in order."""
        return (name for name, _ in self.entries(folder))

    @abstractmethod
    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of the text called ``name``, which is there."""

    @abstractmethod
    def local_file(self, name: str) -> AbstractContextManager[Path]:
        """Return a file of this machine with the content of ``name``, for the ``with`` block."""

    def require_outside(self, *locations: S3Location) -> None:
        """Return if none of ``locations``, prefixes of a copy, has what is kept here.

        Raises:
            ValidationError: it would be copied, or be among the copies.
        """
        for location in locations:
            if self.is_within(location):
                raise ValidationError(
                    f"the plan {self.url} would lie inside {location.url}, among what is copied",
                    remedy="give it another place",
                )

    def require_new(self, name: str) -> None:
        """Return if nothing is called ``name``, and it can be written: work is not done in vain."""
        if self.read(name) is not None:
            raise self.taken()
        self.write_new(f"{name}.begun", b"")

    def taken(self, *, of: str = "") -> PlanError:
        """Return the refusal of another plan here; that which is here may be ``of`` something."""
        return PlanError(
            f"there is a plan{of and f' of {of}'} in {self.url} already",
            remedy="give it another place: a plan is never replaced",
        )

    def name_of(self, name: str) -> str:
        """Return the full name, as messages have it."""
        return f"{self.url.rstrip('/')}/{name}"


class FolderStorage(PlanStorage):
    """A folder of this machine, or one that several machines have mounted."""

    def __init__(self, folder: Path) -> None:
        self.url = printable(str(folder))
        self._folder = folder

    def is_within(self, location: S3Location) -> bool:  # noqa: ARG002
        """Return whether ``location`` has what is kept here: no prefix in S3 has a folder."""
        return False

    def read(self, name: str) -> bytes | None:
        """Return what is called ``name``; None if nothing is."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(name, "read", error) from error

    def write_new(self, name: str, contents: bytes) -> bool:
        """Write what nothing is called yet; return whether this call has written it."""
        target = self._folder / name
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(contents)
                os.link(temporary, target)  # whole, and only if nothing has that name
            finally:
                temporary.unlink(missing_ok=True)
        except FileExistsError:
            return False
        except OSError as error:
            raise self._refused(name, "written", error) from error
        return True

    def replace(self, name: str, contents: bytes) -> None:
        """Write what may be called ``name`` already."""
        self._put(name, lambda path: path.write_bytes(contents))

    def write_file(self, name: str, path: Path) -> str:
        """Write the content of a file of this machine; return its full name."""
        self._put(name, lambda temporary: shutil.copyfile(path, temporary))
        return self.name_of(name)

    def _put(self, name: str, write: Callable[[Path], object]) -> None:
        """Let ``write`` write a file, and give it its name once it is whole."""
        target = self._folder / name
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                write(temporary)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._refused(name, "written", error) from error

    def entries(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield the names below ``folder``, with the times of their last change."""
        try:
            found = {
                path.relative_to(self._folder).as_posix(): str(path.stat().st_mtime_ns)
                for path in (self._folder / folder).rglob("*")
                if path.is_file() and not path.name.startswith(".")
            }
        except OSError as error:
            raise self._refused(folder, "listed", error) from error
        yield from sorted(found.items())

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of the text called ``name``, which is there."""
        try:
            with (self._folder / name).open(encoding="utf-8") as file:
                yield from file
        except (OSError, UnicodeDecodeError) as error:
            raise self._refused(name, "read", error) from error

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """Return the file itself."""
        yield self._folder / name

    def _refused(self, name: str, action: str, error: OSError | UnicodeDecodeError) -> PlanError:
        return _refused(self.name_of(name), action, getattr(error, "strerror", "") or str(error))


class BucketStorage(PlanStorage):
    """A prefix in S3, reached with the credentials of the destination."""

    def __init__(self, location: S3Location, client: S3Client) -> None:
        self.url = location.url
        self._bucket = location.bucket
        self._prefix = location.key.rstrip("/") + "/" if location.key else ""
        self._client = client

    def is_within(self, location: S3Location) -> bool:
        """Return whether ``location``, a prefix, has what is kept here."""
        return self._bucket == location.bucket and self._prefix.startswith(location.key)

    def read(self, name: str) -> bytes | None:
        """Return what is called ``name``; None if nothing is."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            with closing(answer["Body"]) as body:
                return bytes(body.read())
        except Exception as error:
            info = translate(error)
            if info.code in _MISSING:
                return None
            raise self._refused(name, "read", info) from error

    def write_new(self, name: str, contents: bytes) -> bool:
        """Write what nothing is called yet; return whether this call has written it."""
        if self.read(name) is not None:  # a service may ignore the condition
            return False
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=self._prefix + name, Body=contents, IfNoneMatch="*"
            )
        except Exception as error:
            info = translate(error)
            if info.code not in _EXISTS:
                raise self._refused(name, "written", info) from error
            found = self.read(name)
            if found is None:  # who wrote at the same time was refused, too
                raise self._refused(name, "written", info) from error
            # The answer may have been lost, so that the repetition met what we had written.
            return found == contents
        return True

    def replace(self, name: str, contents: bytes) -> None:
        """Write what may be called ``name`` already."""
        self._put(name, io.BytesIO(contents))

    def write_file(self, name: str, path: Path) -> str:
        """Write the content of a file of this machine; return its full name."""
        try:
            body = path.open("rb")
        except OSError as error:
            raise self._refused(name, "written", translate(error)) from error
        self._put(name, body)
        return self.name_of(name)

    def _put(self, name: str, body: BinaryIO) -> None:
        """Write ``body``, and close it."""
        try:
            with body:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=body)
        except Exception as error:
            raise self._refused(name, "written", translate(error)) from error

    def entries(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield the names below ``folder``, with their ETags."""
        prefix = f"{self._prefix}{folder}/"
        ask = partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=prefix)
        more: Mapping[str, Any] = {}
        while True:
            try:
                page: Mapping[str, Any] = ask(**more)
            except Exception as error:
                raise self._refused(folder, "listed", translate(error)) from error
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(self._prefix), entry["ETag"]
            if not page.get("NextContinuationToken"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of the text called ``name``, which is there."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            with closing(answer["Body"]) as body:
                for line in body.iter_lines():
                    yield line.decode()
        except Exception as error:
            raise self._refused(name, "read", translate(error)) from error

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """Return a copy of it."""
        with TemporaryDirectory(prefix="s3-xfer-") as folder:
            path = Path(folder) / "file"
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                with closing(answer["Body"]) as body, path.open("wb") as file:
                    shutil.copyfileobj(body, file, _CHUNK_BYTES)
            except Exception as error:
                raise self._refused(name, "read", translate(error)) from error
            yield path

    def _refused(self, name: str, action: str, info: ErrorInfo) -> PlanError:
        reason = f"{info.code}: {info.message}" if info.message else info.code
        is_denied = info.error_class is ErrorClass.ACCESS_DENIED
        remedy = (
            "grant the destination's credentials s3:GetObject, s3:PutObject and s3:ListBucket there"
        )
        return _refused(
            self.name_of(name),
            action,
            reason,
            remedy=remedy if is_denied else "",
            error_class=info.error_class,
        )


def open_storage(plan: str, account: AccountContext) -> PlanStorage:
    """Return the storage that ``plan``, a folder or an ``s3://`` URL, names.

    Its requests are repeated by the default options.

    Raises:
        ValidationError: it names neither.
        PreflightError: the credentials of ``account`` cannot be used.
    """
    is_url = plan.startswith("s3://")
    if not plan or "\0" in plan or (_LIKE_A_URL.match(plan) and not is_url):
        raise ValidationError(
            f"{plan!r} is no place of a plan",
            remedy="name a folder, or a prefix as s3://BUCKET/PREFIX",
        )
    if not is_url:
        return FolderStorage(Path(plan))
    location = S3Location.parse(plan)
    requests = RequestPolicy.of(
        CopyOptions(), counter=MetricsCollector("plan"), stop=StopFlag()
    ).beyond_stop()
    client = open_storage_client(
        account, location.bucket, requests=requests, patience_s=_PATIENCE_S
    )
    return BucketStorage(location, client)


def _refused(
    name: str,
    action: str,
    reason: str,
    *,
    remedy: str = "",
    error_class: ErrorClass | None = None,
) -> PlanError:
    return PlanError(
        f"{name}, which belongs to a plan, cannot be {action}: {printable(reason)}",
        remedy=remedy or message("make it accessible, then {RUN_AGAIN}"),
        error_class=error_class,
    )
