"""Policies as JSON, as a CloudFormation template, and as commands that take them back.

The template is deployed once in each account; its parameter ``Side`` says in which. CloudFormation
refuses to make a bucket policy where there is one already, so nothing is overwritten. A key's
policy and a role's trust policy belong to resources that are declared elsewhere: those documents
are in the template's metadata.

The commands are for a shell, a script for each account. They remove the statements by their names
and leave everything else of a document alone. What else was granted since is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from s3_xfer.access.documents import PolicyDocument, PolicyTarget, Principal
from s3_xfer.render.policy_terraform import policy_name
from s3_xfer.text import shell_word

_HOW = {
    "bucket policy": "add the statements to the bucket's policy; a bucket has only one",
    "key policy": "add the statements to the key's policy; never replace that",
    "identity policy": "add it to the role or user as an inline policy",
    "trust policy": "make it the role's trust policy, or add the statement to it",
}
_SIDES = {"source": "IsSource", "destination": "IsDestination"}


def as_json(documents: Iterable[PolicyDocument]) -> str:
    """Return all documents, each with its target, as one JSON object."""
    entries = [
        {
            "place": document.target.value,
            "kind": document.target.attached_to,
            "account": document.account or None,
            "target": document.resource or None,
            "how": _HOW[document.target.attached_to],
            "document": document.to_dict(),
        }
        for document in documents
    ]
    return json.dumps({"documents": entries}, indent=2)


def one_as_json(documents: Sequence[PolicyDocument]) -> str:
    """Return the statements of documents for one target as a single document."""
    written = [document.to_dict() for document in documents]
    statements = [statement for document in written for statement in document["Statement"]]
    return json.dumps({**written[0], "Statement": statements}, indent=2)


# IAM User Guide, "IAM and AWS STS quotas" (inline policies, without white space); S3 User Guide,
# "Bucket policies"; KMS Developer Guide, "Resource quotas".
_LIMITS = {
    "user": (2_048, "make it a managed policy (6,144 characters), or let a role copy"),
    "role": (10_240, "make it several managed policies (6,144 characters each)"),
    "trust policy": (2_048, "have the quota for role trust policies raised (up to 8,192)"),
    "bucket policy": (20_480, "copy a common prefix, or use S3 access points"),
    "key policy": (32_768, "use grants of the key"),
}


def size_notes(documents: Iterable[PolicyDocument]) -> Iterator[str]:
    """Return a note for each document that AWS would refuse as too large."""
    for document in documents:
        kind = document.target.attached_to
        if kind == "identity policy":
            kind = "user" if ":user/" in document.resource else "role"
        limit, way_out = _LIMITS[kind]
        size = len(json.dumps(document.to_dict(), separators=(",", ":")).encode())
        if size > limit:
            yield (
                f"the document for the {document.where} has {size:,} characters, and AWS takes "
                f"{limit:,} there: {way_out}"
            )


# ---------------------------------------------------------------------------- CloudFormation


def as_cloudformation(documents: Sequence[PolicyDocument]) -> str:
    """Return the template as JSON."""
    resources = [document for document in documents if _is_resource(document)]
    elsewhere = [document for document in documents if not _is_resource(document)]
    template: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Access for a copy with s3-xfer; deploy once in each account",
        "Parameters": {
            "Side": {
                "Type": "String",
                "AllowedValues": list(_SIDES),
                "Description": "Whose account this stack is in",
            }
        },
        "Conditions": {
            _SIDES[side]: {"Fn::Equals": [{"Ref": "Side"}, side]}
            for side in sorted({document.target.owner for document in resources})
        },
        "Resources": {
            document.target.value.title().replace("-", "") + "Policy": _resource(document)
            for document in resources
        },
    }
    if elsewhere:
        template["Metadata"] = {
            "AddByHand": [
                {"Where": document.where, "Document": document.to_dict()} for document in elsewhere
            ]
        }
    return json.dumps(template, indent=2)


def _is_resource(document: PolicyDocument) -> bool:
    target = document.target
    return target.attached_to == "bucket policy" or target is PolicyTarget.COPIER


def _resource(document: PolicyDocument) -> dict[str, Any]:
    if document.target is PolicyTarget.COPIER:
        copier = Principal.parse(document.resource)
        kind = copier.kind.capitalize()
        resource_type = f"AWS::IAM::{kind}Policy"
        properties = {f"{kind}Name": copier.name, "PolicyName": policy_name(document)}
    else:
        resource_type, properties = "AWS::S3::BucketPolicy", {"Bucket": document.resource}
    return {
        "Type": resource_type,
        "Condition": _SIDES[document.target.owner],
        "Properties": {**properties, "PolicyDocument": document.to_dict()},
    }


# ---------------------------------------------------------------------------- taking them back


def revert_commands(documents: Sequence[PolicyDocument]) -> str:
    """Return a script for each account, with comments; they need the AWS CLI and jq.

    A script does nothing with credentials of another account, so they can be kept in one file. What
    they read lies in a new file of the temporary folder, and no other file is written.
    """
    by_account: dict[str, list[PolicyDocument]] = {}
    for document in documents:
        by_account.setdefault(document.account, []).append(document)
    scripts = [_script(account, found) for account, found in by_account.items()]
    return "\n".join(line for script in scripts for line in script)


def _script(account: str, documents: Sequence[PolicyDocument]) -> Iterator[str]:
    """Return one account's commands; where the account is not known, a person has to."""
    yield f"# --- account {account or 'of the owner'}"
    yield "("
    yield "set -eu -o pipefail"
    if account:
        yield 'current="$(aws sts get-caller-identity --query Account --output text)"'
        yield f'[ "$current" = {account} ] || {{ echo "skipped: account {account}" >&2; exit 0; }}'
    yield 'left="$(mktemp)"'
    yield "trap 'rm -f \"$left\"' EXIT"
    for document in documents:
        yield f"# {document.where}"
        yield from _commands(document)
    yield ")"


def _commands(document: PolicyDocument) -> Iterator[str]:
    kind, sids = document.target.attached_to, [statement.sid for statement in document.statements]
    names = ", ".join(f'"{sid}"' for sid in sids)
    without = f"jq '.Statement |= map(select(.Sid | IN({names}) | not))' > \"$left\""
    if kind == "bucket policy":
        bucket = f"--bucket {shell_word(document.resource)}"
        yield f"aws s3api get-bucket-policy {bucket} --query Policy --output text | {without}"
        yield "if jq -e '.Statement == []' \"$left\" > /dev/null"
        yield f"then aws s3api delete-bucket-policy {bucket}"
        yield f'else aws s3api put-bucket-policy {bucket} --policy "file://$left"'
        yield "fi"
    elif kind == "key policy":
        key = f"--key-id {shell_word(document.resource)} --policy-name default"
        yield f"aws kms get-key-policy {key} --query Policy --output text | {without}"
        yield f'aws kms put-key-policy {key} --policy "file://$left"'
    elif document.target is PolicyTarget.COPIER:
        copier = Principal.parse(document.resource)
        name = f"--{copier.kind}-name {shell_word(copier.name)}"
        yield f"aws iam delete-{copier.kind}-policy {name} --policy-name {policy_name(document)}"
    else:
        yield f"# remove by hand: {', '.join(sids)}"
