"""Policies as a Terraform module: documents, and the resources that attach them.

What Terraform would own as a whole although others share it (a bucket's policy) is merged with
what the caller says is there. A key's policy and a role's trust policy usually are attributes of
resources that are declared elsewhere: these are outputs. Refuses to hold an external id: it is a
sensitive variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s3_xfer.access.documents import Place, PolicyDocument, Statement
from s3_xfer.access.policies import EXTERNAL_ID
from s3_xfer.access.principals import Principal

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
    if any(one.place is Place.TRUST and _asks_for_id(one) for one in documents):
        parts.append(_ASKED_FOR)
    for name, document in _named(documents):
        parts += [*_document(name, document), _attachment(name, document)]
    return "\n".join(parts)


def _named(documents: Sequence[PolicyDocument]) -> Iterator[tuple[str, PolicyDocument]]:
    """Return each document with a name of its own: there may be several keys."""
    seen: dict[Place, int] = {}
    for document in documents:
        number = seen[document.place] = seen.get(document.place, 0) + 1
        name = document.place.value.replace("-", "_")
        yield (name if number == 1 else f"{name}_{number}"), document


def _document(name: str, document: PolicyDocument) -> Iterator[str]:
    if document.place.attached_to == "bucket policy":
        yield _EXISTING.format(name=name, target=document.target)
    yield f"# {document.where}\n" + "\n".join(_data(name, document)) + "\n"


def _data(name: str, document: PolicyDocument) -> Iterator[str]:
    yield f'data "aws_iam_policy_document" "{name}" {{'
    if document.place.attached_to == "bucket policy":
        yield f"  source_policy_documents = compact([var.existing_{name}_policy])"
    for statement in document.statements:
        yield from _statement(statement)
    yield "}"


def _statement(statement: Statement) -> Iterator[str]:
    yield "  statement {"
    yield f"    sid       = {_quoted(statement.sid)}"
    yield f"    actions   = {_list(statement.actions)}"
    if statement.resources:
        yield f"    resources = {_list(statement.resources)}"
    if statement.principal:
        yield "    principals {"
        yield '      type        = "AWS"'
        yield f"      identifiers = {_list([statement.principal])}"
        yield "    }"
    for test, facts in statement.condition.items():
        for variable, value in facts.items():
            yield "    condition {"
            yield f"      test     = {_quoted(test)}"
            yield f"      variable = {_quoted(variable)}"
            values = "[var.external_id]" if value == EXTERNAL_ID else _list([value])
            yield f"      values   = {values}"
            yield "    }"
    yield "  }"


def _attachment(name: str, document: PolicyDocument) -> str:
    made = f"data.aws_iam_policy_document.{name}.json"
    side = f"aws.{document.place.owner}"
    kind = document.place.attached_to
    if kind == "bucket policy":
        return (
            f'resource "aws_s3_bucket_policy" "{name}" {{\n  provider = {side}\n'
            f"  bucket   = {_quoted(document.target)}\n  policy   = {made}\n}}\n"
        )
    if document.place is Place.COPIER:
        copier = Principal.parse(document.target)
        what = copier.kind
        return (
            f'resource "aws_iam_{what}_policy" "{name}" {{\n  provider = {side}\n'
            f'  name     = "{policy_name(document)}"\n  {what}     = {_quoted(copier.name)}\n'
            f"  policy   = {made}\n}}\n"
        )
    secret = "  sensitive   = true\n" if _asks_for_id(document) else ""
    return (
        f'output "{name}_policy" {{\n  description = "For the {kind} of '
        f'{_inner(document.target)}"\n  value       = {made}\n{secret}}}\n'
    )


def policy_name(document: PolicyDocument) -> str:
    """Return the name of the inline policy that a document becomes."""
    return f"s3-xfer-{document.statements[0].sid[-8:]}"


def _asks_for_id(document: PolicyDocument) -> bool:
    return any(one.condition for one in document.statements if document.place is Place.TRUST)


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(_quoted(word) for word in words)}]"


def _quoted(text: str) -> str:
    return f'"{_inner(text)}"'


def _inner(text: str) -> str:
    """Return ``text`` as a template that means exactly ``text``."""
    for special, harmless in (("\\", "\\\\"), ('"', '\\"'), ("${", "$${"), ("%{", "%%{")):
        text = text.replace(special, harmless)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)
