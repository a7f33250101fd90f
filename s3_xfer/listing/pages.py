"""Pages of ``list_objects_v2``, as objects: the one place that decides whether to believe a page.

A page is one request and at most 1,000 keys, which S3 orders by their UTF-8 bytes. When it fails it
is repeated on its own. What a page says is believed only if it fits what was asked, and itself:
where it does not, keys would be cut wrongly or objects be missed, so it ends the listing. A field
that no copy needs is never a reason for that. Whether pages together move forward is decided in
:mod:`.progress`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from botocore.exceptions import ClientError

from s3_xfer.errors import ErrorClass, malformed, translate, unsupported
from s3_xfer.listing.parsing import DECODED
from s3_xfer.model import S3Object
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url

_SIZE_MAX_BYTES = 2**63 - 1  # what a journal can hold
_SLASHES = re.compile("/+")
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. ``token`` asks for the next page; None if nothing follows.

    ``prefixes`` stand for all keys that begin with them, if a delimiter was given.
    """

    objects: Sequence[S3Object]
    token: str | None = None
    prefixes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageReader:
    """Lists everything under ``prefix``; with a ``delimiter``, one level of it. Thread-safe."""

    client: S3Client
    bucket: str
    prefix: str
    delimiter: str = ""

    def __call__(self, after: str, token: str | None) -> Page:
        """Return the first page behind the key ``after``, or the one that ``token`` stands for.

        Raises:
            botocore.exceptions.ClientError: the page was refused after all retries.
            RunAborted: the page cannot be believed, or there is more and no way to ask for it.
        """
        first_page = {"StartAfter": after} if after else {}
        cursor: Mapping[str, Any] = {"ContinuationToken": token} if token else first_page
        level: Mapping[str, Any] = {"Delimiter": self.delimiter} if self.delimiter else {}
        answer: Mapping[str, Any] = self.client.list_objects_v2(
            Bucket=self.bucket, Prefix=self.prefix, **level, **cursor
        )
        entries = answer.get("Contents", ())
        prefixes = self._prefixes(answer)
        objects = [as_object(self.bucket, entry) for entry in entries]
        keys = [item.key for item in objects]
        self._check_keys([*keys, *prefixes])
        if not (answer.get(DECODED) or answer.get("EncodingType")):
            self._check_undeclared_encoding(keys)
        self._check_count(answer, len(objects) + len(prefixes))
        next_token = self._next_token(answer)
        if next_token and next_token == token:
            raise malformed(f"{self._listing} repeats the same continuation token without end")
        return Page(objects, next_token, prefixes)

    @property
    def _listing(self) -> str:
        return f"the listing of {s3_url(self.bucket, self.prefix)}"

    def _prefixes(self, answer: Mapping[str, Any]) -> Sequence[str]:
        """Return the groups of keys; refuse a page that has some, and was asked for all keys."""
        groups = [str(group.get("Prefix", "")) for group in answer.get("CommonPrefixes", ())]
        if groups and not self.delimiter:
            raise malformed(
                f"{self._listing} puts keys into groups ({printable(groups[0])!r}), for which no "
                "delimiter was given: the objects in them are not listed"
            )
        return groups

    def _check_keys(self, keys: Sequence[str]) -> None:
        """Refuse a page of keys that would be cut wrongly."""
        prefix = self.prefix
        for key in keys:
            if not key.startswith(prefix):
                raise malformed(
                    f"the S3 service listed the key {printable(key)!r}, which does not begin with "
                    f"the prefix {printable(prefix)!r} that it was asked for: "
                    f"{_behaviour(key, prefix)}"
                )
        try:
            "".join(keys).encode()
        except UnicodeEncodeError:
            raw = next(filter(None, map(_bytes_if_not_utf8, keys)))
            raise unsupported(
                f"{self._listing} has the key {raw!r}, which is not UTF-8, as keys in S3 are"
            ) from None

    def _check_undeclared_encoding(self, keys: Sequence[str]) -> None:
        """Ask about one key that may be encoded although the service did not say so.

        Only services that leave out what AWS says are asked, once for a page with such keys.
        """
        suspect = next(filter(_ENCODED.search, keys), "")
        if suspect and self._exists(suspect) is False and self._exists(unquote_plus(suspect)):
            key = printable(unquote_plus(suspect))
            raise malformed(
                f"{self._listing} has the key {printable(suspect)!r}, and the object is called "
                f"{key!r}: the service encodes keys and does not say so"
            )

    def _exists(self, key: str) -> bool | None:
        """Return whether there is an object; None if that cannot be seen."""
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            is_missing = translate(error).error_class is ErrorClass.SOURCE_VANISHED
            return False if is_missing else None
        return True

    def _check_count(self, answer: Mapping[str, Any], found: int) -> None:
        """Refuse a page that has lost objects by its own count."""
        count = answer.get("KeyCount", 0)
        if isinstance(count, int) and count > found:
            raise malformed(f"{self._listing} announces {count:,} keys on a page and has {found:,}")

    def _next_token(self, answer: Mapping[str, Any]) -> str | None:
        """Return what asks for the next page; None if by flag and token nothing follows.

        A token is followed whatever the flag says: to ask once too often does no harm.
        """
        is_truncated, token = answer.get("IsTruncated"), answer.get("NextContinuationToken")
        if token:
            return str(token)
        if not isinstance(is_truncated, bool):
            raise malformed(
                f"{self._listing} does not say whether there is more: "
                f"IsTruncated is {printable(str(is_truncated))!r}"
            )
        if not is_truncated:
            return None
        if "Marker" in answer or "NextMarker" in answer:
            raise unsupported(
                f"{self._listing} is answered as by version 1 of the interface: there is more, and "
                "no continuation token to ask for it (ListObjectsV2 is not supported)"
            )
        raise malformed(f"{self._listing} goes on, and has no continuation token to ask for more")


