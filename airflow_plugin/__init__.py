"""The Airflow operator of s3-xfer: copies between accounts as tasks.

    from airflow_plugin import S3CrossAccountCopyOperator

Works on Airflow 2.10.5 and newer, 3.x included; uses only what :mod:`s3_xfer` has in its
``__all__``. Airflow is imported when a name is first used, because Airflow itself imports
:mod:`airflow_plugin.provider` while it is being set up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_plugin.batch import S3BatchCopyOperator
    from airflow_plugin.check_operator import S3CrossAccountCheckOperator
    from airflow_plugin.connections import account_of
    from airflow_plugin.exceptions import (
        S3CopyPermanentError,
        S3CopyRetryableError,
        S3CopyStoppedError,
        S3CopyThrottledError,
    )
    from airflow_plugin.operator import S3CrossAccountCopyOperator
    from airflow_plugin.shards import S3MergeOperator, S3PlanOperator, copy_in_shards

__all__ = [
    "S3BatchCopyOperator",
    "S3CopyPermanentError",
    "S3CopyRetryableError",
    "S3CopyStoppedError",
    "S3CopyThrottledError",
    "S3CrossAccountCheckOperator",
    "S3CrossAccountCopyOperator",
    "S3MergeOperator",
    "S3PlanOperator",
    "account_of",
    "copy_in_shards",
]

_MODULES = {
    "S3BatchCopyOperator": "batch",
    "S3MergeOperator": "shards",
    "S3PlanOperator": "shards",
    "S3CopyPermanentError": "exceptions",
    "S3CopyRetryableError": "exceptions",
    "S3CopyStoppedError": "exceptions",
    "S3CopyThrottledError": "exceptions",
    "S3CrossAccountCheckOperator": "check_operator",
    "S3CrossAccountCopyOperator": "operator",
    "account_of": "connections",
    "copy_in_shards": "shards",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"airflow_plugin.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'airflow_plugin' has no attribute {name!r}")
