"""From two Airflow connections to the two sides of a copy.

The Amazon provider's own hook reads the connection, so that roles, external ids, web identities,
endpoints, ``config_kwargs`` and refreshing credentials mean what they mean everywhere in Airflow.
Its ``config_kwargs`` are kept and only added to. Refuses two things that the hook allows: a
connection that is named but does not exist (the hook would go on with the worker's own identity)
and ``verify=False``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_plugin._compat import AirflowNotFoundException
from s3_xfer import AccountContext, ErrorClass, PreflightError, ValidationError, translate


@dataclass(frozen=True, kw_only=True)
class Side:
    """How a DAG says that one side is reached. ``name`` is ``source`` or ``destination``.

    A source that is not ``independent`` is looked at through the destination's connection, with
    its endpoint and its credentials; ``aws_conn_id`` is then the destination's.
    """

    name: str
    aws_conn_id: str | None = None
    independent: bool = True
    region_name: str | None = None
    verify: bool | str | None = None
    bucket_owner: str | None = None
    botocore_config: Mapping[str, Any] | None = None

    def account(self) -> AccountContext:
        """Return the library's view of this side; may send requests to STS.

        Raises:
            ValidationError: the connection is missing or cannot be used as it is.
            PreflightError: its credentials are refused.
        """
        hook = self.hook()
        if self.aws_conn_id:
            _require(hook, self)
        return AccountContext(
            session=self._session(hook) if self.aws_conn_id and self.independent else None,
            region=hook.region_name,
            endpoint_url=hook.conn_config.get_service_endpoint_url("s3"),
            bucket_owner=self.bucket_owner,
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

    def client(self) -> Any:
        """Return an S3 client of the hook's own making, for reports."""
        return self.hook().get_conn()

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
        return hook.verify if isinstance(hook.verify, str) else None

    def _config(self, chosen: Any) -> Any:
        """Return the connection's configuration with the operator's on top."""
        from botocore.config import Config  # noqa: PLC0415 - not when a DAG is parsed

        return chosen.merge(Config(**self.botocore_config)) if self.botocore_config else chosen


def _require(hook: Any, side: Side) -> None:
    """Raise unless the connection exists: the hook itself would only warn."""
    try:
        hook.get_connection(side.aws_conn_id)
    except AirflowNotFoundException as error:
        raise ValidationError(
            f"the {side.name} side names the connection {side.aws_conn_id!r}, which does not exist",
            remedy="create it (Admin, Connections), or correct the id; without an id the "
            "worker's own AWS identity is used",
        ) from error
