"""Defaults from Airflow's configuration, section ``[s3_xfer]``.

The settings themselves, with their defaults and descriptions, are declared in
:mod:`airflow_plugin.provider`. They are read when a task runs, never when a DAG is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.configuration import conf

from airflow_plugin.arguments import OPTIONS
from airflow_plugin.provider import SECTION, SETTINGS
from airflow_plugin.wording import OperatorWording, documentation_url, wording_of

# Field of CopyOptions -> the setting that stands in for an argument that is None.
_DEFAULTS = {"identical": "identical", "concurrency": "concurrency", "stop_grace_s": "stop_grace"}


def text_setting(name: str) -> str | None:
    """Return the setting as text; None if it is empty."""
    value: str = conf.get(SECTION, name, fallback=SETTINGS[name][1])
    return value or None


def seconds_setting(name: str) -> float:
    """Return the setting as seconds.

    Raises:
        ValidationError: it is not a number.
    """
    text = text_setting(name) or ""
    seconds: float = OPTIONS["stop_grace_s"].parse(text, name=f"[{SECTION}] {name}")
    return seconds


def task_wording(arguments: Mapping[str, Any]) -> OperatorWording:
    """Return the words for the messages of a task with these rendered arguments."""
    return wording_of(
        arguments,
        docs_url=text_setting("docs_url") or documentation_url(),
        identical=text_setting("identical"),
    )


def default_deferrable() -> bool:
    """Return whether tasks wait in the triggerer where their DAG does not say."""
    default: bool = conf.getboolean("operators", "default_deferrable", fallback=False)
    return default


def option_defaults() -> dict[str, Any]:
    """Return the values for arguments that a DAG does not give, by field of CopyOptions."""
    return {field: text_setting(name) for field, name in _DEFAULTS.items()}
