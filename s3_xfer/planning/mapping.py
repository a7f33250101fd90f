"""The key that each object gets at the destination; refuses copies that make no sense.

Keys are opaque: ``destination prefix + key[len(source prefix):]``. Nothing is normalised, joined
or stripped, so ``//``, ``..`` and a leading ``/`` arrive as they are. A prefix means a directory:
``data`` stands for ``data/`` and never matches ``database/…``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from s3_xfer.errors import ValidationError, not_accepted
from s3_xfer.model import CopyTask, S3Location, S3Object
from s3_xfer.wording import message

Rename: TypeAlias = Callable[[S3Object], str]
ALIAS_SUFFIXES = ("-s3alias", "--ol-s3")  # access points: another name for some bucket


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Maps keys from ``source`` to ``destination``, in which a prefix always ends in ``/``.

    For a single object both keys are complete. ``rename`` returns what follows the destination's
    prefix, in place of what follows the source's.
    """

    source: S3Location
    destination: S3Location
    rename: Rename | None = None

    def task(self, item: S3Object) -> CopyTask:
        """Return the copy of ``item``, whose key begins with the source's."""
        return self.tasks([item])[0]

    def tasks(self, page: Iterable[S3Object]) -> list[CopyTask]:
        """Return the copies of a page of objects, whose keys begin with the source's."""
        skip, bucket, prefix = len(self.source.key), self.destination.bucket, self.destination.key
        if self.rename:
            return [CopyTask(item, bucket, prefix + self._renamed(item)) for item in page]
        return [CopyTask(item, bucket, prefix + item.key[skip:]) for item in page]

    def _renamed(self, item: S3Object) -> str:
        assert self.rename  # noqa: S101 - the caller has looked
        name: object = self.rename(item)
        if not isinstance(name, str):
            raise not_accepted("what rename returns", name, "text")
        return name

    @property
    def may_meet_own_copies(self) -> bool:
        """Whether both names may stand for the same bucket: one is an access point's alias."""
        return may_be_one_bucket(self.source.bucket, self.destination.bucket)


def may_be_one_bucket(name: str, other: str) -> bool:
    """Return whether two names may stand for the same bucket: one is an access point's alias."""
    return name != other and (name.endswith(ALIAS_SUFFIXES) or other.endswith(ALIAS_SUFFIXES))


def plan_keys(
    source: S3Location,
    destination: S3Location,
    *,
    recursive: bool,
    rename: Rename | None = None,
) -> KeyMap:
    """Return the mapping for a copy, or refuse it.

    Raises:
        ValidationError: a prefix without ``recursive``, a copy onto itself, overlapping prefixes.
    """
    if recursive:
        keys = KeyMap(as_directory(source), as_directory(destination), rename)
    else:
        keys = _map_object(source, destination)
    if keys.source.bucket == keys.destination.bucket:
        _refuse_overlap(keys, recursive=recursive)
    return keys


def as_directory(location: S3Location) -> S3Location:
    """Return the location as a prefix: all of a bucket, or one that ends in a slash."""
    key = location.key
    return replace(location, key=key + "/") if key and not key.endswith("/") else location


def _map_object(source: S3Location, destination: S3Location) -> KeyMap:
    if not source.key:
        raise ValidationError(
            f"{source.url} is a whole bucket",
            remedy=message("add {recursive=True} for all of it"),
        )
    if source.key.endswith("/"):
        raise ValidationError(
            f"{source.url} is a prefix",
            remedy=message("add {recursive=True} for everything under it"),
        )
    if not destination.key or destination.key.endswith("/"):
        destination = replace(destination, key=destination.key + source.key.rpartition("/")[2])
    return KeyMap(source, destination)


def _refuse_overlap(keys: KeyMap, *, recursive: bool) -> None:
    source, destination = keys.source.key, keys.destination.key
    if source == destination:
        raise ValidationError(
            f"{keys.source.url} would be copied onto itself", remedy="choose another destination"
        )
    if recursive and destination.startswith(source):
        raise ValidationError(
            f"{keys.destination.url} lies inside {keys.source.url}: "
            "the copy would list and copy its own results without end",
            remedy="choose a destination outside the source prefix",
        )
    if recursive and source.startswith(destination):
        raise ValidationError(
            f"{keys.source.url} lies inside {keys.destination.url}: "
            "copies could overwrite objects that are still to be copied",
            remedy="choose a destination that does not contain the source prefix",
        )
