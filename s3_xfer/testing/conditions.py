"""The conditions that moto forgets, put in front of it as WSGI middleware.

moto 5.2 ignores ``If-None-Match`` on CopyObject and ``x-amz-copy-source-if-match`` on CopyObject
and UploadPartCopy. The copier stakes overwriting and torn copies on them, so a server for its
tests must refuse as S3 does: 412 PreconditionFailed, with the condition's name. It ignores the
account that must own a bucket, too, which S3 answers with 403 AccessDenied.

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
_OWNER = "HTTP_X_AMZ_EXPECTED_BUCKET_OWNER"
_SOURCE_OWNER = "HTTP_X_AMZ_SOURCE_EXPECTED_BUCKET_OWNER"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FAILED = "At least one of the pre-conditions you specified did not hold"


class Conditions:
    """Refuses requests whose condition does not hold, and passes everything else to ``app``."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._one_at_a_time:
            app = self._app
            if _belongs_to_another(environ):
                app = _refusal("403 Forbidden", Code="AccessDenied", Message="Access Denied")
            elif _COPY_SOURCE in environ:
                condition = _failed_condition(environ)
                if condition:
                    app = _refusal(
                        "412 Precondition Failed",
                        Code="PreconditionFailed",
                        Message=_FAILED,
                        Condition=condition,
                    )
            return app(environ, start_response)


def _refusal(status: str, **fields: str) -> WSGIApplication:
    """Return an application that answers as S3 does when something does not hold."""
    texts = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    document = f"{_DECLARATION}<Error>{texts}<RequestId>LOOPBACK</RequestId></Error>"

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("Content-Type", "application/xml")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [document.encode()]

    return answer


def _belongs_to_another(environ: WSGIEnvironment) -> bool:
    """Return whether a bucket of the request does not belong to the account that it names."""
    bucket = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")[0]
    source = unquote(environ.get(_COPY_SOURCE, "")).lstrip("/").partition("/")[0]
    named = ((bucket, environ.get(_OWNER)), (source, environ.get(_SOURCE_OWNER)))
    return any(owner and _owner(of) not in (None, owner) for of, owner in named)


def _owner(bucket: str) -> str | None:
    """Return the account of a bucket; None if there is no such bucket."""
    _, account_id = s3_backends.bucket_accounts.get(bucket, (None, None))
    return account_id


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
