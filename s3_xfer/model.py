"""The nouns of the program: places, objects, one planned copy, and how it ended.

All are frozen values that threads may share. Nothing here sends a request or knows an option.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from s3_xfer.declarations import JournalRole, Section, check_values, documented, option, optional
from s3_xfer.errors import ObjectError, ValidationError, check_fields, checked_call
from s3_xfer.field_types import FrozenDict
from s3_xfer.text import s3_url

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config

KEY_MAX_BYTES = 1024  # S3 User Guide, "Naming Amazon S3 objects"
_NO_METADATA: Mapping[str, str] = FrozenDict()
# Rules for general purpose buckets; dots are legal, access point aliases fit the same shape.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # what Python makes of bytes that it cannot decode
_ENDPOINT = re.compile(r"https?://(\[[\da-fA-F:.]+\]|[^\s/:\[\]]+)(:\d{1,5})?(/\S*)?")
_ACCOUNT_ID = re.compile(r"\d{12}")
# The account of other S3 services may be empty or of another form: Ceph has both.
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|RGW\d{17}|):role/.+")
_FROM_A_PROGRAM: Mapping[str, Any] = {"of": object, "flag": "", "journal": JournalRole.PER_RUN}


@documented
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContext:
    """With whose credentials, and where, one side is reached.

    Nothing given means: as the AWS CLI would (environment, default profile, instance role).

    Raises:
        ValidationError: a malformed or empty value, or settings that exclude each other.
    """

    profile: str | None = optional(
        str, Section.ONE_SIDE, "AWS profile for this side's requests.", metavar="NAME"
    )
    role_arn: str | None = optional(str, Section.ONE_SIDE, "Role to assume.", metavar="ARN")
    external_id: str | None = option(
        None,
        Section.ONE_SIDE,
        "External id that the role's trust policy asks for.",
        of=str,
        metavar="ID",
        journal=JournalRole.PER_RUN,
        is_secret=True,
    )
    region: str | None = optional(str, Section.ONE_SIDE, "Region of the bucket.", metavar="REGION")
    endpoint_url: str | None = optional(
        str,
        Section.ONE_SIDE,
        "S3 endpoint of this side alone.",
        metavar="URL",
        journal=JournalRole.IDENTITY,
    )
    bucket_owner: str | None = optional(
        str,
        Section.ONE_SIDE,
        "12-digit account that must own the bucket; otherwise S3 refuses every request.",
        metavar="ACCOUNT",
        details="A bucket's name can be registered again by another account.",
    )
    no_sign_request: bool | None = optional(
        bool,
        Section.SOURCE_SIDE,
        "Do not sign the requests that list and look at the source, which is public.",
        details="Copies are signed with the destination's credentials all the same.",
    )
    ca_bundle: str | None = optional(
        str, Section.BOTH_SIDES, "Certificates to trust instead of the usual ones.", must_exist=True
    )
    session: Session | None = option(
        None,
        Section.ONE_SIDE,
        "Session with refreshing credentials of the caller's own, in place of a profile.",
        class_name="boto3.session.Session",
        **_FROM_A_PROGRAM,
    )
    client_config: Config | None = option(
        None,
        Section.ONE_SIDE,
        "Botocore configuration to merge under our own (proxies, addressing style).",
        class_name="botocore.config.Config",
        **_FROM_A_PROGRAM,
    )

    def __post_init__(self) -> None:
        check_values(self)
        if self.role_arn and not _ROLE_ARN.fullmatch(self.role_arn):
            raise ValidationError(
                f"{self.role_arn!r} is not the ARN of a role",
                remedy="write it as arn:aws:iam::123456789012:role/NAME",
            )
        if self.external_id and not self.role_arn:
            raise ValidationError(
                "an external id was given without a role", remedy="give the role's ARN as well"
            )
        if self.bucket_owner and not _ACCOUNT_ID.fullmatch(self.bucket_owner):
            raise ValidationError(
                f"{self.bucket_owner!r} is not an account id",
                remedy="give the 12 digits of the account that owns the bucket",
            )
        if self.session and self.profile:
            raise ValidationError("give either a session or a profile, not both")
        if self.no_sign_request and self.names_credentials:
            raise ValidationError(
                "credentials were given for requests that are not signed",
                remedy="leave out either the credentials or no_sign_request",
            )
        if self.endpoint_url:
            check_endpoint(self.endpoint_url)

    def __deepcopy__(self, _: object) -> AccountContext:
        return self  # frozen, and a session is not copied in the middle of a refresh

    @property
    def names_credentials(self) -> bool:
        """Whether credentials of its own were chosen for this side."""
        return bool(self.profile or self.role_arn or self.session)

    @property
    def shares_credentials(self) -> bool:
        """Whether a source with this account is read with the destination's credentials."""
        return not (self.names_credentials or self.no_sign_request)


