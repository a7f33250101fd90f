"""Signature version 4 for the one kind of request that is sent a million times.

botocore signs in 140 microseconds, most of which goes into putting together, sorting and quoting
what is the same for every copy of a run. Here that is done once a second, with botocore's rules
(``botocore.auth.S3SigV4Auth``), and a copy costs one SHA-256 and one HMAC. A test compares both,
signature by signature; the tests with Ceph let a real S3 do it.

Refuses to sign anything else: no query, no body, and nothing that varies but the path, the source
and its ETag.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from botocore.auth import EMPTY_SHA256_HASH, SIGNED_HEADERS_BLACKLIST
from botocore.credentials import RefreshableCredentials

from s3_xfer.copying.template import CONDITION, COPY_SOURCE, CopyTemplate, Header
from s3_xfer.model import CopyTask

_ALGORITHM = "AWS4-HMAC-SHA256"
_VARIES = "\0"  # in the place of a value; no header can hold it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is the same for all requests of one second.

    ``canonical`` are the pieces around path, copy source and ETag of the canonical request;
    ``signature`` and the header ``authorization`` lack their last words. A signature that was
    begun is copied instead of one made by ``hmac.digest``, which is slower and gives up the GIL.
    """

    canonical: tuple[str, str, str]
    signature: hmac.HMAC
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

    def refresh(self) -> None:
        """Renew credentials that are about to expire; waits for STS only where it must.

        Raises:
            botocore.exceptions.BotoCoreError: that failed.
        """
        if self._refreshable:
            self._frozen = self._credentials.get_frozen_credentials()

    def headers(self, task: CopyTask, path: str) -> list[Header]:
        """Return all headers of ``task``'s request, signed with the credentials at hand."""
        frame = self._frame()
        source, etag = self._template.copy_source(task), task.source.etag
        before, between, after = frame.canonical
        canonical = f"PUT\n{path}{before}{source}{between}{etag}{after}"
        signature = frame.signature.copy()
        signature.update(sha256(canonical.encode()).hexdigest().encode())
        return [
            *frame.headers,
            (COPY_SOURCE, source),
            (CONDITION, etag),
            ("authorization", frame.authorization + signature.hexdigest()),
        ]

    def _frame(self) -> _Frame:
        second, frozen = int(self._clock()), self._frozen
        latest = self._latest
        if latest and latest[0] == second and latest[1] is frozen:
            return latest[2]
        frame = _frame_of(self._template, frozen, datetime.fromtimestamp(second, UTC))
        self._latest = second, frozen, frame
        return frame


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
    signed |= dict.fromkeys((COPY_SOURCE, CONDITION), _VARIES)
    names = sorted(signed.keys() - set(SIGNED_HEADERS_BLACKLIST))
    listed = ";".join(names)
    lines = "".join(f"{name}:{signed[name]}\n" for name in names)
    before, between, after = f"\n\n{lines}\n{listed}\n{EMPTY_SHA256_HASH}".split(_VARIES)
    return _Frame(
        canonical=(before, between, after),
        signature=hmac.new(
            _signing_key(frozen.secret_key, scope),
            f"{_ALGORITHM}\n{stamp}\n{'/'.join(scope)}\n".encode(),
            "sha256",
        ),
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
