"""The commands of the program, each imported when it is first asked for.

A run needs one of them, and every module is time before its first request.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping

import click

# The command, and the function that is it.
_WHERE: Mapping[str, str] = {
    "batch": "batch.batch",
    "check": "check.check",
    "copy": "copy.copy",
    "doctor": "permissions.doctor",
    "du": "look.du",
    "filter": "filter_keys.filter_keys",
    "help": "help.help_command",
    "interactive": "interactive.interactive",
    "jobs": "jobs.jobs",
    "ls": "look.ls",
    "merge": "shards.merge",
    "plan": "shards.plan",
    "policy": "permissions.policy",
    "resume": "copy.resume",
    "runbook": "runbook.runbook",
    "sync": "sync.sync",
    "undo": "undo.undo",
    "uploads": "uploads.uploads",
    "version": "help.version",
}


class Commands(MutableMapping[str, click.Command]):
    """All commands by name, as click wants them: a mapping that can be changed."""

    def __init__(self) -> None:
        self._found: dict[str, str | click.Command] = dict(_WHERE)

    def __getitem__(self, name: str) -> click.Command:
        """Return the command; import it, if that was not done yet."""
        found = self._found[name]
        if isinstance(found, str):
            module, _, function = found.partition(".")
            found = getattr(importlib.import_module(f"s3_xfer.cli.{module}"), function)
            assert isinstance(found, click.Command)  # noqa: S101 - what the table names
            self._found[name] = found
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Add a command."""
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        """Remove a command."""
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names, none of which is imported for it."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)
