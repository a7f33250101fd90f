"""The frozen description of a transfer: from where, to where, as whom, how.

Checked on construction, so that no run begins with locations that make no sense. A description
knows no run: everything that runs imports it, and it imports none of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from s3_xfer.comparison import CompareField, Extra, FailOn
from s3_xfer.declarations import Declaration, Section, check_values, declared, option
from s3_xfer.errors import ValidationError, checked_call, not_accepted
from s3_xfer.model import AccountContext, OnceReadable, S3Location, S3Object
from s3_xfer.options import BATCH_SIZE_MAX, CompareBy, CopyOptions, Delete, Identical
from s3_xfer.planning.mapping import (
    KeyMap,
    KeyMaps,
    Rename,
    as_directory,
    may_be_one_bucket,
    plan_keys,
    plan_several,
)
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.wording import message


def _location(help: str, **settings: Any) -> dict[str, Declaration]:  # noqa: A002 - see option()
    """Return the metadata of a field that a URL on the command line stands for."""
    return declared(Section.LOCATIONS, help, of=str, flag="", **settings)


@dataclass(frozen=True, kw_only=True)
class TransferSpec:
    """Two locations, the accounts that reach them, and the options.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    source_bucket: str = field(metadata=_location("Bucket to copy from."))
    source_key: str = field(metadata=_location("Key, or prefix, to copy.", may_be_empty=True))
    destination_bucket: str = field(metadata=_location("Bucket to copy to."))
    destination_key: str = field(
        metadata=_location("Key, or prefix, of the copies.", may_be_empty=True)
    )
    more_sources: tuple[str, ...] = option(
        (),
        Section.LOCATIONS,
        "Further sources of the same run, as s3:// URLs.",
        flag="",
        details="With any, each source is copied under DESTINATION, by its own last name.",
    )
    recursive: bool = option(
        False, Section.WHAT, "Copy everything under the prefix SOURCE.", short="-r"
    )
    source: AccountContext = field(default_factory=AccountContext)
    """How the source is reached; by default with the destination's credentials."""
    destination: AccountContext = field(default_factory=AccountContext)
    """How the destination is reached, and who makes the copies."""
    options: CopyOptions = field(default_factory=CopyOptions)
    """Everything that has a default."""

    def __post_init__(self) -> None:
        check_values(self)
        if self.destination.no_sign_request:
            raise ValidationError(
                "requests to the destination have to be signed",
                remedy=message("leave out {destination.no_sign_request}"),
            )
        about_one = next(self._about_one_source(), None) if self.more_sources else None
        if about_one:
            raise ValidationError(
                message(
                    "{about_one} is about one source, and there are several", about_one=about_one
                ),
                remedy="run it for each source, with a destination of its own",
            )
        self.key_maps()
        if not self.is_of_prefix and self.options.has_filters:
            raise ValidationError(
                "filters choose among the objects under a prefix, and this names a single one",
                remedy=message("add {recursive=True}, or leave out the filters"),
            )

    def _about_one_source(self) -> Iterator[str]:
        """Yield what was given and makes sense for one source only."""
        if self.options.files_from is not None:
            yield message("{files_from=...}")
        if self.options.inventory is not None:
            yield message("{inventory=...}")

    @classmethod
    @checked_call
    def between(
        cls, source: S3Location | Sequence[S3Location], destination: S3Location, **fields: Any
    ) -> Self:
        """Return the description of a transfer between two locations; ``fields`` are all others.

        There may be several sources, all reached by the same account.
        """
        source, *others = [source] if isinstance(source, S3Location) else source
        if any(other.account != source.account for other in others):
            raise ValidationError(
                "the sources of a run are all reached by the same account",
                remedy="run it for each account",
            )
        if others:
            fields["more_sources"] = tuple(f"s3://{each.bucket}/{each.key}" for each in others)
        return cls(
            source_bucket=source.bucket,
            source_key=source.key,
            destination_bucket=destination.bucket,
            destination_key=destination.key,
            source=source.account,
            destination=destination.account,
            **fields,
        )

    @property
    def is_of_prefix(self) -> bool:
        """Whether the source is a prefix: asked for, or because an input names what is under it."""
        options = self.options
        return self.recursive or options.files_from is not None or options.inventory is not None

    def key_maps(self) -> KeyMaps:
        """Return the key of every copy, source by source; all locations are the effective ones.

        Raises:
            ValidationError: two sources have objects or copies in common.
        """
        if not self.more_sources:
            return KeyMaps([self.key_map()])
        others = (S3Location.parse(url, account=self.source) for url in self.more_sources)
        first, destination = self._first_and_destination()
        return plan_several([first, *others], destination, recursive=self.recursive)

    def key_map(self) -> KeyMap:
        """Return the key of every copy of the only source.

        Raises:
            ValidationError: there are several sources.
        """
        if self.more_sources:
            raise ValidationError(
                "there are several sources, and this takes one", remedy="run it for each source"
            )
        source, destination = self._first_and_destination()
        return plan_keys(source, destination, recursive=self.is_of_prefix, rename=self._rename())

    def _first_and_destination(self) -> tuple[S3Location, S3Location]:
        return (
            S3Location(bucket=self.source_bucket, key=self.source_key, account=self.source),
            S3Location(
                bucket=self.destination_bucket, key=self.destination_key, account=self.destination
            ),
        )

    def _rename(self) -> Rename | None:
        """Return what names the copies, if not their keys do."""
        return None


