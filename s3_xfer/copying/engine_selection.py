"""Which engine sends the single-request copies of a run, and why.

The rule is boto3's own (``preferred_transfer_client``): the Common Runtime where it is installed
and can express the configuration, the transfer manager otherwise.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.template import compose
from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.options import CopyOptions, Engine, SourceCheck

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient

with contextlib.suppress(ImportError):
    import resource  # not on Windows

_FILES_FOR_OTHERS = 192  # of the open files allowed: boto3's connections, reports, the rest
_FEWEST_CONNECTIONS = 16


def select_engine(
    context: CopyContext, *, ca_bundle: str | None, source_bucket: str, destination_bucket: str
) -> CrtCopyClient | str:
    """Return the client of the CRT engine, or why the managed engine sends the copies.

    Raises:
        PreflightError: the CRT engine was asked for and cannot be used.
    """
    options, client = context.options, context.destination
    if options.engine is Engine.MANAGED:
        return "--engine managed"
    if options.source_check is SourceCheck.HEAD:
        return _without_crt(options, "--source-check head")
    try:
        from s3_xfer.copying import crt  # noqa: PLC0415 - optional, and a tenth of a second
        from s3_xfer.copying.crt_adapter import unsupported_reason  # noqa: PLC0415
    except ImportError:
        return _without_crt(options, "awscrt is not installed (pip install 's3-xfer[crt]')")
    template = compose(
        client, options, source_bucket=source_bucket, destination_bucket=destination_bucket
    )
    reason = unsupported_reason(template, client)
    if reason:
        return _without_crt(options, reason)
    config: Any = client.meta.config
    return crt.CrtCopyClient(
        template,
        context.hooks.renewal.credentials,
        connect_timeout_s=config.connect_timeout,
        ca_bundle=ca_bundle,
    )


def _without_crt(options: CopyOptions, reason: str) -> str:
    if options.engine is Engine.CRT:
        raise PreflightError(
            f"the CRT engine cannot be used: {reason}",
            remedy="leave out --engine crt; the copy then goes through boto3's transfer manager",
            error_class=ErrorClass.INVALID_INPUT,
        )
    return reason


def connections_allowed() -> int:
    """Return how many connections the limit of open files (``ulimit -n``) leaves room for."""
    if "resource" not in globals():
        return _FILES_FOR_OTHERS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    return max(_FEWEST_CONNECTIONS, soft - _FILES_FOR_OTHERS)
