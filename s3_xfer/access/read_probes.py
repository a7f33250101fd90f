"""The probes that only read: identities, buckets, the listing, a source object and its tags."""

from __future__ import annotations

from functools import partial
from typing import Any

from s3_xfer.access.findings import DESTINATION, SOURCE
from s3_xfer.access.lookups import answer_text, first_source_objects, refused, source_object
from s3_xfer.access.principals import caller_identity
from s3_xfer.access.probe import Probe, ProbeContext, UnprovenError, answer, probe_key
from s3_xfer.errors import AccessAction, ErrorClass, PreflightError, translate
from s3_xfer.model import S3Location, S3Object
from s3_xfer.text import printable
from s3_xfer.units import plural

_REGION = "x-amz-bucket-region"

# ------------------------------------------------------------------------------- identities


def _identity(context: ProbeContext, side: str) -> str:
    account, clients = context.keys.destination.account, context.clients
    session = clients.destination_session
    if side == SOURCE:
        source, session = context.keys.source.account, clients.source_session
        account = source if source.names_credentials else account
    identity = caller_identity(session, account)
    if not identity.arn:
        raise UnprovenError(printable(identity.unknown_because))
    return printable(identity.arn)


# ---------------------------------------------------------------------------------- buckets


def _bucket(context: ProbeContext, side: str) -> str:
    clients, keys = context.clients, context.keys
    client = clients.source if side == SOURCE else clients.destination
    location = keys.source if side == SOURCE else keys.destination
    try:
        response = client.head_bucket(Bucket=location.bucket)
    except Exception as error:
        info = translate(error)
        if info.error_class is ErrorClass.ACCESS_DENIED:
            raise UnprovenError(_hidden_bucket(location, error)) from error
        if info.code == "400":  # of HEAD, which has no body that says why
            _list_for_reason(client, location, side)
            raise UnprovenError(f"{location.bucket}: {answer_text(info)}") from error
        if info.error_class is ErrorClass.BUCKET_MISSING:
            raise PreflightError(
                f"the {side} bucket {location.bucket} does not exist",
                error_class=info.error_class,
            ) from error
        raise refused(f"the {side} bucket {location.bucket} cannot be reached", error) from error
    region = response["ResponseMetadata"]["HTTPHeaders"].get(_REGION, "")
    where = f" in {printable(region)}" if region else ", S3 does not say in which region"
    owner = location.account.bucket_owner
    return f"{location.bucket} exists{where}{f', belongs to {owner}' if owner else ''}"


def _hidden_bucket(location: S3Location, error: Exception) -> str:
    """Return what a denied HeadBucket shows. It needs s3:ListBucket, which a copy does not."""
    response = getattr(error, "response", {})
    region = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(_REGION)
    where = f"exists in {printable(region)}; " if region else ""
    return (
        f"{location.bucket} {where}looking at it is denied, which a copy does not need; "
        "it may belong to another account than expected"
    )


def _list_for_reason(client: Any, location: S3Location, side: str) -> None:
    """Send a request whose errors have a body; return if it is allowed or denied.

    Raises:
        PreflightError: the answer is an error other than a denial.
    """
    try:
        client.list_objects_v2(Bucket=location.bucket, Prefix=location.key, MaxKeys=1)
    except Exception as error:
        if translate(error).error_class is not ErrorClass.ACCESS_DENIED:
            problem = f"the {side} bucket {location.bucket} cannot be reached"
            raise refused(problem, error) from error


# ---------------------------------------------------------------------------- source objects


def _list(context: ProbeContext) -> str:
    """List the source prefix; its first objects become the sample."""
    context.sample = first_source_objects(context.clients.source, context.keys.source)
    return f"{plural(len(context.sample), 'object')} on the first page"


def _head(context: ProbeContext) -> str:
    """Send a HEAD for one object: one of the sample, or the only one."""
    source, subject = context.keys.source, context.subject
    if not subject and (not source.key or source.key.endswith("/")):
        raise UnprovenError("no object is known to look at")
    location = S3Location(bucket=source.bucket, key=subject.key) if subject else source
    known = source_object(context.clients.source, location)
    context.sample = context.sample or (known,)
    return f"HEAD of {known.url}"


