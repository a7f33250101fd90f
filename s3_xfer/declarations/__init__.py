"""How a field is declared as an option: one place that everything about the option is read from.

A new option is a field with its declaration, and the code that uses it. The command line, the
journal, the command for a re-run, the reference pages and the Airflow operator read the
declaration.
"""

from s3_xfer.declarations.declaration import (
    Declaration,
    JournalRole,
    Section,
    check_values,
    declarations_of,
    declared,
    documented,
    option,
)
from s3_xfer.declarations.kinds import (
    Choice,
    Decimal,
    File,
    Flag,
    Instance,
    Kind,
    Members,
    Size,
    Text,
    Whole,
)

__all__ = [
    "Choice",
    "Decimal",
    "Declaration",
    "File",
    "Flag",
    "Instance",
    "JournalRole",
    "Kind",
    "Members",
    "Section",
    "Size",
    "Text",
    "Whole",
    "check_values",
    "declarations_of",
    "declared",
    "documented",
    "option",
]
