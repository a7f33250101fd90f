"""The policies that exactly one run needs, and nothing more. Pure functions of what was asked for.

S3 lets a principal of one account read a bucket of another only if both sides say yes: the
bucket's policy, and the principal's own. So most statements come twice, once with a principal and
once without. Which ones there are follows from the operation and its options; the reasons stand
in ``docs/access.md``.

No wildcard gets in as a principal, as an action, or from a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from s3_xfer.access.documents import (
    EXTERNAL_ID,
    Participants,
    PolicyDocument,
    PolicyTarget,
    Principal,
    Statement,
    key_account,
    literal,
)
from s3_xfer.errors import ValidationError
from s3_xfer.model import S3Location
from s3_xfer.options import CopyOptions, Delete, Encryption, Identical, RunMode, TagPolicy
from s3_xfer.planning.mapping import ALIAS_SUFFIXES, KeyMap, as_directory

# Rights on a bucket; all others are on objects (Service Authorization Reference).
_ON_BUCKETS = frozenset(
    {
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListBucketMultipartUploads",
        "s3:GetBucketVersioning",
    }
)


def policies_for(
    keys: Iterable[KeyMap], options: CopyOptions, *, overwrite: bool, participants: Participants
) -> tuple[PolicyDocument, ...]:
    """Return the documents that a run between ``keys`` with these options needs.

    Raises:
        ValidationError: a bucket or key is named in a way that no policy understands.
    """
    merged: dict[tuple[PolicyTarget, str, str], PolicyDocument] = {}
    for one in keys:
        writer = _PolicyWriter(one, options, overwrite=overwrite, participants=participants)
        for document in writer.documents():
            place = (document.target, document.account, document.resource)
            known = merged.get(place)
            merged[place] = _joined(known, document) if known else document
    return tuple(merged.values())


def _joined(document: PolicyDocument, other: PolicyDocument) -> PolicyDocument:
    """Return the statements of both; what differs by its tag only is there once."""
    untagged = [replace(each, tag="") for each in document.statements]
    new = (each for each in other.statements if replace(each, tag="") not in untagged)
    return replace(document, statements=(*document.statements, *new))


def documents_granting(
    permission: str,
    side: str,
    targets: Iterable[PolicyTarget],
    *,
    keys: KeyMap,
    options: CopyOptions,
    overwrite: bool,
    participants: Participants,
) -> tuple[PolicyDocument, ...]:
    """Return for each target the one statement that allows ``permission`` on ``side``.

    There is none for a KMS key that is not known.

    Raises:
        ValidationError: as :func:`policies_for`.
    """
    writer = _PolicyWriter(keys, options, overwrite=overwrite, participants=participants)
    statement = writer.granting(permission, side)
    if statement is None:
        return ()
    return tuple(doc for target in targets for doc in writer.document(target, statement))


class _PolicyWriter:
    def __init__(
        self, keys: KeyMap, options: CopyOptions, *, overwrite: bool, participants: Participants
    ) -> None:
        self._source, self._destination = keys.source, keys.destination
        self._options = options
        self._overwrite = overwrite
        self._copier = participants.copier
        self._trusted = participants.trusted
        account = keys.source.account
        self._reader = participants.reader or account.role_arn or account.profile
        self._writes = options.mode is not RunMode.DRY_RUN
        self._source_keys = participants.source_keys
        keys_of_copies = (*participants.destination_keys, *_key_of(options))
        self._destination_keys = tuple(dict.fromkeys(keys_of_copies))
        route = "|".join((participants.copier.arn, keys.source.url, keys.destination.url))
        # A short name of this copier and route: several can stand in one document.
        self._tag = hashlib.sha256(route.encode()).hexdigest()[:8]
        for location in (keys.source, keys.destination):
            if location.bucket.endswith(ALIAS_SUFFIXES):
                raise ValidationError(
                    f"{location.bucket} is the alias of an access point",
                    remedy="give the bucket's own name: policies do not know aliases",
                )

    def documents(self) -> Iterator[PolicyDocument]:
        source = self._source.account
        owner, has_reader = source.bucket_owner, not source.shares_credentials
        reading = [*([] if has_reader else self._listing()), *self._copying()]
        if self._is_foreign(owner):
            yield from self.document(PolicyTarget.SOURCE_BUCKET, *reading)
        yield from self._keys(PolicyTarget.SOURCE_KEY, self._decrypting())
        if source.names_credentials:
            reader = (*self._listing(), *self._reading(), *self._inputs())
            yield from self.document(PolicyTarget.READER, *reader)
        inputs = () if source.names_credentials else self._inputs()
        writing = list(self._writing())
        keys = (*self._decrypting(), *self._encrypting())
        own = [*reading, *inputs, *writing, *self._backups(), *self._journaling(), *keys]
        yield from self.document(PolicyTarget.COPIER, *own)
        if self._trusted and self._copier.kind == "role":
            yield from self.document(PolicyTarget.TRUST, self._assuming())
            calling = replace(self._assuming(), condition={}, resources=(self._copier.arn,))
            yield from self.document(PolicyTarget.CALLER, calling)
        owner = self._destination.account.bucket_owner
        if owner and self._is_foreign(owner):
            yield from self.document(PolicyTarget.DESTINATION_BUCKET, *writing)
        yield from self._keys(PolicyTarget.DESTINATION_KEY, self._encrypting())

    def granting(self, permission: str, side: str) -> Statement | None:
        """Return the statement of this copy that allows ``permission``, alone."""
        of_copy = {
            "source": (*self._listing(), *self._reading(), *self._decrypting()),
            "destination": (*self._writing(), *self._encrypting()),
        }[side]
        found = next((each for each in of_copy if permission in each.actions), None)
        if found or permission.startswith("kms:"):
            return found
        location = self._source if side == "source" else self._destination
        on_bucket = permission in _ON_BUCKETS
        resource = self._arn(location.bucket) if on_bucket else self._below(location)
        return self._statement("Need", (resource,), permission)

    def document(self, target: PolicyTarget, *statements: Statement) -> Iterator[PolicyDocument]:
        """Write the document of a target, of which there is one; of keys, one for each."""
        source, destination = self._source.account, self._destination.account
        copier, trusted = self._copier, self._trusted
        if target in (PolicyTarget.SOURCE_KEY, PolicyTarget.DESTINATION_KEY):
            for statement in statements:
                for key in statement.resources:
                    on_this_key = [replace(statement, resources=("*",))]
                    yield from _document(target, key_account(key), key, on_this_key, copier)
            return
        places: dict[PolicyTarget, tuple[str | None, str | None, Principal | None]] = {
            PolicyTarget.SOURCE_BUCKET: (source.bucket_owner, self._source.bucket, copier),
            PolicyTarget.READER: (source.bucket_owner, self._reader, None),
            PolicyTarget.COPIER: (copier.account, copier.arn, None),
            PolicyTarget.TRUST: (copier.account, copier.arn, trusted),
            PolicyTarget.CALLER: (
                *((trusted.account, trusted.arn) if trusted else (None, None)),
                None,
            ),
            PolicyTarget.DESTINATION_BUCKET: (
                destination.bucket_owner,
                self._destination.bucket,
                copier,
            ),
        }
        account, resource, principal = places[target]
        yield from _document(target, account, resource, statements, principal)

    def _statement(self, name: str, resources: tuple[str, ...], *actions: str) -> Statement:
        return Statement(name=name, tag=self._tag, actions=actions, resources=resources)

    def _listing(self) -> Iterator[Statement]:
        if not _is_object(self._source):
            key, bucket = self._source.key, self._arn(self._source.bucket)
            condition = {"StringLike": {"s3:prefix": f"{literal(key)}*"}} if key else {}
            yield replace(self._statement("List", (bucket,), "s3:ListBucket"), condition=condition)

    def _inputs(self) -> Iterator[Statement]:
        """What it takes to read a list or an inventory in S3."""
        key_list, inventory = self._options.files_from or "", self._options.inventory or ""
        if key_list.startswith("s3://"):
            location = S3Location.parse(key_list)
            file = f"{self._arn(location.bucket)}/{literal(location.key)}"
            yield self._statement("ReadList", (file,), "s3:GetObject")
        if inventory.startswith("s3://"):
            location = S3Location.parse(inventory)
            bucket = self._arn(location.bucket)
            files = f"{bucket}/{literal(_prefix_of_inventory(location.key))}*"
            yield self._statement("ReadInventory", (files,), "s3:GetObject")
            yield self._statement("LookForInventory", (bucket,), "s3:ListBucket")

    def _copying(self) -> Iterator[Statement]:
        """What the copier reads itself; a dry run with credentials for the source: one object."""
        if self._writes or self._source.account.shares_credentials:
            yield from self._reading()
        else:
            yield self._statement("Read", (self._below(self._source),), "s3:GetObject")

    def _reading(self) -> Iterator[Statement]:
        objects = (self._below(self._source),)
        yield self._statement("Read", objects, "s3:GetObject")
        if self._options.reads_tags:
            yield self._statement("ReadTags", objects, "s3:GetObjectTagging")

    def _writing(self) -> Iterator[Statement]:
        objects, bucket = (self._below(self._destination),), (self._arn(self._destination.bucket),)
        options, deletes = self._options, self._options.delete is Delete.EXTRA
        if not self._overwrite or options.identical is Identical.SKIP or deletes:
            # A delete by its ETag, too (S3 User Guide, "How to perform conditional deletes").
            yield self._statement("Look", objects, "s3:GetObject")
            # Else what is missing looks like what is forbidden. A HEAD has no prefix to compare.
            yield self._statement("LookFor", bucket, "s3:ListBucket")
        if not self._writes:
            return
        yield self._statement("Write", objects, "s3:PutObject", "s3:AbortMultipartUpload")
        if self._options.tags is TagPolicy.COPY:
            yield self._statement("WriteTags", objects, "s3:PutObjectTagging")
        if deletes:
            yield self._statement("Delete", objects, "s3:DeleteObject")
            yield self._statement("SeeVersioning", bucket, "s3:GetBucketVersioning")
        if self._options.acl:
            yield self._statement("WriteAcl", objects, "s3:PutObjectAcl")
        if self._options.journal:
            yield self._statement("LookAtParts", objects, "s3:ListMultipartUploadParts")
            yield self._statement("LookAtUploads", bucket, "s3:ListBucketMultipartUploads")

    def _backups(self) -> Iterator[Statement]:
        prefix = self._options.backup_prefix if self._writes else None
        if prefix:
            backup = as_directory(S3Location.parse(prefix))
            places = (self._below(backup), self._arn(backup.bucket), self._below(self._destination))
            for name, place, *actions in _needs_of_backups(self._options, *places):
                yield self._statement(name, (place,), *actions)

    def _journaling(self) -> Iterator[Statement]:
        """What a journal in S3 needs; without the listing, a missing one looks forbidden."""
        journal = self._options.journal or ""
        if self._writes and journal.startswith("s3://"):
            location = S3Location.parse(journal)
            bucket = self._arn(location.bucket)
            file = f"{bucket}/{literal(location.key)}"
            yield self._statement("Journal", (file,), "s3:GetObject", "s3:PutObject")
            yield self._statement("LookForJournal", (bucket,), "s3:ListBucket")

    def _decrypting(self) -> Iterator[Statement]:
        if self._source_keys and self._writes:
            yield self._statement("Decrypt", self._source_keys, "kms:Decrypt")

    def _encrypting(self) -> Iterator[Statement]:
        if self._destination_keys and self._writes:
            actions = ("kms:GenerateDataKey", "kms:Decrypt")  # the latter for copies in parts
            yield self._statement("Encrypt", self._destination_keys, *actions)

    def _assuming(self) -> Statement:
        needs_id = self._destination.account.external_id is not None
        condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}} if needs_id else {}
        return replace(self._statement("Assume", (), "sts:AssumeRole"), condition=condition)

    def _keys(
        self, target: PolicyTarget, statements: Iterable[Statement]
    ) -> Iterator[PolicyDocument]:
        """Write one document per key that is not the copier's own account's."""
        for statement in statements:
            foreign = tuple(k for k in statement.resources if self._is_foreign(key_account(k)))
            yield from self.document(target, replace(statement, resources=foreign))

    def _is_foreign(self, owner: str | None) -> bool:
        """Return whether the copier's account must ask; unknown owners are taken for strangers."""
        return owner is None or owner != self._copier.account

    def _arn(self, bucket: str) -> str:
        return f"arn:{self._copier.partition}:s3:::{bucket}"

    def _below(self, location: S3Location) -> str:
        """Return the one key, or everything below the prefix, as a resource."""
        wildcard = "" if _is_object(location) else "*"
        return f"{self._arn(location.bucket)}/{literal(location.key)}{wildcard}"


