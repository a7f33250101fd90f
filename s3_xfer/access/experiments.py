"""Requests that differ in one thing, to show what is allowed. They leave nothing behind.

Sent by clients that repeat nothing, and add no header where one thing at a time is left out; the
run counts and limits their requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from boto3.session import Session

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_metered_client
from s3_xfer.access.denial_context import (
    NO_ANSWER,
    Arguments,
    DenialContext,
    NoAnswerError,
    Request,
    denied,
)
from s3_xfer.access.probe import ProbeContext, answer, probe_key
from s3_xfer.copying.headers import Headers, common_headers, destination_headers, write_params
from s3_xfer.errors import AccessAction
from s3_xfer.model import AccountContext, S3Object
from s3_xfer.options import CopyOptions, RunMode
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable

_TIMEOUT_S = 3.0
_PAYER = {"RequestPayer": "requester"}
_ACTION_OF_PARAMETER = {
    "ACL": AccessAction.WRITE_ACL,
    "ServerSideEncryption": AccessAction.ENCRYPT,
    "SSEKMSKeyId": AccessAction.ENCRYPT,
}
_COPIES_DIFFER = "a policy that treats copies differently from reading (s3:x-amz-copy-source, …)"


class Experiments:
    """What both sides' credentials may do. ``left_behind`` names uploads that stayed open.

    ``source_by_copier`` sends requests about source objects as a run does, with the destination's
    credentials. Every method raises NoAnswerError if what came back says nothing about rights.
    """

    def __init__(self, clients: Clients, keys: KeyMap, options: CopyOptions) -> None:
        self._clients = clients
        self._keys = keys
        self._options = options
        self._source, self._destination = keys.source.account, keys.destination.account
        self._source_headers = common_headers(options, bucket_owner=self._source.bucket_owner)
        self._reader = self._open(clients.source_session, self._source, {})
        self._copier = self._open(clients.destination_session, self._destination, {})
        self.source_by_copier = self._open(
            clients.destination_session, self._destination, self._source_headers
        )
        self.left_behind: list[str] = []

    def _open(
        self, session: Session, account: AccountContext, headers: Mapping[str, Headers]
    ) -> S3Client:
        return open_metered_client(
            session,
            account,
            requests=self._clients.requests.without_retries(),
            patience_s=_TIMEOUT_S,
            headers=headers,
            registry=self._clients.destination_hooks.uploads.registry,
        )

    # ------------------------------------------------------------------ a copy, step by step

    def denied_action(self, source: S3Object, destination_key: str) -> AccessAction | None:
        """Return the first action of this object's copy that is denied, None if none is."""
        context = ProbeContext(
            self._clients_as_in_a_run(),
            self._keys,
            self._options,
            source_by_copier=self.source_by_copier,
            key=destination_key,
            # Without the ETag, so that an object that was replaced meanwhile still shows the right.
            sample=(replace(source, etag=""),),
        )
        steps = [
            *([probes.head, probes.tags_of_large] if context.large else []),
            probes.head_by_copier,
            *([probes.tags_by_copier] if context.copies_tags else []),
            probes.open_upload,
            probes.read_for_copy,
        ]
        try:
            for probe in steps:
                finding = probe.run(context)
                if finding and finding.refusal:
                    if finding.refusal.error_class in NO_ANSWER:
                        raise NoAnswerError(finding.evidence)
                    return finding.refusal.action
        finally:
            if context.upload:
                self._abort(context.upload)
        return None

    def _clients_as_in_a_run(self) -> Clients:
        clients = self._clients
        headers = destination_headers(
            self._options,
            overwrite=True,
            source_owner=self._source.bucket_owner,
            destination_owner=self._destination.bucket_owner,
        )
        return replace(
            clients,
            source=self._open(clients.source_session, self._source, self._source_headers),
            destination=self._open(clients.destination_session, self._destination, headers),
        )

    def _abort(self, upload: Mapping[str, str]) -> None:
        info = answer(self._copier.abort_multipart_upload, upload)
        if info:
            upload_id, code = printable(upload["UploadId"]), printable(info.code)
            self.left_behind.append(f"the upload {upload_id} could not be aborted: {code}")

    # -------------------------------------------------------- what tells the causes apart

    def look_closer(self, denial: DenialContext, sample: S3Object | None, key: str) -> None:
        """Add evidence and causes to ``denial``; ``key`` is the destination's, if one failed."""
        action, source = denial.action, self._keys.source
        item = {"Bucket": sample.bucket, "Key": sample.key} if sample else {}
        if action is AccessAction.LIST:
            listing = {"Bucket": source.bucket, "Prefix": source.key, "MaxKeys": 1}
            self._depends_on_owner_or_payer(denial, self._reader.list_objects_v2, listing)
        elif action is AccessAction.READ_TAGS and item:
            arguments = self._with_payer(item)
            if denial.is_allowed("HEAD of the same object", self._reader.head_object, arguments):
                denial.causes.append("the object may be read, its tags may not: a right of its own")
        elif action is AccessAction.HEAD and item:
            if not self._depends_on_owner_or_payer(denial, self._reader.head_object, item):
                cause = "there is no such object: without s3:ListBucket S3 does not say so"
                denial.causes.append(cause)
        elif action is AccessAction.READ and sample:
            head, label = self._copier.head_object, f"HEAD of {sample.url} by {denial.principal}"
            if denial.is_allowed(label, head, self._with_payer(item)):
                self._examine_content(denial, item)
            elif not self._depends_on_payer(denial, head, item):
                self._examine_grants(denial)
        elif action is AccessAction.WRITE and self._options.mode is not RunMode.DRY_RUN:
            self._examine_writing(denial, key or probe_key(self._keys.destination))

    def _examine_content(self, denial: DenialContext, item: Arguments) -> None:
        """Tell why a copy is denied although HEAD is not."""
        head, owner = self._copier.head_object, self._source.bucket_owner
        if denial.depends_on_owner(head, item, owner):
            return
        kms_key = head(**self._with_payer(item)).get("SSEKMSKeyId")
        if not kms_key:
            denial.causes.append(_COPIES_DIFFER)
            return
        denial.action, denial.kms_keys = AccessAction.DECRYPT, (kms_key,)
        denial.evidence.append(f"the object is encrypted with {printable(kms_key)}")
        denial.causes += [
            f"the key's policy does not allow kms:Decrypt to {denial.principal}",
            f"the identity policy of {denial.principal} does not allow kms:Decrypt with that key",
            "the key is aws/s3, AWS's own: no policy can open that to another account",
        ]

    def _examine_grants(self, denial: DenialContext) -> None:
        """Tell whether anything is granted to a copier that is denied even HEAD."""
        source, principal = self._keys.source, denial.principal
        listing = {"Bucket": source.bucket, "Prefix": source.key, "MaxKeys": 1}
        label, request = f"listing the source by {principal}", self._copier.list_objects_v2
        denial.causes += [
            f"the bucket policy lets {principal} list, but not read"
            if denial.is_allowed(label, request, self._with_payer(listing))
            else f"the bucket policy of {source.bucket} grants nothing to {principal}",
            f"the identity policy of {principal} does not allow s3:GetObject there",
            "the object belongs to a third account, for which bucket policies do not speak",
        ]

    def _examine_writing(self, denial: DenialContext, key: str) -> None:
        """Find the option without which the destination may be written."""
        bucket, owner = self._keys.destination.bucket, self._destination.bucket_owner
        if denial.depends_on_owner(self._copier.head_bucket, {"Bucket": bucket}, owner):
            return
        target = {"Bucket": bucket, "Key": key}
        expected = {"ExpectedBucketOwner": owner} if owner is not None else {}
        if not self._opens_upload(denial, "without any option", target, expected):
            return
        for name, value in write_params(self._options).items():
            beside = {"ServerSideEncryption": "aws:kms"} if name == "SSEKMSKeyId" else {}
            settings = {**expected, **beside, name: value}
            if not self._opens_upload(denial, f"with {name} {value}", target, settings):
                denial.action = _ACTION_OF_PARAMETER.get(name, denial.action)
                cause = f"writing is allowed, but not with {name} {value}"
                denial.set_cause(cause, grants_help=True)
                return

    # ------------------------------------------------------------ two requests, one difference

    def _depends_on_owner_or_payer(
        self, denial: DenialContext, request: Request, arguments: Arguments
    ) -> bool:
        by_owner = denial.depends_on_owner(request, arguments, self._source.bucket_owner)
        return by_owner or self._depends_on_payer(denial, request, arguments)

    def _depends_on_payer(
        self, denial: DenialContext, request: Request, arguments: Arguments
    ) -> bool:
        """Return whether a request for the source is allowed only to the one who pays."""
        if self._options.request_payer or denied(request, arguments | _PAYER):
            return False
        if not denied(request, arguments):
            return False
        denial.evidence.append("the same request as the one who pays: allowed")
        denial.set_cause("the bucket is requester pays: add --request-payer requester")
        return True

    def _opens_upload(
        self, denial: DenialContext, label: str, target: Arguments, settings: Arguments
    ) -> bool:
        """Return whether an upload can be opened; it is aborted at once."""
        upload = target.copy()

        def open_upload(**arguments: Any) -> None:
            upload["UploadId"] = self._copier.create_multipart_upload(**arguments)["UploadId"]

        is_open = denial.is_allowed(f"opening an upload {label}", open_upload, target | settings)
        if is_open:
            self._abort(upload)
        return is_open

    def _with_payer(self, arguments: Arguments) -> Arguments:
        return arguments | _PAYER if self._options.request_payer else arguments