@dataclass(frozen=True, kw_only=True)
class CopySpec(TransferSpec):
    """One copy, see :class:`~s3_xfer.S3CopyOperation`.

    Raises:
        ValidationError: as of every transfer, or what a program chooses contradicts an option.
    """

    batch_size: int = option(
        100, Section.SPEED, "Objects handed to the workers at once.", range=(1, BATCH_SIZE_MAX)
    )
    overwrite: bool = option(
        True,
        Section.WHAT,
        "Do not overwrite existing objects (atomic on AWS).",
        flag="--no-overwrite",
    )
    objects: Iterable[str | S3Object] | None = field(default=None, compare=False, repr=False)
    """Keys or objects to copy in place of the listing; an iterator is read by one run."""
    where: Callable[[S3Object], bool] | None = field(default=None, compare=False, repr=False)
    """Returns whether an object is wanted."""
    rename: Rename | None = field(default=None, compare=False, repr=False)
    """Returns what follows ``destination_key`` in the key of a copy."""
    confirmed_deletes: str = field(default="", compare=False, repr=False)
    """The fingerprint of the delete plan that was confirmed; empty: any."""
    key_ranges: tuple[KeyRange, ...] = field(default=EVERYTHING, repr=False)
    """The ranges of the prefix that are listed: everything, or one shard of a plan."""
    identical_since: datetime | None = field(default=None, repr=False)
    """What the destination has had since before this instant is not taken for identical."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.objects, str | bytes | Mapping):
            raise not_accepted("objects", self.objects, "a collection of keys or of S3Objects")
        if isinstance(self.objects, Iterator):
            object.__setattr__(self, "objects", OnceReadable(self.objects))
        self._check_choices()

    def _about_one_source(self) -> Iterator[str]:
        yield from super()._about_one_source()
        if self.options.delete is Delete.EXTRA:
            yield message("{delete=extra}")
        of_programs = {
            "objects": self.objects is not None,
            "rename": self.rename is not None,
            "a shard": self.key_ranges != EVERYTHING,
        }
        yield from (name for name, is_given in of_programs.items() if is_given)

    def _check_choices(self) -> None:
        names = ("objects", "where", "rename")
        chosen = [name for name in names if getattr(self, name) is not None]
        if chosen and not self.recursive:
            raise ValidationError(
                f"{' and '.join(chosen)} cannot be used for a single object",
                remedy=message("give {recursive=True} and a prefix, which may be empty"),
            )
        if chosen and self.options.journal:
            raise ValidationError(
                f"a journal cannot keep {' and '.join(chosen)}: a resumed copy would not have them",
                remedy=message(
                    "leave out the journal, and keep a report: {from_report_path} copies the rest"
                ),
            )
        options = self.options
        inputs = (options.from_report_path, options.files_from, options.inventory)
        if self.objects is not None and any(inputs):
            raise ValidationError(
                "objects and another input both say what is to be copied",
                remedy="leave out one of them",
            )

        if self.options.delete is Delete.EXTRA:
            self._check_deletes(chosen)
        backup = self.backup
        if backup:
            self._check_backup(backup)

    def _check_backup(self, backup: S3Location) -> None:
        if self.options.delete is not Delete.EXTRA:
            raise ValidationError(
                "a backup prefix is for what a sync deletes, and nothing is to be deleted",
                remedy=message("add {delete=extra}, or leave out {backup_prefix}"),
            )
        keys = self.key_map()
        for side in (keys.source, keys.destination):
            if may_be_one_bucket(backup.bucket, side.bucket):
                raise ValidationError(
                    f"an access point may stand for the bucket of {side.url}, in which "
                    f"{backup.url} may lie",
                    remedy="give all buckets by their own names",
                )
            is_below = backup.key.startswith(side.key) or side.key.startswith(backup.key)
            if backup.bucket == side.bucket and is_below:
                raise ValidationError(
                    f"the backups would be in {backup.url}, which overlaps {side.url}",
                    remedy="give the backups a prefix, or a bucket, of their own",
                )

    def _check_deletes(self, chosen: Sequence[str]) -> None:
        options = self.options
        if not self.recursive or options.identical is not Identical.SKIP:
            raise ValidationError(
                "only a sync deletes what the destination has in addition",
                remedy="use a sync",
            )
        if options.from_report_path:
            raise ValidationError(
                "a report does not say what the source has, so nothing can be deleted by it",
                remedy=message("leave out either {from_report_path} or {delete=extra}"),
            )
        if options.if_tag:
            raise ValidationError(
                "what is gone has no tags, so a filter by tags cannot protect its copy",
                remedy=message("leave out either {if_tag} or {delete=extra}"),
            )
        if chosen:
            raise ValidationError(
                f"{' and '.join(chosen)} may leave out objects whose copies would be deleted",
                remedy="leave out either that or delete",
            )
        if self.key_map().may_meet_own_copies:
            raise ValidationError(
                "an access point may stand for the bucket that is copied from, whose objects "
                "would be deleted",
                remedy="give both buckets by their own names",
            )

    def _rename(self) -> Rename | None:
        return self.rename

    @property
    def backup(self) -> S3Location | None:
        """Below which prefix an object is copied before it is deleted; None: nowhere.

        Raises:
            ValidationError: it is not an S3 URL.
        """
        prefix = self.options.backup_prefix
        if prefix is None:
            return None
        return as_directory(S3Location.parse(prefix, account=self.destination))

    @property
    def compare_by(self) -> CompareBy | None:
        """By which rule objects are compared with the destination's; None: they are not."""
        return self.options.compare_by if self.options.identical is Identical.SKIP else None


@dataclass(frozen=True, kw_only=True)
class CheckSpec(TransferSpec):
    """One comparison, see :class:`~s3_xfer.S3CheckOperation`."""

    compare: frozenset[CompareField] = option(
        frozenset(),
        Section.COMPARISON,
        "What is compared besides sizes and ETags.",
        of=CompareField,
        flag="",  # a flag for each member
        helps={
            CompareField.CHECKSUMS: (
                "Compare stored checksums where ETags prove nothing (two HEADs for each object)."
            ),
            CompareField.METADATA: "Compare metadata and headers (two HEADs for each object).",
            CompareField.TAGS: "Compare tags (two requests for each object).",
        },
    )
    extra: Extra = option(
        Extra.COUNT,
        Section.COMPARISON,
        "Leave out objects that only the destination has.",
        flag="--ignore-extra",
        when_given=Extra.IGNORE,
    )
    fail_on: FailOn = option(
        FailOn.DIFFERENCE,
        Section.COMPARISON,
        "What is a difference: same-size adds what has the same size, and no proof.",
        metavar="WHAT",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options.if_tag:
            raise ValidationError(
                "a check does not choose objects by their tags",
                remedy="leave out if_tag, and ignore what is missing for that reason",
            )
