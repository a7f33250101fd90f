"""Every import that differs between Airflow 2.10, 2.11 and 3.x, each with its reason.

``airflow.providers.common.compat.sdk`` does the same, but the packages of the Airflow 2.10.5 image
are older than it. The rest of this package imports neither ``airflow.sdk`` nor what it replaced
(the example DAGs do, as a user's would). Types are those of the newest Airflow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import (
        Asset,
        AssetAlias,
        BaseOperator,
        BaseOperatorLink,
        Context,
        TaskGroup,
    )
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSkipException,
    )
    from airflow.sdk.execution_time.xcom import XCom
    from airflow.sdk.observability import stats
    from airflow.sdk.types import Logger
else:
    try:  # Airflow 3: the Task SDK; the old modules warn, or are gone (airflow.datasets)
        from airflow.sdk import Asset, AssetAlias, BaseOperator, BaseOperatorLink, TaskGroup
    except ImportError:  # Airflow 2: assets were called datasets
        from airflow.datasets import Dataset as Asset
        from airflow.datasets import DatasetAlias as AssetAlias
        from airflow.models import BaseOperator
        from airflow.models.baseoperatorlink import BaseOperatorLink
        from airflow.utils.task_group import TaskGroup

    try:  # Airflow 3.1 and newer; airflow.exceptions still has them there, and warns
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowSkipException,
        )
    except ImportError:
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowSkipException,
        )

    try:  # Airflow 3.3 and newer: functions of a module
        from airflow.sdk.observability import stats

        if not hasattr(stats, "incr"):  # 3.2: methods of a class in it
            stats = stats.Stats
    except ImportError:  # before: methods of a class, by the same names
        from airflow.stats import Stats as stats  # noqa: N813

    Context = Logger = object  # only for annotations


def __getattr__(name: str) -> Any:
    """Import what only a server or a running task needs."""
    if name != "XCom":
        raise AttributeError(name)
    try:
        module = importlib.import_module("airflow.sdk.execution_time.xcom")
    except ImportError:  # Airflow 2
        module = importlib.import_module("airflow.models.xcom")
    return module.XCom


__all__ = [
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSkipException",
    "Asset",
    "AssetAlias",
    "BaseOperator",
    "BaseOperatorLink",
    "Context",
    "Logger",
    "TaskGroup",
    "XCom",
    "stats",
]
