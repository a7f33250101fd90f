"""Requests that differ in one thing, to show what is allowed.

What they open they abort; an upload whose answer was lost is for the sweep of the run's uploads.
Sent by clients that repeat nothing, and add no header where one thing at a time is left out; the
run counts and limits their requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.session import Session

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_metered_client
from s3_xfer.access.denial_context import NO_ANSWER, Arguments, DenialContext, NoAnswerError
from s3_xfer.access.probe import ProbeContext, answer
from s3_xfer.copying.headers import Headers, common_headers, destination_headers
from s3_xfer.errors import AccessAction, ErrorInfo
from s3_xfer.model import AccountContext, S3Object
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable
from s3_xfer.wording import message

_TIMEOUT_S = 3.0
_PAYER = {"RequestPayer": "requester"}


class Experiments:
    """What both sides' credentials may do. ``left_behind`` names uploads that stayed open.

    ``reader`` has the source's credentials and ``copier`` the destination's, both without headers;
    ``source_by_copier`` sends requests about source objects as a run does, with the destination's
    credentials.
    """

    def __init__(self, clients: Clients, keys: KeyMap, options: CopyOptions) -> None:
        self._clients = clients
        self.keys = keys
        self.options = options
        self._source, self._destination = keys.source.account, keys.destination.account
        self._source_headers = common_headers(options, bucket_owner=self._source.bucket_owner)
        self.reader = self._open(clients.source_session, self._source, {})
        self.copier = self._open(clients.destination_session, self._destination, {})
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
            uploads=self._clients.destination_hooks.uploads,
        )

    def denied_step(
        self, source: S3Object, destination_key: str
    ) -> tuple[AccessAction, ErrorInfo] | None:
        """Return the first step of this object's copy that is denied, and S3's answer to it.

        Raises:
            NoAnswerError: what came back says nothing about rights.
        """
        context = ProbeContext(
            self._clients_as_in_a_run(),
            self.keys,
            self.options,
            source_by_copier=self.source_by_copier,
            key=destination_key,
            # Without the ETag, so that an object that was replaced meanwhile still shows the right.
            sample=(replace(source, etag=""),),
        )
        steps = [
            *([probes.head] if context.large else []),
            probes.head_by_copier,
            probes.tags_always_read,
            *([probes.tags_by_copier] if context.copies_tags else []),
            probes.open_upload,
            probes.read_for_copy,
            *([probes.write_tags] if context.copies_tags else []),
        ]
        try:
            for probe in steps:
                finding = probe.run(context)
                refusal = finding.refusal if finding else None
                if finding and refusal:
                    if refusal.error_class in NO_ANSWER or not refusal.info or not refusal.action:
                        raise NoAnswerError(finding.evidence)
                    return refusal.action, refusal.info
        finally:
            if context.upload:
                self.abort(context.upload)
        return None

    def _clients_as_in_a_run(self) -> Clients:
        clients = self._clients
        headers = destination_headers(
            self.options,
            overwrite=True,
            source_owner=self._source.bucket_owner,
            destination_owner=self._destination.bucket_owner,
        )
        return replace(
            clients,
            source=self._open(clients.source_session, self._source, self._source_headers),
            destination=self._open(clients.destination_session, self._destination, headers),
        )

    def opens_upload(self, denial: DenialContext, label: str, arguments: Arguments) -> bool:
        """Return whether an upload can be opened; it is aborted at once."""
        upload = {name: arguments[name] for name in ("Bucket", "Key")}

        def open_upload(**settings: Any) -> None:
            upload["UploadId"] = self.copier.create_multipart_upload(**settings)["UploadId"]

        is_open = denial.is_allowed(
            message("opening an upload {label}", label=label), open_upload, arguments
        )
        if is_open:
            self.abort(upload)
        return is_open

    def abort(self, upload: Mapping[str, str]) -> None:
        """Abort an upload, or remember that it could not be."""
        info = answer(self.copier.abort_multipart_upload, upload)
        if info:
            upload_id, code = printable(upload["UploadId"]), printable(info.code)
            self.left_behind.append(f"the upload {upload_id} could not be aborted: {code}")

    def with_payer(self, arguments: Arguments) -> Arguments:
        """Return the arguments of a request for the source, as the one who pays if the run does."""
        return arguments | _PAYER if self.options.request_payer else arguments

    def as_payer(self, arguments: Arguments) -> Arguments:
        """Return the arguments of a request for the source as the one who pays."""
        return arguments | _PAYER
