"""The version of the installed distribution. Stands in pyproject.toml, and only there."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("s3-xfer")
except PackageNotFoundError:  # imported from a source tree that was never installed
    VERSION = "0+unknown"
