"""Every declared field with a value that is not its default, for tests that walk all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.declarations import Declaration, JournalRole, Kind, Section, declarations_of
from s3_xfer.model import AccountContext
from s3_xfer.operations import S3CopyOperation
from s3_xfer.options import CopyOptions, Delete, Encryption, Identical
from s3_xfer.spec import CheckSpec, CopySpec

ROLE = "arn:aws:iam::123456789012:role/copier"
KEPT = (JournalRole.IDENTITY, JournalRole.REMEMBERED)
CLASSES = (CopyOptions, CopySpec, CheckSpec, AccountContext)
# Texts that have to have a form of their own.
FORMED: dict[str, Any] = {
    "source_bucket": "from",
    "destination_bucket": "other",
    "more_sources": ("s3://another/one.csv",),
    "role_arn": ROLE,
    "bucket_owner": "123456789012",
    "endpoint_url": "http://127.0.0.1:9000",
    "deadline": "2h",
    "max_delete": "5%",
    "backup_prefix": "s3://backups/gone/",
    "newer_than": "7d",
    "older_than": "2h",
    "filters": ("- *.tmp", "+ /a/**"),
    "if_tag": ("team=blue", "stage=raw"),
}
# They are for prefixes only.
FILTERS = (
    *("filters", "min_size_bytes", "max_size_bytes"),
    *("newer_than", "older_than", "source_storage_class", "if_tag"),
)
DELETING = ("delete", "backup_prefix")
# What has to be given too.
COMPANIONS: dict[str, dict[str, Any]] = {
    "sse_kms_key_id": {"sse": Encryption.KMS},
    "bucket_key": {"sse": Encryption.KMS},
    "external_id": {"role_arn": ROLE},
    "report_scope": {"report_path": Path("report.jsonl")},
    "journal_use": {"journal": "journal.db"},
    "files_from_format": {"files_from": "keys.txt"},
    "files_from_keys": {"files_from": "keys.txt"},
    "backup_prefix": {"delete": Delete.EXTRA},
}


@dataclass(frozen=True)
class Case:
    """A declared field of ``cls``, and a value that is not its default."""

    cls: type
    declaration: Declaration
    value: Any

    @property
    def name(self) -> str:
        """The field."""
        return self.declaration.name

    @property
    def fields(self) -> dict[str, Any]:
        """The field with what has to be given too."""
        return {**COMPANIONS.get(self.name, {}), self.name: self.value}

    @property
    def typed(self) -> list[str]:
        """The words of a command line that give it."""
        flag, is_flag = self.declaration.flag, self.declaration.when_given is not None
        alone = is_flag and not self.declaration.word
        return [flag] if alone else given(flag, self.declaration, self.value)

    def __str__(self) -> str:
        return f"{self.cls.__name__}.{self.name}"


def given(flag: str, declaration: Declaration, value: Any) -> list[str]:
    """Return the words of a command line that give ``value``, each text of a list by itself."""
    if declaration.kind is Kind.TEXTS:
        return [word for text in value for word in (flag, text)]
    return [flag, declaration.to_text(value)]


def cases(*classes: type) -> Iterator[Case]:
    """Yield a case for every declared field of these classes."""
    for cls in classes:
        for name, declaration in declarations_of(cls).items():
            yield Case(cls, declaration, _value(name, declaration))


def _value(name: str, declaration: Declaration) -> Any:  # noqa: PLR0911 - one for each kind
    default, of, (low, _) = declaration.default, declaration.of, declaration.range or (0, None)
    match declaration.kind:
        case Kind.FLAG:
            return not default
        case Kind.CHOICE:
            return next(member for member in reversed(of) if member is not default)  # type: ignore[call-overload]
        case Kind.MEMBERS:
            return frozenset(of)  # type: ignore[call-overload]
        case Kind.WHOLE | Kind.SIZE:
            return next(value for value in (low + 1, low + 2) if value != default)
        case Kind.NUMBER | Kind.DURATION:
            return low + 2.5
        case Kind.FILE:
            return of("/dev/null" if declaration.must_exist else f"/tmp/{name}")
        case Kind.INSTANCE:
            return None
        case Kind.TEXTS:
            return FORMED.get(name, ("text", "more"))
        case Kind.TEXT | Kind.FILE_OR_URL | Kind.MOMENT:
            return FORMED.get(name, "text")


def operation(case: Case | None = None) -> S3CopyOperation:
    """Return a copy in which only the field of ``case`` is not at its default."""
    spec = {
        "source_bucket": "src",
        "source_key": "in",
        "destination_bucket": "dst",
        "destination_key": "out",
    }
    if case is None:
        return S3CopyOperation(**spec)  # type: ignore[arg-type]
    if case.cls is CopyOptions:
        needed: dict[str, Any] = (
            {"identical": Identical.SKIP} if case.name in DELETING else {}
        )  # as a sync has
        options = CopyOptions(**needed, **case.fields)
        recursive = case.name in (*FILTERS, *DELETING)
        return S3CopyOperation(**spec, options=options, recursive=recursive)  # type: ignore[arg-type]
    if case.cls is AccountContext:
        side = "source" if case.declaration.section is Section.SOURCE_SIDE else "destination"
        account = AccountContext(**case.fields)
        return S3CopyOperation(**spec, **{side: account})  # type: ignore[arg-type]
    return S3CopyOperation(**{**spec, **case.fields})
