"""The file of a journal: SQLite, one writer, every row sealed.

A commit is in the file when it returns, so a killed process loses none; a machine that loses power
may lose the last ones (``synchronous=NORMAL``), never the file. The lock is SQLite's own exclusive
one: the operating system releases it when the process ends. SQLite finds broken pages, not a wrong
letter inside one; in a key that would be a lost object, so each row carries a checksum. What is
damaged is not repaired, and not used.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s3_xfer.errors import ErrorClass, JournalError
from s3_xfer.text import printable
from s3_xfer.wording import message

APPLICATION_ID = 0x53335846  # "S3XF"
VERSION = 4
# Written back to the file at once; a disk is waited for then, and only then. Of 4 KiB each, so the
# file beside the journal stays at some MiB.
_WAL_PAGES = 1_000
_TABLES = {  # the columns of each, and its primary key; every row ends with its seal
    "facts": ("name TEXT, value TEXT", "name"),
    "finished": (
        "source INTEGER, key TEXT, version TEXT, size INTEGER, outcome TEXT, detail TEXT",
        "source, key, version",
    ),
    "pending": (
        "source INTEGER, key TEXT, version TEXT, size INTEGER, etag TEXT, error TEXT",
        "source, key, version",
    ),
    "uploads": ("upload_id TEXT, key TEXT, fingerprint TEXT", "upload_id"),
    "pending_creates": ("key TEXT, since TEXT", "key"),
}
_CANNOT_WRITE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")


class Store:
    """One open journal file; ``name`` is what messages call it. Thread-safe.

    It ``is_blank`` if it is new, or its run was killed before the first commit.

    Every method raises :class:`JournalError`: the file is damaged, in use, or cannot be written.
    """

    def __init__(self, path: Path, *, name: str, create: bool = False) -> None:
        self.is_blank = False
        self.lock = threading.RLock()
        self._name = name
        with self._translated():
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        self._run("PRAGMA locking_mode=EXCLUSIVE")
        self._run("PRAGMA journal_mode=WAL")
        self._run("PRAGMA synchronous=NORMAL")
        self._run(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
        with self.transaction():  # locks, also an empty file
            self._check()

    def make_tables(self) -> None:
        """Make a journal of a blank file; use it inside the transaction that fills them."""
        for table, (columns, key) in _TABLES.items():
            self._run(
                f"CREATE TABLE {table} ({columns}, seal INTEGER, PRIMARY KEY ({key})) WITHOUT ROWID"
            )
        self._run(f"PRAGMA application_id={APPLICATION_ID}")
        self._run(f"PRAGMA user_version={VERSION}")

    def _check(self) -> None:
        """Refuse what is no journal, of another version, or damaged."""
        ((application,),) = self.rows("PRAGMA application_id")
        self.is_blank = not application and not self.rows("SELECT name FROM sqlite_master")
        if self.is_blank:
            return
        if application != APPLICATION_ID:
            problem = f"{self._name} is no journal of s3-xfer"
            raise JournalError(problem, remedy=message("give the file that {journal} wrote"))
        ((version,),) = self.rows("PRAGMA user_version")
        if version != VERSION:
            raise JournalError(
                f"the journal {self._name} has format {version}, and this s3-xfer reads {VERSION}",
                remedy=message(
                    "resume it with the version that began it, or begin anew: {safe}",
                    safe=_SAFE_WAY,
                ),
            )
        if self.rows("PRAGMA integrity_check") != [("ok",)]:
            raise self.damaged("its pages contradict each other")
        for table in _TABLES:
            for *values, seal in self.rows(f"SELECT * FROM {table}"):  # noqa: S608 - our own names
                if seal != seal_of(*values):
                    raise self.damaged(f"a row of {table} is not what was written")

    def damaged(self, how: str) -> JournalError:
        """Return the error of a journal that cannot be trusted."""
        problem = f"the journal {self._name} is damaged: {printable(how)}"
        return JournalError(problem, remedy=_SAFE_WAY)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that ``statement`` selects."""
        with self.lock, self._translated():
            return self._run(statement, *values).fetchall()

    def put(self, table: str, *values: Any) -> None:
        """Write one row, in place of one with the same first value."""
        marks = ",".join("?" * (len(values) + 1))
        self._run(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", *values, seal_of(*values))  # noqa: S608

    def delete(self, table: str, where: str, *values: Any) -> int:
        """Remove the rows that meet the condition; return how many there were."""
        return self._run(f"DELETE FROM {table} WHERE {where}", *values).rowcount  # noqa: S608

    def fact(self, name: str) -> Any:
        """Return one of the facts."""
        rows = self.rows("SELECT value FROM facts WHERE name = ?", name)
        if not rows:
            raise self.damaged(f"it lacks the fact {name!r}")
        return json.loads(rows[0][0])

    def put_fact(self, name: str, value: Any) -> None:
        """Keep a fact of plain JSON values, in place of what it was."""
        self.put("facts", name, json.dumps(value))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside the block, or nothing. May be nested: the outermost decides."""
        with self.lock, self._translated():
            outermost = not self._database.in_transaction
            if outermost:
                self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                if outermost:
                    self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite itself goes back when the disk is full
                    self._database.execute("ROLLBACK")
                raise

    def contents(self) -> bytes:
        """Return the file as it is now."""
        with self.lock, self._translated():
            return self._database.serialize()

    def close(self) -> None:
        """Write back everything, and release the file."""
        with self.lock, self._translated():
            self._database.close()

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        with self.lock, self._translated():
            return self._database.execute(statement, values)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error
        except UnicodeDecodeError as error:
            raise self.damaged("a text in it is none") from error

    def _translate(self, error: sqlite3.Error) -> JournalError:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_BUSY):
            return busy(self._name, "another process has it open")
        if name.startswith(_CANNOT_WRITE):
            return cannot_write(self._name, str(error))
        return self.damaged(str(error))


_SAFE_WAY = message(
    "keep it aside and run the copy itself with a new journal and {identical=skip} "
    "(or {overwrite=False}): what has arrived is not copied again; "
    "then look for leftover uploads ({LEFTOVER_UPLOADS})"
)


def busy(name: str, why: str) -> JournalError:
    """Return the error of a journal that another run uses."""
    problem = f"the journal {name} is in use: {printable(why)}"
    return JournalError(problem, error_class=ErrorClass.JOURNAL_BUSY)


def cannot_write(name: str, why: str) -> JournalError:
    """Return the error of a journal that cannot be written, or read."""
    return JournalError(
        f"the journal {name} cannot be written: {printable(why)}",
        remedy="make room or give access where it lies, then resume it; nothing is lost",
    )


def seal_of(*values: Any) -> int:
    """Return the checksum of a row."""
    return zlib.crc32("\0".join(map(str, values)).encode("utf-8", "surrogatepass"))
