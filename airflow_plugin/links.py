"""Links from a task to both locations in the AWS console; none to other services.

The task stores the address in an XCom of its own, because its arguments are rendered only while it
runs. The Amazon provider has a base class for such links, but to import it loads botocore, and a
DAG file imports this module each time it is parsed.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow_plugin._compat import BaseOperatorLink
from s3_xfer import AccountContext, S3Location

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")  # those that have a console
_REGION = "us-east-1"  # the console's own choice where a connection names none


class _BucketLink(BaseOperatorLink):
    """A prefix or an object in the S3 console. ``key`` is that of the XCom with the address."""

    key: str

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - by name on 3.x
        """Return the address; empty if the task has not stored one."""
        from airflow_plugin._compat import XCom  # noqa: PLC0415 - not when a DAG is parsed

        address: str | None = XCom.get_value(key=self.key, ti_key=ti_key)
        return address or ""


class S3SourceLink(_BucketLink):
    """Where the objects come from."""

    name = "S3 source"
    key = "s3_xfer_source"


class S3DestinationLink(_BucketLink):
    """Where the objects go."""

    name = "S3 destination"
    key = "s3_xfer_destination"


def persist_links(
    context: Any, operator: Any, source: S3Location, destination: S3Location, *, recursive: bool
) -> None:
    """Store the addresses on AWS for the links of this task; without XComs there are no links."""
    if not operator.do_xcom_push:
        return
    for link, location in ((S3SourceLink, source), (S3DestinationLink, destination)):
        if not _is_aws(location.account):
            continue
        address = _address(location, "buckets" if recursive else "object")
        context["ti"].xcom_push(key=link.key, value=address)


def _address(location: S3Location, kind: str) -> str:
    """Return the console's page; keys may hold anything."""
    region = _region(location.account)
    return (
        f"https://console.{_domain(region)}/s3/{kind}/{location.bucket}"
        f"?region={region}&prefix={quote(location.key, safe='')}"
    )


def _is_aws(account: AccountContext) -> bool:
    """Return whether the console shows what is there."""
    endpoint = account.endpoint_url or _configured_endpoint(account)
    return not endpoint or (urlsplit(endpoint).hostname or "").endswith(_AWS_DOMAINS)


def _configured_endpoint(account: AccountContext) -> str | None:
    """Return what botocore takes from the environment or from AWS's configuration file."""
    # Imported here and not when a DAG is parsed, which would load botocore.
    from botocore.configprovider import ConfiguredEndpointProvider  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    try:
        of_boto3 = account.session
        session = of_boto3._session if of_boto3 else Session()  # noqa: SLF001 - no public accessor
        endpoint: str | None = ConfiguredEndpointProvider(
            full_config=session.full_config,
            scoped_config=session.get_scoped_config(),
            client_name="s3",
        ).provide()
    except BotoCoreError:  # a profile that does not exist: the copy refuses it and says why
        return None
    return endpoint


def _region(account: AccountContext) -> str:
    return account.region or (account.session and account.session.region_name) or _REGION


def _domain(region: str) -> str:
    if region.startswith("cn-"):
        return "amazonaws.cn"
    return "amazonaws-us-gov.com" if region.startswith("us-gov-") else "aws.amazon.com"
