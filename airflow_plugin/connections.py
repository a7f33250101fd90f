"""From two Airflow connections to the two sides of a copy.

The Amazon provider's own hook reads the connection, so that roles, external ids, web identities,
endpoints, ``config_kwargs`` and refreshing credentials mean what they mean everywhere in Airflow.
The operator's ``botocore_config`` is merged into the connection's ``config_kwargs``. Two things
that the hook allows are refused: a connection that is named but does not exist (the hook would
use the worker's own identity instead) and ``verify=False``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_plugin._compat import AirflowNotFoundException
from airflow_plugin.arguments import TaskArguments
from s3_xfer import AccountContext, ErrorClass, PreflightError, ValidationError, translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one side is reached. ``name`` is ``source`` or ``destination``.

    A source that is not ``independent`` has no connection of its own: it is listed with the
    endpoint and the credentials of the destination, whose connection ``aws_conn_id`` then names.
    """

    name: str
    aws_conn_id: str | None = None
    independent: bool = True
    region_name: str | None = None
    verify: bool | str | None = None
    bucket_owner: str | None = None
    botocore_config: Mapping[str, Any] | None = None

    def account(self) -> AccountContext:
        """Return this side as the library takes it; may send requests to STS.

        Raises:
            ValidationError: the connection is missing or cannot be used as it is.
            PreflightError: its credentials are refused.
        """
        hook = self.hook()
        if self.aws_conn_id:
            _require_connection(hook, self)
        return AccountContext(
            session=self._session(hook) if self.aws_conn_id and self.independent else None,
            region=hook.region_name or None,  # templates render what is not set to empty text
            endpoint_url=hook.conn_config.get_service_endpoint_url("s3") or None,
            bucket_owner=self.bucket_owner or None,
            ca_bundle=self._ca_bundle(hook),
            client_config=self._config(hook.config),
        )

    def hook(self) -> Any:
        """Return the provider's hook for S3."""
        from airflow.providers.amazon.aws.hooks.base_aws import (  # noqa: PLC0415 - 1 s, at run time
            AwsBaseHook,
        )

        return AwsBaseHook(
            aws_conn_id=self.aws_conn_id or None,
            client_type="s3",
            region_name=self.region_name,
            verify=self.verify,
        )

    def client(self) -> S3Client:
        """Return the S3 client that the hook makes, for reports."""
        client: S3Client = self.hook().get_conn()
        return client

    def _session(self, hook: Any) -> Any:
        try:
            return hook.get_session(region_name=hook.region_name)
        except Exception as error:
            info = translate(error)
            refused = info.error_class in (ErrorClass.ACCESS_DENIED, ErrorClass.INVALID_REQUEST)
            raise PreflightError(
                f"the {self.name} side cannot use the connection {self.aws_conn_id!r}: "
                f"{info.message or info.code}",
                error_class=ErrorClass.CREDENTIALS_REFUSED if refused else info.error_class,
            ) from error

    def _ca_bundle(self, hook: Any) -> str | None:
        if hook.verify is False:
            raise ValidationError(
                f"the {self.name} side turns off the check of certificates (verify is false)",
                remedy="give verify the path of the certificates to trust",
            )
        return hook.verify if hook.verify and isinstance(hook.verify, str) else None

    def _config(self, config: Any) -> Any:
        """Return the connection's configuration with the operator's merged into it."""
        from botocore.config import Config  # noqa: PLC0415 - not when a DAG is parsed

        return config.merge(Config(**self.botocore_config)) if self.botocore_config else config


def source_side(arguments: TaskArguments) -> Side:
    """Return the side that is listed."""
    return Side(
        name="source",
        aws_conn_id=arguments["source_aws_conn_id"] or arguments["dest_aws_conn_id"],
        independent=bool(arguments["source_aws_conn_id"]),
        region_name=arguments["source_region_name"],
        verify=arguments["source_verify"],
        bucket_owner=arguments["source_bucket_owner"],
        botocore_config=arguments["botocore_config"],
    )


def destination_side(arguments: TaskArguments) -> Side:
    """Return the side that makes the copy."""
    return Side(
        name="destination",
        aws_conn_id=arguments["dest_aws_conn_id"],
        region_name=arguments["dest_region_name"],
        verify=arguments["dest_verify"],
        bucket_owner=arguments["dest_bucket_owner"],
        botocore_config=arguments["botocore_config"],
    )


def _require_connection(hook: Any, side: Side) -> None:
    """Raise unless the connection exists: the hook itself would only warn."""
    try:
        hook.get_connection(side.aws_conn_id)
    except AirflowNotFoundException as error:
        raise ValidationError(
            f"the {side.name} side names the connection {side.aws_conn_id!r}, which does not exist",
            remedy="create it (Admin, Connections), or correct the id; without an id the "
            "worker's own AWS identity is used",
        ) from error
