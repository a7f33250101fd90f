"""Which engine sends the single-request copies of a run, and why.

The rule is boto3's own (``preferred_transfer_client``): the Common Runtime where it is installed
and can express the configuration, the transfer manager otherwise.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.template import CopyTemplate, compose
from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.options import CopyOptions, Engine, Preflight, SourceCheck
from s3_xfer.wording import message

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient


def select_engine(
    context: CopyContext, *, ca_bundle: str | None, destination_bucket: str
) -> CrtCopyClient | str:
    """Return the client of the CRT engine, or why the managed engine sends the copies.

    Where no TLS is possible with the endpoint, the managed engine says so best.

    Raises:
        PreflightError: the CRT engine was asked for and cannot be used.
    """
    options, client = context.options, context.destination
    if options.engine is Engine.MANAGED:
        return message("{engine=managed}")
    if options.source_check is SourceCheck.HEAD:
        return _without_crt(options, message("{source_check=head}"))
    try:
        from s3_xfer.copying import crt  # noqa: PLC0415 - optional, and a tenth of a second
        from s3_xfer.copying.crt_adapter import (  # noqa: PLC0415
            unreadable_reason,
            unsupported_reason,
        )
    except ImportError:
        return _without_crt(options, "awscrt is not installed (pip install 's3-xfer[crt]')")
    template = compose(client, options, destination_bucket=destination_bucket)
    reason = unsupported_reason(template, client)
    if not reason and template.tls and ca_bundle:
        reason = unreadable_reason(ca_bundle)
    if reason:
        return _without_crt(options, reason)
    config: Any = client.meta.config
    if options.preflight is Preflight.SKIP:  # else boto3 has connected already, or has refused
        refusal = _tls_refusal(template, ca_bundle, config.connect_timeout)
        if refusal:
            return refusal
    return crt.CrtCopyClient(
        template,
        context.hooks.renewal.credentials,
        connect_timeout_s=config.connect_timeout,
        ca_bundle=ca_bundle,
        opened=context.hooks.requests.opened,
    )


def _tls_refusal(template: CopyTemplate, ca_bundle: str | None, timeout_s: float) -> str:
    """Return why TLS with the endpoint fails; empty if it does not, or nothing can be said.

    awscrt says no more than that it failed, and takes up to half a minute to say it (s2n hides from
    an attacker when it noticed). boto3 says at once what is wrong with a certificate.
    """
    if not template.tls:
        return ""
    address = urlsplit(f"//{dict(template.common_headers)['host']}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_bundle:
        context.load_verify_locations(ca_bundle)
    else:
        context.load_default_certs()
    try:
        with (
            socket.create_connection((address.hostname, address.port or 443), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=address.hostname),
        ):
            return ""
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return ""  # it was closed, which may pass
    except ssl.SSLError as error:
        return f"TLS with {address.netloc} fails: {error.reason}"
    except OSError:
        return ""


def _without_crt(options: CopyOptions, reason: str) -> str:
    if options.engine is Engine.CRT:
        raise PreflightError(
            message("the CRT engine cannot be used: {reason}", reason=reason),
            remedy=message(
                "leave out {engine=crt}; the copy then goes through boto3's transfer manager"
            ),
            error_class=ErrorClass.INVALID_INPUT,
        )
    return reason
