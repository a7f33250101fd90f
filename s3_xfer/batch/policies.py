"""The policies of a job: of its role, of the source bucket, and of who submits it.

The rights of the role are those that AWS documents for a copy (S3 User Guide, "Granting
permissions for Batch Operations"), each on the prefixes of this job alone. Where a role of another
job could be used as a go-between, the trust policy names account and jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from s3_xfer.access.documents import Principal, literal
from s3_xfer.options import CopyOptions, TagPolicy

SERVICE = "batchoperations.s3.amazonaws.com"
Document: TypeAlias = dict[str, Any]


def job_policies(
    options: CopyOptions,
    *,
    role: Principal,
    region: str | None,
    source: tuple[str, str],
    destination: tuple[str, str],
    manifest: tuple[str, str],
    report: tuple[str, str],
    source_keys: tuple[str, ...] = (),
) -> Mapping[str, Document]:
    """Return the documents by the names of their files; pairs are of a bucket and a key."""
    arn = f"arn:{role.partition}:s3:::"
    jobs = f"arn:{role.partition}:s3:{region or '*'}:{role.account}:job/*"
    below_source = f"{arn}{source[0]}/{literal(source[1])}*"
    read = ["s3:GetObject", "s3:GetObjectAcl"]
    write = ["s3:PutObject", "s3:PutObjectAcl"]
    if options.tags is TagPolicy.COPY:
        read.append("s3:GetObjectTagging")
        write.append("s3:PutObjectTagging")
    reading = [
        _statement("ReadSource", read, below_source),
        _statement("ListSource", ["s3:ListBucket"], f"{arn}{source[0]}"),
    ]
    manifest_arn = f"{arn}{manifest[0]}/{literal(manifest[1])}"
    report_arn = f"{arn}{report[0]}/{literal(report[1])}/*"
    own = [
        *reading,
        _statement("WriteCopies", write, f"{arn}{destination[0]}/{literal(destination[1])}*"),
        _statement("ReadManifest", ["s3:GetObject", "s3:GetObjectVersion"], manifest_arn),
        _statement("WriteReport", ["s3:PutObject"], report_arn),
        *_keys(options, source_keys),
    ]
    trust = {
        "Sid": "BatchOperations",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": role.account},
            "ArnLike": {"aws:SourceArn": jobs},
        },
    }
    passing = _statement("PassRole", ["iam:PassRole"], role.arn)
    passing["Condition"] = {"StringEquals": {"iam:PassedToService": SERVICE}}
    calling = [
        _statement("CreateJob", ["s3:CreateJob"], "*"),
        _statement("FollowJob", ["s3:DescribeJob", "s3:UpdateJobStatus"], jobs),
        passing,
        _statement("WriteManifest", ["s3:PutObject", "s3:GetObject"], manifest_arn),
        _statement("ReadReport", ["s3:GetObject"], report_arn),
        _statement("LookForReport", ["s3:ListBucket"], f"{arn}{report[0]}"),
        _statement("ListCopies", ["s3:ListBucket"], f"{arn}{destination[0]}"),
    ]
    principal = {"Principal": {"AWS": role.arn}}
    return {
        "role.json": _document(own),
        "role-trust.json": _document([trust]),
        "source-bucket.json": _document([each | principal for each in reading]),
        "caller.json": _document(calling),
    }


def _keys(options: CopyOptions, source_keys: tuple[str, ...]) -> list[Document]:
    statements = []
    if source_keys:
        statements.append(_statement("Decrypt", ["kms:Decrypt"], *source_keys))
    if options.sse_kms_key_id:
        actions = ["kms:GenerateDataKey", "kms:Decrypt"]
        statements.append(_statement("Encrypt", actions, options.sse_kms_key_id))
    return statements


def _statement(name: str, actions: list[str], *resources: str) -> Document:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": list(resources)}


def _document(statements: list[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}  # of the policy language
