"""Every request of a journal in S3, with everything that can happen to it.

A cell holds what becomes of a resume whose requests of the column meet the fault: once, and always.
``+`` completes; a letter is the class of the error that refuses it (exit code 3), after so many
tries. The letters are those of the matrix of a copy; ``J`` is a journal that cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from s3_xfer import ErrorClass, JournalError, JournalUse, RunState
from s3_xfer.access import journal_storage
from tests.contract import test_fault_matrix as copies
from tests.fault_server import Fault
from tests.journal.steps import fill
from tests.world import DESTINATION_ACCOUNT, QUICK, World

BUCKET, KEY = "journals", "copies/j.db"
URL = f"s3://{BUCKET}/{KEY}"
CLASSES = copies.CLASSES | {
    "J": ErrorClass.JOURNAL_UNUSABLE,
    "F": ErrorClass.DESTINATION_FULL,
}
WORDS = copies.WORDS
PATIENCE_S = 0.5  # with a stalled request
COLUMNS = {"Get": "GetObject", "Put": "PutObject", "Head": "HeadObject"}
TABLE = """
fault               Get        Put        Head
503 SlowDown        + T4       + T4       + T4
429 TooMany         + T4       + T4       + T4
500 InternalError   + S4       + S4       + S4
502 without body    + S4       + S4       + S4
504 without body    + O4       + O4       + O4
error in 200        + E4       + S4       + E4
empty 200           + E4       + E4       + E4
empty 200, done     + E4       + E4       + E4
403 AccessDenied    D1 D1      D1 D1      + +
404 NoSuchKey       .  .       + J2       J1 J1
404 NoSuchBucket    B1 B1      B1 B1      J1 J1
412                 J1 J1      + J2       J1 J1
409                 + C4       + C4       + C4
reset before work   + N4       + N4       + N4
reset after work    + N4       + N4       + N4
stalled             + O4       + O4       + O4
truncated           + E4       + +        + +
length too long     + N4       + +        + +
cut off             + N4       + +        + +
clock skew          K1 K1      K1 K1      + +
quota               F1 F1      F1 F1      + +
"""


def _error(status: int, code: str, **settings: Any) -> Callable[..., Fault]:
    return lambda operation, **where: Fault.error(
        operation, status, code, WORDS, **settings, **where
    )


FAULTS: dict[str, Callable[..., Fault]] = {
    "503 SlowDown": _error(503, "SlowDown"),
    "429 TooMany": _error(429, "TooManyRequests"),
    "500 InternalError": _error(500, "InternalError"),
    "502 without body": _error(502, "", body="empty"),
    "504 without body": _error(504, "", body="whitespace"),
    "error in 200": Fault.error_in_200,
    "empty 200": Fault.empty_200,
    "empty 200, done": lambda operation, **where: Fault.empty_200(
        operation, executed=True, **where
    ),
    "403 AccessDenied": _error(403, "AccessDenied"),
    "404 NoSuchKey": _error(404, "NoSuchKey"),
    "404 NoSuchBucket": _error(404, "NoSuchBucket"),
    "412": _error(412, "PreconditionFailed"),
    "409": _error(409, "ConditionalRequestConflict"),
    "reset before work": Fault.reset,
    "reset after work": Fault.lost_response,
    "stalled": lambda operation, **where: Fault.slow(operation, delay_s=60, **where),
    "truncated": Fault.truncated,
    "length too long": Fault.wrong_length,
    "cut off": lambda operation, **where: Fault.cut_body(operation, sent_bytes=1000, **where),
    "clock skew": _error(403, "RequestTimeTooSkewed"),
    "quota": _error(403, "QuotaExceeded"),
}


def _cells() -> list[Any]:
    header, *rows = TABLE.strip().splitlines()
    width = header.index("Get")
    assert [row[:width].strip() for row in rows] == list(FAULTS)
    cells = []
    for row in rows:
        fault, answers = row[:width].strip(), row[width:].split()
        for number, column in enumerate(COLUMNS):
            for times, cell in zip((1, None), answers[2 * number :], strict=False):
                name = f"{fault}-{column}-{'once' if times else 'always'}"
                if cell != ".":
                    cells.append(pytest.param((fault, column, times), cell, id=name))
    return cells


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("place", "cell"), _cells())
def test_matrix(
    world: World, monkeypatch: pytest.MonkeyPatch, place: tuple[str, str, int | None], cell: str
) -> None:
    """What the table says happens, and nothing else."""
    fault, column, times = place
    if fault == "stalled":
        monkeypatch.setattr(journal_storage, "PATIENCE_S", PATIENCE_S)
    world.server.create_bucket(BUCKET, owner=DESTINATION_ACCOUNT)
    fill(world, 2)
    denied = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", times=1))
    world.copy(journal=URL)
    denied.remove()
    met = world.server.inject(FAULTS[fault](COLUMNS[column], bucket=BUCKET, times=times))

    resumed = world.operation(journal=URL, journal_use=JournalUse.RESUME)

    if cell == "+":
        result = resumed.run()
        assert met.hits >= 1
        assert result.state is RunState.COMPLETED
        assert set(world.arrived()) == {"out/0000", "out/0001"}
        return
    with pytest.raises(JournalError, match=URL) as refused:
        resumed.run()
    error_class, tries = CLASSES[cell[0]], int(cell[1])
    assert (refused.value.error_class, met.hits >= min(tries, times or tries)) == (
        error_class,
        True,
    )
    assert tries in (1, 2, 1 + QUICK.retries)
    is_denial = error_class is ErrorClass.ACCESS_DENIED
    assert ("grant the destination's credentials" in refused.value.remedy) == is_denial
    assert "another run" not in str(refused.value)
    assert len(world.arrived()) == 1  # what the first run has copied
