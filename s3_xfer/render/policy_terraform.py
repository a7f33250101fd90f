"""Policies as a Terraform module: documents, and the resources that attach them.

What Terraform would own as a whole although others share it (a bucket's policy) is merged with
what the caller says is there. A key's policy and a role's trust policy usually are attributes of
resources that are declared elsewhere: these are outputs. An external id is never written down: it
is a sensitive variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from s3_xfer.access.documents import EXTERNAL_ID, PolicyDocument, PolicyTarget, Principal, Statement

_HEAD = """terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.source, aws.destination]
    }
  }
}
"""
_EXISTING = """variable "existing_{name}_policy" {{
  description = "The policy that the bucket {target} has now, as JSON; it is replaced as a whole"
  type        = string
  default     = ""
}}
"""
_ASKED_FOR = """variable "external_id" {
  description = "External id that the role's trust policy asks for"
  type        = string
  sensitive   = true
}
"""


def as_terraform(documents: Sequence[PolicyDocument]) -> str:
    """Return a module that needs two providers, one for each account."""
    parts = [_HEAD]
    if any(_asks_for_id(document) for document in documents):
        parts.append(_ASKED_FOR)
    for name, document in _named(documents):
        if document.target.attached_to == "bucket policy":
            parts.append(_EXISTING.format(name=name, target=document.resource))
        data = "\n".join(_data(name, document))
        parts += [f"# {document.where}\n{data}\n", _attachment(name, document)]
    return "\n".join(parts)


def _named(documents: Sequence[PolicyDocument]) -> Iterator[tuple[str, PolicyDocument]]:
    """Return each document with a name of its own: there may be several keys."""
    counts: dict[PolicyTarget, int] = {}
    for document in documents:
        number = counts[document.target] = counts.get(document.target, 0) + 1
        name = document.target.value.replace("-", "_")
        yield (name if number == 1 else f"{name}_{number}"), document


def _data(name: str, document: PolicyDocument) -> Iterator[str]:
    yield f'data "aws_iam_policy_document" "{name}" {{'
    if document.target.attached_to == "bucket policy":
        yield f"  source_policy_documents = compact([var.existing_{name}_policy])"
    for statement in document.statements:
        yield from _statement(statement)
    yield "}"


def _statement(statement: Statement) -> Iterator[str]:
    attributes = {"sid": _quoted(statement.sid), "actions": _list(statement.actions)}
    if statement.resources:
        attributes["resources"] = _list(statement.resources)
    yield "  statement {"
    yield from _aligned(attributes, indent=4)
    if statement.principal:
        identifiers = _list([statement.principal.named_as])
        yield "    principals {"
        yield from _aligned({"type": '"AWS"', "identifiers": identifiers}, indent=6)
        yield "    }"
    for test, values_by_variable in statement.conditions.items():
        for variable, value in values_by_variable.items():
            listed = [value] if isinstance(value, str) else value
            values = "[var.external_id]" if value == EXTERNAL_ID else _list(listed)
            condition = {"test": _quoted(test), "variable": _quoted(variable), "values": values}
            yield "    condition {"
            yield from _aligned(condition, indent=6)
            yield "    }"
    yield "  }"


def _attachment(name: str, document: PolicyDocument) -> str:
    policy = f"data.aws_iam_policy_document.{name}.json"
    side = f"aws.{document.target.owner}"
    kind = document.target.attached_to
    if kind == "bucket policy":
        attributes = {"provider": side, "bucket": _quoted(document.resource), "policy": policy}
        return _block(f'resource "aws_s3_bucket_policy" "{name}"', attributes)
    if document.target is PolicyTarget.COPIER:
        copier = Principal.parse(document.resource)
        attributes = {
            "provider": side,
            "name": f'"{policy_name(document)}"',
            copier.kind: _quoted(copier.name),
            "policy": policy,
        }
        return _block(f'resource "aws_iam_{copier.kind}_policy" "{name}"', attributes)
    attributes = {
        "description": f'"For the {kind} of {_inner(document.resource)}"',
        "value": policy,
        **({"sensitive": "true"} if _asks_for_id(document) else {}),
    }
    return _block(f'output "{name}_policy"', attributes)


def _block(head: str, attributes: Mapping[str, str]) -> str:
    return "\n".join((f"{head} {{", *_aligned(attributes, indent=2), "}\n"))


def _aligned(attributes: Mapping[str, str], *, indent: int) -> Iterator[str]:
    """Return attributes as ``terraform fmt`` writes them: the equals signs below each other."""
    width = max(len(name) for name in attributes)
    for name, value in attributes.items():
        yield f"{' ' * indent}{name:<{width}} = {value}"


def policy_name(document: PolicyDocument) -> str:
    """Return the name of the inline policy that a document becomes."""
    return f"s3-xfer-{document.statements[0].tag}"


def _asks_for_id(document: PolicyDocument) -> bool:
    is_trust = document.target is PolicyTarget.TRUST
    return is_trust and any(statement.condition for statement in document.statements)


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(_quoted(word) for word in words)}]"


def _quoted(text: str) -> str:
    return f'"{_inner(text)}"'


def _inner(text: str) -> str:
    """Return ``text`` as a template that means exactly ``text``."""
    for special, harmless in (("\\", "\\\\"), ('"', '\\"'), ("${", "$${"), ("%{", "%%{")):
        text = text.replace(special, harmless)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)
