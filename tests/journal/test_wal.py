"""The file that SQLite keeps beside a journal is bounded, so that a small volume holds it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from s3_xfer.ledger.journal.store import Store
from s3_xfer.units import MIB


def test_the_file_beside_a_journal_stays_small(tmp_path: Path) -> None:
    """However much was committed since it was written back; here 300 commits of 200 objects."""
    path = tmp_path / "journal"
    beside = tmp_path / "journal-wal"
    store = Store(path, name="journal", create=True)
    with store.transaction():
        store.make_tables()

    sizes = []
    for commit in range(300):
        with store.transaction():
            for number in range(200):
                key = hashlib.sha256(f"{commit}-{number}".encode()).hexdigest()
                store.put("finished", 0, key, "", 1, "copied", "crt")
        sizes.append(beside.stat().st_size)
    store.close()

    assert 1 * MIB < max(sizes) < 8 * MIB
