"""``s3-xfer check``: the words, the codes, and the way from a difference to its repair."""

from __future__ import annotations

import pytest

from tests.e2e.program import PREFIX, PROFILES, Program, end_of
from tests.e2e.shop import Shop
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DST, SRC, World

CHECK = ("check", *PREFIX, *PROFILES)
COPY = ("copy", *PREFIX, *PROFILES)
MD5, PARTS, OTHER_PARTS = "0" * 32, f"{'0' * 32}-5", f"{'f' * 32}-5"


def test_a_check_leads_to_a_repair(shop: Shop) -> None:
    """Against moto: copy, damage, check, copy from its report, check again."""
    shop.fill({f"in/{number}": f"content {number}".encode() for number in range(12)})
    program = shop.program
    assert program.run(*COPY).code == 0
    first = program.run(*CHECK)
    shop.destination.delete_object(Bucket=DST, Key="out/3")
    shop.destination.put_object(Bucket=DST, Key="out/4", Body=b"CONTENT 4")
    shop.destination.put_object(Bucket=DST, Key="out/5", Body=b"longer than it was")

    found = program.run(*CHECK, "--report", "c.jsonl")
    repaired = program.run(*COPY, "--from-report", "c.jsonl")
    last = program.run(*CHECK, "--json")

    assert first.code == 0, first.said
    assert "No difference: 12 objects proven the same" in first.out
    assert found.code == 5, found.said
    assert "Differences found: 1 missing, 2 different" in found.out
    assert "missing: s3://src-bucket/in/3" in found.out
    assert "different in content: s3://src-bucket/in/4" in found.out
    assert "different in size: s3://src-bucket/in/5 (9 B, the copy 18 B)" in found.out
    assert "s3-xfer copy s3://src-bucket/in/ s3://dst-bucket/out/" in found.out
    assert "--from-report c.jsonl" in found.out
    assert len(lines_of(program.directory / "c.jsonl")) == 3
    assert repaired.code == 0, repaired.said
    assert (last.code, last.json()["no_difference"]) == (0, True)
    assert last.json()["objects"]["same"] == 12


def test_what_was_not_proven_is_said(world: World, program: Program) -> None:
    """What has only the same size is counted by itself, with what could prove more."""
    world.server.put(SRC, "in/x", size=1, etag=PARTS)
    world.server.put(DST, "out/x", size=1, etag=OTHER_PARTS)

    done = program.run(*CHECK)
    quiet = program.run(*CHECK, "--quiet")

    assert done.code == 0
    assert "No difference found; of 1 object only the size could be compared" in done.out
    assert "content not comparable" in done.out
    assert "--checksums compares more" in done.out
    assert (quiet.code, quiet.out) == (0, "")
    assert "only the size could be compared" in quiet.err


def test_whoever_wants_proof_gets_code_5_without_it(world: World, program: Program) -> None:
    """``--fail-on same-size``: named in summary and report, and not copied again from it."""
    world.server.put(SRC, "in/x", size=1, etag=PARTS)
    world.server.put(DST, "out/x", size=1, etag=OTHER_PARTS)
    world.server.put(SRC, "in/y", size=1, etag=MD5)
    world.server.put(DST, "out/y", size=1, etag=MD5)

    done = program.run(*CHECK, "--fail-on", "same-size", "--report", "c.jsonl")
    as_json = program.run(*CHECK, "--fail-on", "same-size", "--json")
    copied = program.run(*COPY, "--from-report", "c.jsonl")
    lenient = program.run(*CHECK, "--fail-on", "difference", "--report", "d.jsonl")
    wrong = program.run(*CHECK, "--fail-on", "anything")

    assert done.code == 5, done.said
    assert "Differences found: 1 same size" in done.out
    assert "same size, not proven: s3://src-bucket/in/x" in done.out
    assert "--from-report" not in done.out
    assert "--checksums compares more" in done.out
    rows = lines_of(program.directory / "c.jsonl")
    assert [(row["status"], row["source_key"]) for row in rows] == [("same_size", "in/x")]
    told = as_json.json()
    assert (as_json.code, told["no_difference"], told["fail_on"]) == (5, False, "same-size")
    assert told["objects"]["same_size"] == 1
    assert world.sent("CopyObject") == 0, copied.said
    assert lenient.code == 0
    assert lines_of(program.directory / "d.jsonl") == []
    assert wrong.code == 3


