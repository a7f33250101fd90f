"""Objects that others put where a copy was going to, told apart from the copy itself."""

from __future__ import annotations

import pytest

from tests.fault_server import Fault
from tests.world import DST, SRC, World

ETAG = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("size", "etag", "copied"),
    [(1000, ETAG, 1), (9, ETAG, 0), (1000, "f" * 32, 0)],
    ids=["the same", "another size", "another ETag"],
)
def test_only_what_equals_the_source_passes_for_a_copy_whose_answer_was_lost(
    world: World, size: int, etag: str, copied: int
) -> None:
    """ETag and size have to agree: where ETags are no hashes, equal ones prove nothing alone."""
    world.server.put(SRC, "in/x", size=1000, etag=ETAG)
    world.server.inject(Fault.reset("CopyObject", times=1))
    world.server.inject(
        Fault.call(
            "CopyObject", lambda _: world.server.put(DST, "out/x", size=size, etag=etag), times=1
        )
    )

    result = world.copy(overwrite=False)

    assert result.metrics.files_copied_successfully == copied
    assert result.metrics.files_skipped == 1 - copied
    assert world.arrived()["out/x"].size == size
