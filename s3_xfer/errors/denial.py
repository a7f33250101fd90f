"""What a denial means, as plain values: the action that was denied, causes, evidence, statements.

:mod:`s3_xfer.access.diagnosis` fills them; people and machines read them. Nothing here sends a
request or judges. Every string is safe to print, except the JSON of a statement, which is pasted.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from s3_xfer.errors.error_class import ErrorClass


class AccessAction(enum.Enum):
    """What a copy does that can be denied: the side that has to allow it, and the right it takes.

    ``needs`` are the names of the permissions in :mod:`s3_xfer.access.policies`.
    """

    side: str
    action: str
    needs: tuple[str, ...]

    def __new__(cls, value: str, side: str, action: str, needs: tuple[str, ...]) -> AccessAction:
        """Attach side, action and needs to the member."""
        member = object.__new__(cls)
        member._value_, member.side, member.action, member.needs = value, side, action, needs
        return member

    LIST = "list the source", "source", "s3:ListBucket", ("List",)
    HEAD = "look at a source object", "source", "s3:GetObject", ("Read",)
    READ_TAGS = "read the tags", "source", "s3:GetObjectTagging", ("ReadTags",)
    COPY_TAGS = "read the tags for a copy", "source", "s3:GetObjectTagging", ("ReadTags",)
    READ = "read the source for a copy", "source", "s3:GetObject", ("Read",)
    DECRYPT = "decrypt the source", "source", "kms:Decrypt", ("Decrypt",)
    WRITE = "write to the destination", "destination", "s3:PutObject", ("Write",)
    WRITE_ACL = "set the ACL", "destination", "s3:PutObjectAcl", ("WriteAcl",)
    WRITE_TAGS = "write the tags", "destination", "s3:PutObjectTagging", ("WriteTags",)
    ENCRYPT = "encrypt the copy", "destination", "kms:GenerateDataKey", ("Encrypt",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A statement that may be missing, and where it belongs."""

    where: str
    statement: str  # JSON, ready to paste


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a denial means, as far as requests could show.

    ``evidence`` is what was tried and what came of it; ``causes`` are in the order of their
    likelihood; ``certain`` says that the first one is proven.
    """

    denied: str  # what was denied, to whom
    side: str  # "source", "destination", or empty where nothing tells
    action: str
    causes: tuple[str, ...]
    certain: bool = False
    evidence: tuple[str, ...]
    missing: tuple[Missing, ...] = ()
    runbook: str = ErrorClass.ACCESS_DENIED.runbook

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Return it as a person reads it."""
        yield f"Diagnosis: {self.denied}"
        yield from (f"  seen: {observation}" for observation in self.evidence)
        for number, cause in enumerate(self.causes, start=1):
            label = "cause" if self.certain and number == 1 else f"likely cause {number}"
            yield f"  {label}: {cause}"
        for missing in self.missing:
            yield f"  needed in the {missing.where}:"
            yield from (f"    {line}" for line in missing.statement.splitlines())
        yield f"  {ErrorClass.ACCESS_DENIED.see}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "side": self.side or None, "action": self.action or None}
