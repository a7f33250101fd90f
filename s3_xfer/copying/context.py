"""What the copies of one run have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s3_xfer.copying import lookup
from s3_xfer.copying.hooks import RequestHooks
from s3_xfer.model import CopyTask, S3Object, SkipReason
from s3_xfer.options import CompareBy, CopyOptions
from s3_xfer.s3_client import S3Client


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyContext:
    """Clients and rules of one run's copies. Thread-safe.

    ``hooks`` are those of ``destination``. Without ``overwrite`` every copy carries
    ``If-None-Match``; ``looks_first`` sends a HEAD too, if the service may ignore the condition.
    With a rule to ``compare`` by, what the destination has already is left alone. ``judge`` says
    whether an object that was only named, and is known now, is wanted.
    """

    source: S3Client
    destination: S3Client
    hooks: RequestHooks
    options: CopyOptions
    overwrite: bool
    looks_first: bool
    compare: CompareBy | None = None
    judge: Callable[[S3Object], bool] | None = None

    def reason_to_skip(self, source: S3Object, *, was_named: bool) -> SkipReason | None:
        """Return which filter leaves ``source`` out, of those that need a request to tell.

        ``was_named``: the listing had not told its size, date and class, a HEAD has.

        Raises:
            Exception: the tags that the options want cannot be read.
        """
        if was_named and self.judge and not self.judge(source):
            return SkipReason.LEFT_OUT
        wanted = self.options.if_tag
        if wanted and not lookup.has_tags(self.source, source, wanted):
            return SkipReason.OTHER_TAGS
        return None

    def is_single(self, task: CopyTask) -> bool:
        """Return whether ``task`` is small enough for a single request."""
        return task.source.size < self.options.multipart_threshold_bytes
