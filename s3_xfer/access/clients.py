"""The S3 clients of a run. Only this module makes any.

*source* lists and reads metadata and tags, with the source's own credentials where given and the
destination's otherwise; *destination* makes the copies, always with the destination's credentials,
so that the destination account owns the copies. botocore's own retries are off: all clients share
one :class:`~s3_xfer.copying.request_policy.RequestPolicy`, which counts, limits and repeats their
requests. Certificates are always checked, against ``ca_bundle`` if one is given.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import botocore
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session

from s3_xfer.access.credentials import (
    STS_PATIENCE_S,
    is_aws,
    is_unprotected,
    make_client,
    session_for,
    trusted_certificates,
)
from s3_xfer.copying import head_fields
from s3_xfer.copying.background_renewal import SHORT_LIFE_S, BackgroundRenewal
from s3_xfer.copying.headers import Headers, common_headers, destination_headers
from s3_xfer.copying.hooks import RequestHooks
from s3_xfer.copying.optional_headers import (
    IF_NONE_MATCH,
    SOURCE_CONDITION,
    TAGGING_DIRECTIVE,
    OptionalHeaders,
)
from s3_xfer.copying.renewal import Renewal
from s3_xfer.copying.request_policy import SERVER_AWAY, RequestPolicy, TransferCounter
from s3_xfer.copying.upload_registry import UploadTracker
from s3_xfer.errors import PreflightError, S3XferError, translate
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.listing import parsing
from s3_xfer.model import AccountContext, CopyTask, check_endpoint
from s3_xfer.options import CopyOptions, SourceCheck, TagPolicy
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.s3_client import S3Client
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from s3_xfer.version import VERSION

CONNECT_TIMEOUT_S = 10
PATIENCE_S = 10.0  # with a request that no copy waits for
_SPARE_CONNECTIONS = 16  # aborts, tags and look-ups beside the copies
_USER_AGENT = (
    f"s3-xfer/{VERSION} Botocore/{botocore.__version__} Python/{platform.python_version()}"
)


@dataclass(frozen=True, slots=True)
class Clients:
    """Both clients, and the hooks that watch the destination's requests.

    ``destination_is_aws`` is False for other services: some take ``If-None-Match`` on a copy and
    ignore it (Ceph RGW 20.2 does, tried by hand). ``destination_ca_bundle`` is the file of
    certificates that ``destination`` itself trusts. ``requests`` is shared by all clients of the
    run, those that are opened later included.
    """

    source: S3Client
    destination: S3Client
    destination_hooks: RequestHooks
    destination_is_aws: bool
    destination_ca_bundle: str
    source_session: Session
    destination_session: Session
    requests: RequestPolicy

    def warnings(self) -> tuple[str, ...]:
        """Return what a person must know about how S3 is reached."""
        return (*self._short_lives(), *self._without_tls())

    def _short_lives(self) -> Iterator[str]:
        sessions = {"source": self.source_session, "destination": self.destination_session}
        for side, session in sessions.items():
            renewal = BackgroundRenewal.attach(session.get_credentials())
            if renewal and renewal.life_s is not None and renewal.life_s < SHORT_LIFE_S:
                yield (
                    f"the credentials of the {side} side last {renewal.life_s:.0f} s only; "
                    "each renewal has to be faster than that"
                )

    def _without_tls(self) -> Iterator[str]:
        clients = (self.source, self.destination)
        endpoints = dict.fromkeys(client.meta.endpoint_url for client in clients)
        for url in endpoints:
            if is_unprotected(url):
                shown = printable(url)
                yield f"WITHOUT TLS: requests to {shown} can be read and changed on the way"


@dataclass(frozen=True, slots=True)
class _Side:
    """One side as a run reaches it. ``probed_bucket`` is asked for whether its server is away."""

    name: str
    account: AccountContext
    session: Session
    probed_bucket: str = ""

    def hooks(self, requests: RequestPolicy, headers: Mapping[str, Headers]) -> RequestHooks:
        """Return what happens around its requests, which have ``headers``."""
        bucket = self.probed_bucket
        return RequestHooks(
            requests,
            renewal=Renewal.of(self.session.get_credentials(), requests.opened),
            headers=headers,
            probe=server_probe(self.session, self.account, requests, bucket) if bucket else None,
        )


def open_clients(
    *,
    source: AccountContext,
    destination: AccountContext,
    options: CopyOptions,
    overwrite: bool,
    requests: RequestPolicy,
    probed_buckets: tuple[str, str] | None = None,
) -> Clients:
    """Return clients whose credentials are known to exist; no request to S3 is sent.

    ``probed_buckets`` of source and destination are asked for whether a server is away; without
    them none is waited for.

    Raises:
        PreflightError: profile, role or credentials cannot be used.
    """
    open_session = partial(
        session_for, requests=requests, patience_s=min(STS_PATIENCE_S, options.read_timeout_s)
    )
    names_credentials = source.names_credentials
    reading_session = open_session(source, side="source") if names_credentials else None
    writing_session = open_session(destination, side="destination")
    source_bucket, destination_bucket = probed_buckets or ("", "")
    return _clients_of(
        _Side("source", source, reading_session or writing_session, source_bucket),
        _Side("destination", destination, writing_session, destination_bucket),
        options,
        overwrite=overwrite,
        requests=requests,
    )


def _clients_of(
    source: _Side,
    destination: _Side,
    options: CopyOptions,
    *,
    overwrite: bool,
    requests: RequestPolicy,
) -> Clients:
    source_owner = source.account.bucket_owner
    reading = source.hooks(requests, common_headers(options, bucket_owner=source_owner))
    headers = destination_headers(
        options,
        overwrite=overwrite,
        source_owner=source_owner,
        destination_owner=destination.account.bucket_owner,
    )
    writing = destination.hooks(requests, headers)
    writer = _bulk_client(destination, options, writing)
    destination_is_aws = is_aws(writer.meta.endpoint_url)
    writing.optional = _optional_headers(options, overwrite=overwrite, is_aws=destination_is_aws)
    return Clients(
        source=_bulk_client(source, options, reading),
        source_session=source.session,
        destination_session=destination.session,
        destination=writer,
        destination_hooks=writing,
        destination_is_aws=destination_is_aws,
        destination_ca_bundle=trusted_certificates(destination.account, destination.session),
        requests=requests,
    )


def open_own_clients(clients: Clients, spec: CopySpec) -> Clients:
    """Return clients of both kinds for copies within the destination's side, never overwriting.

    They have its credentials, and their requests are counted, limited and repeated as all of the
    run; copies in progress do not show among those of the run.
    """
    own = _Side("destination", spec.destination, clients.destination_session)
    requests = replace(clients.requests, counter=_RequestsOnly(clients.requests.counter))
    return _clients_of(own, own, spec.options, overwrite=False, requests=requests)


class _RequestsOnly:
    """A counter that does not tell ``counter`` of parts."""

    def __init__(self, counter: TransferCounter) -> None:
        self.request_sent = counter.request_sent
        self.retried = counter.retried

    def parts_finished(self, task: CopyTask, done_bytes: int) -> None:
        """Count nothing: the copy is none of the run's."""


