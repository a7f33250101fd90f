"""What an ETag proves, and what it does not.

Where both ETags are the MD5 of the content they must be equal. That holds for single-part objects
under SSE-S3 or no encryption (API reference, ``Object.ETag``); it does not for multipart objects
(``…-N``) and for anything under KMS or a customer's key. Such an ETag is never compared.

That two objects have the same ETag proves the same content if it was made from the content. Some
services have one for all objects, or none: what cannot be a hash proves nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_MD5 = re.compile(r'"?([0-9a-fA-F]{32})"?')
_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"  # the MD5 of no bytes
_HASH_MIN_CHARACTERS = 12  # AWS: 32; others have 15 and more
_CHECKSUMS = (
    "ChecksumCRC64NVME",
    "ChecksumCRC32",
    "ChecksumCRC32C",
    "ChecksumSHA1",
    "ChecksumSHA256",
)
_NOT_MD5_ENCRYPTIONS = frozenset({"aws:kms", "aws:kms:dsse", "aws:fsx"})


def plain_md5(etag: str) -> str | None:
    """Return the MD5 that ``etag`` looks like, or None if it has another form."""
    match = _MD5.fullmatch(etag)
    return match[1].lower() if match else None


def bare_etag(etag: str) -> str:
    """Return ``etag`` without its quotes, which some services leave out here or there."""
    return etag.strip().strip('"')


def prove_same_content(source_etag: str, copy_etag: str, size_bytes: int) -> bool:
    """Return whether the ETags of two objects of this size prove that they have the same content.

    What has the form of an MD5, with or without a number of parts, proves it, unless it is the hash
    of nothing and there is something. Of others a weak one (``W/"…"``) proves nothing, nor does one
    that is too short for a hash or has one character only (``-``, ``0``, nothing).
    """
    etag, other = bare_etag(source_etag), bare_etag(copy_etag)
    hashed = etag.partition("-")[0]
    if md5 := plain_md5(hashed):
        return etag.lower() == other.lower() and (size_bytes == 0 or md5 != _OF_NOTHING)
    if etag != other or etag.startswith("W/"):
        return False
    characters = [character for character in hashed if character.isalnum()]
    return len(characters) >= _HASH_MIN_CHARACTERS and len(set(characters)) > 1


def etag_is_md5(response: Mapping[str, Any]) -> bool:
    """Return whether the encryption named in ``response`` (HEAD or copy) leaves ETags MD5s."""
    return (
        response.get("ServerSideEncryption") not in _NOT_MD5_ENCRYPTIONS
        and "SSECustomerAlgorithm" not in response
    )


def etags_differ(source_etag: str, copy_etag: str) -> bool:
    """Return True only if both look like MD5s and are not the same."""
    source_md5, copy_md5 = plain_md5(source_etag), plain_md5(copy_etag)
    return source_md5 is not None and copy_md5 is not None and source_md5 != copy_md5


def contradicts(source_etag: str, copy_etag: str, answer: Mapping[str, Any]) -> bool:
    """Return whether the copy made by ``answer`` may be wrong; a HEAD of the source tells."""
    return etags_differ(source_etag, copy_etag) and etag_is_md5(answer)


def multipart_etag(part_etags: Iterable[str]) -> str | None:
    """Return the ETag that S3 gives to an object of these parts, or None if it cannot be known.

    MD5 over the parts' MD5s, a hyphen, the number of parts: undocumented, unchanged since 2010.
    """
    digests = [plain_md5(etag) for etag in part_etags]
    if not digests or None in digests:
        return None
    joined = b"".join(bytes.fromhex(digest) for digest in digests if digest)
    return f'"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(digests)}"'


def checksums_agree(
    copy_head: Mapping[str, Any], source_head: Callable[[], Mapping[str, Any]]
) -> bool | None:
    """Return whether both HEADs have equal checksums of the whole content; None if they share none.

    ``source_head`` is called only if the copy has any.
    """
    of_copy = _whole_checksums(copy_head)
    of_source = _whole_checksums(source_head()) if of_copy else {}
    shared = of_source.keys() & of_copy.keys()
    return all(of_source[name] == of_copy[name] for name in shared) if shared else None


def _whole_checksums(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the checksums over all of the content: not those composed of parts (``…-N``)."""
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return {}
    return {name: answer[name] for name in _CHECKSUMS if "-" not in (answer.get(name) or "-")}
