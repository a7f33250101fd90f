"""Signature version 4 for the two kinds of request that are sent a million times.

What is the same for every copy of a run is joined, sorted and quoted once a second, with the rules
of ``botocore.auth.S3SigV4Auth``; a copy costs one SHA-256 and one HMAC. Only the path, the source
and its ETag may vary, and of a part the query and the range, in requests without body.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.auth import EMPTY_SHA256_HASH, SIGNED_HEADERS_BLACKLIST
from botocore.credentials import RefreshableCredentials

from s3_xfer.copying.template import (
    CONDITION,
    COPY_SOURCE,
    RANGE,
    CopyRequest,
    CopyTemplate,
    Header,
    PartCopy,
)
from s3_xfer.model import CopyTask

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

_ALGORITHM = "AWS4-HMAC-SHA256"
_BLOCK_BYTES = 64  # of SHA-256
_VARIES = "\0"  # in the place of a value; no header can hold it

# In the order of their names, in which they are signed.
_VARIED = {
    CopyRequest.OBJECT: (COPY_SOURCE, CONDITION),
    CopyRequest.PART: (COPY_SOURCE, CONDITION, RANGE),
}

# The headers of a request: what is the same object for all requests of one second, and its own.
SignedHeaders: TypeAlias = tuple[tuple[Header, ...], tuple[Header, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is the same for all requests of one second.

    ``canonical`` are the pieces after path and query, around copy source, ETag and, of a part,
    range; ``inner`` and ``outer`` the HMAC begun (RFC 2104, section 4): ``hmac.digest`` takes
    longer, and gives up the GIL meanwhile.
    """

    canonical: tuple[str, ...]
    inner: HASH
    outer: HASH
    authorization: str
    headers: tuple[Header, ...]


class Signer:
    """Signs the copies of ``template`` with botocore's ``credentials``. Thread-safe."""

    def __init__(
        self, template: CopyTemplate, credentials: Any, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._template = template
        self._credentials = credentials
        self._refreshable = isinstance(credentials, RefreshableCredentials)
        self._clock = clock
        self._frozen = credentials.get_frozen_credentials()
        self._latest: tuple[int, Any, _Frame] | None = None

    def without(self, names: frozenset[str]) -> Signer:
        """Return a signer of the same requests without the headers ``names``."""
        kept = [item for item in self._template.common_headers if item[0] not in names]
        template = replace(self._template, common_headers=tuple(kept))
        return Signer(template, self._credentials, clock=self._clock)

    def refresh(self) -> None:
        """Renew credentials that are about to expire; waits for STS only where it must.

        Raises:
            botocore.exceptions.BotoCoreError: that failed.
        """
        if self._refreshable:
            self._frozen = self._credentials.get_frozen_credentials()

    def headers(self, task: CopyTask, path: str) -> SignedHeaders:
        """Return the headers of ``task``'s request, signed with the credentials at hand."""
        frame = self._frame()
        source, etag = self._template.copy_source(task), task.source.etag
        before, between, after = frame.canonical
        canonical = f"PUT\n{path}\n{before}{source}{between}{etag}{after}"
        signature = _signature(frame, canonical)
        return frame.headers, ((COPY_SOURCE, source), (CONDITION, etag), signature)

    def part_headers(self, part: PartCopy, path: str) -> SignedHeaders:
        """Return the headers of ``part``'s request, signed with the credentials at hand."""
        frame = self._frame()
        source, etag = self._template.copy_source(part.task), part.task.source.etag
        first, second, third, last = frame.canonical
        values = f"{first}{source}{second}{etag}{third}{part.range}{last}"
        signature = _signature(frame, f"PUT\n{path}\n{part.query}{values}")
        own = ((COPY_SOURCE, source), (CONDITION, etag), (RANGE, part.range), signature)
        return frame.headers, own

    def _frame(self) -> _Frame:
        second, frozen = int(self._clock()), self._frozen
        latest = self._latest
        if latest and latest[0] == second and latest[1] is frozen:
            return latest[2]
        frame = _frame_of(self._template, frozen, datetime.fromtimestamp(second, UTC))
        self._latest = second, frozen, frame
        return frame


def _signature(frame: _Frame, canonical: str) -> Header:
    """Return the header that signs a ``canonical`` request."""
    inner, outer = frame.inner.copy(), frame.outer.copy()
    inner.update(sha256(canonical.encode()).hexdigest().encode())
    outer.update(inner.digest())
    return ("authorization", frame.authorization + outer.hexdigest())


def _frame_of(template: CopyTemplate, frozen: Any, now: datetime) -> _Frame:
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    scope = (stamp[:8], template.region, template.service, "aws4_request")
    headers = (
        *template.common_headers,
        ("x-amz-content-sha256", EMPTY_SHA256_HASH),
        ("x-amz-date", stamp),
        *((("x-amz-security-token", frozen.token),) if frozen.token else ()),
    )
    signed = {name: " ".join(value.split()) for name, value in headers}
    signed |= dict.fromkeys(_VARIED[template.request], _VARIES)
    names = sorted(signed.keys() - set(SIGNED_HEADERS_BLACKLIST))
    listed = ";".join(names)
    lines = "".join(f"{name}:{signed[name]}\n" for name in names)
    canonical = f"\n{lines}\n{listed}\n{EMPTY_SHA256_HASH}"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{'/'.join(scope)}\n"
    key = _signing_key(frozen.secret_key, scope).ljust(_BLOCK_BYTES, b"\0")
    return _Frame(
        canonical=tuple(canonical.split(_VARIES)),
        inner=sha256(bytes(byte ^ 0x36 for byte in key) + to_sign.encode()),
        outer=sha256(bytes(byte ^ 0x5C for byte in key)),
        authorization=(
            f"{_ALGORITHM} Credential={frozen.access_key}/{'/'.join(scope)}, "
            f"SignedHeaders={listed}, Signature="
        ),
        headers=headers,
    )


def _signing_key(secret_key: str, scope: tuple[str, ...]) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key
