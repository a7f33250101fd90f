"""The client of S3's control API, which makes and describes S3 Batch Operations jobs.

It sends a handful of requests in hours, so botocore repeats them by its own rules. A job belongs to
an account and a region: both are in the address of AWS's endpoints, and no other endpoint has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from botocore.config import Config
from botocore.model import ListShape, Shape, StructureShape

from s3_xfer.access.credentials import is_aws, make_client, region_of, session_for
from s3_xfer.errors import PreflightError, ValidationError, translate
from s3_xfer.model import AccountContext, check_endpoint
from s3_xfer.text import printable
from s3_xfer.wording import message

_PATIENCE_S = 10.0
_ATTEMPTS = 4
JobControlClient: TypeAlias = Any  # boto3-stubs has it in a package of its own


def open_job_control(
    account: AccountContext, *, region: str | None, endpoint_url: str | None = None
) -> JobControlClient:
    """Return a client that acts with the credentials of ``account``, in ``region``.

    ``endpoint_url`` is of the control API; the account's own, which is S3's, does not serve it.

    Raises:
        PreflightError: the credentials cannot be used.
        ValidationError: the region is not known, or the endpoint is none.
    """
    if endpoint_url is not None:
        check_endpoint(endpoint_url)
    session = session_for(account, side="destination")
    region = region or region_of(session)
    if not region:
        raise ValidationError(
            "the region of the job is not known: it runs in that of the destination bucket",
            remedy=message("give {destination.region=...}"),
        )
    config = Config(
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        connect_timeout=_PATIENCE_S,
        read_timeout=_PATIENCE_S,
    )
    try:
        client = make_client(
            session,
            "s3control",
            region_name=region,
            endpoint_url=endpoint_url,
            verify=account.ca_bundle,
            config=config,
        )
    except Exception as error:
        info = translate(error)
        raise PreflightError(
            f"no client of the control API can be made: {printable(info.message)}",
            error_class=info.error_class,
        ) from error
    if not is_aws(client.meta.endpoint_url):
        client.meta.events.register("before-call.s3-control", _without_account)
    return client


def _without_account(params: dict[str, Any], **_: object) -> None:
    """Take the account out of the host, before which botocore's rules put it for every endpoint."""
    account = params["headers"].get("x-amz-account-id", "")
    parts = urlsplit(params["url"])
    host = parts.netloc.removeprefix(f"{account}.")
    params["url"] = urlunsplit(parts._replace(netloc=host))


def understood(
    client: JobControlClient, operation: str, request: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return ``request`` as far as the installed botocore knows it, and the names it does not."""
    unknown: list[str] = []
    shape = client.meta.service_model.operation_model(operation).input_shape
    return _known_part(shape, request, unknown), tuple(unknown)


def _known_part(shape: Shape, value: Any, unknown: list[str]) -> Any:
    if isinstance(shape, StructureShape):
        unknown += [name for name in value if name not in shape.members]
        return {
            name: _known_part(shape.members[name], part, unknown)
            for name, part in value.items()
            if name in shape.members
        }
    if isinstance(shape, ListShape):
        return [_known_part(shape.member, part, unknown) for part in value]
    return value
