"""The rows of the tables of options, from the declarations of the fields. Needs no Sphinx."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING

from airflow_plugin.arguments import argument_of
from s3_xfer import AccountContext, CopyOptions
from s3_xfer.declarations import Declaration, Kind, Section, declarations_of
from s3_xfer.spec import CopySpec

SIDES = ("source", "dest")
HEADINGS = {
    "CopyOptions": ("command line", "CopyOptions", "Airflow", "default", "meaning"),
    "S3CopyOperation": ("command line", "S3CopyOperation", "Airflow", "default", "meaning"),
    "AccountContext": ("command line", "AccountContext", "meaning"),
}


def rows(table: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row of the table for this class."""
    if table == "AccountContext":
        for option in declarations_of(AccountContext).values():
            yield account_flags(option), option.name, option.meaning
        return
    for option in declarations_of(CopyOptions if table == "CopyOptions" else CopySpec).values():
        yield flag(option), option.name, argument_of(option.name), default(option), option.meaning


def flag(option: Declaration) -> str:
    """Return what is typed on the command line."""
    if option.section is Section.LOCATIONS:
        return "DESTINATION" if option.name.startswith("destination") else "SOURCE"
    return option.flag or "none"


def account_flags(option: Declaration) -> str:
    """Return the options of both sides."""
    if not option.flag:
        return "none"
    if option.section is Section.BOTH_SIDES:
        return option.flag
    chosen = SIDES[:1] if option.section is Section.SOURCE_SIDE else SIDES
    sides = [option.flag.replace("--", f"--{side}-") for side in chosen]
    return ", ".join([*sides, option.flag] if option.name == "endpoint_url" else sides)


def default(option: Declaration) -> str:
    """Return what holds without a value."""
    if option.default is MISSING:
        return "required"
    if option.default_text or option.default is None:
        return option.default_text or "none"
    if option.kind is Kind.FLAG:
        return str(option.default)
    return option.to_text(option.default)
