"""Files with saved jobs: found, read, and refused with what is wrong in them.

A job is a table of values by the names of options; what the values mean is a matter of the command
that gets them. A file is read when a command line names a job or the file, and never else: a file
that lies in some folder changes no other command.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ValidationError
from s3_xfer.spelling import nearest
from s3_xfer.text import printable, reason_of

FILE_NAME = "s3_xfer.toml"
_DEFAULTS, _JOBS = "defaults", "jobs"
_ADVICE = "docs/how-to/saved-jobs.md shows how such a file is written"


@dataclass(frozen=True, slots=True)
class SavedValue:
    """One value of a file, and where it is: ``s3_xfer.toml, [jobs.nightly]``."""

    value: Any
    table: str


@dataclass(frozen=True, slots=True)
class JobFile:
    """What a file has: values for all jobs, and the jobs by their names."""

    path: Path
    defaults: Mapping[str, Any]
    jobs: Mapping[str, Mapping[str, Any]]

    def values(self, job: str | None) -> dict[str, SavedValue]:
        """Return the values of a job before the defaults, or the defaults alone, by their keys."""
        tables = {_DEFAULTS: self.defaults}
        if job is not None:
            tables[f"{_JOBS}.{job}"] = self.jobs[job]
        return {
            key: SavedValue(value, f"{printable(str(self.path))}, [{printable(name)}]")
            for name, table in tables.items()
            for key, value in table.items()
        }


def read_job_file(path: Path) -> JobFile:
    """Read one file.

    Raises:
        ValidationError: it cannot be read, or is no file of jobs.
    """
    shown = printable(str(path))
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ValidationError(
            f"the saved jobs {shown} cannot be read: {reason_of(error)}",
            remedy="give a file that you may read",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValidationError(
            f"the saved jobs {shown} are not TOML: {printable(str(error))}", remedy=_ADVICE
        ) from error
    for name in document:
        if name not in (_DEFAULTS, _JOBS):
            raise ValidationError(
                f"{shown} has {printable(name)!r} outside of [defaults] and [jobs.NAME]",
                remedy=f"move it into one of them; {_ADVICE}",
            )
    jobs = _table(document, _JOBS, shown)
    return JobFile(
        path,
        defaults=_table(document, _DEFAULTS, shown),
        jobs={name: _table(jobs, name, f"{shown}, [{_JOBS}]") for name in jobs},
    )


def _table(values: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise ValidationError(f"{where}: {printable(name)!r} is not a table", remedy=_ADVICE)
    return table


def searched_paths(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Return where files are looked for: in this folder, then in the user's configuration."""
    home = environment.get("XDG_CONFIG_HOME", "")  # one that is not absolute is to be ignored
    base = Path(home) if os.path.isabs(home) else Path("~", ".config").expanduser()
    return Path(FILE_NAME), base / "s3_xfer" / FILE_NAME


def existing_files(environment: Mapping[str, str]) -> Iterator[JobFile]:
    """Yield what the files have that there are, in the order in which a job is looked for."""
    return (read_job_file(path) for path in searched_paths(environment) if os.path.lexists(path))


def file_of_job(name: str, config: Path | None, environment: Mapping[str, str]) -> JobFile:
    """Return the first file that has the job ``name``; with ``config`` it has to be that one.

    Raises:
        ValidationError: a file is wrong, or none has the job.
    """
    seen: list[JobFile] = []
    for file in [read_job_file(config)] if config else existing_files(environment):
        if name in file.jobs:
            return file
        seen.append(file)
    if not seen:
        here, home = (printable(str(path)) for path in searched_paths(environment))
        raise ValidationError(
            f"there are no saved jobs: neither {here} in this folder nor {home}",
            remedy=f"write one of them, or name another with --config; {_ADVICE}",
        )
    raise _unknown_job(name, seen)


def _unknown_job(name: str, files: Sequence[JobFile]) -> ValidationError:
    jobs = sorted({job for file in files for job in file.jobs})
    near = nearest(name, jobs)
    guess = f"write @{printable(near)}; " if near else ""
    listed = ", ".join(f"@{printable(job)}" for job in jobs) or "none"
    searched = " or ".join(printable(str(file.path)) for file in files)
    return ValidationError(
        f"there is no job {printable(name)!r} in {searched}",
        remedy=f"{guess}there are: {listed}",
    )
