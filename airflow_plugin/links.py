"""Links from a task to both locations in the AWS console; none to other services.

The task stores bucket, prefix and region in an XCom of its own, because its arguments are rendered
only while it runs. The console's address in each partition comes from the Amazon provider's base
class.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink

from s3_xfer import AccountContext, S3Location

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")  # those that have a console
_REGION = "us-east-1"  # the console's own choice where a connection names none


class _BucketLink(BaseAwsLink):
    """A prefix or an object in the S3 console."""

    format_str = (
        BASE_AWS_CONSOLE_LINK + "/s3/{kind}/{bucket_name}?region={region_name}&prefix={prefix}"
    )

    def format_link(self, **values: Any) -> str:
        """Return the address; keys may hold anything."""
        return super().format_link(**(values | {"prefix": quote(values["prefix"], safe="")}))


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
    """Store the locations on AWS for the links of this task; without XComs there are no links."""
    for link, location in ((S3SourceLink, source), (S3DestinationLink, destination)):
        if not _is_aws(location.account):
            continue
        region = _region(location.account)
        link.persist(
            context=context,
            operator=operator,
            region_name=region,
            aws_partition=_partition(region),
            kind="buckets" if recursive else "object",
            bucket_name=location.bucket,
            prefix=location.key,
        )


def _is_aws(account: AccountContext) -> bool:
    """Return whether the console shows what is there."""
    by_environment = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    endpoint = account.endpoint_url or by_environment
    return not endpoint or (urlsplit(endpoint).hostname or "").endswith(_AWS_DOMAINS)


def _region(account: AccountContext) -> str:
    return account.region or (account.session and account.session.region_name) or _REGION


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
