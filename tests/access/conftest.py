"""The program with a profile for each account, as in the end-to-end tests."""

from __future__ import annotations

from tests.e2e.conftest import program

__all__ = ["program"]
