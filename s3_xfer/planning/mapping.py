"""The key that each object gets at the destination; refuses copies that make no sense.

Keys are opaque: ``destination prefix + key[len(source prefix):]``. Nothing is normalised, joined
or stripped, so ``//``, ``..`` and a leading ``/`` arrive as they are. A prefix means a directory:
``data`` stands for ``data/`` and never matches ``database/…``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, pairwise
from typing import TypeAlias, overload

from s3_xfer.errors import ValidationError, not_accepted
from s3_xfer.model import CopyTask, S3Location, S3Object
from s3_xfer.wording import message

Rename: TypeAlias = Callable[[S3Object], str]
ALIAS_SUFFIXES = ("-s3alias", "--ol-s3")  # access points: another name for some bucket


@dataclass(frozen=True, slots=True)
class KeyMap:
    """Maps keys from ``source`` to ``destination``, in which a prefix always ends in ``/``.

    For a single object both keys are complete. ``rename`` returns what follows the destination's
    prefix, in place of what follows the source's. ``number`` is its place among those of a run;
    ``partner`` is that of the other one, where a name may stand for an object, a prefix, or both.
    """

    source: S3Location
    destination: S3Location
    rename: Rename | None = None
    number: int = 0
    partner: int | None = None

    @property
    def is_of_prefix(self) -> bool:
        """Whether it maps everything under a prefix, and not one object."""
        return is_prefix(self.source)

    def relative_key(self, found: S3Object) -> str:
        """Return what follows the prefix in the key of an object of the source.

        Of a single object it is the last name.
        """
        return _relative(found.key, self.source)

    def relative_key_of_copy(self, copy: S3Object) -> str:
        """Return the same of an object of the destination."""
        return _relative(copy.key, self.destination)

    def task(self, item: S3Object) -> CopyTask:
        """Return the copy of ``item``, whose key begins with the source's."""
        return self.tasks([item])[0]

    def tasks(self, page: Iterable[S3Object]) -> list[CopyTask]:
        """Return the copies of a page of objects, whose keys begin with the source's."""
        skip, bucket, prefix = len(self.source.key), self.destination.bucket, self.destination.key
        if self.rename:
            return [CopyTask(item, bucket, prefix + self._renamed(item)) for item in page]
        if prefix == self.source.key:  # the same text: one less to keep
            return [CopyTask(item, bucket, item.key) for item in page]
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


class KeyMaps(Sequence[KeyMap]):
    """The key maps of a run, which have no object in common, neither at the source nor of copies.

    There is at least one, and all lead to one bucket; ``sources`` and ``destination`` are what a
    person has to read. Immutable.
    """

    def __init__(
        self,
        maps: Iterable[KeyMap],
        *,
        sources: Iterable[S3Location] = (),
        destination: S3Location | None = None,
    ) -> None:
        self._maps = tuple(maps)
        self.sources: tuple[S3Location, ...] = tuple(sources) or (self._maps[0].source,)
        self.destination: S3Location = destination or self._maps[0].destination
        self._only = self._maps[0] if len(self._maps) == 1 else None
        # A prefix comes right before the keys that begin with it.
        self._of_sources = sorted((*_bucket_and_key(one.source), one.number) for one in self._maps)
        self._of_copies = sorted(
            (*_bucket_and_key(one.destination), one.number) for one in self._maps
        )

    @overload
    def __getitem__(self, number: int) -> KeyMap: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[KeyMap]: ...

    def __getitem__(self, number: int | slice) -> KeyMap | Sequence[KeyMap]:
        """Return the map of the source with this number."""
        return self._maps[number]

    def __len__(self) -> int:
        """Return how many sources there are."""
        return len(self._maps)

    @property
    def source_url(self) -> str:
        """The source, safe to print; of several ``s3://a/x/ and 2 more``."""
        first, *others = self.sources
        return f"{first.url} and {len(others):,} more" if others else first.url

    @property
    def may_meet_own_copies(self) -> bool:
        """Whether a source and the destination may be one bucket by two names."""
        return any(one.may_meet_own_copies for one in self._maps)

    def of(self, found: S3Object) -> KeyMap:
        """Return the map of the source that ``found`` is an object of."""
        return self._only or self._maps[_number(self._of_sources, found.bucket, found.key)]

    def of_copy(self, copy: S3Object) -> KeyMap:
        """Return the map that leads to ``copy``, an object at the destination."""
        return self._only or self._maps[_number(self._of_copies, copy.bucket, copy.key)]

    def find(self, bucket: str, key: str) -> KeyMap | None:
        """Return the map of the source that has this key, if there is one."""
        source = self._maps[number := _number(self._of_sources, bucket, key)].source
        is_its = key.startswith(source.key) if is_prefix(source) else key == source.key
        return self._maps[number] if source.bucket == bucket and is_its else None

    def task(self, found: S3Object) -> CopyTask:
        """Return the copy of an object of one of the sources."""
        return self.of(found).task(found)

    def tasks(self, page: Sequence[S3Object]) -> Sequence[CopyTask]:
        """Return the copies of objects of the sources, in their order."""
        if self._only:
            return self._only.tasks(page)
        return [task for one, items in groupby(page, self.of) for task in one.tasks(items)]

    def relative_key(self, found: S3Object) -> str:
        """Return what follows the prefix of its source in the key of an object."""
        return self.of(found).relative_key(found)


