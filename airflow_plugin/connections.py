"""From two Airflow connections to the two sides of a copy.

The Amazon provider's own hook reads the connection, so that roles, external ids, web identities,
endpoints, ``config_kwargs`` and refreshing credentials mean what they mean everywhere in Airflow.
The operator's ``botocore_config`` is merged into the connection's ``config_kwargs``. Two things
that the hook allows are refused: a connection that is named but does not exist (the hook would
use the worker's own identity instead) and ``verify=False``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_plugin._compat import AirflowException, AirflowNotFoundException
from airflow_plugin.arguments import TaskArguments
from s3_xfer import (
    AccountContext,
    ErrorClass,
    PreflightError,
    S3XferError,
    ValidationError,
    translate,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WORKER = "worker's identity"
# What a hook raises whose connection has something else in a field than it reads from it.
_WRONG_FIELDS = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    NotImplementedError,
    AirflowException,
)
_NUMBERS = ("connect_timeout", "read_timeout", "max_pool_connections")  # of botocore's Config


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
            PreflightError: its credentials are refused, or it cannot be read now.
        """
        with self._usable():
            hook = self.hook()
            if self.aws_conn_id:
                _require_connection(hook, self)
            ca_bundle, config = self._ca_bundle(hook), self._config(hook.config)
            uses_own = bool(self.aws_conn_id and self.independent)
            session = hook.get_session(region_name=hook.region_name) if uses_own else None
            try:
                return AccountContext(
                    session=session,
                    region=hook.region_name or None,  # a template renders to empty text
                    endpoint_url=hook.conn_config.get_service_endpoint_url("s3") or None,
                    bucket_owner=self.bucket_owner,
                    ca_bundle=ca_bundle,
                    client_config=config,
                )
            except ValidationError as error:
                raise self._unusable(error.problem, ErrorClass.CONFIGURATION) from error

    def hook(self) -> Any:
        """Return the provider's hook for S3."""
        from airflow.providers.amazon.aws.hooks.base_aws import (  # noqa: PLC0415 - 1 s, at run time
            AwsBaseHook,
        )

        return AwsBaseHook(
            aws_conn_id=self.aws_conn_id,
            client_type="s3",
            region_name=self.region_name,
            verify=self.verify,
        )

    def client(self) -> S3Client:
        """Return the S3 client that the hook makes, for reports.

        Raises:
            ValidationError, PreflightError: as above.
        """
        with self._usable():
            client: S3Client = self.hook().get_conn()
            return client

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Say of everything that the hook raises inside the block what cannot be used."""
        try:
            yield
        except S3XferError:
            raise
        except Exception as error:
            info = translate(error)
            error_class = _class_of(error, info.error_class)
            raise self._unusable(info.message or info.code, error_class) from error

    def _unusable(self, why: str, error_class: ErrorClass) -> PreflightError:
        identity = f"connection {self.aws_conn_id!r}" if self.aws_conn_id else WORKER
        return PreflightError(
            f"the {identity} cannot be used: {why}",
            remedy=f"it is that of the {self.name}: look at its fields (Admin, Connections), "
            "above all role, endpoint and the JSON of its extra",
            error_class=error_class,
        )

    def _ca_bundle(self, hook: Any) -> str | None:
        if hook.verify is False:
            raise ValidationError(
                f"the {self.name} side turns off the check of certificates (verify is false)",
                remedy="give verify the path of the certificates to trust",
            )
        return hook.verify if hook.verify and isinstance(hook.verify, str) else None

    def _config(self, config: Any) -> Any:
        """Return the connection's configuration with the operator's merged into it."""
        return config.merge(_config_of(self.botocore_config)) if self.botocore_config else config


def account_of(aws_conn_id: str, *, region_name: str | None = None) -> AccountContext:
    """Return an Airflow connection as the library takes it, for tasks that use the library itself.

    Raises:
        ValidationError: it is missing or cannot be used as it is.
        PreflightError: its credentials are refused, or it cannot be read now.
    """
    return Side(name="destination", aws_conn_id=aws_conn_id, region_name=region_name).account()


def _class_of(error: Exception, error_class: ErrorClass) -> ErrorClass:
    """Return the class of what a hook raised, which decides about the task's retries."""
    if error_class in (ErrorClass.ACCESS_DENIED, ErrorClass.INVALID_REQUEST):
        return ErrorClass.CREDENTIALS_REFUSED
    if error_class is ErrorClass.UNEXPECTED and isinstance(error, _WRONG_FIELDS):
        return ErrorClass.CONFIGURATION
    return error_class


def _config_of(settings: Mapping[str, Any]) -> Any:
    """Return the operator's ``botocore_config``, whose numbers may have come as text.

    Raises:
        ValidationError: botocore does not take it.
    """
    from botocore.config import Config  # noqa: PLC0415 - not when a DAG is parsed

    try:
        read = {
            name: _number(value) if name in _NUMBERS else value for name, value in settings.items()
        }
        return Config(**read)
    except Exception as error:
        raise ValidationError(
            f"botocore_config is {dict(settings)!r}; botocore does not take it: {error}",
            remedy="give the keyword arguments of botocore.config.Config",
        ) from error


def _number(value: Any) -> Any:
    number = ast.literal_eval(value) if isinstance(value, str) else value
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        raise ValueError(f"{value!r} is not a number")
    return number


def source_side(arguments: TaskArguments) -> Side:
    """Return the side that is listed."""
    conn_id = arguments.text("source_aws_conn_id")
    return Side(
        name="source",
        aws_conn_id=conn_id or arguments.text("dest_aws_conn_id"),
        independent=bool(conn_id),
        region_name=arguments.text("source_region_name"),
        verify=arguments.verify("source_verify"),
        bucket_owner=arguments.account_id("source_bucket_owner"),
        botocore_config=arguments.mapping("botocore_config"),
    )


def destination_side(arguments: TaskArguments) -> Side:
    """Return the side that makes the copy."""
    return Side(
        name="destination",
        aws_conn_id=arguments.text("dest_aws_conn_id"),
        region_name=arguments.text("dest_region_name"),
        verify=arguments.verify("dest_verify"),
        bucket_owner=arguments.account_id("dest_bucket_owner"),
        botocore_config=arguments.mapping("botocore_config"),
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
