"""The policies that exactly one run needs, and nothing more. Pure functions of what was asked for.

S3 lets a principal of one account read a bucket of another only if both sides say yes: the
bucket's policy, and the principal's own. So most statements come twice, once with a principal and
once without. Which ones there are follows from the operation and its options; the reasons stand
in ``docs/access.md``.

Refuses wildcards as principals, wildcards as actions, and wildcards in what came from a name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from s3_xfer.access.documents import PREFIX, TAG_LENGTH, Place, PolicyDocument, Statement
from s3_xfer.access.principals import Principal, key_account
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions, Encryption, Identical, RunMode, TagPolicy
from s3_xfer.planning.mapping import KeyMap

EXTERNAL_ID = "${S3_XFER_DEST_EXTERNAL_ID}"  # matches nothing until it is replaced
_ALIASES = ("-s3alias", "--ol-s3")
_SPECIAL = re.compile(r"[*?$]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who and what takes part besides the two places: identities, and keys that encrypt.

    Raises:
        ValidationError: a key is not given by its ARN.
    """

    copier: Principal
    trusted: Principal | None = None
    source_keys: tuple[str, ...] = ()
    destination_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in (*self.source_keys, *self.destination_keys):
            key_account(key)


@dataclass(frozen=True, slots=True)
class _Permission:
    """What must be allowed, whoever writes it down."""

    name: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def given(self, tag: str, principal: str | None = None) -> Statement:
        return Statement(
            sid=f"{PREFIX}{self.name}{tag}",
            actions=self.actions,
            resources=self.resources,
            principal=principal,
            condition=self.condition,
        )


def policies_for(
    keys: KeyMap, options: CopyOptions, *, overwrite: bool, parties: Parties
) -> tuple[PolicyDocument, ...]:
    """Return the documents that a run between ``keys`` with these options needs.

    Raises:
        ValidationError: a bucket or key is named in a way that no policy understands.
    """
    return tuple(_Writer(keys, options, overwrite=overwrite, parties=parties).documents())


