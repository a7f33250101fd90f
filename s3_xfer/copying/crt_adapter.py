"""What awscrt has to be told, or kept from doing, so that a copy costs little. See :mod:`.crt`.

:func:`unsupported_reason` names the configurations in which awscrt would not send what botocore
sends; those are left to the other engine. :mod:`.crt` and this are the only importers of awscrt.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import awscrt.http
import awscrt.io
import botocore.exceptions as bc
from botocore.utils import get_environ_proxies

from s3_xfer.copying.template import CopyTemplate
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable
from s3_xfer.version import VERSION

_SIGNATURES = frozenset({"v4", "s3v4"})
CALLED_BY_AWSCRT = ("_on_response", "_on_body", "_on_complete")
NO_HTTP = "AWS_ERROR_HTTP_PROTOCOL_ERROR"  # an answer that cannot be read


def unsupported_reason(template: CopyTemplate, client: S3Client) -> str | None:
    """Return why awscrt cannot send what ``client`` would, or None if it can."""
    config: Any = client.meta.config
    reasons = {
        "this process was forked from one that used awscrt, which does not survive that": (
            _used_by and os.getpid() not in _used_by
        ),
        f"awscrt {awscrt.__version__} is not known to s3-xfer {VERSION}": not all(
            hasattr(awscrt.http.HttpClientStream, name) for name in CALLED_BY_AWSCRT
        ),
        f"requests are signed another way ({template.auth_type})": (
            template.auth_type not in _SIGNATURES
        ),
        "requests are signed for more than one region": template.region in ("", "*"),
        "a proxy is configured": _proxy_of(config.proxies, client.meta.endpoint_url),
        "a client certificate is configured": config.client_cert,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _proxy_of(configured: Mapping[str, str] | None, endpoint_url: str) -> str | None:
    """Return the proxy through which botocore would reach ``endpoint_url``.

    It takes the one for the scheme of the URL alone (``ProxyConfiguration.proxy_url_for``): of the
    environment's, neither ``ftp_proxy`` nor ``all_proxy``, nor any where ``no_proxy`` applies.
    """
    proxies = get_environ_proxies(endpoint_url) if configured is None else configured
    proxy: str | None = proxies.get(urlsplit(endpoint_url).scheme)
    return proxy


class _WithoutFuture(awscrt.http.HttpStreamBase):  # type: ignore[misc] # awscrt has no types
    """Stands between awscrt's stream and its base, which would make a future for the answer."""

    __slots__ = ()

    def __init__(self, *_: object) -> None:
        awscrt.NativeResource.__init__(self)


class HttpStream(awscrt.http.HttpClientStream, _WithoutFuture):  # type: ignore[misc]
    """Lets awscrt call a stream of ours, in place of its own methods, which complete a future.

    A future costs more than the signature. :func:`unsupported_reason` checks the private methods.
    """

    __slots__ = CALLED_BY_AWSCRT

    def __init__(self, connection: Any, request: Any, stream: Any) -> None:
        self._on_response = stream.on_response
        self._on_body = stream.on_body
        self._on_complete = stream.on_complete
        super().__init__(connection, request)


_used_by: set[int] = set()  # the process that has the event loop


@functools.cache
def bootstrap() -> awscrt.io.ClientBootstrap:
    """Return the one event loop of this process, kept until its end."""
    _used_by.add(os.getpid())
    loop = awscrt.io.EventLoopGroup(1)
    return awscrt.io.ClientBootstrap(loop, awscrt.io.DefaultHostResolver(loop))


def tls(host: str, ca_bundle: str | None) -> awscrt.io.TlsConnectionOptions:
    """Return options to talk to ``host``, whose certificate must be vouched for."""
    connection_options = _tls_context(ca_bundle, _written_ns(ca_bundle)).new_connection_options()
    connection_options.set_server_name(host)
    return connection_options


@functools.lru_cache(maxsize=2)
def _tls_context(ca_bundle: str | None, _written_ns: int) -> awscrt.io.ClientTlsContext:
    """Return what trusts a bundle as it was written then: to read one takes longer than a copy."""
    options = awscrt.io.TlsContextOptions()
    if ca_bundle:
        options.override_default_trust_store_from_path(None, ca_bundle)
    return awscrt.io.ClientTlsContext(options)


def _written_ns(ca_bundle: str | None) -> int:
    """Return when a bundle was written last; 0 where that cannot be seen."""
    try:
        return os.stat(ca_bundle).st_mtime_ns if ca_bundle else 0
    except OSError:  # awscrt says what is wrong with it
        return 0


def unreadable_reason(ca_bundle: str | None) -> str | None:
    """Return why awscrt cannot trust the certificates of a file, or None if it can.

    It is stricter than OpenSSL, and refuses a file that has a private key beside them.
    """
    try:
        tls("", ca_bundle)
    except RuntimeError as error:
        return f"awscrt cannot use the certificates in {printable(str(ca_bundle))}: {error}"
    return None


# What this machine had no more of.
_NO_MORE = {
    "AWS_ERROR_MAX_FDS_EXCEEDED": errno.EMFILE,
    "AWS_ERROR_OOM": errno.ENOMEM,
    "AWS_ERROR_THREAD_INSUFFICIENT_RESOURCE": errno.ENOMEM,
}
_threads_kept = threading.local()


def keep_thread_state() -> None:
    """Let the thread of awscrt keep its Python thread state between two callbacks.

    Making one at every call is a third of the cost of a request. One acquisition that is never
    released keeps it (C API, "PyGILState_Ensure": calls nest).
    """
    if not hasattr(_threads_kept, "done"):
        _threads_kept.done = True
        ctypes.pythonapi.PyGILState_Ensure()


def connection_error(error: BaseException, endpoint: str, *, given_up: bool) -> Exception:
    """Return what botocore would have made of awscrt's ``error``, a time-out if ``given_up``."""
    name = getattr(error, "name", type(error).__name__)
    text = f"{name}: {getattr(error, 'message', error)}"
    if name in _NO_MORE:
        return OSError(_NO_MORE[name], text)
    if given_up:
        return bc.ReadTimeoutError(endpoint_url=endpoint, error=text)
    if "TIMEOUT" in name:
        return bc.ConnectTimeoutError(endpoint_url=endpoint, error=text)
    if "_TLS_" in name:
        return bc.SSLError(endpoint_url=endpoint, error=OSError(text))
    if name != "AWS_IO_SOCKET_CLOSED" and ("_DNS_" in name or "_SOCKET_" in name):
        return bc.EndpointConnectionError(endpoint_url=endpoint, error=text)
    return bc.ConnectionClosedError(endpoint_url=endpoint, error=text, request=None)
