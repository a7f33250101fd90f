"""One object and its copy: same, different, or unknown.

First by the listings, which costs nothing; requests are sent only for what they leave open. Equal
ETags prove the same content; unequal ones prove other content only if both are MD5s, which takes a
HEAD to know (KMS). Of metadata and tags only the names that differ are reported, never the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

from s3_xfer.comparison import CompareField, CompareResult, CompareStatus, Pair
from s3_xfer.copying import lookup
from s3_xfer.copying.headers import pinned_params
from s3_xfer.copying.verify import checksums_agree, etag_is_md5, etags_differ, whole_checksums
from s3_xfer.errors import ObjectError, translate
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.mapping import KeyMap
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
        keys: KeyMap,
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

    def by_asking(self, pair: Pair) -> CompareResult:
        """Return the result for a pair of two objects. Never raises."""
        source, copy = pair.source, pair.destination
        assert source is not None  # noqa: S101 - by_listing has returned a result for all others
        assert copy is not None  # noqa: S101
        task = self._keys.task(source)
        asked = _Asked(self._source, self._destination, source, copy, self._fields)
        try:
            return self._judge(task, asked)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its facts
            info = translate(error)
            where = f"{asked.asking}: {info.message}" if info.message else asked.asking
            failure = ObjectError(replace(info, message=where))
            return CompareResult(
                status=CompareStatus.NOT_COMPARED, task=task, destination=copy, error=failure
            )

    def _judge(self, task: CopyTask, asked: _Asked) -> CompareResult:
        proof = _content(asked)
        if proof == CONTENT:
            return _different(task, asked.copy, (CONTENT,))
        differing = {
            METADATA: asked.differing_metadata() if CompareField.METADATA in self._fields else [],
            TAGS: asked.differing_tags() if CompareField.TAGS in self._fields else [],
        }
        reasons = tuple(reason for reason, names in differing.items() if names)
        if reasons:
            return _different(task, asked.copy, reasons, ", ".join(chain(*differing.values())))
        return _same(task, asked.copy, proof)


def _listed_proof(source: S3Object, copy: S3Object) -> str:
    """Return what proves the same content in objects of the same size; empty if nothing does."""
    if source.size == 0:
        return BY_EMPTINESS
    return BY_ETAG if source.etag and source.etag == copy.etag else ""


def _same(task: CopyTask, copy: S3Object, proof: str) -> CompareResult:
    status = CompareStatus.SAME if proof else CompareStatus.SAME_SIZE
    return CompareResult(status=status, task=task, destination=copy, proof=proof)


def _different(
    task: CopyTask, copy: S3Object, reasons: tuple[str, ...], detail: str = ""
) -> CompareResult:
    return CompareResult(
        status=CompareStatus.DIFFERENT, task=task, destination=copy, reasons=reasons, detail=detail
    )


def _content(asked: _Asked) -> str:
    """Return what proves the same content, ``CONTENT`` if it differs, empty if unknown."""
    proof = _listed_proof(asked.source, asked.copy)
    if proof:
        return proof
    if etags_differ(asked.source.etag, asked.copy.etag) and asked.etags_are_md5():
        return CONTENT
    if CompareField.CHECKSUMS not in asked.fields:
        return ""
    return {None: "", True: BY_CHECKSUM, False: CONTENT}[asked.checksums_agree()]


@dataclass
class _Asked:
    """S3's answers about one pair; each request is sent when its answer is first needed.

    Requests are pinned to the listed ETags, so that both answers are about the listed content.
    ``asking`` names the request that was sent last.
    """

    source_client: S3Client
    destination_client: S3Client
    source: S3Object
    copy: S3Object
    fields: frozenset[CompareField]
    asking: str = ""

    @cached_property
    def source_head(self) -> Mapping[str, Any]:
        return self._head(self.source_client, self.source, "HEAD of the source")

    @cached_property
    def copy_head(self) -> Mapping[str, Any]:
        return self._head(self.destination_client, self.copy, "HEAD of the destination")

    def _head(self, client: S3Client, known: S3Object, asking: str) -> Mapping[str, Any]:
        self.asking = asking
        params = pinned_params(known)
        if CompareField.CHECKSUMS in self.fields:
            params["ChecksumMode"] = "ENABLED"
        return client.head_object(**params)

    def etags_are_md5(self) -> bool:
        return etag_is_md5(self.copy_head) and etag_is_md5(self.source_head)

    def checksums_agree(self) -> bool | None:
        of_copy = whole_checksums(self.copy_head)
        return checksums_agree(whole_checksums(self.source_head) if of_copy else {}, of_copy)

    def differing_metadata(self) -> list[str]:
        """Return the names of headers that are not the same on both sides."""
        of_source, of_copy = map(lookup.metadata_headers, (self.source_head, self.copy_head))
        return _differing(
            {name.lower(): value for name, value in of_source.items()},
            {name.lower(): value for name, value in of_copy.items()},
        )

    def differing_tags(self) -> list[str]:
        """Return the keys of tags that are not the same on both sides."""
        self.asking = "tags of the source"
        of_source = lookup.tags(self.source_client, self.source)
        self.asking = "tags of the destination"
        of_copy = lookup.tags(self.destination_client, self.copy)
        return _differing(
            {tag["Key"]: tag["Value"] for tag in of_source},
            {tag["Key"]: tag["Value"] for tag in of_copy},
        )


def _differing(of_source: Mapping[str, str], of_copy: Mapping[str, str]) -> list[str]:
    names = of_source.keys() | of_copy.keys()
    return sorted(printable(name) for name in names if of_source.get(name) != of_copy.get(name))
