"""The policies that exactly one run needs, and nothing more. Pure functions of what was asked for.

S3 lets a principal of one account read a bucket of another only if both sides say yes: the
bucket's policy, and the principal's own. So most statements come twice, once with a principal and
once without. Which ones there are follows from the operation and its options; the reasons stand
in ``docs/access.md``.

No wildcard gets in as a principal, as an action, or from a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from s3_xfer.access.documents import (
    TAG_LENGTH,
    Permission,
    PolicyDocument,
    PolicyTarget,
    Statement,
    literal,
    sid_of,
)
from s3_xfer.access.principals import Parties, Principal, key_account
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions, Encryption, Identical, RunMode, TagPolicy
from s3_xfer.planning.mapping import KeyMap

EXTERNAL_ID = "${S3_XFER_DEST_EXTERNAL_ID}"  # matches nothing until it is replaced
_ALIASES = ("-s3alias", "--ol-s3")


def policies_for(
    keys: KeyMap, options: CopyOptions, *, overwrite: bool, parties: Parties
) -> tuple[PolicyDocument, ...]:
    """Return the documents that a run between ``keys`` with these options needs.

    Raises:
        ValidationError: a bucket or key is named in a way that no policy understands.
    """
    return tuple(_PolicyWriter(keys, options, overwrite=overwrite, parties=parties).documents())


class _PolicyWriter:
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
        has_reader = source.names_credentials
        reading = list(self._copying() if has_reader else self._listing_and_copying())
        if self._is_foreign(source.bucket_owner):
            yield from self._document(
                PolicyTarget.SOURCE_BUCKET, self._source.bucket, reading, copier
            )
        yield from self._keys(PolicyTarget.SOURCE_KEY, self._decrypting())
        if has_reader:
            reader = source.role_arn or source.profile or ""
            yield from self._document(
                PolicyTarget.READER, reader, list(self._listing_and_reading())
            )
        writing = list(self._writing())
        keys = (*self._decrypting(), *self._encrypting())
        own = [*reading, *writing, *self._journaling(), *keys]
        yield from self._document(PolicyTarget.COPIER, copier, own)
        yield from self._trust()
        owner = self._destination.account.bucket_owner
        if owner and self._is_foreign(owner):
            bucket = self._destination.bucket
            yield from self._document(PolicyTarget.DESTINATION_BUCKET, bucket, writing, copier)
        yield from self._keys(PolicyTarget.DESTINATION_KEY, self._encrypting())

    # ------------------------------------------------------------------- what is needed

    def _listing_and_copying(self) -> Iterator[Permission]:
        yield from self._listing()
        yield from self._copying()

    def _listing_and_reading(self) -> Iterator[Permission]:
        yield from self._listing()
        yield from self._reading()

    def _listing(self) -> Iterator[Permission]:
        if not _is_object(self._source):
            key, bucket = self._source.key, self._arn(self._source.bucket)
            with_prefix = {"StringLike": {"s3:prefix": f"{literal(key)}*"}} if key else {}
            yield Permission("List", ("s3:ListBucket",), (bucket,), with_prefix)

    def _copying(self) -> Iterator[Permission]:
        """What the copier reads itself; a dry run with credentials for the source reads nothing."""
        if self._writes or not self._source.account.names_credentials:
            yield from self._reading()

    def _reading(self) -> Iterator[Permission]:
        objects = (self._below(self._source),)
        if self._writes or _is_object(self._source):
            yield Permission("Read", ("s3:GetObject",), objects)
        if self._options.tags is TagPolicy.COPY:
            yield Permission("ReadTags", ("s3:GetObjectTagging",), objects)

    def _writing(self) -> Iterator[Permission]:
        if not self._writes:
            return
        objects = (self._below(self._destination),)
        actions = ("s3:PutObject", "s3:AbortMultipartUpload")
        yield Permission("Write", actions, objects)
        if self._options.tags is TagPolicy.COPY:
            yield Permission("WriteTags", ("s3:PutObjectTagging",), objects)
        if self._options.acl:
            yield Permission("WriteAcl", ("s3:PutObjectAcl",), objects)
        if not self._overwrite or self._options.identical is Identical.SKIP:
            yield Permission("Look", ("s3:GetObject",), objects)
            # Else what is missing looks like what is forbidden. A HEAD has no prefix to compare.
            bucket = self._arn(self._destination.bucket)
            yield Permission("LookFor", ("s3:ListBucket",), (bucket,))
        if self._options.journal:
            bucket = self._arn(self._destination.bucket)
            yield Permission("LookAtParts", ("s3:ListMultipartUploadParts",), objects)
            yield Permission("LookAtUploads", ("s3:ListBucketMultipartUploads",), (bucket,))

    def _journaling(self) -> Iterator[Permission]:
        """What a journal in S3 needs; without the listing, a missing one looks forbidden."""
        journal = self._options.journal or ""
        if journal.startswith("s3://"):
            location = S3Location.parse(journal)
            bucket = self._arn(location.bucket)
            actions = ("s3:GetObject", "s3:PutObject")
            yield Permission("Journal", actions, (f"{bucket}/{literal(location.key)}",))
            yield Permission("LookForJournal", ("s3:ListBucket",), (bucket,))

    def _decrypting(self) -> list[Permission]:
        if not self._source_keys or not self._writes:
            return []
        return [Permission("Decrypt", ("kms:Decrypt",), self._source_keys)]

    def _encrypting(self) -> list[Permission]:
        if not self._destination_keys or not self._writes:
            return []
        actions = ("kms:GenerateDataKey", "kms:Decrypt")  # the latter for copies in parts
        return [Permission("Encrypt", actions, self._destination_keys)]

    # ---------------------------------------------------------------- where it is written

    def _document(
        self,
        target: PolicyTarget,
        resource: str,
        permissions: Sequence[Permission],
        principal: str | None = None,
    ) -> Iterator[PolicyDocument]:
        statements = tuple(permission.statement(self._tag, principal) for permission in permissions)
        if statements:
            yield PolicyDocument(
                target=target,
                account=self._account(target),
                resource=resource,
                statements=statements,
            )

    def _keys(
        self, target: PolicyTarget, permissions: Sequence[Permission]
    ) -> Iterator[PolicyDocument]:
        """Write one document per key that is not the copier's own account's."""
        for permission in permissions:
            for key in permission.resources:
                if self._is_foreign(key_account(key)):
                    on_this_key = Permission(permission.name, permission.actions, ("*",))
                    statement = on_this_key.statement(self._tag, self._copier.arn)
                    yield PolicyDocument(
                        target=target,
                        account=key_account(key),
                        resource=key,
                        statements=(statement,),
                    )

    def _trust(self) -> Iterator[PolicyDocument]:
        if not (self._trusted and self._copier.is_role):
            return
        needs_id = self._destination.account.external_id is not None
        condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}} if needs_id else {}
        statement = Statement(
            sid=sid_of("Assume", self._tag),
            actions=("sts:AssumeRole",),
            principal=self._trusted.arn,
            condition=condition,
        )
        yield PolicyDocument(
            target=PolicyTarget.TRUST,
            account=self._copier.account,
            resource=self._copier.arn,
            statements=(statement,),
        )

    def _account(self, target: PolicyTarget) -> str:
        if target is PolicyTarget.COPIER:
            return self._copier.account
        side: AccountContext = (
            self._source if target.owner == "source" else self._destination
        ).account
        return side.bucket_owner or ""

    def _is_foreign(self, owner: str | None) -> bool:
        """Return whether the copier's account must ask; unknown owners are taken for strangers."""
        return owner is None or owner != self._copier.account

    def _arn(self, bucket: str) -> str:
        return f"arn:{self._copier.partition}:s3:::{bucket}"

    def _below(self, location: S3Location) -> str:
        """Return the one key, or everything below the prefix, as a resource."""
        wildcard = "" if _is_object(location) else "*"
        return f"{self._arn(location.bucket)}/{literal(location.key)}{wildcard}"


def _is_object(location: S3Location) -> bool:
    """Return whether an effective location is one key: prefixes are empty or end in a slash."""
    return bool(location.key) and not location.key.endswith("/")


def _key_of(options: CopyOptions) -> tuple[str, ...]:
    """Return the key that the options ask for; AWS's own keys need no permission here."""
    kms = options.sse in (Encryption.KMS, Encryption.KMS_DSSE)
    return (options.sse_kms_key_id,) if kms and options.sse_kms_key_id else ()


def tag_of(keys: KeyMap, copier: Principal) -> str:
    """Return a short name of this copier and route: several can stand in one document."""
    route = "|".join((copier.arn, keys.source.url, keys.destination.url))
    return hashlib.sha256(route.encode()).hexdigest()[:TAG_LENGTH]
