"""The credentials of a side, which last as long as the run.

A session per side: the given one, a profile, or the default chain, and on top of it a role that
renews itself. Secrets and environment variables are those of the AWS CLI, ``AWS_REGION`` included.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import threading
from collections.abc import Hashable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import get_cert_path
from botocore.session import Session
from botocore.utils import parse_timestamp

from s3_xfer.access.brokers import bound_processes
from s3_xfer.access.logins import missing_login, needs_mfa_code, share_mfa_sessions
from s3_xfer.access.models import models, share_models
from s3_xfer.copying.background_renewal import BackgroundRenewal
from s3_xfer.copying.renewal import repeat_sts
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.declarations import is_blank
from s3_xfer.errors import ErrorClass, PreflightError, ValidationError, translate
from s3_xfer.errors.machine_limits import are_files_used_up
from s3_xfer.model import AccountContext, check_endpoint
from s3_xfer.s3_client import STSClient
from s3_xfer.text import printable

if TYPE_CHECKING:
    import boto3.session

_making_client = threading.Lock()

ROLE_SESSION_NAME = "s3-xfer"
STS_PATIENCE_S = 10.0  # while a role is renewed, every request waits
_STS_TIMEOUT_S = 3  # of the question who the credentials are, which is not repeated
_SESSION_NAME = "AWS_ROLE_SESSION_NAME"


def session_for(
    account: AccountContext,
    *,
    side: str,
    requests: RequestPolicy | None = None,
    patience_s: float = STS_PATIENCE_S,
) -> Session:
    """Return a session whose credentials were fetched once, so that they are known to work.

    ``requests`` repeats the requests that assume a role, now and when it is renewed, and keeps the
    session for who asks again; None: none is repeated. STS has ``patience_s`` to answer each.

    Raises:
        PreflightError: unknown profile, no credentials, or a role that may not be assumed.
        ValidationError: a variable of the environment is malformed.
    """
    if requests is None:
        return _opened_session(account, side, None, patience_s)
    policy = requests.for_credentials
    session, _ = policy.opened.get(
        _identity(account), lambda: (_opened_session(account, side, policy, patience_s), account)
    )
    return session


def _identity(account: AccountContext) -> Hashable:
    """Return what tells apart sessions; who keeps one keeps its ``account``, for the id in it."""
    named = (account.profile, account.role_arn, account.external_id)
    reached = (account.region, account.endpoint_url, account.ca_bundle)
    return ("session", named, reached, id(account.session) if account.session else None)


def _opened_session(
    account: AccountContext, side: str, requests: RequestPolicy | None, patience_s: float
) -> Session:
    if not (account.profile or account.session):
        _refuse_empty_profile(os.environ)
    _check_endpoints(os.environ)
    try:
        region = account.region or os.environ.get("AWS_REGION")  # else botocore's own choice
        given = account.session
        session = core_of(given) if given else _core_session(account.profile, region)
        bound_processes(session)
        if account.role_arn:
            session = _role_session(session, account, requests, patience_s)
        credentials = session.get_credentials()
        if credentials:
            BackgroundRenewal.attach(credentials)
            credentials.get_frozen_credentials()
    except ValidationError:
        raise
    except Exception as error:
        raise _refused(account, side, error) from error
    if credentials is None and not account.no_sign_request:
        raise PreflightError(
            f"no AWS credentials were found for the {side} side",
            error_class=ErrorClass.MACHINE_LIMIT  # files of the configuration count as missing
            if are_files_used_up()
            else ErrorClass.CREDENTIALS_REFUSED,
        )
    return session


def ask_for_mfa_codes(*, source: AccountContext, destination: AccountContext) -> None:
    """Ask now, in this thread, for the codes that the profiles of both sides need.

    Raises:
        PreflightError: there is no terminal to ask on, or a role may not be assumed.
    """
    for side, account in (("source", source), ("destination", destination)):
        is_used = side == "destination" or account.names_credentials
        if is_used and not account.session and _needs_mfa_code(account.profile):
            session_for(replace(account, role_arn=None, external_id=None), side=side)


def _needs_mfa_code(profile: str | None) -> bool:
    try:
        return needs_mfa_code(_configured(profile))
    except BotoCoreError:  # what is wrong with the files is said when they are used
        return False


def _role_session(
    base: Session,
    account: AccountContext,
    requests: RequestPolicy | None,
    patience_s: float,
) -> Session:
    """Return a session with credentials of the account's role, renewed before they expire."""
    base_credentials = base.get_credentials()
    if base_credentials is None:
        return base
    BackgroundRenewal.attach(base_credentials)

    def client_creator(service: str, **keys: Any) -> STSClient:  # noqa: ARG001 - it is "sts"
        client = sts_client(base, account, patience_s=patience_s, **keys)
        if requests:
            repeat_sts(client, requests)
            requests.opened.on_close(client.close)
        return client

    external_id = {"ExternalId": account.external_id} if account.external_id else {}
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=client_creator,
        source_credentials=base_credentials,
        role_arn=account.role_arn or "",
        extra_args={"RoleSessionName": _session_name(os.environ), **external_id},
    )
    credentials = DeferredRefreshableCredentials(
        method="s3-xfer-assume-role", refresh_using=fetcher.fetch_credentials
    )
    # Its endpoint, addressing style, …
    session = _core_session(account.profile, account.region or region_of(base))
    resolver = SimpleNamespace(load_credentials=lambda: credentials)
    session.register_component("credential_provider", resolver)
    return session


