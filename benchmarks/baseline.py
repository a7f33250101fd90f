"""The simplest program to compare with: boto3's ``client.copy()`` from a thread pool.

Usage: ``baseline.py ENDPOINT_URL SOURCE_BUCKET DESTINATION_BUCKET PREFIX THREADS``
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def main(endpoint_url: str, source: str, destination: str, prefix: str, threads: str) -> None:
    """Copy everything below ``prefix``; raises the error of the first failed copy."""
    client: S3Client = boto3.client(
        "s3", endpoint_url=endpoint_url, config=Config(max_pool_connections=int(threads))
    )

    def copy(key: str) -> None:
        client.copy({"Bucket": source, "Key": key}, destination, key)

    with ThreadPoolExecutor(int(threads)) as pool:
        copies = [
            pool.submit(copy, item["Key"])
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=source, Prefix=prefix
            )
            for item in page.get("Contents", ())
        ]
    for copied in copies:
        copied.result()


if __name__ == "__main__":
    main(*sys.argv[1:])
