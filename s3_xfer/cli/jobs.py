"""The command ``jobs``: the saved jobs that there are."""

from __future__ import annotations

import os
from pathlib import Path

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.job_files import JobFile, existing_files, read_job_file
from s3_xfer.cli.options import jobs_options
from s3_xfer.cli.output import print_error, print_line
from s3_xfer.cli.params import command
from s3_xfer.text import printable

JOBS_HELP = """List the saved jobs: their names, what they copy where, and the file they are in.

    Jobs are read from s3_xfer.toml in this folder, then from the user's configuration folder
    (~/.config/s3_xfer/). Of two with the same name the first counts.

    \b
    Examples:
      s3-xfer jobs
      s3-xfer copy @nightly
    """


@command(JOBS_HELP, "List the saved jobs.", jobs_options, arguments=())
def jobs(config: Path | None) -> ExitCode:
    """Print a line for each."""
    files = [read_job_file(config)] if config else existing_files(os.environ)
    seen = set[str]()
    for file in files:
        for name in file.jobs:
            if name not in seen:
                seen.add(name)
                print_line(_line(file, name))
    if not seen:
        print_error("there are no saved jobs; docs/how-to/saved-jobs.md shows how they are written")
    return ExitCode.OK


def _line(file: JobFile, name: str) -> str:
    values = file.values(name)
    locations = [
        _text(values[key].value) if key in values else "?" for key in ("source", "destination")
    ]
    return printable(f"@{name}  {' -> '.join(locations)}  ({file.path})")


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
