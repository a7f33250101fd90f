"""How many requests a copy will send, before it sends any.

The same arithmetic as the engines': one ``CopyObject`` below the threshold; from there on a HEAD,
the tags if they are copied, and the upload with its parts. Retries are not predicted.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from s3_xfer.model import CopyTask, S3Object, Skipped, SkipReason
from s3_xfer.options import CopyOptions, Identical, Preflight, SourceCheck, TagPolicy
from s3_xfer.planning.part_size import part_count

# A page or a HEAD, HeadBucket, CreateMultipartUpload, UploadPartCopy, AbortMultipartUpload.
_REQUESTS_OF_CHECKS = 5


def requests_of_checks(options: CopyOptions) -> int:
    """Return about how many requests the checks before a copy send, its listing included."""
    return 1 if options.preflight is Preflight.SKIP else _REQUESTS_OF_CHECKS


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
        self._lock = threading.Lock()

    def add(self, outcome: Skipped) -> None:
        """Count one object of a dry run."""
        requests = Counter(self._requests_of_end(outcome.task, outcome.reason))
        if self._options.if_tag and self._is_asked_about(outcome):
            requests["GetObjectTagging"] += 1
        with self._lock:
            self._requests.update(requests)

    def total(self, *, listing_requests: int) -> Mapping[str, int]:
        """Return the requests of all objects so far, by operation, and those of the listing."""
        looks = self._options.identical is Identical.SKIP if self._overwrite else self._looks_first
        listings = 2 if looks else 1  # the destination's, beside the source's
        listing = {"ListObjectsV2": listings * listing_requests} if listing_requests else {}
        with self._lock:
            return {**listing, **self._requests}

    def _is_asked_about(self, outcome: Skipped) -> bool:
        """Return whether the object got as far as its tags: the listings did not decide."""
        if outcome.reason in (SkipReason.DRY_RUN, SkipReason.OTHER_TAGS):
            return True
        is_by_request = outcome.reason in (SkipReason.EXISTS, SkipReason.IDENTICAL)
        return is_by_request and not outcome.task.is_compared_by_listing

    def _requests_of_end(self, task: CopyTask, reason: SkipReason) -> Mapping[str, int]:
        """Return the requests of an object that a copy would end with this ``reason``."""
        source, is_listed = task.source, task.is_compared_by_listing
        if reason is SkipReason.DRY_RUN:
            return self.requests_of(source, is_compared=is_listed and self._overwrite)
        if reason is SkipReason.LEFT_OUT:
            return {"HeadObject": 1}
        if reason is SkipReason.OTHER_TAGS:
            return {} if source.etag else {"HeadObject": 1}
        if reason not in (SkipReason.EXISTS, SkipReason.IDENTICAL):
            return {}  # decided by the listing of the source
        if is_listed and (self._overwrite or self._looks_first):
            return {}  # decided by that of the destination
        is_small = source.size < self._options.multipart_threshold_bytes
        heads = self._heads(source, is_small=is_small)
        requests = {"HeadObject": heads} if heads else {}
        if reason is SkipReason.EXISTS and is_small and not self._looks_first:
            requests["CopyObject"] = 1  # whose condition finds it
        if reason is SkipReason.IDENTICAL and not is_small and self._copies_tags:
            requests["GetObjectTagging"] = 1  # they may have to be set again
        return requests

    @property
    def _copies_tags(self) -> bool:
        return self._options.tags is TagPolicy.COPY

    def requests_of(self, source: S3Object, *, is_compared: bool = False) -> Mapping[str, int]:
        """Return the requests that copying one object takes, by operation.

        ``is_compared``: the listing of the destination has told that it is to be copied.
        """
        is_small = source.size < self._options.multipart_threshold_bytes
        heads = self._heads(source, is_small=is_small)
        if is_compared and self._options.identical is Identical.SKIP:
            heads -= 1
        if is_small:
            return {"CopyObject": 1} | ({"HeadObject": heads} if heads else {})
        requests = {
            "HeadObject": 1 + heads,
            "CreateMultipartUpload": 1,
            "UploadPartCopy": part_count(source.size, self._options),
            "CompleteMultipartUpload": 1,
        }
        if self._copies_tags:
            requests["GetObjectTagging"] = 1
        return requests

    def _heads(self, source: S3Object, *, is_small: bool) -> int:
        """Return how many HEADs decide whether and from which version the object is copied."""
        heads = 1 if source.needs_lookup else 0
        if self._options.source_check is SourceCheck.HEAD:
            heads += 2  # before and after the copy
        if self._overwrite:
            return heads + (self._options.identical is Identical.SKIP)
        return heads + (self._looks_first or not is_small)
