"""The probes of access, one step of a copy each.

Those of writing open an upload, give it one part and abort it. They show whether the destination
may be written, with the run's own options, and whether the *destination's* credentials may read
the source. No object, version or event appears.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from s3_xfer.access import lacking
from s3_xfer.access.credentials import is_aws
from s3_xfer.access.lookups import (
    answer_text,
    first_destination_objects,
    first_source_objects,
    look_at,
    refused,
    refusing,
    source_object,
)
from s3_xfer.access.probe import (
    DESTINATION,
    RANGE_MIN_BYTES,
    SOURCE,
    Probe,
    ProbeContext,
    UnprovenError,
    answer,
    is_readable,
    probe_key,
)
from s3_xfer.access.samples import representative
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import AccessAction, ErrorClass, PreflightError, translate
from s3_xfer.listing.pages import PageReader, RememberingReader
from s3_xfer.model import S3Location, S3Object
from s3_xfer.options import Delete
from s3_xfer.planning.mapping import as_directory
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url
from s3_xfer.units import plural
from s3_xfer.wording import message

# What a HEAD of a list's first objects may answer that others need not.
_OF_ONE_OBJECT = (
    ErrorClass.SOURCE_VANISHED,
    ErrorClass.SOURCE_CHANGED,
    ErrorClass.INVALID_REQUEST,
    ErrorClass.KEY_TOO_LONG,
)
_NOTHING_OPEN = "not tried, because nothing can be written"

# ------------------------------------------------------------------- identities and buckets


def _identity(context: ProbeContext, side: str) -> str:
    if side == SOURCE and context.keys.source.account.no_sign_request:
        return "nobody: requests are not signed"
    identities = context.identities
    assert identities  # noqa: S101 - the doctor gives them
    identity = identities.source() if side == SOURCE else identities.destination()
    if not identity.arn:
        reason = printable(identity.unknown_because)
        evidence = message("{reason}; {principal} names who copies", reason=reason)
        raise UnprovenError(evidence, is_needed=False)
    return printable(identity.arn)


def _bucket(context: ProbeContext, side: str) -> str:
    clients, keys = context.clients, context.keys
    client = clients.source if side == SOURCE else clients.destination
    location = keys.source if side == SOURCE else keys.destination
    bucket, owner = location.bucket, location.account.bucket_owner
    try:
        region = _region(client.head_bucket(Bucket=bucket))
    except Exception as error:
        info = translate(error)
        if info.error_class is ErrorClass.ACCESS_DENIED:  # of s3:ListBucket
            region = _region(getattr(error, "response", {}))
            raise UnprovenError(
                f"{bucket} {f'exists in {region}; ' if region else ''}looking at it is denied, "
                "which a copy does not need; it may belong to another account than expected",
                is_needed=False,
            ) from error
        if info.error_class is ErrorClass.BUCKET_MISSING:
            raise PreflightError(
                f"the {side} bucket {bucket} does not exist", error_class=info.error_class
            ) from error
        if info.code == "400":  # of HEAD, which has no body that says why; a listing has one
            listing = {"Bucket": bucket, "Prefix": location.key, "MaxKeys": 1}
            reason = answer(client.list_objects_v2, listing)
            if not reason or reason.error_class is ErrorClass.ACCESS_DENIED:
                evidence = f"{bucket}: {answer_text(info)}"
                raise UnprovenError(evidence, is_needed=False) from error
            info = reason
        raise refused(f"the {side} bucket {bucket} cannot be reached", info) from error
    if owner and not is_aws(client.meta.endpoint_url):
        lacking.require_owner_check(context, side, location)
    where = f" in {region}" if region else ", S3 does not say in which region"
    return f"{bucket} exists{where}{f', belongs to {owner}' if owner else ''}"


def _region(response: Any) -> str:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return printable(headers.get("x-amz-bucket-region", ""))


source_identity = Probe("identity", SOURCE, partial(_identity, side=SOURCE))
destination_identity = Probe("identity", DESTINATION, partial(_identity, side=DESTINATION))
source_bucket = Probe("bucket", SOURCE, partial(_bucket, side=SOURCE))
destination_bucket = Probe("bucket", DESTINATION, partial(_bucket, side=DESTINATION))

# ----------------------------------------------------------------------------------- reading


@partial(Probe, "list", SOURCE)
def list_source(context: ProbeContext) -> str:
    """List the source prefix; its first objects become the sample."""
    client, source = context.clients.source, context.keys.source
    context.source_pages = RememberingReader(PageReader(client, source.bucket, source.key))
    context.sample = first_source_objects(client, source, context.source_pages)
    return f"{plural(len(context.sample), 'object')} on the first page"


@partial(Probe, "list", DESTINATION)
def list_destination(context: ProbeContext) -> str | None:
    """List the destination prefix, if a sync has to know what only the destination has."""
    if context.options.delete is not Delete.EXTRA:
        return None
    found = first_destination_objects(context.clients.destination, context.keys.destination)
    return f"{plural(len(found), 'object')} on the first page"


@partial(Probe, "versioning", DESTINATION)
def versioning(context: ProbeContext) -> str:
    """Ask whether the bucket keeps what is deleted; a sync works without the answer."""
    bucket = context.keys.destination.bucket
    try:
        status = context.clients.destination.get_bucket_versioning(Bucket=bucket).get("Status")
    except Exception as error:
        evidence = f"{bucket} does not say whether it is versioned: {answer_text(translate(error))}"
        raise UnprovenError(evidence, is_needed=False) from error
    if status == "Enabled":
        return f"{bucket} is versioned: deletes add markers, which can be removed again"
    return f"{bucket} does not keep versions: deletes are irreversible"


@partial(Probe, "look before a delete", DESTINATION)
def look_for_delete(context: ProbeContext) -> str | None:
    """Look at an object of the destination, which a delete by its ETag takes.

    "To perform conditional deletes with the If-Match header with the ETag value you must have the
    s3:DeleteObject and s3:GetObject permissions" (S3 User Guide, "How to perform conditional
    deletes", read in November 2026).
    """
    if context.options.delete is not Delete.EXTRA:
        return None
    destination = context.keys.destination
    found = first_destination_objects(context.clients.destination, destination)
    if not found:
        raise UnprovenError("there is no object to look at", is_needed=False)
    info = answer(
        context.clients.destination.head_object, {"Bucket": found[0].bucket, "Key": found[0].key}
    )
    if info and info.error_class is ErrorClass.ACCESS_DENIED:
        raise refused(
            f"{found[0].url} may not be looked at, so it cannot be deleted by its ETag",
            info,
            if_denied="grant s3:GetObject on the destination to the credentials of the destination",
        )
    return f"{found[0].url} can be looked at"


@partial(Probe, "backup", DESTINATION)
def backup(context: ProbeContext) -> str | None:
    """Open an upload below the prefix of the backups, and abort it."""
    if not context.options.backup_prefix:
        return None
    location = as_directory(S3Location.parse(context.options.backup_prefix))
    client = context.clients.destination
    target: dict[str, Any] = {"Bucket": location.bucket, "Key": probe_key(location)}
    with refusing(
        f"{location.url} cannot be written, where backups are to be",
        if_denied="grant s3:PutObject on it to the credentials of the destination",
    ):
        upload = client.create_multipart_upload(**target, **write_params(context.options))
    # One that stays is found among the open uploads.
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return f"{location.url} can be written"


@partial(Probe, "delete", DESTINATION)
def delete(_: ProbeContext) -> str:
    """Try nothing: a delete that proves something has deleted something."""
    raise UnprovenError("not tried: only a delete shows whether s3:DeleteObject is allowed")


@partial(Probe, "list", SOURCE)
def list_and_choose(context: ProbeContext) -> str:
    """List the source prefix, and choose the objects that are tried one by one."""
    evidence = list_source.examine(context)
    source = context.keys.source
    with refusing(f"{source.url} cannot be listed", action=AccessAction.LIST):
        context.chosen = representative(context.clients.source, source, context.sample)
    return evidence or ""


@partial(Probe, "look", SOURCE)
def head_if_needed(context: ProbeContext) -> str | None:
    """Send a HEAD for one object, unless its credentials only list."""
    is_needed = context.large or not context.keys.source.account.names_credentials
    return _head(context) if is_needed else None


@partial(Probe, "look", SOURCE)
def head(context: ProbeContext) -> str:
    """Send a HEAD for one object: one of the sample, or the only one."""
    return _head(context)


@partial(Probe, "look", SOURCE)
def head_of_named(context: ProbeContext) -> str:
    """Look at the first objects of a list until one is there; it becomes the sample.

    One of which the copy needs to know nothing more is not looked at.
    """
    named, context.sample = context.sample, ()
    missing: PreflightError | None = None
    for item in named:
        if not item.needs_lookup:
            context.sample = (item,)
            return f"{item.url} is listed with size and ETag"
        try:
            known = look_at(context.clients.source, item)
        except PreflightError as refusal:
            if refusal.error_class not in _OF_ONE_OBJECT:
                raise
            missing = refusal
        else:
            context.sample = (known,)
            return f"HEAD of {known.url}"
    if missing is None:
        raise UnprovenError("no object is named")
    bucket = source_bucket.run(context)  # a 404 of HEAD may be the bucket's
    if bucket and bucket.refusal:
        raise bucket.refusal
    raise UnprovenError(f"the first objects of the list cannot be looked at: {missing.problem}")


def _head(context: ProbeContext) -> str:
    source, subject = context.keys.source, context.subject
    if not subject and (not source.key or source.key.endswith("/")):
        raise UnprovenError("no object is known to look at")
    location = S3Location(bucket=source.bucket, key=subject.key) if subject else source
    known = source_object(context.clients.source, location)
    context.sample = context.sample or (known,)
    return f"HEAD of {known.url}"


@partial(Probe, "read for the copy", SOURCE)
def head_by_copier(context: ProbeContext) -> str:
    """Send a HEAD for an object with the destination's credentials."""
    subject = _subject(context)
    with refusing(f"{subject.url} cannot be read for a copy", action=AccessAction.READ):
        _copier(context).head_object(Bucket=subject.bucket, Key=subject.key)
    return f"HEAD of {subject.url} by the copier"


