"""``CopyObject`` through the AWS Common Runtime (awscrt). The only importer of awscrt.

boto3's own ``crt`` extra uses it for uploads and downloads; copies have no such path there. HTTP,
TLS and signing happen in C, outside the GIL, in one thread of awscrt's; a request costs Python
some 50 microseconds instead of a millisecond, and no thread waits for its answer.

Refuses to repeat a request (awscrt's own retries are off: ours wait, pace and count), to read
credentials by itself (they come from botocore, refreshed as botocore does it), and to send
anything that botocore would send differently: :func:`obstacle` names what it cannot express.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

import awscrt.auth
import awscrt.exceptions
import awscrt.http
import awscrt.io
import awscrt.s3
import botocore.exceptions as bc
from botocore.credentials import RefreshableCredentials
from botocore.utils import get_environ_proxies

from s3_xfer.copying.answers import Answer
from s3_xfer.copying.template import CopyTemplate
from s3_xfer.model import CopyTask

_SIGNATURES = frozenset({"v4", "s3v4"})
# Of answers that its own retries would have taken care of, awscrt passes on no more than this.
_NOT_PASSED_ON = {
    "AWS_ERROR_S3_SLOW_DOWN": (503, "SlowDown"),
    "AWS_ERROR_S3_INTERNAL_ERROR": (500, "InternalError"),
    "AWS_ERROR_S3_REQUEST_TIMEOUT": (400, "RequestTimeout"),
    "AWS_ERROR_S3_REQUEST_TIME_TOO_SKEWED": (403, "RequestTimeTooSkewed"),
}
_ERROR_DOCUMENT = (
    b"<Error><Code>%s</Code><Message>the CRT engine passes on neither S3's words nor the request "
    b"id of this answer (--engine managed does)</Message></Error>"
)
_CONNECTIONS_PER_GBPS = 2.5  # aws-c-s3 opens that many, found by counting them


def obstacle(template: CopyTemplate, client: Any) -> str | None:
    """Return why awscrt cannot send what ``client`` would, or None if it can."""
    config = client.meta.config
    proxies = config.proxies or get_environ_proxies(client.meta.endpoint_url)
    obstacles = {
        f"awscrt {awscrt.__version__} is too old (its retries cannot be switched off)": (
            not hasattr(awscrt.s3, "S3RetryMode")
        ),
        "this process was forked from one that used awscrt, which does not survive that": (
            _used_by and os.getpid() not in _used_by
        ),
        f"requests are signed another way ({template.auth_type})": (
            template.auth_type not in _SIGNATURES
        ),
        "requests are signed for more than one region": template.region in ("", "*"),
        "a proxy is configured": proxies,
        "a client certificate is configured": config.client_cert,
    }
    return next((why for why, found in obstacles.items() if found), None)


class CrtSender:
    """Sends single copies made from ``template``. Thread-safe.

    ``credentials`` are botocore's, of the destination account; ``ca_bundle`` replaces the
    system's certificates; at most ``connections`` are open.
    """

    name = "crt"

    def __init__(
        self,
        template: CopyTemplate,
        credentials: Any,
        *,
        connections: int,
        connect_timeout_s: float,
        ca_bundle: str | None,
    ) -> None:
        self._template = template
        self._credentials = _CredentialsBridge(credentials)
        self._client = awscrt.s3.S3Client(
            bootstrap=_bootstrap(),
            region=template.region,
            signing_config=_signing(template, self._credentials.provider),
            tls_mode=(
                awscrt.s3.S3RequestTlsMode.ENABLED
                if template.tls
                else awscrt.s3.S3RequestTlsMode.DISABLED
            ),
            tls_connection_options=_trust(ca_bundle) if template.tls and ca_bundle else None,
            throughput_target_gbps=connections / _CONNECTIONS_PER_GBPS,
            max_active_connections_override=connections,
            retry_config=awscrt.s3.S3RetryConfig(retry_mode=awscrt.s3.S3RetryMode.NONE),
            connect_timeout_ms=int(connect_timeout_s * 1000),
        )

    def send(self, task: CopyTask, on_answer: Callable[[Answer], None]) -> Callable[[], None]:
        """Send the copy of ``task``, and return how to give it up.

        ``on_answer`` is called once, from awscrt's thread, and must neither raise nor wait.

        Raises:
            botocore.exceptions.BotoCoreError: there are no valid credentials.
        """
        self._credentials.refresh()
        template = self._template
        exchange = _Exchange(template, on_answer)
        request = self._client.make_request(
            type=awscrt.s3.S3RequestType.DEFAULT,
            operation_name="CopyObject",
            request=awscrt.http.HttpRequest(
                "PUT", template.path(task), awscrt.http.HttpHeaders(template.headers(task))
            ),
            on_headers=exchange.on_headers,
            on_body=exchange.on_body,
            on_done=exchange.on_done,
        )
        cancel: Callable[[], None] = request.cancel
        return cancel

    def close(self) -> None:
        """Let go of the connections. Requests still under way are given up by their owners."""
        del self._client


class _Exchange:
    """Gathers one answer, in awscrt's threads."""

    __slots__ = ("_answer", "_on_answer", "_template")

    def __init__(self, template: CopyTemplate, on_answer: Callable[[Answer], None]) -> None:
        self._template = template
        self._on_answer = on_answer
        self._answer = Answer()

    def on_headers(self, status_code: int, headers: list[tuple[str, str]], **_: object) -> None:
        self._answer.status, self._answer.headers = status_code, headers

    def on_body(self, chunk: bytes, **_: object) -> None:
        _keep_thread_state()
        self._answer.body += chunk

    def on_done(self, error: Exception | None, **_: object) -> None:
        _keep_thread_state()
        if error is not None:
            _explain(self._answer, error, self._template)
        self._on_answer(self._answer)


