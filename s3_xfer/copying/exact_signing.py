"""Signatures of header values that are bytes, for botocore's clients.

S3 signs bytes; botocore signs text, in UTF-8, and takes what Unicode calls white space for blanks.
Metadata that another program has stored in another encoding would be sent changed, or refused
because of its signature. So values that come from an object are handed over as bytes, and signed
as they are.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth

from s3_xfer.errors import ErrorClass, ObjectError
from s3_xfer.s3_client import S3Client

_EXACT = "s3-xfer-v4"  # botocore's table of signatures has no other entry of that name
_SAME_SIGNATURE = ("v4", "s3v4")


def attach(client: S3Client, operation: str) -> None:
    """Let ``client`` sign the requests of ``operation`` this way, where it uses version 4."""
    AUTH_TYPE_MAPS[_EXACT] = _ExactAuth
    choose: Any = _choose  # handlers of this event return something, whatever the stubs say
    client.meta.events.register(f"choose-signer.s3.{operation}", choose)
    client.meta.events.register(f"before-sign.s3.{operation}", _before_sign)


class _ExactAuth(S3SigV4Auth):
    def _header_value(self, value: str | bytes) -> str:
        if isinstance(value, bytes):
            return b" ".join(value.split()).decode("utf-8", "surrogateescape")
        trimmed: str = super()._header_value(value)  # type: ignore[misc] # missing in the stubs
        return trimmed

    def string_to_sign(self, request: Any, canonical_request: str) -> str:
        # The base encodes the request strictly, for a hash of it, which is the last line.
        *scope, _ = super().string_to_sign(request, "").split("\n")
        exact = canonical_request.encode("utf-8", "surrogateescape")
        return "\n".join([*scope, sha256(exact).hexdigest()])


def _choose(signature_version: Any, **_: object) -> str | None:
    return _EXACT if signature_version in _SAME_SIGNATURE else None


def _before_sign(request: Any, signature_version: Any, **_: object) -> None:
    """Turn bytes into text for signatures of another kind.

    Raises:
        ObjectError: a value is no UTF-8, and this kind of signature cannot cover it.
    """
    if signature_version == _EXACT:
        return
    for name, value in request.headers.items():
        if isinstance(value, bytes):
            try:
                text = value.decode()
            except UnicodeDecodeError as error:
                message = f"{name} is not UTF-8, and this kind of signature covers nothing else"
                raise ObjectError.of(ErrorClass.METADATA_UNREADABLE, message) from error
            request.headers.replace_header(name, text)