def _head_by_copier(context: ProbeContext) -> str:
    subject = _subject(context)
    try:
        context.source_by_copier.head_object(Bucket=subject.bucket, Key=subject.key)
    except Exception as error:
        problem = f"{subject.url} cannot be read for a copy"
        raise refused(problem, error, action=AccessAction.READ) from error
    return f"HEAD of {subject.url} by the copier"


def _tags_of_large(context: ProbeContext) -> str | None:
    """Read the tags of an object that is copied in parts, which always takes that."""
    if not context.large or not context.copies_tags:
        return None
    return _read_tags(context.clients.source, context.large, AccessAction.READ_TAGS)


def _tags(context: ProbeContext) -> str:
    """Read tags with the source's credentials and with the copier's: a copy needs both."""
    _read_tags(context.clients.source, _subject(context), AccessAction.READ_TAGS)
    return _tags_by_copier(context)


def _tags_by_copier(context: ProbeContext) -> str:
    return _read_tags(context.source_by_copier, _subject(context), AccessAction.COPY_TAGS)


def _read_tags(client: Any, subject: S3Object, action: AccessAction) -> str:
    try:
        client.get_object_tagging(Bucket=subject.bucket, Key=subject.key)
    except Exception as error:
        raise refused(
            f"the tags of {subject.url} cannot be read",
            error,
            action=action,
            if_denied="grant s3:GetObjectTagging on the source, or leave the tags out "
            "(--tags skip)",
        ) from error
    return f"tags of {subject.url}"


def _subject(context: ProbeContext) -> S3Object:
    if context.subject is None:
        raise UnprovenError("no object is known to look at")
    return context.subject


# ----------------------------------------------------------------------- existing objects


def _existing(context: ProbeContext) -> str:
    """Tell whether existing objects can be seen, where the service might overwrite them.

    Services other than AWS may ignore the condition on a copy, so the program looks first.
    """
    destination = context.keys.destination
    target = {"Bucket": destination.bucket, "Key": probe_key(destination)}
    info = answer(context.clients.destination.head_object, target)
    if info is None or info.error_class is ErrorClass.SOURCE_VANISHED:
        return "what exists can be told from what does not"
    if context.clients.destination_is_aws:
        raise UnprovenError(
            f"{answer_text(info)}; s3:GetObject and s3:ListBucket show it, "
            "AWS keeps existing objects without them too"
        )
    if info.error_class is not ErrorClass.ACCESS_DENIED:
        raise UnprovenError(answer_text(info))
    raise PreflightError(
        f"existing objects at {destination.url} cannot be seen: {answer_text(info)}; a service "
        "other than AWS may ignore the condition not to overwrite them",
        remedy="grant s3:GetObject and s3:ListBucket on the destination to its "
        "credentials, or leave out --no-overwrite",
        error_class=info.error_class,
        info=info,
    )


SOURCE_IDENTITY = Probe("identity", SOURCE, partial(_identity, side=SOURCE))
DESTINATION_IDENTITY = Probe("identity", DESTINATION, partial(_identity, side=DESTINATION))
SOURCE_BUCKET = Probe("bucket", SOURCE, partial(_bucket, side=SOURCE))
DESTINATION_BUCKET = Probe("bucket", DESTINATION, partial(_bucket, side=DESTINATION))
LIST = Probe("list", SOURCE, _list)
HEAD = Probe("look", SOURCE, _head)
HEAD_BY_COPIER = Probe("read for the copy", SOURCE, _head_by_copier)
TAGS = Probe("read tags", SOURCE, _tags)
TAGS_OF_LARGE = Probe("read tags", SOURCE, _tags_of_large)
TAGS_BY_COPIER = Probe("read tags", SOURCE, _tags_by_copier)
EXISTING = Probe("look at what exists", DESTINATION, _existing)
