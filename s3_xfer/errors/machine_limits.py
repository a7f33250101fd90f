"""What tells that this machine gave no more: open files, threads, memory.

Some libraries keep the reason to themselves when no file can be opened: a name is not resolved, a
database cannot be opened, certificates are not found. So the limit is looked at when they fail.
"""

from __future__ import annotations

import contextlib
import errno
import os

with contextlib.suppress(ImportError):
    import resource  # not on Windows

# Open files of the process and of the machine, and memory.
_NO_MORE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_NO_THREAD = "can't start new thread"  # Python has no exception of its own for it
_FILES_LEFT = 8  # so few are soon free or gone
_DATABASE_ERRORS = ("SQLITE_CANTOPEN", "SQLITE_IOERR")


def exhausts_machine(error: BaseException | None) -> bool:
    """Return whether what is behind ``error`` is that this machine gave no more."""
    while error:
        is_thread = isinstance(error, RuntimeError) and _NO_THREAD in str(error)
        if isinstance(error, MemoryError) or is_thread:
            return True
        if isinstance(error, OSError) and error.errno in _NO_MORE:
            return True
        if getattr(error, "sqlite_errorname", "").startswith(_DATABASE_ERRORS):
            return are_files_used_up()
        error = error.__cause__ or error.__context__
    return False


def are_files_used_up() -> bool:
    """Return whether this process can open no more files, or hardly any.

    The system gives a new file the lowest number that is free.
    """
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError as error:
        return error.errno in _NO_MORE
    os.close(number)
    return number >= files_max() - _FILES_LEFT


def files_max() -> float:
    """Return how many files this process may have open."""
    if "resource" not in globals():
        return float("inf")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if soft == resource.RLIM_INFINITY else soft
