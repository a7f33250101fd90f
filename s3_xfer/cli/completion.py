"""What a shell may complete: saved jobs, profiles, sections of the runbook, files.

Looks at files of this machine only; what is wrong with one of them completes nothing, for a shell
has nowhere to print it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import CompletionItem

from s3_xfer.errors import ValidationError
from s3_xfer.options import StorageClass

_JOB = "@"
_SECTION = re.compile(r"^\s*\[\s*(?:(profile)\s+)?[\"']?([^\]\"']+?)[\"']?\s*\]", re.M)
_Completer: TypeAlias = Callable[[click.Context, str], Iterable[CompletionItem]]


def complete(
    param: click.Parameter, ctx: click.Context, incomplete: str
) -> list[CompletionItem] | None:
    """Return what a parameter's value may become; None if its type knows."""
    completer = _BY_NAME.get(str(param.name))
    return list(completer(ctx, incomplete)) if completer else None


def _files(_ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Yield that the shell completes names of files."""
    yield CompletionItem(incomplete, type="file")


def runbook_sections(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the sections of the runbook."""
    from s3_xfer.cli.runbook import section_names  # noqa: PLC0415 - it imports this module

    return list(_beginning(section_names(), incomplete))


def commands(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the commands of the program, for its help."""
    root = ctx.find_root().command
    names = root.list_commands(ctx) if isinstance(root, click.Group) else []
    return list(_beginning(names, incomplete))


def _source(_ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    return _beginning(_jobs(), incomplete)


def _destination(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Yield the jobs whose name is begun: bash hands @ over as a word of its own."""
    if ctx.params.get("source") == _JOB:
        yield from _beginning(_jobs(), _JOB + incomplete)


def _jobs() -> Iterator[str]:
    try:
        from s3_xfer.cli.job_files import existing_files  # noqa: PLC0415 - for shells alone

        yield from (f"{_JOB}{name}" for file in existing_files(os.environ) for name in file.jobs)
    except ValidationError:
        return


def _profiles(_ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    return _beginning(dict.fromkeys(_profile_names()), incomplete)


def _profile_names() -> Iterator[str]:
    """Yield the profiles of the AWS configuration, without boto3, which is slow to import."""
    for variable, name in (
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ):
        path = Path(os.environ.get(variable) or Path("~", ".aws", name)).expanduser()
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for prefix, section in _SECTION.findall(text):
            if prefix or name == "credentials" or section == "default":
                yield section


def _storage_classes(_ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    return _beginning((member.value for member in StorageClass), incomplete)


def _beginning(words: Iterable[str], incomplete: str) -> Iterator[CompletionItem]:
    return (CompletionItem(word) for word in words if word.startswith(incomplete))


_BY_NAME: dict[str, _Completer] = {
    "source": _source,
    "destination": _destination,
    "source_profile": _profiles,
    "dest_profile": _profiles,
    "source_storage_class": _storage_classes,
    **dict.fromkeys(
        ("files_from", "inventory", "journal", "journals", "out", "plan", "report"), _files
    ),
}
