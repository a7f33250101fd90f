"""Two kinds of S3 for the program: moto's two accounts, and the fault server's world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from s3_xfer.testing.two_accounts import TwoAccounts
from tests.e2e.program import THEM, US, Program, environment
from tests.e2e.shop import Shop
from tests.world import DESTINATION_KEY, SOURCE_KEY, World

# Looked for in everything that the program prints and writes.
SECRET = "wJalrXUtnFEMI-the-secret-key"


@pytest.fixture(scope="session")
def embedded() -> Iterator[TwoAccounts]:
    """Two embedded accounts for all tests; use ``shop``, which empties them."""
    with TwoAccounts() as accounts:
        yield accounts


@pytest.fixture
def shop(embedded: TwoAccounts, tmp_path: Path) -> Iterator[Shop]:
    """Two accounts with real contents, a bucket each, and a profile each."""
    embedded.reset()
    embedded.cross_account_access = True
    with Shop(embedded, tmp_path) as stage:
        yield stage


@pytest.fixture
def program(world: World, tmp_path: Path) -> Program:
    """The program with a profile for each account of the fault server's world."""
    config, secrets = "", ""
    for profile, key in ((THEM, SOURCE_KEY), (US, DESTINATION_KEY)):
        config += f"[profile {profile}]\nregion=us-east-1\nendpoint_url={world.server.url}\n"
        secrets += f"[{profile}]\naws_access_key_id={key}\naws_secret_access_key={SECRET}\n"
    return Program(environment(tmp_path / "home", config, secrets), tmp_path)