@partial(Probe, "read tags", SOURCE)
def tags_always_read(context: ProbeContext) -> str | None:
    """Read the tags of an object where a copy always does: of large ones, or to choose by them."""
    if context.options.if_tag:
        subject: S3Object | None = context.large or _subject(context)
    else:
        subject = context.large if context.copies_tags else None
    if subject is None:
        return None
    chooses = bool(context.options.if_tag)
    return _read_tags(context.clients.source, subject, AccessAction.READ_TAGS, chooses=chooses)


@partial(Probe, "read tags", SOURCE)
def tags_by_copier(context: ProbeContext) -> str:
    """Read tags with the destination's credentials only."""
    return _read_tags(_copier(context), _subject(context), AccessAction.COPY_TAGS)


@partial(Probe, "read tags", SOURCE)
def tags(context: ProbeContext) -> str:
    """Read tags as far as the copy needs it.

    The source's credentials read those of objects that are copied in parts. The copier needs the
    right for tagged objects, which are not known if nobody may read tags.
    """
    items = context.chosen or (_subject(context),)
    readable = [item for item in items if item.key not in context.unreadable]
    if not readable:
        raise UnprovenError("not tried for objects that cannot be read at all")
    for item in readable:
        context.focus = item
        _read_tags_as_needed(context, item)
    tagged = sum(1 for found in context.tags.values() if found)
    return f"tags of {plural(len(context.tags), 'object')}, of which {tagged} have any"


