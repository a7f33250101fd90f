"""An S3 Inventory as the input of a run: what a bucket had when it was written.

The manifest is proven by its checksum, each data file by its MD5 before one of its objects counts.
Its rows are in no order, and a day old or more: where a row has an ETag, its copy is pinned to it,
and an object that has changed or gone since is skipped as such, not failed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

from s3_xfer.errors import ErrorClass, ListError, ObjectError, S3XferError
from s3_xfer.model import S3Location, S3Object
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.sources.inventory_rows import READERS, column_names, object_of
from s3_xfer.sources.source import Batch, Source
from s3_xfer.text import printable, reason_of

MANIFEST, CHECKSUM = "manifest.json", "manifest.checksum"
_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ")
_BATCH = 1000
_CHUNK_BYTES = 1 << 20
_GIVE_MANIFEST = "give manifest.json of an S3 Inventory, or the folder of its configuration"
_WRITE_AGAIN = "take another inventory: this one was not written, or not copied, to its end"


class Folder(Protocol):
    """Where the files of an inventory are; every name is what :meth:`open` takes."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""

    def manifests(self, name: str) -> Sequence[str]:
        """Return the manifests in a folder, the newest first."""

    def data(self, manifest: str, key: str) -> str:
        """Return the name of the data file that a manifest calls ``key``."""


