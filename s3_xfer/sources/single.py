"""One object, which the preflight has looked up."""

from __future__ import annotations

from collections.abc import Iterator

from s3_xfer.model import S3Object
from s3_xfer.sources.source import Batch, Source


class SingleObjectSource(Source[S3Object]):
    """Yields ``found`` and nothing else."""

    is_local = True

    def __init__(self, found: S3Object) -> None:
        self._found = found

    def batches(self) -> Iterator[Batch[S3Object]]:
        """Yield the object."""
        yield Batch([self._found])
        self.is_local = False

    def named(self) -> Iterator[S3Object]:
        """Return the object."""
        return iter([self._found])
