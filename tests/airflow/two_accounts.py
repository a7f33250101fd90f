"""moto's two accounts as the examples expect them: their bucket, ours, and the connections."""

from __future__ import annotations

import json

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts

THEIR_BUCKET, OUR_BUCKET = "their-bucket", "our-bucket"
YEARS = ("2024", "2025", "2026")


class Moto:
    """Both buckets, ten objects below ``data/`` of theirs, and a role of each account."""

    def __init__(self, accounts: TwoAccounts) -> None:
        self._accounts = accounts
        self._us = accounts.client("s3", DESTINATION_ACCOUNT)
        accounts.client("s3", SOURCE_ACCOUNT).create_bucket(Bucket=THEIR_BUCKET)
        self._us.create_bucket(Bucket=OUR_BUCKET)
        keys = ["data/orders.csv", *(f"data/{year}/{n}.csv" for year in YEARS for n in range(3))]
        accounts.store(THEIR_BUCKET, [(key, b"some data") for key in keys])

    def connections(self) -> dict[str, str]:
        """Return the environment that makes the examples' connections."""
        return {
            "AIRFLOW_CONN_S3_XFER_THEM": self._connection(SOURCE_ACCOUNT),
            "AIRFLOW_CONN_S3_XFER_US": self._connection(DESTINATION_ACCOUNT),
        }

    def _connection(self, account: str) -> str:
        return json.dumps(
            {
                "conn_type": "aws",
                "login": "AKIASCHEDULER",
                "password": "the-scheduler-s-secret",
                "extra": {
                    "endpoint_url": self._accounts.url,
                    "region_name": "us-east-1",
                    "role_arn": f"arn:aws:iam::{account}:role/copier",
                    "assume_role_kwargs": {"ExternalId": "agreed"},
                    "service_config": {"sts": {"endpoint_url": self._accounts.url}},
                },
            }
        )

    def keys(self, bucket: str) -> set[str]:
        """Return what is in a bucket."""
        pages = self._us.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}
