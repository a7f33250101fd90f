"""What a Batch Operations job can express, of a copy and of its objects.

A job copies each object of its manifest to ``TargetKeyPrefix/`` and the whole source key, in one
request of at most 5 GB, without a condition (API reference, ``S3CopyObjectOperation``; S3 User
Guide, "Copy objects"). What a copy asks for besides is refused before anything is listed; an object
that a job cannot copy is left to a copy of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s3_xfer.errors import ValidationError
from s3_xfer.model import CopyTask
from s3_xfer.options import (
    CopyOptions,
    Delete,
    Encryption,
    Identical,
    SourceCheck,
    StorageClass,
    TagPolicy,
)
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec
from s3_xfer.wording import message

OBJECT_MAX_BYTES = 5 * 10**9  # S3 User Guide: "up to 5 GB"; decimal, to be on the safe side
# Those whose objects can be read at once; a listing does not tell that another was restored.
_READABLE = frozenset(
    {
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "REDUCED_REDUNDANCY",
    }
)
_USE_COPY = "leave that out, or copy without a job"

# What is asked for, and why a job cannot do it, as templates of messages.
_REFUSALS: tuple[tuple[str, Callable[[CopySpec], bool]], ...] = (
    ("{overwrite=False}: it overwrites what exists", lambda spec: not spec.overwrite),
    (
        "{identical=skip}: it copies without a look at the destination",
        lambda spec: spec.options.identical is not Identical.COPY,
    ),
    (
        "{source_check=head}: it copies an object as it is then",
        lambda spec: spec.options.source_check is not SourceCheck.CONDITION,
    ),
    ("{journal}: its state is with AWS", lambda spec: bool(spec.options.journal)),
    (
        "{delete=extra}: it only copies",
        lambda spec: spec.options.delete is not Delete.NOTHING,
    ),
    ("{if_tag}: its plan only lists", lambda spec: bool(spec.options.if_tag)),
    ("a report: it says what is left", lambda spec: bool(spec.options.from_report_path)),
    ("objects that a program names: its plan is kept", lambda spec: spec.objects is not None),
    ("rename: keys keep their whole source key", lambda spec: spec.rename is not None),
    (
        "{storage_class=REDUCED_REDUNDANCY}",
        lambda spec: spec.options.storage_class is StorageClass.REDUCED_REDUNDANCY,
    ),
    ("{sse=aws:kms:dsse}", lambda spec: spec.options.sse is Encryption.KMS_DSSE),
    (
        "{sse=AES256} without replacing metadata; a bucket has it by default",
        lambda spec: spec.options.sse is Encryption.S3,
    ),
    (
        "{sse=aws:kms} without {sse_kms_key_id}",
        lambda spec: spec.options.sse is Encryption.KMS and not spec.options.sse_kms_key_id,
    ),
)


def target_prefix(spec: CopySpec) -> str:
    """Return what a job puts before the whole source key, without the slash that S3 adds.

    Raises:
        ValidationError: a job cannot make this copy.
    """
    if not spec.recursive:
        raise ValidationError(
            "a job copies what is under a prefix, not a single object",
            remedy="copy it without a job",
        )
    for lacking, is_asked_for in _REFUSALS:
        if is_asked_for(spec):
            raise ValidationError(
                message("S3 Batch Operations cannot express {asked}", asked=message(lacking)),
                remedy=_USE_COPY,
            )
    return _prefix_between(spec.key_map())


def _prefix_between(keys: KeyMap) -> str:
    source, destination = keys.source.key, keys.destination.key
    before = destination.removesuffix(source) if source else destination
    folder = before.removesuffix("/")
    keeps_key = destination == before + source
    if keeps_key and not before:
        return ""
    if keeps_key and before.endswith("/") and "" not in folder.split("/"):
        return folder
    example = keys.destination.url if destination else f"{keys.destination.url}PREFIX/"
    raise ValidationError(
        f"S3 Batch Operations keeps the whole source key, so nothing goes from {keys.source.url} "
        f"to {keys.destination.url}",
        remedy=f"let the destination end in the source's prefix ({example}{source}), "
        "or copy without a job",
    )


def why_not(task: CopyTask, folder: str) -> str:
    """Return why a job cannot copy one object; empty if it can."""
    source = task.source
    if source.size > OBJECT_MAX_BYTES:
        return "larger than the 5 GB that a job copies"
    if source.storage_class and source.storage_class not in _READABLE:  # else the job will tell
        return "archived, or of a class that may not be readable"
    if source.version_id is not None:
        return "a version that is not the current one"
    key = f"{folder}/{source.key}" if folder else source.key
    return "" if task.destination_key == key else "goes to another key than the job would give it"


def copy_operation(options: CopyOptions, *, bucket_arn: str, folder: str) -> dict[str, Any]:
    """Return the copy that the job makes of each object, as the API takes it."""
    operation: dict[str, Any] = {
        "TargetResource": bucket_arn,
        "MetadataDirective": "COPY",
        "AnnotationDirective": "COPY",
    }
    if folder:
        operation["TargetKeyPrefix"] = folder
    if options.storage_class:
        operation["StorageClass"] = options.storage_class.value
    if options.acl:
        operation["CannedAccessControlList"] = options.acl.value
    if options.sse_kms_key_id:
        operation["SSEAwsKmsKeyId"] = options.sse_kms_key_id
    if options.bucket_key:
        operation["BucketKeyEnabled"] = True
    if options.checksum_algorithm:
        operation["ChecksumAlgorithm"] = options.checksum_algorithm.value
    if options.request_payer:
        operation["RequesterPays"] = True
    if options.tags is TagPolicy.SKIP:
        operation["NewObjectTagging"] = []
    return operation
