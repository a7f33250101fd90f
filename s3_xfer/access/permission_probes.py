"""Requests that differ in one thing, to show what is allowed. They leave nothing behind.

Sent by clients that add no header and repeat nothing, so that one thing at a time can be left out;
the run counts and limits their requests.
A request without a proper answer proves nothing, and is not taken for a denial: NoAnswerError.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from s3_xfer.access import read_probes, write_probes
from s3_xfer.access.clients import Clients, open_metered_client
from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.probe import Probe, ProbeContext
from s3_xfer.errors import AccessAction, ErrorClass, ErrorInfo, translate
from s3_xfer.model import AccountContext, S3Object
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable

_TIMEOUT_S = 3.0
# These say nothing about rights.
_NO_ANSWER = frozenset(
    {
        ErrorClass.NETWORK,
        ErrorClass.TIMEOUT,
        ErrorClass.THROTTLED,
        ErrorClass.SERVER_ERROR,
        ErrorClass.EMPTY_RESPONSE,
        ErrorClass.INTERRUPTED,
        ErrorClass.CREDENTIALS_REFUSED,
        ErrorClass.CREDENTIALS_EXPIRED,
        ErrorClass.SOURCE_VANISHED,
        ErrorClass.BUCKET_MISSING,
        ErrorClass.NOTHING_TO_COPY,
    }
)
Request = Callable[..., Any]
Arguments = dict[str, Any]


class NoAnswerError(Exception):
    """A request that was to show something got no answer that does."""


class PermissionProbes:
    """What both sides' credentials may do. ``left_behind`` names uploads that stayed open.

    ``reader`` and ``copier`` send a request as it is given; ``source_by_copier`` adds what a run
    adds to its requests about source objects.
    """

    def __init__(self, clients: Clients, keys: KeyMap, options: CopyOptions) -> None:
        self._clients = clients
        self._keys = keys
        self._options = options
        self.reader = self._open_client(clients.source_session, keys.source.account)
        self.copier = self._open_client(clients.destination_session, keys.destination.account)
        self.source_by_copier = self._as_in_a_run(self.copier)
        self.left_behind: list[str] = []

    def _open_client(self, session: Any, account: AccountContext) -> Any:
        requests = self._clients.requests.without_retries()
        return open_metered_client(session, account, requests=requests, patience_s=_TIMEOUT_S)

    def with_payer(self, arguments: Arguments) -> Arguments:
        """Return the arguments of a request for the source, with the payer that the run names."""
        payer = {"RequestPayer": "requester"} if self._options.request_payer else {}
        return {**arguments, **payer}

    def denied_action(self, source: S3Object, destination_key: str) -> AccessAction | None:
        """Return the first action of this object's copy that is denied, None if none is.

        Raises:
            NoAnswerError: what came back says nothing about rights.
        """
        # Without the ETag, so that an object that was replaced meanwhile still shows the right.
        sample = (dataclasses.replace(source, etag=""),)
        context = self._context(sample=sample, key=destination_key)
        try:
            for probe in self._copy_of(context):
                finding = probe.run(context)
                if finding and finding.refusal:
                    if finding.refusal.error_class in _NO_ANSWER:
                        raise NoAnswerError(finding.evidence)
                    return finding.refusal.action
        finally:
            self._abort_upload(context)
        return None

    # ------------------------------------------------ experiments, recorded in the context

    def is_wrong_source_owner(
        self, context: DenialContext, request: Request, arguments: Arguments
    ) -> bool:
        """Return whether a request is denied only with the expected owner of the source."""
        owner = self._keys.source.account.bucket_owner
        return self.is_wrong_owner(context, request, arguments, owner=owner)

    def is_wrong_owner(
        self, context: DenialContext, request: Request, arguments: Arguments, *, owner: str | None
    ) -> bool:
        """Return whether a request is denied only with the expected owner."""
        if not owner or not denied(request, {**arguments, "ExpectedBucketOwner": owner}):
            return False
        if denied(request, arguments):
            return False
        context.evidence.append(f"the same request without the expected owner {owner}: allowed")
        context.set_cause(f"{arguments['Bucket']} does not belong to account {owner}")
        return True

    def is_requester_pays(
        self, context: DenialContext, request: Request, arguments: Arguments
    ) -> bool:
        """Return whether a request for the source is allowed only to the one who pays."""
        if self._options.request_payer:
            return False
        if denied(request, {**arguments, "RequestPayer": "requester"}):
            return False
        if not denied(request, arguments):
            return False
        context.evidence.append("the same request as the one who pays: allowed")
        context.set_cause("the bucket is requester pays: add --request-payer requester")
        return True

    def is_allowed(
        self, context: DenialContext, label: str, request: Request, arguments: Arguments
    ) -> bool:
        """Return whether a request for the source is allowed, as a run sends it."""
        denial = denied(request, self.with_payer(arguments))
        context.evidence.append(f"{label}: {outcome(denial)}")
        return denial is None

    def opens_upload(self, context: DenialContext, label: str, arguments: Arguments) -> bool:
        """Return whether an upload can be opened; it is aborted at once."""
        denial = self._denied_upload(arguments)
        context.evidence.append(f"opening an upload {label}: {outcome(denial)}")
        return denial is None

    # ------------------------------------------------------------------ how they are sent

    def _denied_upload(self, arguments: Arguments) -> ErrorInfo | None:
        """Return why an upload could not be opened; one that could is aborted at once."""
        upload = {name: arguments[name] for name in ("Bucket", "Key")}

        def open_upload(**settings: Any) -> None:
            upload["UploadId"] = self.copier.create_multipart_upload(**settings)["UploadId"]

        denial = denied(open_upload, arguments)
        if denial is None:
            self._abort_upload(self._context(upload=upload))
        return denial

    def _copy_of(self, context: ProbeContext) -> Iterator[Probe]:
        """Return the probes of one object's copy, in the order of the copy."""
        if context.large:
            yield from (read_probes.HEAD, read_probes.TAGS_OF_LARGE)
        yield read_probes.HEAD_BY_COPIER
        if context.copies_tags:
            yield read_probes.TAGS_BY_COPIER
        yield from (write_probes.OPEN_UPLOAD, write_probes.READ_FOR_COPY)

    def _context(self, **settings: Any) -> ProbeContext:
        clients = dataclasses.replace(
            self._clients,
            source=self._as_in_a_run(self.reader),
            destination=self.source_by_copier,
        )
        return ProbeContext(
            clients,
            self._keys,
            self._options,
            source_by_copier=self.source_by_copier,
            **settings,
        )

    def _as_in_a_run(self, client: Any) -> Any:
        """Return ``client`` with the owners and the payer that a run's requests name."""
        source_owner = self._keys.source.account.bucket_owner
        destination_owner = self._keys.destination.account.bucket_owner
        about_source = self.with_payer(given(ExpectedBucketOwner=source_owner))
        return _ClientWithArguments(
            client,
            {
                "head_object": about_source,
                "get_object_tagging": about_source,
                "list_objects_v2": about_source,
                "create_multipart_upload": given(ExpectedBucketOwner=destination_owner),
                "upload_part_copy": self.with_payer(given(ExpectedSourceBucketOwner=source_owner)),
            },
        )

    def _abort_upload(self, context: ProbeContext) -> None:
        upload = context.upload
        info = context.abort_upload()
        if upload and info:
            upload_id, code = printable(upload["UploadId"]), printable(info.code)
            self.left_behind.append(f"the upload {upload_id} could not be aborted: {code}")


class _ClientWithArguments:
    """A client that adds arguments to its requests, by the name of the method."""

    def __init__(self, client: Any, arguments: Mapping[str, Arguments]) -> None:
        self._client = client
        self._arguments = arguments

    def __getattr__(self, method: str) -> Request:
        """Return the client's own method, with the arguments added."""
        request: Request = getattr(self._client, method)
        return functools.partial(request, **self._arguments.get(method, {}))


def given(**arguments: str | None) -> Arguments:
    """Return the arguments that have a value."""
    return {name: value for name, value in arguments.items() if value is not None}


def outcome(denial: ErrorInfo | None) -> str:
    """Return in a word how a request ended."""
    return printable(denial.code) if denial else "allowed"


def denied(request: Request, arguments: Arguments) -> ErrorInfo | None:
    """Return why a request was refused, None if it was not.

    Raises:
        NoAnswerError: what came back says nothing about rights.
    """
    try:
        request(**arguments)
    except Exception as error:
        info = translate(error)
        if info.error_class in _NO_ANSWER:
            raise NoAnswerError(printable(f"{info.code} {info.message}".strip())) from error
        return info
    return None