def _prefix_of_inventory(key: str) -> str:
    """Return below what the data files of an inventory are: beside the folder of its manifest."""
    return "/".join([*key.split("/")[:-2], ""]) if key.endswith(".json") else key


def _needs_of_backups(
    options: CopyOptions, backups: str, bucket: str, deleted: str
) -> Iterator[tuple[str, ...]]:
    """Yield name, resource and actions of what it takes to copy what is to be deleted."""
    yield "BackUp", backups, "s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"
    yield "LookForBackups", bucket, "s3:ListBucket"
    if options.tags is TagPolicy.COPY:
        yield "BackUpTags", backups, "s3:PutObjectTagging"
        yield "ReadOwnTags", deleted, "s3:GetObjectTagging"
    if options.acl:
        yield "BackUpAcl", backups, "s3:PutObjectAcl"


def _document(
    target: PolicyTarget,
    account: str | None,
    resource: str | None,
    statements: Iterable[Statement],
    principal: Principal | None = None,
) -> Iterator[PolicyDocument]:
    written = tuple(replace(statement, principal=principal) for statement in statements)
    if written:
        yield PolicyDocument(
            target=target, account=account or "", resource=resource or "", statements=written
        )


def _is_object(location: S3Location) -> bool:
    """Return whether an effective location is one key: prefixes are empty or end in a slash."""
    return bool(location.key) and not location.key.endswith("/")


def _key_of(options: CopyOptions) -> tuple[str, ...]:
    """Return the key that the options ask for; AWS's own keys need no permission here."""
    kms = options.sse in (Encryption.KMS, Encryption.KMS_DSSE)
    return (options.sse_kms_key_id,) if kms and options.sse_kms_key_id else ()
