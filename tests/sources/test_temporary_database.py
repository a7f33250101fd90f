"""What is too much for memory: on the disk for as long as somebody uses it."""

from __future__ import annotations

import sqlite3

import pytest

from s3_xfer.temporary_database import temporary_database


class Owner:
    """Whoever has the database."""


def test_it_is_closed_with_its_owner() -> None:
    """A program that runs for days keeps no file of an earlier copy open."""
    owner = Owner()
    database = temporary_database(owner, table="things (name TEXT)")
    database.execute("INSERT INTO things VALUES ('one')")
    assert database.execute("SELECT name FROM things").fetchall() == [("one",)]
    del owner
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        database.execute("SELECT name FROM things")
