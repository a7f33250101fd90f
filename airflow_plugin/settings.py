"""Defaults from Airflow's configuration, section ``[s3_xfer]``.

The options themselves, with their defaults and words, are declared in
:mod:`airflow_plugin.provider`. Read when a task runs, never when a DAG is parsed. Refuses a value
that cannot be read with the option's name.
"""

from __future__ import annotations

from typing import Any

from airflow.configuration import conf

from airflow_plugin.arguments import read
from airflow_plugin.provider import SECTION, SETTINGS


def text_setting(name: str) -> str | None:
    """Return the option as text; None if it is empty."""
    value: str = conf.get(SECTION, name, fallback=SETTINGS[name][1])
    return value or None


def seconds_setting(name: str) -> float:
    """Return the option as seconds.

    Raises:
        ValidationError: it is not a number.
    """
    seconds: float = read(f"[{SECTION}] {name}", text_setting(name), float)
    return seconds


def chosen(value: Any, name: str) -> Any:
    """Return ``value`` if a DAG gave one, else what the configuration says."""
    return text_setting(name) if value is None else value
