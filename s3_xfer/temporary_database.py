"""A database for what is too much for memory, on the disk of this machine for as long as needed."""

from __future__ import annotations

import sqlite3
import weakref


def temporary_database(owner: object, *, table: str) -> sqlite3.Connection:
    """Return a database with one ``table``, given as SQL defines it; closed when ``owner`` is gone.

    It has no name: SQLite makes a file when its cache does not suffice, and the system removes it
    with the connection. Any thread may use it, one at a time.

    Raises:
        sqlite3.Error: as every use of it, if the temporary folder has no room.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    weakref.finalize(owner, database.close)
    database.execute(f"CREATE TABLE {table}")
    database.execute("BEGIN")  # and never an end: it is read by no other
    return database
