"""The credentials of a side, which last as long as the run.

A session per side: the given one, a profile, or the default chain, and on top of it a role that
renews itself. Secrets are never arguments: they come from where the AWS CLI finds them. Environment
variables mean what they mean there, ``AWS_REGION`` included.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.httpsession import get_cert_path

from s3_xfer.access.timestamps import parse_timestamp
from s3_xfer.copying.renewal import repeat_sts
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import ErrorClass, PreflightError, translate
from s3_xfer.model import AccountContext
from s3_xfer.text import printable

ROLE_SESSION_NAME = "s3-xfer"
STS_PATIENCE_S = 10.0  # while a role is renewed, every request waits
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def session_for(
    account: AccountContext,
    *,
    side: str,
    requests: RequestPolicy | None = None,
    patience_s: float = STS_PATIENCE_S,
    env: Mapping[str, str] = os.environ,
) -> boto3.session.Session:
    """Return a session whose credentials were fetched once, so that they are known to work.

    ``requests`` repeats the requests that assume a role, now and when it is renewed; None: none is
    repeated. STS has ``patience_s`` to answer each.

    Raises:
        PreflightError: unknown profile, no credentials, or a role that may not be assumed.
    """
    try:
        session = account.session or _profile_session(account, env)
        if account.role_arn:
            session = _role_session(
                session, _AssumedRole(session, account, requests, patience_s, env)
            )
        credentials = session.get_credentials()
        if credentials:
            credentials.get_frozen_credentials()
    except Exception as error:
        raise _refused(account, side, error) from error
    if credentials is None:
        raise PreflightError(
            f"no AWS credentials were found for the {side} side",
            error_class=ErrorClass.CREDENTIALS_REFUSED,
        )
    return session


def _profile_session(account: AccountContext, env: Mapping[str, str]) -> boto3.session.Session:
    core = botocore.session.Session(profile=account.profile)
    _speed_up(core)
    region = account.region or env.get("AWS_REGION")  # else botocore's own choice
    return boto3.session.Session(botocore_session=core, region_name=region)


def _role_session(base: boto3.session.Session, provider: _AssumedRole) -> boto3.session.Session:
    account = provider.account
    core = botocore.session.Session(profile=account.profile)  # its endpoint, addressing style, …
    _speed_up(core)
    core.register_component("credential_provider", CredentialResolver([provider]))
    return boto3.session.Session(
        botocore_session=core, region_name=account.region or base.region_name
    )


class _AssumedRole(CredentialProvider):
    """Provides credentials of one role, renewed before they expire."""

    METHOD = "s3-xfer-assume-role"

    def __init__(
        self,
        base: boto3.session.Session,
        account: AccountContext,
        requests: RequestPolicy | None,
        patience_s: float,
        env: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.account = account
        self._base = base
        self._requests = requests
        self._patience_s = patience_s
        self._env = env

    def load(self) -> Any:
        account = self.account
        base_credentials = self._base.get_credentials()
        if base_credentials is None:
            return None
        extra = {"RoleSessionName": ROLE_SESSION_NAME}
        if account.external_id:
            extra["ExternalId"] = account.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._client,
            source_credentials=base_credentials,
            role_arn=account.role_arn or "",
            extra_args=extra,
        )
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=fetcher.fetch_credentials
        )

    def _client(self, service: str, **keys: Any) -> Any:
        client = self._base.client(
            service,
            region_name=self.account.region or self._base.region_name or "us-east-1",
            endpoint_url=sts_endpoint(self.account.endpoint_url, self._env),
            verify=self.account.ca_bundle,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=self._patience_s,
                read_timeout=self._patience_s,
            ),
            **keys,
        )
        if self._requests:
            repeat_sts(client, self._requests)
        return client


def is_aws(endpoint: str) -> bool:
    """Return whether ``endpoint`` is one of AWS's own, and not another service that speaks S3."""
    return (urlsplit(endpoint).hostname or "").endswith(_AWS_DOMAINS)


def is_unprotected(endpoint: str) -> bool:
    """Return whether requests to ``endpoint`` leave the machine without TLS."""
    parts = urlsplit(endpoint)
    return parts.scheme == "http" and not _is_this_machine(parts.hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def sts_endpoint(s3_endpoint: str | None, env: Mapping[str, str]) -> str | None:
    """Return the endpoint of STS; None for AWS's own.

    S3 services other than AWS answer STS at the address of S3; AWS never does, not even through
    its VPC endpoints. ``AWS_ENDPOINT_URL_STS`` decides where it is set.
    """
    if "AWS_ENDPOINT_URL_STS" in env or not s3_endpoint:
        return None  # botocore reads the variable itself
    return None if is_aws(s3_endpoint) else s3_endpoint


def trusted_certificates(
    account: AccountContext, session: boto3.session.Session, *, env: Mapping[str, str] = os.environ
) -> str:
    """Return the file of certificates against which botocore checks this account's endpoint.

    The order is botocore's (``session.create_client``, ``endpoint.EndpointCreator``); a client does
    not expose which file it uses.
    """
    chosen = session._session.get_config_variable("ca_bundle")  # noqa: SLF001 - no other way
    return str(
        account.ca_bundle or chosen or env.get("REQUESTS_CA_BUNDLE") or get_cert_path(verify=True)
    )


def _speed_up(core: botocore.session.Session) -> None:
    """Replace dateutil's general timestamp parser, half of the cost of reading a listing."""
    core.get_component("response_parser_factory").set_parser_defaults(
        timestamp_parser=parse_timestamp
    )


def _refused(account: AccountContext, side: str, error: Exception) -> PreflightError:
    info = translate(error)
    error_class = info.error_class
    who = (
        f"role {account.role_arn}"
        if account.role_arn
        else (f"profile {account.profile!r}" if account.profile else "the default credentials")
    )
    if error_class in (ErrorClass.UNEXPECTED, ErrorClass.ACCESS_DENIED):
        error_class = ErrorClass.CREDENTIALS_REFUSED
    return PreflightError(
        f"the {side} side cannot use {who}: {printable(info.message)}", error_class=error_class
    )
