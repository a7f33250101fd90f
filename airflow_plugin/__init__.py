"""The Airflow operator of s3-xfer: copies between accounts as tasks.

    from airflow_plugin import S3CrossAccountCopyOperator

Works on Airflow 2.10.5 and newer, 3.x included; uses nothing of :mod:`s3_xfer` that is not in its
``__all__``. Refuses to import Airflow before it is asked for something: Airflow itself imports
:mod:`airflow_plugin.provider` while it is still being set up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_plugin.failing import (
        S3CopyPermanentError,
        S3CopyRetryableError,
        S3CopyStoppedError,
        S3CopyThrottledError,
    )
    from airflow_plugin.operator import S3CrossAccountCopyOperator

__all__ = [
    "S3CopyPermanentError",
    "S3CopyRetryableError",
    "S3CopyStoppedError",
    "S3CopyThrottledError",
    "S3CrossAccountCopyOperator",
]

_HOMES = {
    "S3CopyPermanentError": "failing",
    "S3CopyRetryableError": "failing",
    "S3CopyStoppedError": "failing",
    "S3CopyThrottledError": "failing",
    "S3CrossAccountCopyOperator": "operator",
}


def __getattr__(name: str) -> Any:
    """Return what is imported late."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"airflow_plugin.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'airflow_plugin' has no attribute {name!r}")