def _optional_headers(options: CopyOptions, *, overwrite: bool, is_aws: bool) -> OptionalHeaders:
    """Return what copies may do without, and what they are to do without."""
    offered = [] if overwrite else [IF_NONE_MATCH]
    if options.tags is TagPolicy.SKIP:
        offered.append(TAGGING_DIRECTIVE)
    checks_by_head = options.source_check is SourceCheck.HEAD
    return OptionalHeaders(
        [] if is_aws else offered, left_out=[SOURCE_CONDITION] if checks_by_head else []
    )


def _bulk_client(side: _Side, options: CopyOptions, hooks: RequestHooks) -> S3Client:
    chosen: dict[str, Any] = getattr(side.account.client_config, "s3", None) or {}
    config = Config(
        user_agent=_USER_AGENT,  # fixed: botocore otherwise rebuilds it for every request
        max_pool_connections=2 * options.threads + _SPARE_CONNECTIONS,
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=options.read_timeout_s,
        tcp_keepalive=True,
        s3={**chosen, "us_east_1_regional_endpoint": "regional"},  # type: ignore[arg-type]
    )
    try:
        client = _client(side.session, side.account, config)
    except S3XferError:
        raise
    except Exception as error:
        info = translate(error)
        raise PreflightError(
            f"no S3 client can be made for the {side.name} side: {printable(info.message)}",
            error_class=info.error_class,
        ) from error
    hooks.attach(client)
    parsing.attach(client)
    head_fields.attach(client)
    return client


