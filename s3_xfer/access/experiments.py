"""Experiments on one denial: requests that differ in one thing, and what they prove.

Each records its evidence, and a cause where it is proven, in the denial's context. Each may raise
:class:`~s3_xfer.access.permission_probes.NoAnswerError`.
"""

from __future__ import annotations

from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.permission_probes import Arguments, PermissionProbes, Request, denied
from s3_xfer.errors import ErrorFacts
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.text import printable


class AccessExperiments:
    """The experiments on the denials of one copy."""

    def __init__(self, probes: PermissionProbes, keys: KeyMap, options: CopyOptions) -> None:
        self._probes = probes
        self._keys = keys
        self._options = options

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
        if not owner or not denied(request, {**arguments, **expected_owner(owner)}):
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
        denial = denied(request, self._probes.with_payer(arguments))
        context.evidence.append(f"{label}: {outcome(denial)}")
        return denial is None

    def opens_upload(self, context: DenialContext, label: str, arguments: Arguments) -> bool:
        """Return whether an upload can be opened; it is aborted at once."""
        denial = self._probes.denied_upload(arguments)
        context.evidence.append(f"opening an upload {label}: {outcome(denial)}")
        return denial is None


def expected_owner(owner: str | None) -> Arguments:
    """Return the argument that makes S3 compare the bucket's owner; none without an owner."""
    return {"ExpectedBucketOwner": owner} if owner else {}


def outcome(denial: ErrorFacts | None) -> str:
    """Return in a word how a request ended."""
    return printable(denial.code) if denial else "allowed"