def check_endpoint(url: str) -> None:
    """Return if ``url`` can be the endpoint of a service.

    Where it may hold a secret, the message does not repeat it.

    Raises:
        ValidationError: it cannot.
    """
    remedy = "write it as https://HOST or http://HOST:PORT"
    if any(mark in url for mark in "@?#"):
        raise ValidationError(
            "an endpoint has user info, a query or a fragment, none of which is ever sent",
            remedy=f"{remedy}; put credentials into a profile",
        )
    if not _ENDPOINT.fullmatch(url):
        raise ValidationError(f"{url!r} is not an endpoint", remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """A bucket, a key or prefix in it, and the account it is reached with."""

    bucket: str
    """The bucket."""
    key: str = ""
    """The key, or a prefix."""
    account: AccountContext = field(default_factory=AccountContext)
    """With which account it is reached."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.bucket.endswith("--x-s3"):
            raise ValidationError(
                f"{self.bucket!r} is a directory bucket (S3 Express), which is not supported",
                remedy="use a general purpose bucket",
            )
        if not _BUCKET.fullmatch(self.bucket) or ".." in self.bucket:
            raise ValidationError(
                f"{self.bucket!r} is not a bucket name",
                remedy="bucket names are 3 to 63 lower-case letters, digits, dots and hyphens",
            )
        if _SURROGATE.search(self.key):
            raise ValidationError(
                f"the key of {self.url} is not UTF-8, as keys in S3 are",
                remedy="type it in a UTF-8 locale, or set PYTHONUTF8=1",
            )

    @property
    def url(self) -> str:
        """``s3://bucket/key``, safe to print."""
        return s3_url(self.bucket, self.key)

    @classmethod
    @checked_call
    def parse(cls, url: str, *, account: AccountContext | None = None) -> S3Location:
        """Return the location that ``s3://bucket[/key]`` names; the key is taken byte for byte.

        Raises:
            ValidationError: ``url`` is not of that form.
        """
        scheme, separator, rest = url.partition("://")
        if scheme != "s3" or not separator or not rest:
            raise ValidationError(
                f"{url!r} is not an S3 URL",
                remedy="write it as s3://BUCKET/KEY or s3://BUCKET/PREFIX/",
            )
        bucket, _, key = rest.partition("/")
        return cls(bucket=bucket, key=key, account=account or AccountContext())


class ObjectId(NamedTuple):
    """What an object is known by, within its bucket. Without a version: the current one."""

    key: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Object:
    """One object as a listing, a HEAD or a report shows it.

    ``etag`` keeps the quotes that S3 puts around it; empty means not known yet, and the copy
    then looks it up first, as it does where ``size_is_known`` is false. ``metadata`` is only filled
    by a HEAD. An empty ``storage_class`` is not known. ``version_id`` names one version of the
    object; None is the current one.
    """

    bucket: str
    """The bucket that it is in."""
    key: str
    """Its key."""
    size: int
    """Its size in bytes."""
    etag: str = ""
    """Its ETag with the quotes around it; empty if not known yet: a copy looks it up."""
    last_modified: datetime | None = None
    """When it was written; None if not known."""
    storage_class: str = "STANDARD"
    """Its storage class."""
    metadata: Mapping[str, str] = field(default_factory=lambda: _NO_METADATA)
    """Its user metadata; only a HEAD shows it."""
    version_id: str | None = None
    """One version of it; None is the current one."""
    size_is_known: bool = True
    """False where a copy has to look the size up first."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.size < 0:
            raise ValidationError(f"size is {self.size}; it must be 0 or more")
        if self.last_modified and self.last_modified.tzinfo is None:
            raise ValidationError(
                f"last_modified is {self.last_modified}; it must be a datetime with a time zone"
            )

    @property
    def needs_lookup(self) -> bool:
        """Whether a copy has to ask for its ETag or its size first."""
        return not (self.etag and self.size_is_known)

    @property
    def id(self) -> ObjectId:
        """What the object is known by, within its bucket."""
        return ObjectId(self.key, self.version_id)

    @property
    def url(self) -> str:
        """``s3://bucket/key``, safe to print."""
        return s3_url(self.bucket, self.key)


class CopyReason(enum.Enum):
    """Why an object is copied that was compared. The value is what JSON shows."""

    NEW = "not at the destination"
    DIFFERENT = "different at the destination"
    UNPROVEN = "could not be compared"  # nothing proves that it is the same, or that it is not


@dataclass(frozen=True, slots=True)
class CopyTask:
    """One object and the key it goes to; on its second try with the error of the first one.

    ``reason`` is why it is copied, where it was compared with the destination's object.
    ``is_compared_by_listing``: the listing of the destination has told; nothing is asked.
    """

    source: S3Object
    """The object to copy."""
    destination_bucket: str
    """The bucket that the copy goes to."""
    destination_key: str
    """The key of the copy."""
    earlier_error: ObjectError | None = field(default=None, compare=False)
    """On the second try, the error of the first one."""
    reason: CopyReason | None = field(default=None, compare=False)
    """Why it is copied, where it was compared with the destination's object."""
    is_compared_by_listing: bool = field(default=False, compare=False)
    """Whether the listing of the destination has told, so that nothing is asked."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class DeleteTask(CopyTask):
    """The deletion of an object at the destination. ``source`` is that object, as listed.

    ``backup`` is the copy of it that was made before, where one was asked for.
    """

    backup: S3Object | None = field(default=None, compare=False)
    """The copy that was made before, where one was asked for."""

    @classmethod
    def of(cls, target: S3Object) -> DeleteTask:
        """Return the deletion of ``target``."""
        return cls(target, target.bucket, target.key)


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that is neither completed nor aborted. Its parts cost money."""

    bucket: str
    """The bucket that it is in."""
    key: str
    """The key that it would write."""
    upload_id: str
    """S3's id of it."""

    def __post_init__(self) -> None:
        check_fields(self)


class SkipReason(enum.Enum):
    """Why an object was left alone. The value is what reports show."""

    EXISTS = "already exists at the destination"
    IDENTICAL = "identical at the destination"
    DRY_RUN = "dry run"
    APPEARED_LATER = "appeared after the run began"
    STALE = "changed since the inventory"
    MARKER = "marks the prefix itself, for which the destination has no key"
    OTHER_TAGS = "has not the tags that were asked for"
    LEFT_OUT = "left out by a filter, as a HEAD told"
    WOULD_DELETE = "dry run, would be deleted"
    CHANGED_THERE = "changed at the destination since it was listed"
    GONE = "gone from the destination before it was deleted"


@dataclass(frozen=True, slots=True)
class Copied:
    """The object is at the destination, and the answer of S3 proves it. ``engine`` copied it."""

    task: CopyTask
    """Which object, and where it went."""
    size_bytes: int
    """Its size."""
    etag: str
    """The ETag of the copy."""
    parts: int = 1
    """In how many parts it was copied; 1 for a single request."""
    engine: str = "managed"
    """What copied it: ``managed`` or ``crt``."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Skipped:
    """The object was left alone on purpose."""

    task: CopyTask
    """Which object, and where it was to go."""
    reason: SkipReason
    """Why."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object was deleted at the destination.

    ``version_id`` is that of the delete marker, where the bucket keeps versions; else empty.
    Without ``is_answered`` the answer of S3 was lost, and a look afterwards found nothing: by all
    that is known the delete was this one.
    """

    task: DeleteTask
    """Which object was deleted."""
    version_id: str = ""
    """That of the delete marker, where the bucket keeps versions; else empty."""
    is_answered: bool = True
    """False if the answer of S3 was lost, and a look afterwards found nothing."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Failed:
    """The object is not at the destination, or nothing proves that it is."""

    task: CopyTask
    """Which object, and where it was to go."""
    error: ObjectError
    """Why."""
    traceback: str = ""
    """Of an unexpected error; else empty."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class NotAttempted:
    """The object was found, but the run ended before its turn."""

    task: CopyTask
    """Which object, and where it was to go."""

    def __post_init__(self) -> None:
        check_fields(self)


Outcome: TypeAlias = Copied | Deleted | Skipped | Failed | NotAttempted


class OnceReadable(Iterable[str | S3Object]):
    """An iterator, which one run can read; a second one is refused instead of copying nothing."""

    def __init__(self, chosen: Iterator[str | S3Object]) -> None:
        self._chosen = chosen
        self._is_read = False

    def __iter__(self) -> Iterator[str | S3Object]:
        """Return the iterator, once.

        Raises:
            ValidationError: it was returned before.
        """
        if self._is_read:
            raise ValidationError(
                "objects is an iterator, which an earlier run has read",
                remedy="give a list, or an iterable that can be read again",
            )
        self._is_read = True
        return self._chosen
