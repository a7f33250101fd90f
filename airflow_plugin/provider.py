"""The description for Airflow's provider manager: name, links, configuration with its defaults.

Airflow finds it through the entry point ``apache_airflow_provider``; ``airflow providers list``
shows it. It must not import Airflow: it runs while Airflow reads its configuration.
"""

from __future__ import annotations

from typing import Any

from s3_xfer import __version__

SECTION = "s3_xfer"

# Option -> (type, default, what it is). Read by airflow_plugin.settings.
SETTINGS: dict[str, tuple[str, str, str]] = {
    "log_interval": (
        "float",
        "10",
        "Seconds between two lines of progress in a task's log.",
    ),
    "stop_grace": (
        "float",
        "1.5",
        "Seconds that a stopped copy waits for answers of S3 before it aborts its uploads. Airflow "
        "3 kills a task 5 seconds after it was marked failed or cleared: more than 2 leave no time "
        "for the aborts. The operator's stop_grace_s has precedence.",
    ),
    "concurrency": (
        "integer",
        "",
        "Copies under way at the same time, in each task. Empty: the library's default. The "
        "operator's concurrency has precedence.",
    ),
    "identical": (
        "string",
        "skip-on-retry",
        "What happens to objects whose content is at the destination already: copy, skip, or "
        "skip-on-retry (copy in the first try of a task, skip in later ones). The operator's "
        "identical has precedence.",
    ),
    "docs_url": (
        "string",
        "",
        "Where messages link to: the address of the documentation as built by make docs. Empty: "
        "the address that the package gives, if it gives one.",
    ),
}


def get_provider_info() -> dict[str, Any]:
    """Return the description that Airflow's provider schema asks for."""
    return {
        "package-name": "s3-xfer",
        "name": "s3-xfer",
        "description": "Copies between S3 buckets of different AWS accounts, server-side.",
        "versions": [__version__],
        "transfers": [
            {
                "source-integration-name": "Amazon Simple Storage Service (S3)",
                "target-integration-name": "Amazon Simple Storage Service (S3)",
                "python-module": "airflow_plugin.operator",
            }
        ],
        "extra-links": [
            "airflow_plugin.links.S3SourceLink",
            "airflow_plugin.links.S3DestinationLink",
        ],
        "config": {SECTION: _section()},
    }


def _section() -> dict[str, Any]:
    return {
        "description": "Defaults of S3CrossAccountCopyOperator.",
        "options": {
            name: {
                "description": text,
                "version_added": "0.1.0",
                "type": kind,
                "example": None,
                "default": default,
            }
            for name, (kind, default, text) in SETTINGS.items()
        },
    }
