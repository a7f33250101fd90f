"""Files that are replaced as a whole: readers see the old content or the new one, never a part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def replace_file(path: Path, text: str) -> None:
    """Put ``text`` into ``path``, with the usual rights of a new file; a link stays a link.

    Raises:
        OSError: it cannot be written; ``path`` is as it was.
    """
    target, partial = _names(path)
    try:
        with _created(partial) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def check_replaceable(path: Path) -> None:
    """Return if :func:`replace_file` can write there now.

    Raises:
        OSError: it cannot.
    """
    target, partial = _names(path)
    if target.exists() and not target.is_file():
        raise OSError("it is not a regular file")
    with _created(partial):
        pass
    partial.unlink()


def _names(path: Path) -> tuple[Path, Path]:
    """Return the file itself, and the one beside it that is written first."""
    target = Path(os.path.realpath(path))
    return target, target.with_name(f".{target.name[:200]}.{os.getpid()}.partial")


def _created(path: Path) -> BinaryIO:
    """Open a new file; one of this name is of a process that was killed."""
    path.unlink(missing_ok=True)
    return path.open("xb")
