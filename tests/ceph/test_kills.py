"""A copy with its journal in a real S3 is killed at positions of the protocol, and loses nothing.

The positions of tests/journal/test_kills_in_s3.py, on Ceph; ``S3_XFER_KILLS`` tries more.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.ceph.cluster import CephCluster
from tests.ceph.world import ACCOUNTS, SECRET, CephWorld
from tests.e2e.program import THEM, US, Program, environment
from tests.journal.kill_trials import JOURNALS, Kill, KillTrials
from tests.journal.test_kills_in_s3 import SEED, TABLE, draw
from tests.tcp_faults import TcpFaultProxy
from tests.world import DESTINATION_ACCOUNT

MORE_KILLS = int(os.environ.get("S3_XFER_KILLS", "0"))


@pytest.fixture(scope="module")
def trials(ceph: CephCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillTrials]:
    """A filled source on Ceph, and the program behind a proxy that kills it."""
    tmp_path = tmp_path_factory.mktemp("kills")
    with CephWorld(ceph) as world, TcpFaultProxy(ceph.url) as proxy:
        world.stage.create_bucket(JOURNALS, owner=DESTINATION_ACCOUNT)
        config, secrets = "", ""
        for profile, key in zip((THEM, US), ACCOUNTS.values(), strict=True):
            config += f"[profile {profile}]\nregion=us-east-1\nendpoint_url={proxy.url}\n"
            secrets += f"[{profile}]\naws_access_key_id={key}\naws_secret_access_key={SECRET}\n"
        program = Program(environment(tmp_path / "home", config, secrets), tmp_path)
        made = KillTrials(world.stage.put, ceph.url, proxy, program)
        made.fill()
        yield made


@pytest.mark.parametrize("kills", TABLE, ids=lambda kills: ",".join(map(str, kills)))
def test_a_copy_that_is_killed_at_a_position_leaves_nothing_behind(
    trials: KillTrials, kills: tuple[Kill, ...]
) -> None:
    """What the journal calls done is there, and after the resume no upload is open."""
    assert all(trials.run(*kills))


@pytest.mark.skipif(not MORE_KILLS, reason="S3_XFER_KILLS")
def test_a_copy_survives_kills_at_positions_drawn_by_lot(trials: KillTrials) -> None:
    """Several kills of one copy, at any request and in any of its states."""
    rng = random.Random(SEED)
    while trials.numbers.kills < MORE_KILLS:
        trials.run(*(draw(rng) for _ in range(rng.randint(1, 3))))
    sys.stdout.write(f"{trials.numbers}\n")
