"""The two accounts that the example DAGs expect, on the embedded S3, with their connections.

For the demo and for the tests. A role in each account is assumed with a scheduler's key, as in real
life. The embedded STS checks neither the key nor the external id, and no policy is evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts

THEIR_BUCKET, OUR_BUCKET = "their-bucket", "our-bucket"
YEARS = ("2024", "2025", "2026")
CONTENT = b"some data"
_ADDRESS_OF_AWS = "http://s3.us-east-1.amazonaws.com"  # not https, which a proxy cannot read


class ExampleAccounts:
    """Both buckets; theirs has ``data/orders.csv`` and ``per_year`` objects for each year."""

    def __init__(self, accounts: TwoAccounts, *, per_year: int = 3) -> None:
        self._url = accounts.url
        self._us = accounts.client("s3", DESTINATION_ACCOUNT)
        them = accounts.client("s3", SOURCE_ACCOUNT)
        them.create_bucket(Bucket=THEIR_BUCKET)
        them.close()
        self._us.create_bucket(Bucket=OUR_BUCKET)
        accounts.store(THEIR_BUCKET, ((key, CONTENT) for key in _keys(per_year)))

    def connections(self, *, as_aws: bool = False) -> dict[str, str]:
        """Return the environment that makes the examples' connections.

        ``as_aws`` gives them AWS's address, and the embedded S3 as the proxy: tasks do all that
        they do on AWS.
        """
        endpoint = (
            {"endpoint_url": _ADDRESS_OF_AWS, "config_kwargs": {"proxies": {"http": self._url}}}
            if as_aws
            else {"endpoint_url": self._url}
        )
        return {
            "AIRFLOW_CONN_S3_XFER_THEM": self._connection(SOURCE_ACCOUNT, endpoint),
            "AIRFLOW_CONN_S3_XFER_US": self._connection(DESTINATION_ACCOUNT, endpoint),
        }

    def _connection(self, account: str, endpoint: Mapping[str, Any]) -> str:
        return json.dumps(
            {
                "conn_type": "aws",
                "login": "AKIASCHEDULER",
                "password": "the-scheduler-s-secret",
                "extra": {
                    **endpoint,
                    "region_name": "us-east-1",
                    "role_arn": f"arn:aws:iam::{account}:role/copier",
                    "assume_role_kwargs": {"ExternalId": "agreed"},
                    "service_config": {"sts": {"endpoint_url": self._url}},
                },
            }
        )

    def arrived(self) -> set[str]:
        """Return the keys in our bucket."""
        pages = self._us.get_paginator("list_objects_v2").paginate(Bucket=OUR_BUCKET)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}


def _keys(per_year: int) -> Iterator[str]:
    yield "data/orders.csv"
    for year in YEARS:
        for number in range(per_year):
            yield f"data/{year}/{number:05}.csv"