class _CredentialsBridge:
    """Hands botocore's credentials to awscrt, which asks for them in its own thread.

    There nobody may wait for STS, so :meth:`refresh` does, before each request; botocore
    refreshes well before the old ones expire, and then waits only where it must.
    """

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials
        self._refreshable = isinstance(credentials, RefreshableCredentials)
        self._frozen: Any = credentials.get_frozen_credentials()
        self._current = _crt_credentials(self._frozen)
        self.provider = (
            awscrt.auth.AwsCredentialsProvider.new_delegate(lambda: self._current)
            if self._refreshable
            else awscrt.auth.AwsCredentialsProvider.new_static(*self._frozen[:3])
        )

    def refresh(self) -> None:
        if self._refreshable:
            frozen = self._credentials.get_frozen_credentials()
            if frozen is not self._frozen:
                self._frozen, self._current = frozen, _crt_credentials(frozen)


def _crt_credentials(frozen: Any) -> Any:
    return awscrt.auth.AwsCredentials(frozen.access_key, frozen.secret_key, frozen.token)


_used_by: set[int] = set()  # the process that has the event loop


@functools.cache
def _bootstrap() -> awscrt.io.ClientBootstrap:
    """Return the one event loop of this process, kept until its end."""
    _used_by.add(os.getpid())
    loop = awscrt.io.EventLoopGroup(1)
    return awscrt.io.ClientBootstrap(loop, awscrt.io.DefaultHostResolver(loop))


def _signing(template: CopyTemplate, provider: Any) -> awscrt.auth.AwsSigningConfig:
    return awscrt.auth.AwsSigningConfig(
        algorithm=awscrt.auth.AwsSigningAlgorithm.V4,
        signature_type=awscrt.auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=provider,
        region=template.region,
        service=template.service,
        signed_body_header_type=awscrt.auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        signed_body_value=awscrt.auth.AwsSignedBodyValue.EMPTY_SHA256,
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
    )


def _trust(ca_bundle: str) -> awscrt.io.TlsConnectionOptions:
    options = awscrt.io.TlsContextOptions()
    options.override_default_trust_store_from_path(None, ca_bundle)
    return awscrt.io.ClientTlsContext(options).new_connection_options()


_threads_kept = threading.local()


def _keep_thread_state() -> None:
    """Let a thread of awscrt keep its Python thread state between two callbacks.

    Python makes one for a foreign thread at every call and throws it away after it, stack and
    all: a third of the cost of a request. One acquisition that is never released keeps it (C API,
    "PyGILState_Ensure": calls nest). Bodies arrive in one thread, everything else in another.
    """
    if not hasattr(_threads_kept, "done"):
        _threads_kept.done = True
        ctypes.pythonapi.PyGILState_Ensure()


def _explain(answer: Answer, error: Exception, template: CopyTemplate) -> None:
    """Put into ``answer`` what botocore would have made of the same failure."""
    if isinstance(error, awscrt.s3.S3ResponseError):
        answer.status = error.status_code or 0
        answer.headers = tuple(error.headers or ())
        answer.body = bytes(error.body or answer.body)
        return
    if getattr(error, "name", "") in _NOT_PASSED_ON:
        answer.status, code = _NOT_PASSED_ON[error.name]  # type: ignore[attr-defined]
        answer.body = _ERROR_DOCUMENT % code.encode()
        return
    host = dict(template.common_headers)["host"]
    endpoint = f"{'https' if template.tls else 'http'}://{host}"
    answer.error = _as_botocore(error, endpoint)


def _as_botocore(error: Exception, endpoint: str) -> Exception:
    name = getattr(error, "name", type(error).__name__)
    said = f"{name}: {getattr(error, 'message', error)}"
    if "TIMEOUT" in name or name == "AWS_ERROR_S3_CANCELED":
        connecting = name == "AWS_IO_SOCKET_TIMEOUT"
        kind = bc.ConnectTimeoutError if connecting else bc.ReadTimeoutError
        return kind(endpoint_url=endpoint, error=said)
    if "_TLS_" in name:
        return bc.SSLError(endpoint_url=endpoint, error=OSError(said))
    if name == "AWS_IO_SOCKET_CLOSED":  # by the other side, after it was open
        return bc.ConnectionClosedError(endpoint_url=endpoint, error=said, request=None)
    if "_DNS_" in name or "_SOCKET_" in name:
        return bc.EndpointConnectionError(endpoint_url=endpoint, error=said)
    if isinstance(error, awscrt.exceptions.AwsCrtError):
        return bc.ConnectionClosedError(endpoint_url=endpoint, error=said, request=None)
    return error
