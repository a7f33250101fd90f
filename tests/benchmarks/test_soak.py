"""The soak, in small: whether all accounts agree, and whether it would notice if they did not."""

from __future__ import annotations

import pytest

from benchmarks import server
from benchmarks.soak import Account, soak

pytestmark = pytest.mark.skipif(
    server.compiler() is None, reason="the counting server is C, and there is no C compiler"
)


def test_all_accounts_agree_after_faults() -> None:
    """Server, metrics, report and exit code, to the last object."""
    accounts = soak(3_000)

    assert [str(account) for account in accounts if not account.holds] == []
    throttled = next(account for account in accounts if account.what == "throttled")
    failed = next(account for account in accounts if account.what == "failed")
    assert throttled.due != 0
    assert failed.due != 0


def test_accounts_that_differ_are_told() -> None:
    """With both numbers."""
    account = Account(what="copied", found=1, due=2)

    assert not account.holds
    assert str(account) == "WRONG copied: 1 (2 expected)"
