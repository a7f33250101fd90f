"""One object and its copy: same, different, or unknown.

Requests are sent only for what the listings leave open. Equal ETags prove the same content; unequal
ones prove other content only if both are MD5s, which takes a HEAD to know (KMS). Of metadata and
tags only the names that differ are reported, never the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

from s3_xfer.comparison import DIFFERENCES, CompareField, CompareResult, CompareStatus, Pair
from s3_xfer.copying import lookup
from s3_xfer.copying.headers import pinned_params
from s3_xfer.copying.verify import (
    checksums_agree,
    etag_is_md5,
    etags_differ,
    prove_same_content,
)
from s3_xfer.errors import ObjectError, translate
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable

SIZE, CONTENT, METADATA, TAGS = "size", "content", "metadata", "tags"
BY_ETAG, BY_CHECKSUM, BY_EMPTINESS = "etag", "checksum", "empty"


class Comparer:
    """Compares pairs; thread-safe. Each side has its own client."""

    def __init__(
        self,
        source: S3Client,
        destination: S3Client,
        keys: KeyMaps,
        fields: frozenset[CompareField],
    ) -> None:
        self._source = source
        self._destination = destination
        self._keys = keys
        self._fields = fields

    def by_listing(self, pair: Pair) -> CompareResult | None:
        """Return the result that needs no request; None if it takes requests."""
        source, copy = pair.source, pair.destination
        if source is None:
            return CompareResult(status=CompareStatus.EXTRA, destination=copy)
        task = self._keys.task(source)
        if copy is None:
            return CompareResult(status=CompareStatus.MISSING, task=task)
        if source.size != copy.size:
            return _different(task, copy, (SIZE,))
        if self._fields & {CompareField.METADATA, CompareField.TAGS}:
            return None
        proof = _listed_proof(source, copy)
        may_ask = CompareField.CHECKSUMS in self._fields or etags_differ(source.etag, copy.etag)
        return None if may_ask and not proof else _same(task, copy, proof)

    def by_looking(self, named: S3Object) -> CompareResult:
        """Return the result for an object that was named, and not listed. Never raises.

        What is said of it counts if its copy is the same; else the source is asked what it is now.
        """
        try:
            copy = self._counterpart(named)
            if not named.needs_lookup:
                result = self._result_of(Pair(named, copy))
                if result.status not in DIFFERENCES:
                    return result
            now, _ = lookup.head(self._source, replace(named, etag=""))
            return self._result_of(Pair(now, copy))
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its facts
            return CompareResult(
                status=CompareStatus.NOT_COMPARED,
                task=self._keys.task(named),
                error=ObjectError(translate(error)),
            )

    def _result_of(self, pair: Pair) -> CompareResult:
        return self.by_listing(pair) or self.by_asking(pair)

    def _counterpart(self, named: S3Object) -> S3Object | None:
        task = self._keys.task(named)
        found = lookup.existing_counterpart(self._destination, task)
        return found.found if found else None

    def by_asking(self, pair: Pair) -> CompareResult:
        """Return the result for a pair of two objects. Never raises."""
        source, copy = pair.source, pair.destination
        assert source is not None  # noqa: S101 - by_listing has returned a result for all others
        assert copy is not None  # noqa: S101
        task = self._keys.task(source)
        checksums = CompareField.CHECKSUMS in self._fields
        asked_source = _Side("source", self._source, source, checksums)
        asked_copy = _Side("destination", self._destination, copy, checksums)
        try:
            return self._judge(task, asked_source, asked_copy)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its facts
            failure = ObjectError(translate(error))
            return CompareResult(
                status=CompareStatus.NOT_COMPARED, task=task, destination=copy, error=failure
            )

    def _judge(self, task: CopyTask, source: _Side, copy: _Side) -> CompareResult:
        proof = _content(source, copy)
        if proof == CONTENT:
            return _different(task, copy.known, (CONTENT,))
        differing = {}
        if CompareField.METADATA in self._fields:
            differing[METADATA] = _differing(source.metadata(), copy.metadata())
        if CompareField.TAGS in self._fields:
            differing[TAGS] = _differing(source.tags(), copy.tags())
        reasons = tuple(reason for reason, names in differing.items() if names)
        if reasons:
            return _different(task, copy.known, reasons, ", ".join(chain(*differing.values())))
        return _same(task, copy.known, proof)


def _listed_proof(source: S3Object, copy: S3Object) -> str:
    """Return what proves the same content in objects of the same size; empty if nothing does."""
    if source.size == 0:
        return BY_EMPTINESS
    return BY_ETAG if prove_same_content(source.etag, copy.etag, source.size) else ""


def _same(task: CopyTask, copy: S3Object, proof: str) -> CompareResult:
    status = CompareStatus.SAME if proof else CompareStatus.SAME_SIZE
    return CompareResult(status=status, task=task, destination=copy, proof=proof)


def _different(
    task: CopyTask, copy: S3Object, reasons: tuple[str, ...], detail: str = ""
) -> CompareResult:
    return CompareResult(
        status=CompareStatus.DIFFERENT, task=task, destination=copy, reasons=reasons, detail=detail
    )


def _content(source: _Side, copy: _Side) -> str:
    """Return what proves the same content, ``CONTENT`` if it differs, empty if unknown."""
    proof = _listed_proof(source.known, copy.known)
    if proof:
        return proof
    may_differ = etags_differ(source.known.etag, copy.known.etag)
    if may_differ and etag_is_md5(copy.head) and etag_is_md5(source.head):
        return CONTENT
    if not copy.with_checksums:
        return ""
    agree = checksums_agree(copy.head, lambda: source.head)
    return {None: "", True: BY_CHECKSUM, False: CONTENT}[agree]


@dataclass
class _Side:
    """One object of a pair; each request about it is sent when its answer is first needed.

    Requests are pinned to the listed ETag, so that all answers are about the listed content.
    """

    name: str
    client: S3Client
    known: S3Object
    with_checksums: bool

    @cached_property
    def head(self) -> Mapping[str, Any]:
        params = pinned_params(self.known)
        if self.with_checksums:
            params["ChecksumMode"] = "ENABLED"
        with self._named("HEAD"):
            return self.client.head_object(**params)

    def metadata(self) -> Mapping[str, str]:
        headers = lookup.metadata_headers(self.head)
        return {name.lower(): value for name, value in headers.items()}

    def tags(self) -> Mapping[str, str]:
        with self._named("tags"):
            return {tag["Key"]: tag["Value"] for tag in lookup.tags(self.client, self.known)}

    @contextmanager
    def _named(self, request: str) -> Iterator[None]:
        """Name the request in the message of its error."""
        try:
            yield
        except Exception as error:
            info, where = translate(error), f"{request} of the {self.name}"
            message = f"{where}: {info.message}" if info.message else where
            raise ObjectError(replace(info, message=message)) from error


def _differing(of_source: Mapping[str, str], of_copy: Mapping[str, str]) -> list[str]:
    names = of_source.keys() | of_copy.keys()
    return sorted(printable(name) for name in names if of_source.get(name) != of_copy.get(name))
