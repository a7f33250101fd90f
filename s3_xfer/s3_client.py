"""The types of clients, for checking only: the stubs of boto3 need not be installed at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
else:
    S3Client: TypeAlias = Any
    STSClient: TypeAlias = Any

__all__ = ["S3Client", "STSClient"]
