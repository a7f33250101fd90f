"""The program as a process, beside the world that all tests have."""

from __future__ import annotations

from tests.e2e.conftest import program

__all__ = ["program"]
