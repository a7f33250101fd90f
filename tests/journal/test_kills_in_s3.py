"""A copy with its journal in S3 is killed at positions of the protocol, and loses nothing.

Kills here are by request and by how far that has come, not by time. The positions of the table are
tried always; ``S3_XFER_KILLS=100`` (``make fuzz``) tries that many more, drawn by ``S3_XFER_SEED``.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.program import THEM, US, Program, environment
from tests.journal.kill_trials import JOURNALS, How, Kill, KillTrials
from tests.tcp_faults import TcpFaultProxy
from tests.world import DESTINATION_ACCOUNT, DESTINATION_KEY, SOURCE_KEY, World

MORE_KILLS = int(os.environ.get("S3_XFER_KILLS", "0"))
SEED = int(os.environ.get("S3_XFER_SEED", "0"))
PREFLIGHT = ".s3-xfer-preflight-"
SENT, DELIVERED, ANSWERED = How.SENT, How.DELIVERED, How.ANSWERED
# Each row is one copy: where it is killed, and where its resume is.
TABLE = (
    (Kill("PutObject", DELIVERED),),  # the first save, at the beginning
    (Kill("CreateMultipartUpload", SENT, key=PREFLIGHT),),
    (Kill("CreateMultipartUpload", DELIVERED, key=PREFLIGHT),),
    (Kill("UploadPartCopy", ANSWERED, key=PREFLIGHT),),
    (Kill("AbortMultipartUpload", SENT, key=PREFLIGHT),),
    (Kill("CreateMultipartUpload", DELIVERED, key="-large"),),
    (Kill("CreateMultipartUpload", ANSWERED, after=1, key="-large"),),
    (Kill("UploadPartCopy", SENT, after=2, key="-large"),),
    (Kill("CompleteMultipartUpload", SENT, key="-large"),),
    (Kill("CompleteMultipartUpload", DELIVERED, after=1, key="-large"),),
    (Kill("CopyObject", ANSWERED, after=30),),
    # In the sweep at the end of the resume, and at its last save.
    (
        Kill("CreateMultipartUpload", DELIVERED, key="-large"),
        Kill("ListMultipartUploads", DELIVERED),
        Kill("AbortMultipartUpload", SENT, key="-large"),
        Kill("PutObject", SENT, after=3),
    ),
)
OPERATIONS = (
    *("GetObject", "HeadObject", "PutObject", "ListObjectsV2", "CopyObject"),
    *("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"),
    *("AbortMultipartUpload", "ListMultipartUploads", "ListParts"),
)


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillTrials]:
    """A filled source, and the program behind a proxy that kills it; each copy has its prefix."""
    tmp_path = tmp_path_factory.mktemp("kills")
    with World() as world, TcpFaultProxy(world.server.url) as proxy:
        world.server.create_bucket(JOURNALS, owner=DESTINATION_ACCOUNT)
        config, secrets = "", ""
        for profile, key in ((THEM, SOURCE_KEY), (US, DESTINATION_KEY)):
            config += f"[profile {profile}]\nregion=us-east-1\nendpoint_url={proxy.url}\n"
            secrets += f"[{profile}]\naws_access_key_id={key}\naws_secret_access_key=secret\n"
        program = Program(environment(tmp_path / "home", config, secrets), tmp_path)
        made = KillTrials(world.server.put, world.server.url, proxy, program)
        made.fill()
        yield made


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kills", TABLE, ids=lambda kills: ",".join(map(str, kills)))
def test_a_copy_that_is_killed_at_a_position_leaves_nothing_behind(
    trials: KillTrials, kills: tuple[Kill, ...]
) -> None:
    """What the journal calls done is there, and after the resume no upload is open."""
    reached = trials.run(*kills)

    assert all(reached)


@pytest.mark.skipif(not MORE_KILLS, reason="make fuzz")
def test_a_copy_survives_kills_at_positions_drawn_by_lot(trials: KillTrials) -> None:
    """Several kills of one copy, at any request and in any of its states."""
    sys.stdout.write(f"S3_XFER_SEED={SEED} S3_XFER_KILLS={MORE_KILLS}\n")
    rng = random.Random(SEED)
    while trials.numbers.kills < MORE_KILLS:
        kills = [draw(rng) for _ in range(rng.randint(1, 3))]
        sys.stdout.write(f"{', '.join(map(str, kills))}\n")
        trials.run(*kills)
    sys.stdout.write(f"{trials.numbers}\n")


def draw(rng: random.Random) -> Kill:
    """Return a position."""
    operation = rng.choice(OPERATIONS)
    after = rng.randrange(40 if operation == "CopyObject" else 6)
    return Kill(operation, rng.choice(list(How)), after=after)