def _relative(key: str, location: S3Location) -> str:
    return key[len(location.key) :] if is_prefix(location) else key.rpartition("/")[2]


def _bucket_and_key(location: S3Location) -> tuple[str, str]:
    return location.bucket, location.key


def _number(places: Sequence[tuple[str, str, int]], bucket: str, key: str) -> int:
    """Return the number behind the last of the places that are not behind a key."""
    return places[bisect_right(places, (bucket, key, len(places))) - 1][2]


def is_prefix(location: S3Location) -> bool:
    """Return whether an effective location is a prefix: empty, or ending in a slash."""
    return not location.key or location.key.endswith("/")


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


def plan_several(
    sources: Sequence[S3Location], destination: S3Location, *, recursive: bool
) -> KeyMaps:
    """Return the maps for a copy of several sources, or refuse it.

    Each goes under ``destination``, by its last name, a whole bucket by the bucket's. With
    ``recursive`` a name without a slash at its end stands for the object of that name and for
    everything under it.

    Raises:
        ValidationError: a prefix without ``recursive``, sources that have objects in common or
            would be copied to the same place, a destination in a source or around it.
    """
    folder = as_directory(destination)
    maps: list[KeyMap] = []
    for source in sources:
        target = _named_like(source, folder)
        if is_prefix(source):
            if not recursive:
                _map_object(source, folder)  # refuses it
            maps.append(KeyMap(source, target, number=len(maps)))
        elif not recursive:
            maps.append(KeyMap(source, target, number=len(maps)))
        else:
            number = len(maps)
            maps.append(KeyMap(source, target, number=number, partner=number + 1))
            under = as_directory(source), as_directory(target)
            maps.append(KeyMap(*under, number=number + 1, partner=number))
    _refuse_common(maps)
    _refuse_same_copies(maps)
    _refuse_copies_among_sources(maps)
    return KeyMaps(maps, sources=sources, destination=folder)


def _named_like(source: S3Location, folder: S3Location) -> S3Location:
    """Return the place in ``folder`` that has the last name of ``source``."""
    name = source.key.removesuffix("/").rpartition("/")[2] if source.key else source.bucket
    if not name:
        raise ValidationError(
            f"{source.url} has no last name that its copies could have",
            remedy="copy it in a run of its own, with a destination of your choice",
        )
    return replace(folder, key=folder.key + name + ("/" if is_prefix(source) else ""))


def _refuse_common(maps: Sequence[KeyMap]) -> None:
    """Refuse sources of which one has objects of another: in order they are neighbours."""
    ordered = sorted((one.source for one in maps), key=_bucket_and_key)
    for one, other in pairwise(ordered):
        if _bucket_and_key(one) == _bucket_and_key(other):
            raise ValidationError(f"{one.url} is given twice", remedy="leave out one of them")
        if one.bucket == other.bucket and is_prefix(one) and other.key.startswith(one.key):
            raise ValidationError(
                f"{other.url} lies inside {one.url}, so it would be copied twice",
                remedy="leave out one of them, or copy it in a run of its own",
            )


def _refuse_same_copies(maps: Sequence[KeyMap]) -> None:
    first: dict[str, KeyMap] = {}
    for one in maps:
        other = first.setdefault(one.destination.key, one)
        if other is not one:
            raise ValidationError(
                f"{other.source.url} and {one.source.url} would both be copied to "
                f"{one.destination.url}",
                remedy="copy one of them in a run of its own, with another destination",
            )


def _refuse_copies_among_sources(maps: Sequence[KeyMap]) -> None:
    """Refuse copies that would be written where something is copied from."""
    bucket = maps[0].destination.bucket
    sources = {one.source.key: one.source for one in maps if one.source.bucket == bucket}
    keys = sorted(sources)
    for target in (one.destination for one in maps):
        place = bisect_right(keys, target.key)
        around, behind = keys[max(0, place - 1) : place], keys[place : place + 1]
        is_inside = (
            key for key in around if is_prefix(sources[key]) and target.key.startswith(key)
        )
        contains = (key for key in behind if is_prefix(target) and key.startswith(target.key))
        same = (key for key in around if key == target.key)
        met = next(chain(is_inside, contains, same), None)
        if met is not None:
            raise ValidationError(
                f"copies would be written to {target.url}, where {sources[met].url} is copied from",
                remedy="choose a destination outside all sources",
            )
