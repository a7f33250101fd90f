"""Temporary credentials are renewed once per life, and requests do not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import RefreshableCredentials

from s3_xfer.copying import background_renewal
from s3_xfer.copying.background_renewal import BackgroundRenewal
from tests.patience import at_any_pace


def metadata(life_s: float, number: int) -> dict[str, str]:
    """Return what a source of credentials gives."""
    ends_at = datetime.now(UTC) + timedelta(seconds=life_s)
    return {
        "access_key": f"AKIA{number}",
        "secret_key": "secret",
        "token": "token",
        "expiry_time": ends_at.isoformat(),
    }


def renewed(life_s: float, *, takes_s: float) -> tuple[RefreshableCredentials, Callable[[], int]]:
    """Return credentials of this life, and how often they were renewed so far."""
    count = 0

    def renew() -> dict[str, str]:
        nonlocal count
        count += 1
        time.sleep(takes_s)
        return metadata(life_s, count)

    credentials = RefreshableCredentials.create_from_metadata(metadata(life_s, 0), renew, "test")
    BackgroundRenewal.attach(credentials)
    return credentials, lambda: count


@pytest.mark.parametrize("life_s", [60.0, 14 * 60.0, 3600.0])
def test_credentials_that_are_valid_are_not_renewed(life_s: float) -> None:
    """Botocore renews those of fourteen minutes for every request."""
    credentials, count = renewed(life_s, takes_s=0)

    for _ in range(100):
        credentials.get_frozen_credentials()

    assert count() == 0


def test_requests_do_not_wait_for_a_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread renews near the end; until then the old ones are used."""

    def attempt(slower: float) -> None:
        monkeypatch.setattr(background_renewal, "_AGAIN_MIN_S", 0.1 * slower)
        credentials, count = renewed(2 * slower, takes_s=0.2 * slower)
        longest_s, ends_s = 0.0, time.monotonic() + 1.9 * slower
        while time.monotonic() < ends_s:
            began_s = time.monotonic()
            credentials.get_frozen_credentials()
            longest_s = max(longest_s, time.monotonic() - began_s)
            time.sleep(0.001)

        assert count() == 1
        assert longest_s < 0.15 * slower
        assert credentials.get_frozen_credentials().access_key == "AKIA1"

    at_any_pace(attempt)


def test_expired_credentials_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request with old ones would be refused."""
    credentials, count = renewed(60, takes_s=0.1)
    monkeypatch.setattr(credentials, "_expiry_time", datetime.now(UTC))

    assert credentials.get_frozen_credentials().access_key == "AKIA1"
    assert count() == 1


def test_one_renewal_serves_all_that_share_the_credentials() -> None:
    """Both sides may have the same."""
    credentials, _ = renewed(60, takes_s=0)

    assert BackgroundRenewal.attach(credentials) is BackgroundRenewal.attach(credentials)
