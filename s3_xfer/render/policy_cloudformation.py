"""Policies as one CloudFormation template, deployed once in each account.

The parameter ``Side`` says in which. CloudFormation refuses to make a bucket policy where there is
one already, so nothing is overwritten. A key's policy and a role's trust policy belong to
resources that are declared elsewhere: those documents are in the template's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from s3_xfer.access.documents import PolicyDocument, PolicyTarget
from s3_xfer.access.principals import Principal
from s3_xfer.render.policy_terraform import policy_name

_SIDES = {"source": "IsSource", "destination": "IsDestination"}


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
        "Resources": {_name(document): _resource(document) for document in resources},
    }
    if elsewhere:
        template["Metadata"] = {
            "AddByHand": [
                {"Where": document.where, "Document": document.to_dict()} for document in elsewhere
            ]
        }
    return json.dumps(template, indent=2)


def _is_resource(document: PolicyDocument) -> bool:
    return document.target in (
        PolicyTarget.SOURCE_BUCKET,
        PolicyTarget.DESTINATION_BUCKET,
        PolicyTarget.COPIER,
    )


def _name(document: PolicyDocument) -> str:
    words: str = document.target.value
    return words.title().replace("-", "") + "Policy"


def _resource(document: PolicyDocument) -> dict[str, Any]:
    condition = {"Condition": _SIDES[document.target.owner]}
    body = {"PolicyDocument": document.to_dict()}
    if document.target is not PolicyTarget.COPIER:
        return {
            "Type": "AWS::S3::BucketPolicy",
            **condition,
            "Properties": {"Bucket": document.resource, **body},
        }
    copier = Principal.parse(document.resource)
    kind = copier.kind.capitalize()
    return {
        "Type": f"AWS::IAM::{kind}Policy",
        **condition,
        "Properties": {
            f"{kind}Name": copier.name,
            "PolicyName": policy_name(document),
            **body,
        },
    }