def _session_name(env: Mapping[str, str]) -> str:
    """Return the name by which the role's session appears in CloudTrail.

    Raises:
        ValidationError: ``AWS_ROLE_SESSION_NAME`` is not one.
    """
    name = env.get(_SESSION_NAME) or ROLE_SESSION_NAME
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
        raise ValidationError(
            f"{_SESSION_NAME} is {name!r}, which is no name of a role's session",
            remedy="give 2 to 64 letters, digits or any of _+=,.@-",
        )
    return name


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom STS sees behind credentials; with an empty ``arn``, why that is unknown."""

    arn: str = ""
    unknown_because: str = ""


def caller_identity(session: Session, account: AccountContext) -> Identity:
    """Return the identity behind ``session``, with which ``account`` is reached. Never raises.

    S3 services other than AWS often have no STS, or one without this request.
    """
    try:
        with closing(sts_client(session, account, patience_s=_STS_TIMEOUT_S)) as client:
            answer = client.get_caller_identity()
    except Exception as error:  # noqa: BLE001 - an unknown identity is a result
        info = translate(error)
        status = f" (HTTP {info.http_status})" if info.http_status else ""
        message = f": {info.message}" if info.message else ""
        return Identity(unknown_because=printable(f"STS answered {info.code}{status}{message}"))
    return Identity(arn=answer["Arn"])


def is_aws(endpoint: str) -> bool:
    """Return whether ``endpoint`` is one of AWS's own, and not another service that speaks S3."""
    host = (urlsplit(endpoint).hostname or "").rstrip(".")
    return host.endswith(_aws_domains())


@functools.cache
def _aws_domains() -> tuple[str, ...]:
    """Return the domains of all partitions (China, GovCloud, iso, …), as botocore has them."""
    partitions = models().load_data("partitions")["partitions"]
    outputs = [partition["outputs"] for partition in partitions]
    names = {output[name] for output in outputs for name in ("dnsSuffix", "dualStackDnsSuffix")}
    return tuple(f".{name}" for name in sorted(names))


def is_unprotected(endpoint: str) -> bool:
    """Return whether requests to ``endpoint`` leave the machine without TLS."""
    parts = urlsplit(endpoint)
    try:
        is_local = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:  # a name
        is_local = parts.hostname == "localhost"
    return parts.scheme == "http" and not is_local


def sts_client(
    session: Session,
    account: AccountContext,
    *,
    patience_s: float,
    **keys: Any,
) -> STSClient:
    """Return a client for STS, which has ``patience_s`` to answer; it repeats nothing by itself."""
    client: STSClient = make_client(
        session,
        "sts",
        region_name=account.region or region_of(session) or "us-east-1",
        endpoint_url=sts_endpoint(account.endpoint_url, os.environ),
        verify=account.ca_bundle,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=patience_s,
            read_timeout=patience_s,
        ),
        **keys,
    )
    return client


def make_client(session: Session, service: str, **settings: Any) -> Any:
    """Return a client, as ``session`` makes it; botocore lets one thread at a time do that."""
    with _making_client:
        return session.create_client(service, **settings)