def open_metered_client(
    session: Session,
    account: AccountContext,
    *,
    requests: RequestPolicy,
    patience_s: float,
    headers: Mapping[str, Headers] = MappingProxyType({}),
    uploads: UploadTracker | None = None,
    probe: Callable[[], bool] | None = None,
) -> S3Client:
    """Return an S3 client for a few requests beside the copies; ``headers`` are by operation.

    Its requests are counted, limited and repeated by ``requests``, and end with the run. S3 has
    ``patience_s`` to answer each. Uploads that it opens are followed by ``uploads``. ``probe`` is
    that of :class:`~.hooks.RequestHooks`.
    """
    config = Config(connect_timeout=patience_s, read_timeout=patience_s)
    client = _client(session, account, config)
    renewal = Renewal.of(session.get_credentials(), requests.opened)
    hooks = RequestHooks(requests, renewal=renewal, headers=headers, probe=probe)
    if uploads:
        hooks.uploads = uploads
    hooks.attach(client)
    parsing.attach(client)
    return client


def open_side_client(
    account: AccountContext,
    *,
    side: str = "destination",
    options: CopyOptions | None = None,
    requests: RequestPolicy | None = None,
) -> S3Client:
    """Return a client with the credentials of one side, for requests outside of any copy.

    ``requests`` counts and repeats them; without it they are repeated as a copy's are.

    Raises:
        PreflightError: the credentials cannot be used.
    """
    options = options or CopyOptions()
    if requests is None:
        requests = RequestPolicy.of(options, counter=MetricsCollector("side"), stop=StopFlag())
    return open_metered_client(
        session_for(account, side=side, requests=requests),
        account,
        requests=requests,
        patience_s=options.read_timeout_s,
        headers=common_headers(options, bucket_owner=account.bucket_owner),
    )


def open_storage_client(
    account: AccountContext, bucket: str, *, requests: RequestPolicy, patience_s: float
) -> S3Client:
    """Return a client for what is kept in ``bucket``, such as a journal, by the destination.

    Raises:
        PreflightError: the credentials of ``account`` cannot be used.
    """
    session = session_for(account, side="destination", requests=requests)
    return open_metered_client(
        session,
        account,
        requests=requests,
        patience_s=patience_s,
        probe=server_probe(session, account, requests, bucket),
    )


def open_reading_client(clients: Clients, spec: CopySpec) -> S3Client:
    """Return a client that reads the source with the destination's credentials, as a copy does."""
    return open_metered_client(
        clients.destination_session,
        spec.destination,
        requests=clients.requests,
        patience_s=PATIENCE_S,
        headers=common_headers(spec.options, bucket_owner=spec.source.bucket_owner),
    )


def server_probe(
    session: Session, account: AccountContext, requests: RequestPolicy, bucket: str
) -> Callable[[], bool]:
    """Return a function that asks for ``bucket`` and returns whether the server answered.

    A denial is an answer, too. The client is made when it is needed: most runs need none.
    """

    @functools.cache
    def client() -> S3Client:
        return open_metered_client(
            session, account, requests=requests.without_retries(), patience_s=PATIENCE_S
        )

    def probe() -> bool:
        try:
            client().head_bucket(Bucket=bucket)
        except Exception as error:  # noqa: BLE001 - of any kind: it tells that no answer came
            info = translate(error)
            return info.http_status is not None and info.error_class not in SERVER_AWAY
        return True

    return probe


def _client(session: Session, account: AccountContext, config: Config) -> S3Client:
    """Return a client with the account's settings, ``config`` and what all clients share on top."""
    shared = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    if account.no_sign_request:
        shared = shared.merge(Config(signature_version=UNSIGNED))
    client: S3Client = make_client(
        session,
        "s3",
        region_name=account.region,
        endpoint_url=account.endpoint_url,
        verify=account.ca_bundle,
        config=(account.client_config or Config()).merge(config).merge(shared),
    )
    check_endpoint(client.meta.endpoint_url)  # the environment may have named it
    return client