def _read_tags_as_needed(context: ProbeContext, item: S3Object) -> None:
    is_large = item.size >= context.options.multipart_threshold_bytes
    try:
        _read_tags(context.clients.source, item, AccessAction.READ_TAGS, context.tags)
    except PreflightError as refusal:
        if is_large:
            raise
        unknown: PreflightError | None = refusal
    else:
        unknown = None
    if is_large:
        return
    try:
        _read_tags(_copier(context), item, AccessAction.COPY_TAGS, context.tags)
    except PreflightError as refusal:
        if context.tags.get(item.key):
            raise
        if not unknown:
            return  # it has no tags, so nobody needs the right
        if refusal.error_class is ErrorClass.TAGS_NOT_SUPPORTED:
            raise lacking.without_tags(context, refusal) from refusal
        raise UnprovenError(
            message(
                "{problem}; objects without tags are copied all the same, those with tags fail "
                "(or {tags=skip})",
                problem=refusal.problem,
            ),
            refusal=refusal,
        ) from refusal


def _read_tags(
    client: S3Client,
    subject: S3Object,
    action: AccessAction,
    found: dict[str, Mapping[str, str]] | None = None,
    *,
    chooses: bool = False,
) -> str:
    without = message(
        "choose by something else ({if_tag})" if chooses else "leave the tags out ({tags=skip})"
    )
    advice = message("grant s3:GetObjectTagging on the source, or {without}", without=without)
    with refusing(f"the tags of {subject.url} cannot be read", action=action, if_denied=advice):
        answered = client.get_object_tagging(Bucket=subject.bucket, Key=subject.key)
    if found is not None:
        found[subject.key] = {tag["Key"]: tag["Value"] for tag in answered.get("TagSet", [])}
    return f"tags of {subject.url}"


def _subject(context: ProbeContext) -> S3Object:
    if context.subject is None:
        raise UnprovenError("no object is known to look at")
    return context.subject


def _copier(context: ProbeContext) -> S3Client:
    assert context.source_by_copier  # noqa: S101 - the callers that probe with it give one
    return context.source_by_copier


