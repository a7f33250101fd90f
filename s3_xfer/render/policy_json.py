"""Policies as JSON: a single document, or all of them with where each belongs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from s3_xfer.access.documents import PolicyDocument

_HOW = {
    "bucket policy": "add the statements to the bucket's policy; a bucket has only one",
    "key policy": "add the statements to the key's policy; never replace that",
    "identity policy": "add it to the role or user as an inline policy",
    "trust policy": "make it the role's trust policy, or add the statement to it",
}


def as_json(documents: Iterable[PolicyDocument]) -> str:
    """Return all documents, each with its target, as one JSON object."""
    return json.dumps({"documents": [_entry(document) for document in documents]}, indent=2)


def one_as_json(documents: Sequence[PolicyDocument]) -> str:
    """Return the statements of documents for one target as a single document."""
    first = documents[0].to_dict()
    statements = [
        statement for document in documents for statement in document.to_dict()["Statement"]
    ]
    return json.dumps({**first, "Statement": statements}, indent=2)


def _entry(document: PolicyDocument) -> dict[str, Any]:
    return {
        "place": document.target.value,
        "kind": document.target.attached_to,
        "account": document.account or None,
        "target": document.resource or None,
        "how": _HOW[document.target.attached_to],
        "document": document.to_dict(),
    }
