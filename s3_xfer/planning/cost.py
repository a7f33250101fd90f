"""How many requests a copy will send, before it sends any.

The same arithmetic as the engines': one ``CopyObject`` below the threshold; from there on a HEAD,
the tags if they are copied, and the upload with its parts. Retries are not predicted.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from s3_xfer.model import S3Object
from s3_xfer.options import CopyOptions, Identical, SourceCheck, TagPolicy
from s3_xfer.planning.part_size import part_count


class RequestEstimate:
    """Adds up the requests of many objects. Thread-safe.

    ``looks_first`` is whether existing objects are looked up before a copy without ``overwrite``.
    """

    def __init__(
        self, options: CopyOptions, *, overwrite: bool = True, looks_first: bool = False
    ) -> None:
        self._options = options
        self._overwrite = overwrite
        self._looks_first = looks_first
        self._requests: Counter[str] = Counter()
        self._objects = 0
        self._lock = threading.Lock()

    def add(self, source: S3Object) -> None:
        """Count one object."""
        requests = self.requests_of(source)
        with self._lock:
            self._objects += 1
            self._requests.update(requests)

    @property
    def objects(self) -> int:
        """The number of objects so far."""
        with self._lock:
            return self._objects

    def total(self, *, listing_requests: int) -> Mapping[str, int]:
        """Return the requests of all objects so far, by operation, and those of the listing."""
        listing = {"ListObjectsV2": listing_requests} if listing_requests else {}
        with self._lock:
            return {**listing, **self._requests}

    def requests_of(self, source: S3Object) -> Mapping[str, int]:
        """Return the requests that copying one object takes, by operation."""
        is_small = source.size < self._options.multipart_threshold_bytes
        heads = self._heads(source, is_small=is_small)
        if is_small:
            return {"CopyObject": 1} | ({"HeadObject": heads} if heads else {})
        requests = {
            "HeadObject": 1 + heads,
            "CreateMultipartUpload": 1,
            "UploadPartCopy": part_count(source.size, self._options),
            "CompleteMultipartUpload": 1,
        }
        if self._options.tags is TagPolicy.COPY:
            requests["GetObjectTagging"] = 1
        return requests

    def _heads(self, source: S3Object, *, is_small: bool) -> int:
        """Return how many HEADs decide whether and from which version the object is copied."""
        heads = 0 if source.etag else 1
        if self._options.source_check is SourceCheck.HEAD:
            heads += 2  # before and after the copy
        if self._overwrite:
            return heads + (self._options.identical is Identical.SKIP)
        return heads + (self._looks_first or not is_small)
