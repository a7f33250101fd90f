"""Where a journal is stored: in a file of this machine, or elsewhere and saved at times."""

from __future__ import annotations

from pathlib import Path

from s3_xfer.ledger.journal.store import cannot_write
from s3_xfer.text import printable


class JournalStorage:
    """A journal in a file of this machine; SQLite locks it. ``name`` is what messages call it."""

    is_remote = False

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.path = path
        self.name = name or printable(str(path))

    def fetch(self) -> bool:
        """Bring the journal to ``path``; return whether there is one.

        A run that was killed at its beginning leaves an empty file, which is none.

        Raises:
            JournalError: no file can be there.
        """
        if not self.path.absolute().parent.is_dir():
            raise cannot_write(self.name, "there is no such folder")
        if self.path.exists() and not self.path.is_file():
            raise cannot_write(self.name, "it is not a regular file")
        return self.path.exists() and self.path.stat().st_size > 0

    def discard(self) -> None:
        """Remove the file at ``path``; the next save replaces what is in S3."""
        self.path.unlink(missing_ok=True)

    def save(self, contents: bytes, *, final: bool = False) -> None:
        """Do nothing: the file is where it belongs."""

    def close(self) -> None:
        """Do nothing: the file stays."""
