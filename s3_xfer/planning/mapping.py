"""Which key an object gets, and which requests make no sense before any is sent.

Keys are opaque: ``destination prefix + key[len(source prefix):]``, nothing is normalised, joined
or stripped, so ``//``, ``..`` and a leading ``/`` arrive as they are. A prefix means a directory:
``data`` stands for ``data/`` and never matches ``database/…``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from s3_xfer.errors import ValidationError
from s3_xfer.model import CopyTask, S3Location, S3Object

_ALIAS_SUFFIXES = ("-s3alias", "--ol-s3")  # access points: another name for some bucket


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Where everything goes. ``source`` and ``destination`` are effective: a prefix ends in ``/``.

    For a single object both keys are complete.
    """

    source: S3Location
    destination: S3Location

    def task(self, found: S3Object) -> CopyTask:
        """Return the copy of ``found``, whose key begins with the source's."""
        return self.tasks([found])[0]

    def tasks(self, page: Iterable[S3Object]) -> list[CopyTask]:
        """Return the copies of a page of objects, whose keys begin with the source's."""
        skip, bucket, prefix = len(self.source.key), self.destination.bucket, self.destination.key
        return [CopyTask(found, bucket, prefix + found.key[skip:]) for found in page]

    @property
    def may_meet_own_copies(self) -> bool:
        """Whether both sides may be one bucket under two names, which cannot be told apart."""
        names = (self.source.bucket, self.destination.bucket)
        return names[0] != names[1] and any(name.endswith(_ALIAS_SUFFIXES) for name in names)


def plan_keys(source: S3Location, destination: S3Location, *, recursive: bool) -> KeyMap:
    """Return the mapping for a copy, or refuse it.

    Raises:
        ValidationError: a prefix without ``recursive``, a copy onto itself, overlapping prefixes.
    """
    plan = _plan_prefix if recursive else _plan_object
    planned = plan(source, destination)
    if planned.source.bucket == planned.destination.bucket:
        _refuse_overlap(planned, recursive=recursive)
    return planned


def _plan_prefix(source: S3Location, destination: S3Location) -> KeyMap:
    return KeyMap(_as_directory(source), _as_directory(destination))


def _as_directory(location: S3Location) -> S3Location:
    if not location.key or location.key.endswith("/"):
        return location
    return replace(location, key=location.key + "/")


def _plan_object(source: S3Location, destination: S3Location) -> KeyMap:
    if not source.key:
        raise ValidationError(
            f"{source.url} is a whole bucket", remedy="add --recursive to copy all of it"
        )
    if source.key.endswith("/"):
        raise ValidationError(
            f"{source.url} is a prefix", remedy="add --recursive to copy everything under it"
        )
    if not destination.key or destination.key.endswith("/"):
        name = source.key.rpartition("/")[2]
        destination = replace(destination, key=destination.key + name)
    return KeyMap(source, destination)


def _refuse_overlap(planned: KeyMap, *, recursive: bool) -> None:
    source, destination = planned.source.key, planned.destination.key
    if source == destination:
        raise ValidationError(
            f"{planned.source.url} would be copied onto itself", remedy="choose another destination"
        )
    if recursive and destination.startswith(source):
        raise ValidationError(
            f"{planned.destination.url} lies inside {planned.source.url}: "
            "the copy would list and copy its own results without end",
            remedy="choose a destination outside the source prefix",
        )
    if recursive and source.startswith(destination):
        raise ValidationError(
            f"{planned.source.url} lies inside {planned.destination.url}: "
            "copies could overwrite objects that are still to be copied",
            remedy="choose a destination that does not contain the source prefix",
        )