def test_extra_objects_are_a_difference_unless_told_otherwise(
    world: World, program: Program
) -> None:
    """An extra object is named, and no copy is offered as its repair."""
    for bucket, key in ((SRC, "in/x"), (DST, "out/x"), (DST, "out/y")):
        world.server.put(bucket, key, size=1, etag=MD5)

    told = program.run(*CHECK, "--report", "c.jsonl")
    ignored = program.run(*CHECK, "--ignore-extra")

    assert told.code == 5
    assert "extra: s3://dst-bucket/out/y" in told.out
    assert "--from-report" not in told.out
    assert ignored.code == 0
    assert "out/y" not in ignored.said


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("check", "s3://src-bucket/nothing/", *PREFIX[1:], *PROFILES), 3, "there is nothing"),
        (("check", *PREFIX[:2], *PROFILES), 3, "is a prefix"),
        (("check", "s3://src-bucket/in/", "s3://src-bucket/in/", "--recursive"), 3, "itself"),
        ((*CHECK, "--deadline", "soon"), 3, "'soon' is not a deadline"),
        (("check", "s3://src-bucket/in/"), 2, "Missing argument"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    world: World, program: Program, args: tuple[str, ...], code: int, says: str
) -> None:
    """A check is refused as a copy would be, in the same words."""
    world.server.put(SRC, "in/x", size=1)

    done = program.run(*args)

    assert done.code == code, done.said
    assert says in done.err


def test_a_refused_question_is_told(world: World, program: Program) -> None:
    """Code 1: the check finished, and some objects could not be compared."""
    world.server.put(SRC, "in/x", size=1, etag=PARTS)
    world.server.put(DST, "out/x", size=1, etag=OTHER_PARTS)
    world.server.inject(Fault.error("HeadObject", 403, "AccessDenied"))

    done = program.run(*CHECK, "--checksums")

    assert done.code == 1, done.said
    assert "No difference found, but 1 object could not be compared" in done.out
    assert "not compared: s3://src-bucket/in/x (403: HEAD of the destination" in done.out


def test_a_stopped_check_leaves_a_partial_report(world: World, program: Program) -> None:
    """SIGTERM: its own code, and no file that looks complete."""
    for number in range(60):
        world.server.put(SRC, f"in/{number}", size=1, etag=PARTS)
        world.server.put(DST, f"out/{number}", size=1, etag=OTHER_PARTS)
    world.server.inject(Fault.slow("HeadObject", delay_s=0.3))
    child = program.start(*CHECK, "--checksums", "--concurrency", "1", "--report", "c.jsonl")
    world.server.wait_for("HeadObject", count=2)

    child.terminate()
    done = end_of(child)

    assert done.code == 143, done.said
    assert "Stopped (SIGTERM)" in done.out
    assert not (program.directory / "c.jsonl").exists()
    assert (program.directory / "c.jsonl.partial").exists()


def test_progress_is_told_in_lines_and_on_a_terminal(world: World, program: Program) -> None:
    """The words of a check, not those of a copy."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=1, etag=PARTS)
        world.server.put(DST, f"out/{number}", size=1, etag=OTHER_PARTS)
    world.server.inject(Fault.slow("HeadObject", delay_s=0.5))

    plain = program.run(*CHECK, "--checksums", "--concurrency", "1")
    with program.terminal(*CHECK, "--checksums", "--concurrency", "1") as screen:
        screen.until("3 objects", "0 differ")
        code = screen.end()

    assert "asking objects=3 bytes=3B" in plain.err
    assert "same_size=" in plain.err
    assert code == 0