@partial(Probe, "look at what exists", DESTINATION)
def existing(context: ProbeContext) -> str:
    """Tell whether existing objects can be seen, where the service might overwrite them.

    Services other than AWS may ignore the condition on a copy, so the program looks first.
    """
    destination = context.keys.destination
    target = {"Bucket": destination.bucket, "Key": probe_key(destination)}
    info = answer(context.clients.destination.head_object, target)
    if info is None or info.error_class is ErrorClass.SOURCE_VANISHED:
        return "existing and missing objects can be told apart"
    if context.clients.destination_is_aws:
        raise UnprovenError(
            f"{answer_text(info)}; s3:GetObject and s3:ListBucket show it, "
            "AWS keeps existing objects without them too",
            is_needed=False,
        )
    if info.error_class is not ErrorClass.ACCESS_DENIED:
        raise UnprovenError(answer_text(info))
    raise PreflightError(
        f"existing objects at {destination.url} cannot be seen: {answer_text(info)}; a service "
        "other than AWS may ignore the condition not to overwrite them",
        remedy=message(
            "grant s3:GetObject and s3:ListBucket on the destination to its credentials, "
            "or leave out {overwrite=False}"
        ),
        error_class=info.error_class,
        action=AccessAction.LOOK,
        info=info,
    )


# ----------------------------------------------------------------------------------- writing


@partial(Probe, "write", DESTINATION)
def open_upload(context: ProbeContext) -> str:
    """Open an upload as the run would."""
    destination, params = context.keys.destination, write_params(context.options)
    target: dict[str, Any] = {
        "Bucket": destination.bucket,
        "Key": context.key or probe_key(destination),
    }
    create = context.clients.destination.create_multipart_upload
    try:
        response = create(**target, **params)
    except Exception as error:
        info = translate(error)
        if not lacking.is_lacking(context, info) or lacking.opens_plain_upload(
            context, target, params
        ):
            advice = message(
                "grant s3:PutObject on the destination to its credentials (with {acl} also "
                "s3:PutObjectAcl, under KMS also kms:GenerateDataKey), and check "
                "{destination.bucket_owner}"
            )
            problem = f"{destination.url} cannot be written"
            raise refused(problem, info, action=AccessAction.WRITE, if_denied=advice) from error
        raise lacking.without_parts(context, "CreateMultipartUpload", info) from error
    context.upload = {**target, "UploadId": response["UploadId"]}
    lacking.require_effects(context, response)
    options = ", ".join(f"{name} {value}" for name, value in params.items())
    url = s3_url(target["Bucket"], target["Key"])
    return f"upload opened at {url}{' with ' if options else ''}{options}"


@partial(Probe, "read for the copy", SOURCE)
def read_for_copy(context: ProbeContext) -> str:
    """Copy one part of each object to try into the open upload."""
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    items = [item for item in context.chosen if is_readable(item)]
    items = items or ([context.readable] if context.readable else [])
    if not items:
        raise UnprovenError("the first objects are empty or archived, or none is known")
    read = []
    for number, item in enumerate(items, start=1):
        context.focus = item
        if _copy_part(context, item, number):
            read.append(item.url)
    if not read:
        raise UnprovenError("the sample changed meanwhile")
    if len(read) == 1:
        return f"a part was copied from {read[0]}"
    return f"a part was copied from each of {len(read)} objects, such as {read[0]}"


def _copy_part(context: ProbeContext, source: S3Object, number: int) -> bool:
    """Return whether a part was copied; False if the object changed meanwhile."""
    part: dict[str, Any] = {"CopySource": {"Bucket": source.bucket, "Key": source.key}}
    if source.size > RANGE_MIN_BYTES:  # else all of it
        part["CopySourceRange"] = "bytes=0-0"
    if source.etag:
        part["CopySourceIfMatch"] = source.etag
    assert context.upload  # noqa: S101 - the caller has looked
    context.unreadable.add(source.key)
    target = {**context.upload, "PartNumber": number}
    copy_part = context.clients.destination.upload_part_copy
    try:
        copy_part(**target, **part)
    except Exception as error:
        info = translate(error)
        if "CopySourceIfMatch" in part and info.error_class in lacking.MAY_BE_THE_CONDITION:
            del part["CopySourceIfMatch"]
            if not answer(copy_part, {**target, **part}):
                context.unreadable.discard(source.key)
                raise lacking.without_condition(context, source, info) from error
        is_gone = info.error_class in lacking.SAMPLE_IS_GONE
        if is_gone and not lacking.is_still_there(context, source):
            return False
        if lacking.is_lacking(context, info):
            context.unreadable.discard(source.key)
            raise lacking.without_parts(context, "UploadPartCopy", info) from error
        if info.error_class is ErrorClass.DESTINATION_FULL:
            problem = f"{s3_url(context.upload['Bucket'], context.upload['Key'])} cannot be written"
            raise refused(problem, info, action=AccessAction.WRITE) from error
        if info.error_class is not ErrorClass.ACCESS_DENIED:
            problem = f"{source.url} cannot be read for a copy"
            raise refused(problem, info, action=AccessAction.READ) from error
        raise refused(
            f"the destination's credentials may not read {source.url}",
            info,
            action=AccessAction.READ,
            if_denied="the source account must grant them s3:GetObject (and s3:GetObjectTagging) "
            "in the bucket policy, and kms:Decrypt on the key of encrypted objects; "
            "the destination's own identity policy must allow the same",
        ) from error
    context.unreadable.discard(source.key)
    return True


