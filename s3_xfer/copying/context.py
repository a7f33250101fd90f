"""What the copies of one run have in common."""

from __future__ import annotations

from dataclasses import dataclass

from s3_xfer.copying import lookup
from s3_xfer.copying.hooks import RequestHooks
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.options import CompareBy, CopyOptions
from s3_xfer.s3_client import S3Client


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyContext:
    """Clients and rules of one run's copies. Thread-safe.

    ``hooks`` are those of ``destination``. Without ``overwrite`` every copy carries
    ``If-None-Match``; ``looks_first`` sends a HEAD too, if the service may ignore the condition.
    With a rule to ``compare`` by, what the destination has already is left alone.
    """

    source: S3Client
    destination: S3Client
    hooks: RequestHooks
    options: CopyOptions
    overwrite: bool
    looks_first: bool
    compare: CompareBy | None = None

    def has_wanted_tags(self, source: S3Object) -> bool:
        """Ask S3 for the tags that the options want; True without a request if they want none.

        Raises:
            Exception: the tags cannot be read.
        """
        wanted = self.options.if_tag
        return not wanted or lookup.has_tags(self.source, source, wanted)

    def is_single(self, task: CopyTask) -> bool:
        """Return whether ``task`` is small enough for a single request."""
        return task.source.size < self.options.multipart_threshold_bytes
