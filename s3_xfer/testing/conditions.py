"""The conditional copies that moto forgets, put in front of it as WSGI middleware.

moto 5.2 ignores ``If-None-Match`` on CopyObject and ``x-amz-copy-source-if-match`` on CopyObject
and UploadPartCopy. The copier stakes overwriting and torn copies on them, so a server for its
tests must refuse as S3 does: 412 PreconditionFailed, with the condition's name.

Lets one request in at a time: check and copy are then one step, as they are at S3, and moto, which
was not written for threads, loses nothing (Python runs one thread at a time anyway). Understands
path-style URLs only, which is what clients use for an IP address.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from moto.s3.models import s3_backends

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_COPY_SOURCE = "HTTP_X_AMZ_COPY_SOURCE"
_SOURCE_IF_MATCH = "HTTP_X_AMZ_COPY_SOURCE_IF_MATCH"
_REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>PreconditionFailed</Code>"
    "<Message>At least one of the pre-conditions you specified did not hold</Message>"
    "<Condition>{condition}</Condition><RequestId>LOOPBACK</RequestId></Error>"
)


class ConditionalCopies:
    """Refuses copies whose condition does not hold, and passes everything else to ``app``."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._one_at_a_time:
            condition = _failed_condition(environ) if _COPY_SOURCE in environ else None
            app = _refuse(condition) if condition else self._app
            return app(environ, start_response)


def _refuse(condition: str) -> WSGIApplication:
    """Return an application that answers as S3 does when ``condition`` does not hold."""

    def answer(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("412 Precondition Failed", [("Content-Type", "application/xml")])
        return [_REFUSAL.format(condition=escape(condition)).encode()]

    return answer


def _failed_condition(environ: WSGIEnvironment) -> str | None:
    """Return the name of the condition that does not hold, or None."""
    wanted = environ.get(_SOURCE_IF_MATCH)
    source = _copy_source(environ[_COPY_SOURCE]) if wanted else None
    if wanted and source is not None and wanted.strip('"') != source.etag.strip('"'):
        return "x-amz-copy-source-If-Match"
    is_part = "partNumber" in parse_qs(environ.get("QUERY_STRING", ""))
    if environ.get("HTTP_IF_NONE_MATCH") == "*" and not is_part and _destination(environ):
        return "If-None-Match"
    return None


def _copy_source(header: str) -> Any:
    path, _, query = header.partition("?")
    version = parse_qs(query).get("versionId", [None])[0]
    return _stored(unquote(path).removeprefix("/"), version)


def _destination(environ: WSGIEnvironment) -> Any:
    path = environ["RAW_URI"].partition("?")[0]
    return _stored(unquote(path).removeprefix("/"), None)


def _stored(path: str, version: str | None) -> Any:
    """Return moto's object at ``bucket/key`` in whichever account, or None."""
    bucket, _, key = path.partition("/")
    if bucket not in s3_backends.bucket_accounts:
        return None
    partition, account_id = s3_backends.bucket_accounts[bucket]
    return s3_backends[account_id][partition].get_object(bucket, key, version_id=version)
