"""Where a task keeps its journal and its report, so that no two tasks share a file.

An argument that ends in ``/``, a URL or a folder of the worker, is a folder in which the operator
names the file. The names, below it::

    DAG/RUN/TASK/journal.db               the same in every try, so that a retry goes on
    DAG/RUN/TASK/report-try-1.jsonl       one for each try
    DAG/RUN/TASK/MAP-INDEX/...            of a mapped task

Ids may hold anything. What is not safe in the key of an object is written as ``!`` and the two
hexadecimal digits of each byte, so that different ids stay different.
"""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer import ValidationError

JOURNAL = "journal.db"
_SAFE = frozenset((string.ascii_letters + string.digits + "-_.").encode())
_LONGEST = 200  # three of them fit into a key, and one into the name of a file
_DIGEST_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class TaskIdentity:
    """Which task of which run this is, and which try of it. ``map_index`` is -1 if not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int

    @classmethod
    def of(cls, task_instance: Any) -> TaskIdentity:
        """Return that of Airflow's ``task_instance``."""
        return cls(
            dag_id=task_instance.dag_id,
            run_id=task_instance.run_id,
            task_id=task_instance.task_id,
            map_index=-1 if task_instance.map_index is None else task_instance.map_index,
            try_number=task_instance.try_number,
        )

    @property
    def path(self) -> str:
        """The same for every try of this task, and for nothing else; ASCII, safe in keys."""
        names = [self.dag_id, self.run_id, self.task_id]
        index = [] if self.map_index < 0 else [str(self.map_index)]
        return "/".join([*map(_encoded, names), *index])

    def journal(self, argument: str) -> str:
        """Return the place of the journal that ``argument`` asks for."""
        return self._in_folder(argument, JOURNAL)

    def report(self, argument: str) -> str:
        """Return the place of the report that ``argument`` asks for."""
        return self._in_folder(argument, f"report-try-{self.try_number}.jsonl")

    def _in_folder(self, argument: str, name: str) -> str:
        return f"{argument}{self.path}/{name}" if argument.endswith("/") else argument


def is_url(argument: str | Path | None) -> bool:
    """Return whether a file is in S3."""
    return isinstance(argument, str) and argument.startswith("s3://")


def make_folder(place: str) -> None:
    """Make the folder of a file that :class:`TaskIdentity` has named, unless it is in S3.

    Raises:
        ValidationError: it cannot be made.
    """
    if is_url(place):
        return
    folder = Path(place).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ValidationError(
            f"the folder {folder} cannot be made: {getattr(error, 'strerror', None) or error}",
            remedy="give a folder that the worker may write, or an s3:// URL that ends in /",
        ) from error


def _encoded(name: str) -> str:
    data = name.encode("utf-8", "surrogatepass")
    # No segment may be "." or "..", which a path would follow.
    safe = _SAFE - {ord(".")} if set(name) == {"."} else _SAFE
    text = "".join(chr(byte) if byte in safe else f"!{byte:02X}" for byte in data)
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(data).hexdigest()[:_DIGEST_DIGITS]
    return f"{text[: _LONGEST - _DIGEST_DIGITS - 2]}!!{digest}"