class LocalFolder:
    """An inventory that was downloaded, as it lay in S3 or with all files in one folder."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return Path(name).open("rb")

    def manifests(self, name: str) -> Sequence[str]:
        """Return the manifests in a folder, the newest first."""
        dated = sorted(path.name for path in Path(name).iterdir() if _DATED.fullmatch(path.name))
        folders = [Path(name, each) for each in reversed(dated)] or [Path(name)]
        return [str(folder / MANIFEST) for folder in folders]

    def data(self, manifest: str, key: str) -> str:
        """Return the name of the data file that a manifest calls ``key``."""
        folder, name = Path(manifest).parent, key.rpartition("/")[2]
        candidates = (folder.parent / "data" / name, folder / "data" / name, folder / name)
        return str(next((path for path in candidates if path.exists()), candidates[0]))


class RemoteFolder:
    """An inventory in S3. ``open_remote`` opens an object, ``folders`` lists a prefix."""

    def __init__(
        self,
        open_remote: Callable[[str], IO[bytes]],
        folders: Callable[[S3Location], Iterator[str]],
    ) -> None:
        self.open = open_remote
        self._folders = folders

    def manifests(self, name: str) -> Sequence[str]:
        """Return the manifests in a folder, the newest first."""
        location = S3Location.parse(name)
        prefix = location.key and location.key.rstrip("/") + "/"
        folder = S3Location(bucket=location.bucket, key=prefix)
        dated = [each for each in self._folders(folder) if _DATED.fullmatch(each[len(prefix) : -1])]
        found = sorted(dated, reverse=True) or [prefix]
        return [f"s3://{location.bucket}/{each}{MANIFEST}" for each in found]

    def data(self, manifest: str, key: str) -> str:
        """Return the name of the data file that a manifest calls ``key``."""
        return f"s3://{S3Location.parse(manifest).bucket}/{key}"


class Inventory:
    """One inventory, of which everything under ``source`` is wanted.

    ``created_at`` is when the bucket began to be read. ``has_etags`` is whether a copy can be
    pinned to what the inventory has seen. ``is_stopped`` says whether the run is.

    Raises:
        ListError: it cannot be read, is damaged, or is one of another bucket.
        ObjectError: the run was stopped meanwhile.
    """

    def __init__(
        self, name: str, source: S3Location, folder: Folder, *, is_stopped: Callable[[], bool]
    ) -> None:
        self._source = source
        self._folder = folder
        self._is_stopped = is_stopped
        self.manifest, content = self._find(name)
        self._take(content)

    # ------------------------------------------------------------------------- the manifest

    def _find(self, name: str) -> tuple[str, bytes]:
        """Return the name and the content of a manifest that its checksum proves."""
        if name.endswith(".json"):
            return name, self._proven(name)
        try:
            found = self._folder.manifests(name)
        except OSError as error:
            raise _unreadable(name, error) from error
        for manifest in found[:-1]:
            try:
                return manifest, self._proven(manifest)
            except ListError:  # one that is still being written has no checksum
                continue
            except S3XferError as error:
                if error.error_class is not ErrorClass.LIST_UNUSABLE:
                    raise
        return found[-1], self._proven(found[-1])

    def _proven(self, manifest: str) -> bytes:
        content = self._content(manifest)
        checksum = self._content(manifest.removesuffix(MANIFEST) + CHECKSUM)
        if checksum.strip().decode("ascii", "replace").lower() != _md5([content]):
            raise ListError(
                f"the manifest {printable(manifest)} is not what its checksum says",
                remedy=_WRITE_AGAIN,
            )
        return content

    def _content(self, name: str) -> bytes:
        with self._opened(name) as file:
            return file.read()

    def _take(self, content: bytes) -> None:
        try:
            manifest: Mapping[str, Any] = json.loads(content)
            bucket, self._format = manifest["sourceBucket"], manifest["fileFormat"]
            self._files = [(each["key"], each["MD5checksum"]) for each in manifest["files"]]
            self._schema = column_names(self._format, manifest["fileSchema"])
            created_s = int(manifest["creationTimestamp"]) / 1000
            self.created_at = datetime.fromtimestamp(created_s, UTC)
        except (ValueError, KeyError, TypeError) as error:
            raise ListError(
                f"{printable(self.manifest)} is no manifest of an S3 Inventory",
                remedy=_GIVE_MANIFEST,
            ) from error
        if bucket != self._source.bucket:
            raise ListError(
                f"the inventory {printable(self.manifest)} is of the bucket "
                f"{printable(str(bucket))}, not of {self._source.bucket}",
                remedy="give the inventory of the source bucket",
            )
        if self._format not in READERS or "key" not in self._schema:
            raise ListError(
                f"the inventory {printable(self.manifest)} has files in the format "
                f"{printable(str(self._format))} with {', '.join(map(printable, self._schema))}",
                remedy="CSV, Parquet and ORC with the field Key can be read",
            )
        self.has_etags = "e_tag" in self._schema

    # ----------------------------------------------------------------------------- the rows

    def pages(self) -> Iterator[Sequence[S3Object]]:
        """Yield the current objects under the source, in no order; can be called again.

        Raises:
            ListError: a data file is not what the manifest says.
            ObjectError: the run was stopped (``INTERRUPTED``).
        """
        for key, checksum in self._files:
            name = self._folder.data(self.manifest, key)
            with self._opened(name) as file:
                self._verify(name, file, checksum)
                rows = self._objects(name, file)
                while page := list(islice(rows, _BATCH)):
                    yield page

    def _opened(self, name: str) -> IO[bytes]:
        try:
            return self._folder.open(name)
        except OSError as error:
            raise _unreadable(name, error) from error

    def _verify(self, name: str, file: IO[bytes], checksum: str) -> None:
        """Return, at the beginning of a data file, if it has the MD5 of the manifest."""
        try:
            found = _md5(iter(lambda: file.read(_CHUNK_BYTES), b""))
            file.seek(0)
        except OSError as error:
            raise _unreadable(name, error) from error
        if found != str(checksum).lower():
            raise ListError(
                f"the data file {printable(name)} of the inventory has another MD5 than the "
                "manifest says",
                remedy=_WRITE_AGAIN,
            )

    def _objects(self, name: str, file: IO[bytes]) -> Iterator[S3Object]:
        bucket, prefix = self._source.bucket, self._source.key
        try:
            for row in READERS[self._format](file, self._schema):
                if self._is_stopped():
                    raise ObjectError.of(ErrorClass.INTERRUPTED, "stopped in the inventory")
                if row["key"].startswith(prefix):
                    found = object_of(row, bucket)
                    if found:
                        yield found
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError) as error:
            raise _unreadable(name, error) from error
        except (csv.Error, zlib.error) as error:
            raise _unreadable(name, error) from error


def _md5(chunks: Any) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _unreadable(name: str, error: Exception) -> ListError:
    return ListError(
        f"{printable(name)} of the inventory cannot be read: {reason_of(error)}",
        remedy=_GIVE_MANIFEST,
    )


class InventorySource(Source[S3Object]):
    """What ``inventory`` has. A stopped run reads it no further: all of it counts as left."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._is_closed = False
        self._is_exhausted = False

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the objects, a thousand at a time.

        Raises:
            ListError: a data file is not what the manifest says.
        """
        for page in self._inventory.pages():
            if self._is_closed:
                return
            yield Batch(page)
        self._is_exhausted = True

    def named(self) -> Iterator[S3Object]:
        """Return everything; it may have to be downloaded."""
        return (found for page in self._inventory.pages() for found in page)

    def remaining(self) -> tuple[KeyRange, ...]:
        """Return everything until the end was reached: rows are in no order."""
        return () if self._is_exhausted else EVERYTHING

    def close(self) -> None:
        """Read no further."""
        self._is_closed = True