def sts_endpoint(s3_endpoint: str | None, env: Mapping[str, str]) -> str | None:
    """Return the endpoint of STS; None for AWS's own.

    S3 services other than AWS answer STS at the address of S3; AWS never does, not even through
    its VPC endpoints. ``AWS_ENDPOINT_URL_STS`` decides where it is set.
    """
    if env.get("AWS_ENDPOINT_URL_STS") or not s3_endpoint:
        return None  # botocore reads the variable itself
    return None if is_aws(s3_endpoint) else s3_endpoint


def trusted_certificates(account: AccountContext, session: Session) -> str:
    """Return the file of certificates against which botocore checks this account's endpoint.

    The order is botocore's (``session.create_client``, ``endpoint.EndpointCreator``); a client does
    not expose which file it uses.
    """
    chosen = session.get_config_variable("ca_bundle")
    named = account.ca_bundle or chosen or os.environ.get("REQUESTS_CA_BUNDLE")
    return str(named or get_cert_path(verify=True))


def core_of(session: boto3.session.Session) -> Session:
    """Return the session of botocore that a session of boto3 stands for."""
    core: Session = session._session  # noqa: SLF001 - boto3 does not expose it
    return core


def region_of(session: Session) -> str | None:
    """Return the region of ``session``: the given one, or that of its profile or environment."""
    region: str | None = session.get_config_variable("region")
    return region


def _core_session(profile: str | None, region: str | None) -> Session:
    """Return a session whose clients read the timestamps of S3 with a parser of our own.

    botocore's default goes through dateutil: 50 µs each, half of the cost of reading a listing.
    boto3's session would add nothing to it but ``client.copy`` and the like, which nobody calls.
    """
    session = Session(profile=profile)
    if region:
        session.set_config_variable("region", region)
    share_models(session)
    share_mfa_sessions(session)
    session.get_component("response_parser_factory").set_parser_defaults(
        timestamp_parser=_parse_timestamp
    )
    return session


def _configured(profile: str | None) -> Session:
    """Return a session that makes no client, and only knows what the configuration says."""
    return Session(profile=profile, include_builtin_handlers=False)


def _parse_timestamp(value: Any) -> datetime:
    """Return the instant of ``2024-01-02T03:04:05.000Z`` or ``Tue, 02 Jan 2024 03:04:05 GMT``.

    Everything else goes to botocore's own parser.
    """
    if isinstance(value, str):
        try:
            if value.endswith("Z"):
                return datetime.fromisoformat(value)
            if value.endswith("GMT"):
                return parsedate_to_datetime(value)
        except ValueError:
            pass  # not one of the two after all
    parsed: datetime = parse_timestamp(value)
    return parsed


def _check_endpoints(env: Mapping[str, str]) -> None:
    """Raise if a variable names an endpoint that could show a secret in messages.

    Raises:
        ValidationError: it does.
    """
    for name, value in env.items():
        if name.startswith("AWS_ENDPOINT_URL") and value:
            check_endpoint(value)


def _refuse_empty_profile(env: Mapping[str, str]) -> None:
    """Raise if a variable names a profile, and the name is empty: which one was meant is unknown.

    Raises:
        PreflightError: it does.
    """
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if is_blank(env.get(variable, variable)):
            raise PreflightError(
                f"the environment variable {variable} is empty",
                remedy="set it to the name of a profile, or unset it",
                error_class=ErrorClass.CONFIGURATION,
            )


def _refused(account: AccountContext, side: str, error: Exception) -> PreflightError:
    core = core_of(account.session) if account.session else _configured(account.profile)
    error = missing_login(core, error) or error
    info = translate(error)
    error_class = info.error_class
    who = f"profile {account.profile!r}" if account.profile else "the default credentials"
    if account.role_arn:
        who = f"role {account.role_arn}"
    if error_class in (ErrorClass.UNEXPECTED, ErrorClass.ACCESS_DENIED):
        error_class = ErrorClass.CREDENTIALS_REFUSED
    code = f"{info.code}: " if isinstance(error, ClientError) else ""
    said = printable(f"{code}{info.message}")
    refusal = PreflightError(
        f"the {side} side cannot use {who}: {said}",
        remedy=error.remedy if isinstance(error, PreflightError) else "",
        error_class=error_class,
    )
    if isinstance(error, ClientError) and error.operation_name == "AssumeRole":
        from s3_xfer.access.role_denial import diagnose_role  # noqa: PLC0415 - for few runs

        refusal.diagnosis = diagnose_role(account, side, info)
    return refusal
