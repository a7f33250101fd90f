"""Two embedded accounts, the control API beside them, and the program between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from s3_xfer.testing.two_accounts import TwoAccounts
from tests.batch.control_server import ControlServer
from tests.e2e.program import THEM, US, Done
from tests.e2e.shop import Shop
from tests.world import DST, SRC

ROLE = "arn:aws:iam::222222222222:role/job"
FROM, TO = f"s3://{SRC}/data/", f"s3://{DST}/copies/data/"


@dataclass(frozen=True)
class Desk:
    """Where jobs are planned and followed; ``folder`` is of the plan."""

    shop: Shop
    api: ControlServer
    folder: Path

    def plan(self, *options: str, source: str = FROM, to: str = TO) -> Done:
        """Plan the job of a copy."""
        return self.shop.program.run(
            *("batch", "plan", source, to, "--out", str(self.folder)),
            *("--source-profile", THEM, "--dest-profile", US, "--dest-region", "us-east-1"),
            *("--role-arn", ROLE, "--report-bucket", f"{DST}/ops", *options),
        )

    def run(self, name: str, *options: str) -> Done:
        """Run another command about the plan."""
        if name == "collect":
            options = (*options, "--source-profile", THEM, "--report", str(self.report))
        return self.shop.program.run(
            *("batch", name, str(self.folder), "--dest-profile", US),
            *("--control-endpoint", self.api.url, *options),
        )

    @property
    def report(self) -> Path:
        """The report that is collected."""
        return self.shop.directory / "collected.jsonl"

    def copies(self) -> dict[str, bytes]:
        """Return what arrived, apart from what the job itself has written."""
        arrived = self.shop.arrived()
        return {key: body for key, body in arrived.items() if not key.startswith("ops/")}

    def end(self, **settings: Any) -> None:
        """Plan, submit and run the job to its end; ``settings`` are of the control API."""
        for name, value in settings.items():
            setattr(self.api, name, value)
        for done in (self.plan(), self.run("submit")):
            assert done.code == 0, done.said


@pytest.fixture(scope="session")
def embedded() -> Iterator[TwoAccounts]:
    """Two embedded accounts for all tests; use ``desk``, which empties them."""
    with TwoAccounts() as accounts:
        yield accounts


@pytest.fixture
def desk(embedded: TwoAccounts, tmp_path: Path) -> Iterator[Desk]:
    """Everything that a job takes."""
    embedded.reset()
    embedded.cross_account_access = True
    with Shop(embedded, tmp_path) as shop, ControlServer(shop.destination).serving() as api:
        yield Desk(shop, api, tmp_path / "plan")