class RememberingReader:
    """Reads as ``read`` does, and keeps the first page for who asks for it next. Thread-safe.

    So the page that the checks before a copy have looked at is not requested once more.
    """

    def __init__(self, read: PageReader) -> None:
        self.prefix = read.prefix
        self._read = read
        self._kept: list[Page] = []  # one at most

    def __call__(self, after: str, token: str | None) -> Page:
        """Return the page as :class:`PageReader` does, from memory once."""
        if after or token:
            return self._read(after, token)
        try:
            return self._kept.pop()
        except IndexError:
            page = self._read(after, token)
            self._kept = [page]
            return page


def as_object(bucket: str, entry: Mapping[str, Any]) -> S3Object:
    """Return one entry of a listing as an object.

    Raises:
        RunAborted: it has no key, or no size.
    """
    key, size = entry.get("Key"), entry.get("Size")
    if not isinstance(key, str) or not key:
        raise malformed(f"a listing of {bucket} has an entry without a key")
    if not isinstance(size, int) or not 0 <= size <= _SIZE_MAX_BYTES:
        told = "no size" if size is None else f"the size {printable(str(size))!r}"
        raise malformed(f"the listing gives {s3_url(bucket, key)} {told}")
    modified = entry.get("LastModified")
    return S3Object(
        bucket=bucket,
        key=key,
        size=size,
        etag=entry.get("ETag", ""),
        last_modified=modified if isinstance(modified, datetime) else None,
        storage_class=entry.get("StorageClass") or "STANDARD",
    )


def _bytes_if_not_utf8(key: str) -> bytes | None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return key.encode("utf-8", "surrogateescape")
    return None


# What services make of a prefix, and what is said about it.
_REPLACED: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("it leaves out slashes at the beginning of keys", lambda prefix: prefix.lstrip("/")),
    ("it joins slashes that follow each other", lambda prefix: _SLASHES.sub("/", prefix)),
    ("it encodes keys and does not say so", quote),
    ("it encodes keys and does not say so", lambda prefix: quote(prefix, safe="")),
    ("it encodes keys and does not say so", lambda prefix: quote_plus(prefix, safe="/")),
    ("it says that keys are encoded, and they are not", unquote_plus),
)
# What they do not tell apart.
_ALIKE: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("it does not tell upper case from lower case", str.casefold),
    ("it composes characters in another way", lambda text: unicodedata.normalize("NFC", text)),
)


def _behaviour(key: str, prefix: str) -> str:
    """Return what the service does to keys, as far as one key shows it."""
    for behaviour, replaced in _REPLACED:
        if replaced(prefix) not in ("", prefix) and key.startswith(replaced(prefix)):
            return behaviour
    for behaviour, form in _ALIKE:
        if form(key).startswith(form(prefix)):
            return behaviour
    return "it ignores the prefix"