class _Writer:
    """Writes the documents of one run."""

    def __init__(
        self, keys: KeyMap, options: CopyOptions, *, overwrite: bool, parties: Parties
    ) -> None:
        self._source, self._destination = keys.source, keys.destination
        self._options = options
        self._overwrite = overwrite
        self._copier = parties.copier
        self._trusted = parties.trusted
        self._writes = options.mode is not RunMode.DRY_RUN
        self._source_keys = parties.source_keys
        self._destination_keys = (*parties.destination_keys, *_key_of(options))
        self._tag = tag_of(keys, parties.copier)
        for location in (keys.source, keys.destination):
            if location.bucket.endswith(_ALIASES):
                raise ValidationError(
                    f"{location.bucket} is the alias of an access point",
                    remedy="give the bucket's own name: policies do not know aliases",
                )

    def documents(self) -> Iterator[PolicyDocument]:
        source, copier = self._source.account, self._copier.arn
        own_reader = source.names_credentials
        reading = list(self._copying() if own_reader else self._listing_and_copying())
        if self._is_foreign(source.bucket_owner):
            yield from self._document(Place.SOURCE_BUCKET, self._source.bucket, reading, copier)
        yield from self._keys(Place.SOURCE_KEY, self._decrypting())
        if own_reader:
            reader = source.role_arn or source.profile or ""
            yield from self._document(Place.READER, reader, list(self._listing_and_reading()))
        writing = list(self._writing())
        yield from self._document(
            Place.COPIER,
            copier,
            [
                *reading,
                *writing,
                *self._keeping_a_journal(),
                *self._decrypting(),
                *self._encrypting(),
            ],
        )
        yield from self._trust()
        owner = self._destination.account.bucket_owner
        if owner and self._is_foreign(owner):
            bucket = self._destination.bucket
            yield from self._document(Place.DESTINATION_BUCKET, bucket, writing, copier)
        yield from self._keys(Place.DESTINATION_KEY, self._encrypting())

    # ------------------------------------------------------------------- what is needed

    def _listing_and_copying(self) -> Iterator[_Permission]:
        yield from self._listing()
        yield from self._copying()

    def _listing_and_reading(self) -> Iterator[_Permission]:
        yield from self._listing()
        yield from self._reading()

    def _listing(self) -> Iterator[_Permission]:
        if not _is_object(self._source):
            key, bucket = self._source.key, self._arn(self._source.bucket)
            near = {"StringLike": {"s3:prefix": f"{literal(key)}*"}} if key else {}
            yield _Permission("List", ("s3:ListBucket",), (bucket,), near)

    def _copying(self) -> Iterator[_Permission]:
        """What the copier reads itself; a dry run with credentials for the source reads nothing."""
        if self._writes or not self._source.account.names_credentials:
            yield from self._reading()

    def _reading(self) -> Iterator[_Permission]:
        place = (self._below(self._source),)
        if self._writes or _is_object(self._source):
            yield _Permission("Read", ("s3:GetObject",), place)
        if self._options.tags is TagPolicy.COPY:
            yield _Permission("ReadTags", ("s3:GetObjectTagging",), place)

    def _writing(self) -> Iterator[_Permission]:
        if not self._writes:
            return
        place = (self._below(self._destination),)
        actions = ("s3:PutObject", "s3:AbortMultipartUpload")
        yield _Permission("Write", actions, place)
        if self._options.tags is TagPolicy.COPY:
            yield _Permission("WriteTags", ("s3:PutObjectTagging",), place)
        if self._options.acl:
            yield _Permission("WriteAcl", ("s3:PutObjectAcl",), place)
        if not self._overwrite or self._options.identical is Identical.SKIP:
            yield _Permission("Look", ("s3:GetObject",), place)
            # Else what is missing looks like what is forbidden. A HEAD has no prefix to compare.
            bucket = self._arn(self._destination.bucket)
            yield _Permission("LookFor", ("s3:ListBucket",), (bucket,))
        if self._options.journal:
            bucket = self._arn(self._destination.bucket)
            yield _Permission("LookAtParts", ("s3:ListMultipartUploadParts",), place)
            yield _Permission("LookAtUploads", ("s3:ListBucketMultipartUploads",), (bucket,))

    def _keeping_a_journal(self) -> Iterator[_Permission]:
        """What a journal in S3 needs; without the listing, a missing one looks forbidden."""
        journal = self._options.journal or ""
        if journal.startswith("s3://"):
            place = S3Location.parse(journal)
            bucket = self._arn(place.bucket)
            actions = ("s3:GetObject", "s3:PutObject")
            yield _Permission("Journal", actions, (f"{bucket}/{literal(place.key)}",))
            yield _Permission("LookForJournal", ("s3:ListBucket",), (bucket,))

    def _decrypting(self) -> list[_Permission]:
        if not self._source_keys or not self._writes:
            return []
        return [_Permission("Decrypt", ("kms:Decrypt",), self._source_keys)]

    def _encrypting(self) -> list[_Permission]:
        if not self._destination_keys or not self._writes:
            return []
        actions = ("kms:GenerateDataKey", "kms:Decrypt")  # the latter for copies in parts
        return [_Permission("Encrypt", actions, self._destination_keys)]

    # ---------------------------------------------------------------- where it is written

    def _document(
        self,
        place: Place,
        target: str,
        permissions: Sequence[_Permission],
        principal: str | None = None,
    ) -> Iterator[PolicyDocument]:
        statements = tuple(one.given(self._tag, principal) for one in permissions)
        if statements:
            yield PolicyDocument(
                place=place, account=self._account(place), target=target, statements=statements
            )

    def _keys(self, place: Place, permissions: Sequence[_Permission]) -> Iterator[PolicyDocument]:
        """Write one document per key that is not the copier's own account's."""
        for permission in permissions:
            for key in permission.resources:
                if self._is_foreign(key_account(key)):
                    here = _Permission(permission.name, permission.actions, ("*",))  # this key
                    statement = here.given(self._tag, self._copier.arn)
                    yield PolicyDocument(
                        place=place,
                        account=key_account(key),
                        target=key,
                        statements=(statement,),
                    )

    def _trust(self) -> Iterator[PolicyDocument]:
        if not (self._trusted and self._copier.is_role):
            return
        wants_id = self._destination.account.external_id is not None
        condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}} if wants_id else {}
        statement = Statement(
            sid=f"{PREFIX}Assume{self._tag}",
            actions=("sts:AssumeRole",),
            principal=self._trusted.arn,
            condition=condition,
        )
        yield PolicyDocument(
            place=Place.TRUST,
            account=self._copier.account,
            target=self._copier.arn,
            statements=(statement,),
        )

    def _account(self, place: Place) -> str:
        if place is Place.COPIER:
            return self._copier.account
        side: AccountContext = (
            self._source if place.owner == "source" else self._destination
        ).account
        return side.bucket_owner or ""

    def _is_foreign(self, owner: str | None) -> bool:
        """Return whether the copier's account must ask; unknown owners are taken for strangers."""
        return owner is None or owner != self._copier.account

    def _arn(self, bucket: str) -> str:
        return f"arn:{self._copier.partition}:s3:::{bucket}"

    def _below(self, location: S3Location) -> str:
        """Return the one key, or everything below the prefix, as a resource."""
        star = "" if _is_object(location) else "*"
        return f"{self._arn(location.bucket)}/{literal(location.key)}{star}"


def _is_object(location: S3Location) -> bool:
    """Return whether an effective location is one key: prefixes are empty or end in a slash."""
    return bool(location.key) and not location.key.endswith("/")


def _key_of(options: CopyOptions) -> tuple[str, ...]:
    """Return the key that the options ask for; AWS's own keys need no permission here."""
    kms = options.sse in (Encryption.KMS, Encryption.KMS_DSSE)
    return (options.sse_kms_key_id,) if kms and options.sse_kms_key_id else ()


def literal(text: str) -> str:
    """Return ``text`` so that the policy language takes none of it for a wildcard or variable."""
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", text)


def tag_of(keys: KeyMap, copier: Principal) -> str:
    """Return a short name of this copier and route: several can stand in one document."""
    facts = "|".join((copier.arn, keys.source.url, keys.destination.url))
    return hashlib.sha256(facts.encode()).hexdigest()[:TAG_LENGTH]