@partial(Probe, "write tags", DESTINATION)
def write_tags(context: ProbeContext) -> str:
    """Open a second upload, with the tags of an object or with one of our own, and abort it."""
    if context.upload is None:
        raise UnprovenError(_NOTHING_OPEN)
    client, params = context.clients.destination, write_params(context.options)
    target = {name: context.upload[name] for name in ("Bucket", "Key")}
    known = next((found for found in context.tags.values() if found), None)
    tagging = urlencode(known or {"s3-xfer": "check"})
    problem = f"{s3_url(target['Bucket'], target['Key'])} cannot be written with tags"
    try:
        with refusing(problem, action=AccessAction.WRITE_TAGS):
            upload = client.create_multipart_upload(**target, **params, Tagging=tagging)
    except PreflightError as refusal:
        if refusal.error_class is ErrorClass.TAGS_NOT_SUPPORTED:
            raise lacking.without_tags(context, refusal) from refusal
        if known or refusal.error_class is not ErrorClass.ACCESS_DENIED:
            raise
        evidence = message(
            "{problem}; that is needed for objects with tags (or {tags=skip})",
            problem=refusal.problem,
        )
        raise UnprovenError(evidence, refusal=refusal) from refusal
    # One that stays is found among the open uploads.
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return "an upload with a tag was opened and aborted"


@partial(Probe, "journal", DESTINATION)
def journal(context: ProbeContext) -> str:
    """Tell whether the journal can be read and written where it is to be kept."""
    name = context.options.journal or ""
    if not name.startswith("s3://"):
        folder = Path(name).absolute().parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise PreflightError(
                f"the journal {printable(name)} cannot be written there",
                remedy="name a file in a directory that exists and can be written",
                error_class=ErrorClass.JOURNAL_UNUSABLE,
            )
        return f"{printable(str(folder))} can be written"
    location = S3Location.parse(name)
    target: dict[str, Any] = {"Bucket": location.bucket, "Key": location.key}
    client = _bare_copier(context)
    advice = "grant s3:GetObject and s3:PutObject on it, and s3:ListBucket on its bucket"
    with refusing(f"the journal {location.url} cannot be read", if_denied=advice):
        try:
            client.head_object(**target)
        except Exception as error:
            if translate(error).error_class is not ErrorClass.SOURCE_VANISHED:
                raise
    with refusing(f"the journal {location.url} cannot be written", if_denied=advice):
        upload = client.create_multipart_upload(**target)
    answer(client.abort_multipart_upload, {**target, "UploadId": upload["UploadId"]})
    return f"{location.url} can be read and written"


def _bare_copier(context: ProbeContext) -> S3Client:
    assert context.copier  # noqa: S101 - the doctor gives it
    return context.copier


@partial(Probe, "clean up", DESTINATION)
def clean_up(context: ProbeContext) -> str:
    """Abort the open upload."""
    if context.upload is None:
        return "nothing was opened"
    upload = context.upload
    info = context.abort_upload()
    if info and lacking.is_lacking(context, info):  # a copy leaves it, too, and says so
        raise UnprovenError(f"{left_open(upload)}: {answer_text(info)}", is_needed=False)
    if info:
        raise refused(left_open(upload), info, action=AccessAction.ABORT)
    return "the upload was aborted, nothing is left"


def left_open(upload: Mapping[str, str]) -> str:
    """Return what an upload that could not be aborted means."""
    return (
        f"upload {printable(upload['UploadId'])} to {s3_url(upload['Bucket'], upload['Key'])} "
        "could not be aborted and costs money until it is (s3:AbortMultipartUpload)"
    )
