"""Policies as one CloudFormation template, deployed once in each account.

The parameter ``Side`` says in which. CloudFormation refuses to make a bucket policy where there is
one already, so nothing is overwritten. A key's policy and a role's trust policy belong to
resources that are declared elsewhere: those documents are in the template's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from s3_xfer.access.documents import Place, PolicyDocument
from s3_xfer.access.principals import Principal
from s3_xfer.render.policy_terraform import policy_name

_SIDES = {"source": "IsSource", "destination": "IsDestination"}


def as_cloudformation(documents: Sequence[PolicyDocument]) -> str:
    """Return the template as JSON."""
    resources = [one for one in documents if _is_resource(one)]
    elsewhere = [one for one in documents if not _is_resource(one)]
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
            for side in sorted({one.place.owner for one in resources})
        },
        "Resources": {_name(one): _resource(one) for one in resources},
    }
    if elsewhere:
        template["Metadata"] = {
            "AddByHand": [{"Where": one.where, "Document": one.to_dict()} for one in elsewhere]
        }
    return json.dumps(template, indent=2)


def _is_resource(document: PolicyDocument) -> bool:
    return document.place in (Place.SOURCE_BUCKET, Place.DESTINATION_BUCKET, Place.COPIER)


def _name(document: PolicyDocument) -> str:
    words: str = document.place.value
    return words.title().replace("-", "") + "Policy"


def _resource(document: PolicyDocument) -> dict[str, Any]:
    condition = {"Condition": _SIDES[document.place.owner]}
    body = {"PolicyDocument": document.to_dict()}
    if document.place is not Place.COPIER:
        return {
            "Type": "AWS::S3::BucketPolicy",
            **condition,
            "Properties": {"Bucket": document.target, **body},
        }
    copier = Principal.parse(document.target)
    what = copier.kind.capitalize()
    return {
        "Type": f"AWS::IAM::{what}Policy",
        **condition,
        "Properties": {
            f"{what}Name": copier.name,
            "PolicyName": policy_name(document),
            **body,
        },
    }
