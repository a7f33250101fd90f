"""Experiments that tell apart why the source cannot be listed or read.

Every method may raise NoAnswerError: what came back says nothing about rights.
"""

from __future__ import annotations

from s3_xfer.access.denial_context import Arguments, DenialContext, Request, denied
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.key_experiments import read_byte
from s3_xfer.access.probe import answer, probe_key
from s3_xfer.access.sibling_experiments import SiblingExperiments
from s3_xfer.access.stated_causes import is_limit, limit_of
from s3_xfer.access.stated_denial import StatedDenial, stated_denial
from s3_xfer.errors import AccessAction
from s3_xfer.model import S3Object
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable
from s3_xfer.wording import message

_COPIES_DIFFER = "a policy that treats copies differently from reading (s3:x-amz-copy-source, …)"


class ReadingExperiments:
    """Looks closer at one denial of the source. ``sample`` is the object that was denied."""

    def __init__(
        self, experiments: Experiments, denial: DenialContext, sample: S3Object | None
    ) -> None:
        self._experiments = experiments
        self._denial = denial
        self._source = experiments.keys.source
        self._owner = self._source.account.bucket_owner
        self._sample = sample
        key = sample.key if sample else self._source.key
        self._siblings = SiblingExperiments(experiments, denial, key)
        self._item: Arguments = {"Bucket": self._source.bucket, "Key": key}

    def scope(self) -> str:
        """Say which other objects may be read; empty if none may, or none is known."""
        return self._siblings.scope() if self._sample else ""

    def words(self) -> StatedDenial | None:
        """Ask once more, for an answer with a body: that to a HEAD has none."""
        by_reader = self._denial.step is AccessAction.HEAD
        client = self._experiments.reader if by_reader else self._experiments.copier
        info = read_byte(client, self._experiments.with_payer(self._item))
        return self._denial.note_answer(info) if info else None

    def look_closer(self) -> None:
        """Add evidence and causes."""
        step = self._denial.step
        if not self._denial.by_reader and self._is_limited():
            return
        if step is AccessAction.LIST:
            self._examine_listing()
        elif step in (AccessAction.READ_TAGS, AccessAction.COPY_TAGS):
            self._examine_tags()
        elif step is AccessAction.HEAD:
            if not self._depends_on_owner_or_payer(
                self._experiments.reader.head_object, self._item
            ):
                self._examine_existence()
        elif step is AccessAction.READ:
            self._examine_reading()

    def _is_limited(self) -> bool:
        """Return whether AWS says, about the copier's own bucket, what limits its principal.

        Across accounts a denial is bare; in its own account the same action is explained.
        """
        denial, copier = self._denial, self._experiments.copier
        destination = self._experiments.keys.destination
        item = {"Bucket": destination.bucket, "Key": probe_key(destination)}
        if denial.step is AccessAction.LIST:
            info = answer(copier.list_objects_v2, {"Bucket": destination.bucket, "MaxKeys": 1})
        elif denial.step is AccessAction.COPY_TAGS:
            info = answer(copier.get_object_tagging, item)
        else:
            info = read_byte(copier, item)
        stated = stated_denial(info) if info else None
        if not stated or stated.action != denial.permission or not is_limit(stated):
            return False
        denial.evidence.append(f"the same in {destination.bucket}: {printable(stated.reason)}")
        denial.suspect(limit_of(denial, stated), grants_help=False)
        return True

    # ------------------------------------------------------------------------- listing

    def _examine_listing(self) -> None:
        denial, lists = self._denial, self._experiments.reader.list_objects_v2
        listing = {"Bucket": self._source.bucket, "Prefix": self._source.key, "MaxKeys": 1}
        if self._depends_on_owner_or_payer(lists, listing) or not self._source.key:
            return
        whole = self._experiments.with_payer({"Bucket": self._source.bucket, "MaxKeys": 1})
        if not denied(lists, self._experiments.with_payer(listing)):
            return  # it is allowed by now
        if denial.is_allowed("listing the bucket without a prefix", lists, whole):
            denial.set_cause(
                "listing is allowed, but not with this prefix: look for a statement with a "
                "condition on s3:prefix"
            )

    # --------------------------------------------------------------------------- tags

    def _examine_tags(self) -> None:
        denial, arguments = self._denial, self._experiments.with_payer(self._item)
        is_reader = denial.step is AccessAction.READ_TAGS
        client = self._experiments.reader if is_reader else self._experiments.copier
        if denial.depends_on_owner(client.get_object_tagging, arguments, self._owner):
            return
        if denial.is_allowed("HEAD of the same object", client.head_object, arguments):
            denial.suspect("the object may be read, its tags may not: a right of its own")

    # ------------------------------------------------------------------------ reading

    def _examine_existence(self) -> None:
        """Tell a missing right to read from a missing object, for a single object."""
        denial = self._denial
        listed = self._siblings.listed_by(self._experiments.reader, self._item["Key"])
        if listed is None:
            denial.suspect(*self._no_grant("s3:GetObject"))
            denial.suspect("there is no such object: without s3:ListBucket S3 does not say so")
        elif any(item.key == self._item["Key"] for item in listed):
            self._examine_grants(self._experiments.reader, is_listing=True)
        else:
            denial.set_cause("there is no such object: it is not in the listing of the bucket")

    def _examine_reading(self) -> None:
        """Tell why the copier may not read an object; as it was listed, it exists."""
        if not self._sample:
            return
        denial, copier = self._denial, self._experiments.copier
        label = f"HEAD of {self._sample.url} by {denial.principal}"
        arguments = self._experiments.with_payer(self._item)
        if denial.is_allowed(label, copier.head_object, arguments):
            self._examine_content()
        elif not self._depends_on_payer(copier.head_object, self._item):
            key = self._sample.key
            label = f"listing the source by {denial.principal}"
            listing = {"Bucket": self._source.bucket, "Prefix": key, "MaxKeys": 1}
            lists = copier.list_objects_v2
            is_listing = denial.is_allowed(label, lists, self._experiments.with_payer(listing))
            self._examine_grants(copier, is_listing=is_listing)

    def _examine_content(self) -> None:
        """Tell why a copy is denied although HEAD is not."""
        denial, head = self._denial, self._experiments.copier.head_object
        if denial.depends_on_owner(head, self._item, self._owner):
            return
        kms_key = head(**self._experiments.with_payer(self._item)).get("SSEKMSKeyId")
        if not kms_key:
            denial.suspect(_COPIES_DIFFER, grants_help=False)
            return
        denial.key_arns = (kms_key,)
        denial.take_step(AccessAction.DECRYPT)
        denial.evidence.append(f"the object is encrypted with {printable(kms_key)}")
        denial.suspect(
            f"the key's policy does not allow kms:Decrypt to {denial.principal}",
            f"the identity policy of {denial.principal} does not allow kms:Decrypt with that key",
            "the key is aws/s3, AWS's own: no policy can open that to another account",
        )

    def _examine_grants(self, client: S3Client, *, is_listing: bool) -> None:
        """Tell whether all objects are denied, those below one prefix, or only this one."""
        denial = self._denial
        if self._is_denied_to_owner(client) or (self._sample and self._siblings.examine(client)):
            return
        cause, *others = self._no_grant("s3:GetObject")
        if is_listing and not denial.is_own_account and not denial.by_reader:
            cause = f"the bucket policy lets {denial.principal} list, but not read"
        denial.suspect(cause, *others)
        if not denial.is_own_account:
            denial.suspect(
                "the object belongs to a third account, to which bucket policies do not apply"
            )

    def _no_grant(self, permission: str) -> list[str]:
        """Return the policies that may lack a grant, the likeliest first."""
        denial = self._denial
        identity = f"the identity policy of {denial.principal} does not allow {permission} there"
        bucket = f"the bucket policy of {self._source.bucket} grants nothing to {denial.principal}"
        if denial.by_reader or denial.is_own_account:
            return [identity]
        return [bucket, identity]

    def _is_denied_to_owner(self, client: S3Client) -> bool:
        """Return whether AWS tells the source's own credentials why: an explicit denial."""
        reader = self._experiments.reader
        if not self._source.account.names_credentials or client is reader or not self._sample:
            return False
        info = read_byte(reader, self._experiments.with_payer(self._item))
        stated = stated_denial(info) if info else None
        if not stated or not stated.is_explicit:
            return False
        self._denial.evidence.append(
            f"the source's own credentials are denied, too: {printable(stated.reason)}"
        )
        self._denial.suspect(
            f"reading is denied explicitly, to the source's own credentials as well: "
            f"{stated.denied_by.value}",
            grants_help=False,
        )
        return True

    # ------------------------------------------------------------ two requests, one difference

    def _depends_on_owner_or_payer(self, request: Request, arguments: Arguments) -> bool:
        by_owner = self._denial.depends_on_owner(request, arguments, self._owner)
        return by_owner or self._depends_on_payer(request, arguments)

    def _depends_on_payer(self, request: Request, arguments: Arguments) -> bool:
        """Return whether a request for the source is allowed only to the one who pays."""
        experiments, denial = self._experiments, self._denial
        if experiments.options.request_payer or denied(request, experiments.as_payer(arguments)):
            return False
        if not denied(request, arguments):
            return False
        denial.evidence.append("the same request as the one who pays: allowed")
        denial.set_cause(message("the bucket is requester pays: add {request_payer=True}"))
        return True
