"""What a person should know about two locations before a copy is described: what is there, and who.

A few requests that read; nothing is written. Refuses nothing that only the copy itself can tell.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from s3_xfer.access.clients import open_side_client
from s3_xfer.access.credentials import caller_identity, session_for
from s3_xfer.contents import Contents
from s3_xfer.errors import ErrorClass, PreflightError, S3XferError, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions


class SourceKind(enum.Enum):
    """What a source names."""

    OBJECT = "object"
    PREFIX = "prefix"
    BOTH = "both"  # there is an object of this name, and there are objects below it


def look_at_source(
    source: S3Location, destination: AccountContext, options: CopyOptions
) -> SourceKind:
    """Return what ``source`` names, as the credentials that will list it see it.

    Raises:
        PreflightError: the credentials cannot be used, it cannot be listed, or there is nothing.
    """
    own = source.account.names_credentials or source.account.no_sign_request
    account = source.account if own else _at(source.account, destination)
    contents = Contents(
        replace(source, account=account),
        options,
        side="source" if own else "destination",
        counter=MetricsCollector("look"),
    )
    is_object, is_prefix = contents.is_object_or_prefix()
    if is_object and is_prefix:
        return SourceKind.BOTH
    return SourceKind.OBJECT if is_object else SourceKind.PREFIX


def look_at_destination(destination: S3Location, options: CopyOptions) -> None:
    """Return if the bucket may be written, as far as looking at it tells.

    Raises:
        PreflightError: the credentials cannot be used, or the bucket does not exist.
    """
    side = "destination"
    client = open_side_client(destination.account, side=side, options=options)
    try:
        client.head_bucket(Bucket=destination.bucket)
    except Exception as error:
        info = translate(error)
        if info.error_class is not ErrorClass.BUCKET_MISSING:
            return  # a copy may do without looking at it; the checks before it will tell
        raise PreflightError(
            f"the {side} bucket {destination.bucket} does not exist",
            error_class=info.error_class,
        ) from error


def principal_of(account: AccountContext, *, side: str) -> str:
    """Return the ARN behind the credentials of one side; empty if nothing tells it."""
    try:
        return caller_identity(session_for(account, side=side), account).arn
    except S3XferError:  # the copy says why its credentials cannot be used
        return ""


def _at(place: AccountContext, credentials: AccountContext) -> AccountContext:
    """Return ``credentials`` where ``place`` is."""
    return replace(
        credentials,
        region=place.region or credentials.region,
        endpoint_url=place.endpoint_url,
        bucket_owner=place.bucket_owner,
    )
