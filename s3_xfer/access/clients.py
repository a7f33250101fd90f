"""The S3 clients of a run. Only this module makes any.

*source* lists and reads metadata and tags, with the source's own credentials where given and the
destination's otherwise; *destination* makes the copies, always with the destination's credentials,
so that the destination account owns the copies. A journal in S3 and a diagnosis have clients of
their own (:func:`open_metered_client`). botocore's own retries are off: all these clients share one
:class:`~s3_xfer.copying.request_policy.RequestPolicy`, which counts, limits and repeats their
requests.

Certificates are always checked, against ``ca_bundle`` if one is given.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import boto3
import botocore
from botocore.config import Config

from s3_xfer.access.credentials import (
    STS_PATIENCE_S,
    is_aws,
    is_unprotected,
    session_for,
    trusted_certificates,
)
from s3_xfer.copying.headers import destination_headers, source_headers
from s3_xfer.copying.hooks import RequestHooks
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import PreflightError, translate
from s3_xfer.listing import parsing
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.text import printable
from s3_xfer.version import VERSION

CONNECT_TIMEOUT_S = 10
_SPARE_CONNECTIONS = 16  # aborts, tags and look-ups beside the copies
_USER_AGENT = (
    f"s3-xfer/{VERSION} Boto3/{boto3.__version__} Botocore/{botocore.__version__} "
    f"Python/{platform.python_version()}"
)


@dataclass(frozen=True, slots=True)
class Clients:
    """Both clients, and the hooks that watch the destination's requests.

    ``destination_is_aws`` is False for other services: some take ``If-None-Match`` on a copy and
    ignore it (Ceph RGW 20.2 does, tried by hand). ``destination_ca_bundle`` is the file of
    certificates that ``destination`` itself trusts. ``requests`` is shared by all clients of the
    run, those that are opened later included.
    """

    source: Any
    destination: Any
    destination_hooks: RequestHooks
    destination_is_aws: bool
    destination_ca_bundle: str
    source_session: Any
    destination_session: Any
    requests: RequestPolicy

    def warnings(self) -> tuple[str, ...]:
        """Return what a person must know about how S3 is reached."""
        endpoints = dict.fromkeys(
            (self.source.meta.endpoint_url, self.destination.meta.endpoint_url)
        )
        return tuple(
            f"WITHOUT TLS: requests to {printable(url)} can be read and changed on the way"
            for url in endpoints
            if is_unprotected(url)
        )


def open_clients(
    *,
    source: AccountContext,
    destination: AccountContext,
    options: CopyOptions,
    overwrite: bool,
    requests: RequestPolicy,
) -> Clients:
    """Return clients whose credentials are known to exist; no request to S3 is sent.

    Raises:
        PreflightError: profile, role or credentials cannot be used.
    """
    source_session = None
    patience_s = min(STS_PATIENCE_S, options.read_timeout_s)
    if source.names_credentials:
        source_session = session_for(
            source, side="source", requests=requests, patience_s=patience_s
        )
    destination_session = session_for(
        destination, side="destination", requests=requests, patience_s=patience_s
    )
    destination_renewal = Renewal(destination_session.get_credentials())
    reading = RequestHooks(
        requests,
        renewal=Renewal(source_session.get_credentials())
        if source_session
        else destination_renewal,
        headers=source_headers(options, source_owner=source.bucket_owner),
    )
    writing = RequestHooks(
        requests,
        renewal=destination_renewal,
        headers=destination_headers(
            options,
            overwrite=overwrite,
            source_owner=source.bucket_owner,
            destination_owner=destination.bucket_owner,
        ),
    )
    writer = _client(destination_session, destination, options, writing, side="destination")
    return Clients(
        source=_client(
            source_session or destination_session, source, options, reading, side="source"
        ),
        source_session=source_session or destination_session,
        destination_session=destination_session,
        destination=writer,
        destination_hooks=writing,
        destination_is_aws=is_aws(writer.meta.endpoint_url),
        destination_ca_bundle=trusted_certificates(destination, destination_session),
        requests=requests,
    )


def _client(
    session: Any, account: AccountContext, options: CopyOptions, hooks: RequestHooks, *, side: str
) -> Any:
    try:
        client = session.client(
            "s3",
            region_name=account.region,
            endpoint_url=account.endpoint_url,
            verify=account.ca_bundle,
            config=_config(options, account.client_config or Config()),
        )
    except Exception as error:
        info = translate(error)
        raise PreflightError(
            f"no S3 client can be made for the {side} side: {printable(info.message)}",
            error_class=info.error_class,
        ) from error
    hooks.attach(client)
    parsing.attach(client)
    return client


def open_metered_client(
    session: Any, account: AccountContext, *, requests: RequestPolicy, patience_s: float
) -> Any:
    """Return an S3 client for a few requests beside the copies, which adds no headers of its own.

    Its requests are counted, limited and repeated by ``requests``, and end with the run. S3 has
    ``patience_s`` to answer each.
    """
    client = session.client(
        "s3",
        region_name=account.region,
        endpoint_url=account.endpoint_url,
        verify=account.ca_bundle,
        config=(account.client_config or Config()).merge(
            Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=patience_s,
                read_timeout=patience_s,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )
        ),
    )
    RequestHooks(requests, renewal=Renewal(session.get_credentials()), headers={}).attach(client)
    return client


def _config(options: CopyOptions, chosen: Any) -> Any:
    """Return ``chosen`` (a Config) with the settings of a bulk copier on top."""
    ours = Config(
        user_agent=_USER_AGENT,  # fixed: botocore otherwise rebuilds it for every request
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=2 * options.threads + _SPARE_CONNECTIONS,
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=options.read_timeout_s,
        tcp_keepalive=True,
        s3={  # type: ignore[arg-type] # a dict of S3 settings
            **(getattr(chosen, "s3", None) or {}),
            "us_east_1_regional_endpoint": "regional",
        },
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return chosen.merge(ours)
