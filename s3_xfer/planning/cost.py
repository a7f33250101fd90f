"""How many requests a copy will send, before it sends any.

The same arithmetic as the engines': one ``CopyObject`` below the threshold; above it a HEAD, the
tags if they are copied, and the upload with its parts. Refuses to guess retries.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping

from s3_xfer.options import CopyOptions, Identical, TagPolicy
from s3_xfer.planning.part_size import part_count

KEYS_PER_PAGE = 1000


def estimate_requests(
    size_bytes: int, options: CopyOptions, *, overwrite: bool = True, looks_first: bool = False
) -> Mapping[str, int]:
    """Return the requests that copying one object of ``size_bytes`` takes, by operation.

    ``looks_first`` as in :class:`~s3_xfer.copying.copier.ObjectCopier`.
    """
    heads = 1 if options.from_report_path else 0  # a report's ETag is not taken over
    small = size_bytes < options.multipart_threshold_bytes
    if overwrite:
        heads += options.identical is Identical.SKIP
    elif looks_first or not small:
        heads += 1
    if small:
        return {"CopyObject": 1} | ({"HeadObject": heads} if heads else {})
    requests = {
        "HeadObject": 1 + heads,
        "CreateMultipartUpload": 1,
        "UploadPartCopy": part_count(size_bytes, options),
        "CompleteMultipartUpload": 1,
    }
    if options.tags is TagPolicy.COPY:
        requests["GetObjectTagging"] = 1
    return requests


class RequestEstimate:
    """Adds up the requests of many objects; thread-safe."""

    def __init__(
        self, options: CopyOptions, *, overwrite: bool = True, looks_first: bool = False
    ) -> None:
        self._options = options
        self._overwrite = overwrite
        self._looks_first = looks_first
        self._requests: Counter[str] = Counter()
        self._objects = 0
        self._lock = threading.Lock()

    def add(self, size_bytes: int) -> None:
        """Count one object."""
        requests = estimate_requests(
            size_bytes,
            self._options,
            overwrite=self._overwrite,
            looks_first=self._looks_first,
        )
        with self._lock:
            self._objects += 1
            self._requests.update(requests)

    def total(self) -> Mapping[str, int]:
        """Return all requests so far, the listing's included."""
        with self._lock:
            if self._options.from_report_path:
                return dict(self._requests)
            pages = math.ceil(self._objects / KEYS_PER_PAGE)
            return {"ListObjectsV2": pages, **self._requests}
