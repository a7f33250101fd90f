"""How to take the policies back: commands for a shell, for each account, in order.

They remove the statements by their names and leave everything else of a document alone. Nothing is
run, and what else was granted since is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s3_xfer.access.documents import PolicyDocument, PolicyTarget
from s3_xfer.access.principals import Principal
from s3_xfer.render.policy_terraform import policy_name
from s3_xfer.text import shell_word

_WITHOUT = "jq '.Statement |= map(select(.Sid | IN({sids}) | not))'"


def revert_commands(documents: Sequence[PolicyDocument]) -> str:
    """Return the commands, with comments; they need the AWS CLI and jq."""
    lines = [
        line for document in documents for line in (f"# {document.where}", *_commands(document))
    ]
    return "\n".join(("set -eu -o pipefail", *lines))


def _commands(document: PolicyDocument) -> Iterator[str]:
    kind = document.target.attached_to
    if kind == "bucket policy":
        yield from _from_bucket(document)
    elif kind == "key policy":
        yield from _from_key(document)
    elif document.target is PolicyTarget.COPIER:
        copier = Principal.parse(document.resource)
        kind = copier.kind
        yield (
            f"aws iam delete-{kind}-policy --{kind}-name {shell_word(copier.name)}"
            f" --policy-name {policy_name(document)}"
        )
    else:
        yield f"# remove by hand: {', '.join(_sids(document))}"


def _from_bucket(document: PolicyDocument) -> Iterator[str]:
    bucket = f"--bucket {shell_word(document.resource)}"
    yield (
        f"aws s3api get-bucket-policy {bucket} --query Policy --output text"
        f" | {_without(document)} > left.json"
    )
    yield "if jq -e '.Statement == []' left.json > /dev/null"
    yield f"then aws s3api delete-bucket-policy {bucket}"
    yield f"else aws s3api put-bucket-policy {bucket} --policy file://left.json"
    yield "fi"


def _from_key(document: PolicyDocument) -> Iterator[str]:
    key = f"--key-id {shell_word(document.resource)} --policy-name default"
    yield (
        f"aws kms get-key-policy {key} --query Policy --output text"
        f" | {_without(document)} > left.json"
    )
    yield f"aws kms put-key-policy {key} --policy file://left.json"


def _without(document: PolicyDocument) -> str:
    return _WITHOUT.format(sids=", ".join(f'"{sid}"' for sid in _sids(document)))


def _sids(document: PolicyDocument) -> list[str]:
    return [statement.sid for statement in document.statements]
