"""Listings that cannot be believed: no wrong key, no endless run, and the service is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    CheckResult,
    CopyResult,
    ErrorClass,
    JournalUse,
    Preflight,
    RunAborted,
    RunMode,
)
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from tests.check.test_checking import check
from tests.contract.test_listing_cut_off import rest, written
from tests.fault_server import Fault
from tests.fault_server.odd_listings import (
    ODD_PREFIXES,
    asked_otherwise,
    in_small_pages,
    paged,
    rewritten,
    with_field,
)
from tests.world import DST, SRC, World

Road = Callable[[World, Path], CopyResult | CheckResult]
AFTER_PREFLIGHT: dict[str, Any] = {"preflight": Preflight.SKIP}


def ended(run: Callable[[], CopyResult | CheckResult]) -> RunAborted:
    """Return the error that ended or refused a run, which its exit code says."""
    try:
        result = run()
    except RunAborted as refused:
        error, code = refused, exit_code(refused)
    else:
        assert result.aborted_by, result
        error, code = result.aborted_by, exit_code(result)
    assert code is ExitCode.ABORTED
    return error


def journal_of(path: Path) -> dict[str, Any]:
    """Return the settings of a run that begins a journal."""
    return {"journal": str(path / "copy.db")}


ROADS: dict[str, Road] = {
    "copy": lambda world, _: world.copy(),
    "no preflight": lambda world, _: world.copy(**AFTER_PREFLIGHT),
    "dry run": lambda world, _: world.copy(mode=RunMode.DRY_RUN, **AFTER_PREFLIGHT),
    "check": lambda world, _: check(world),
    "journal": lambda world, path: world.copy(**journal_of(path), **AFTER_PREFLIGHT),
    "report": lambda world, path: world.copy(
        from_report_path=written(path / "r.jsonl", rest("", None)), **AFTER_PREFLIGHT
    ),
}
PREFIXES = {
    "leading slash": ("/data/", "data/x", "slashes at the beginning"),
    "joined slashes": ("Data//a/", "Data/a/x", "joins slashes"),
    "no heed": ("Data/", "another/x", "ignores the prefix"),
    "lower case": ("Data/", "data/x", "upper case"),
    "relative": ("Data/", "Data/x", "ignores the prefix"),
    "encoded in secret": ("a b/", "a b/x", "encodes keys and does not say so"),
    "not encoded": ("a%2Bb/", "a%2Bb/x", "says that keys are encoded"),
}


@pytest.mark.parametrize("service", ODD_PREFIXES)
@pytest.mark.parametrize("road", ["copy", "no preflight"])
def test_key_outside_the_prefix_ends_the_run(
    world: World, tmp_path: Path, service: str, road: str
) -> None:
    """Nothing of the page is copied; key, prefix and what the service does are named."""
    prefix, key, behaviour = PREFIXES[service]
    world.server.put(SRC, key, size=1)
    world.server.inject(ODD_PREFIXES[service]())
    settings = AFTER_PREFLIGHT if road == "no preflight" else {}

    error = ended(lambda: world.copy(prefix, **settings))

    assert error.error_class is ErrorClass.MALFORMED
    assert behaviour in error.problem
    assert prefix in error.problem
    world.assert_untouched()


@pytest.mark.parametrize("road", ROADS)
def test_key_outside_the_prefix_is_noticed_on_every_road(
    world: World, tmp_path: Path, road: str
) -> None:
    """The page before it counts, its own page does not."""
    for name in "abcd":
        world.server.put(SRC, f"in/{name}", size=1)
        world.server.put(DST, f"out/{name}", size=1)
    world.server.inject(in_small_pages(bucket=SRC))
    world.server.inject(rewritten(lambda text: text.replace("<Key>in/d", "<Key>in-d"), bucket=SRC))

    error = ended(lambda: ROADS[road](world, tmp_path))

    assert error.error_class is ErrorClass.MALFORMED
    assert "'in-d'" in error.problem
    assert "'in/'" in error.problem
    assert world.sent("CopyObject", key="out/c") == 0


def test_key_outside_the_prefix_of_the_destination_ends_a_check(world: World) -> None:
    """A check cuts the keys of both sides."""
    world.server.put(SRC, "in/a", size=1)
    world.server.put(DST, "elsewhere/a", size=1)
    world.server.inject(asked_otherwise(lambda query: query.pop("prefix"), bucket=DST))

    error = ended(lambda: check(world))

    assert error.error_class is ErrorClass.MALFORMED
    assert "'elsewhere/a'" in error.problem
    assert "'out/'" in error.problem


def test_key_outside_the_prefix_ends_a_resumed_run(world: World, tmp_path: Path) -> None:
    """Also where the preflight is not what notices it."""
    world.server.put(SRC, "in/a", size=1)
    denied = world.server.inject(Fault.error("ListObjectsV2", 403, "AccessDenied"))
    world.copy(**journal_of(tmp_path), **AFTER_PREFLIGHT)
    denied.remove()
    world.server.inject(ODD_PREFIXES["relative"]())

    error = ended(
        lambda: world.copy(**journal_of(tmp_path), journal_use=JournalUse.RESUME, **AFTER_PREFLIGHT)
    )

    assert error.error_class is ErrorClass.MALFORMED
    world.assert_untouched()


# ------------------------------------------------------------------------- moving forward

NAMES = [f"in/{name}" for name in "abcdef"]
Pages = Callable[[int], Sequence[str] | None]
LOOPS: dict[str, Pages] = {
    "one page": lambda _: NAMES[:2],
    "two pages in turn": lambda number: NAMES[2 * (number % 2) :][:2],
    "three pages in turn": lambda number: NAMES[2 * (number % 3) :][:2],
    "one page in another order": lambda number: NAMES[::-1] if number % 2 else NAMES,
    "all over again with other borders": lambda number: (NAMES * 2)[(number * 4) % 6 :][:4],
    "back to the second page": lambda number: NAMES[2 * min(number, 1 + number % 2) :][:2],
    "empty for ever": lambda _: [],
    "empty after the first page": lambda number: [] if number else NAMES,
    "one key again and again": lambda number: NAMES if number == 0 else NAMES[-1:],
}


@pytest.mark.parametrize(
    ("loop", "road"),
    [(loop, road) for loop in LOOPS for road in ROADS if "empty" not in loop]
    + [("empty for ever", "copy"), ("empty after the first page", "check")],
)
def test_listing_that_does_not_move_forward_ends_the_run(
    world: World, tmp_path: Path, loop: str, road: str
) -> None:
    """However it repeats: no object is copied twice, and no advice leads into the loop."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    world.server.inject(paged(world.server, SRC, LOOPS[loop]))

    error = ended(lambda: ROADS[road](world, tmp_path))

    assert error.error_class is ErrorClass.MALFORMED
    assert "does not move forward" in error.problem
    assert "journal=" not in str(error)
    assert world.sent("CopyObject") == len(world.arrived())
    assert world.server.count("ListObjectsV2") < 1100


@pytest.mark.parametrize("road", ROADS)
def test_listing_with_one_token_for_all_pages_ends_the_run(
    world: World, tmp_path: Path, road: str
) -> None:
    """The same token means the same page."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    world.server.inject(paged(world.server, SRC, lambda _: NAMES[:2], token="again"))

    error = ended(lambda: ROADS[road](world, tmp_path))

    assert "same continuation token" in error.problem
    assert world.sent("CopyObject") == len(world.arrived())


def test_listing_of_the_destination_that_repeats_ends_a_check(world: World) -> None:
    """Both sides of a check are read by the same rules."""
    world.server.put(SRC, "in/a", size=1)
    world.server.put(DST, "out/a", size=1)
    world.server.inject(paged(world.server, DST, lambda _: ["out/a"]))

    error = ended(lambda: check(world))

    assert "does not move forward" in error.problem


UNUSUAL: dict[str, Pages] = {
    "each page begins with the last key": lambda number: NAMES[number:][:2] if number < 5 else None,
    "a key twice on a page": lambda number: None if number else [*NAMES, NAMES[0]],
    "a key on two pages": lambda number: [NAMES[:4], NAMES[2:], None][number],
    "empty pages": lambda number: None if number > 99 else NAMES if number == 50 else [],
    "backwards": lambda number: NAMES[::-1][2 * number :][:2] if number < 3 else None,
    "no order": lambda number: [NAMES[3:], NAMES[:2], NAMES[2:3], None][number],
}


@pytest.mark.parametrize("listing", UNUSUAL)
def test_unusual_listing_that_moves_forward_is_read_to_its_end(world: World, listing: str) -> None:
    """Each key counts once and is copied once, however often and in whichever order it comes."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    world.server.inject(paged(world.server, SRC, UNUSUAL[listing]))

    result = world.copy(listing_threads=1)  # these pages begin behind no key

    assert exit_code(result) is ExitCode.OK
    assert result.metrics.total_files_found == len(NAMES)
    assert len(world.arrived()) == world.sent("CopyObject") == len(NAMES)


# ------------------------------------------------------------------------- contradictions

CONTRADICTIONS: dict[str, tuple[Callable[[str], str], str]] = {
    "truncated, no token": (with_field("NextContinuationToken", None), "no continuation token"),
    "truncated, empty token": (with_field("NextContinuationToken", ""), "no continuation token"),
    "version 1": (
        lambda text: with_field("Marker", "")(with_field("NextContinuationToken", None)(text)),
        "version 1",
    ),
    "odd flag, no token": (
        lambda text: with_field("IsTruncated", "perhaps")(
            with_field("NextContinuationToken", None)(text)
        ),
        "IsTruncated is 'perhaps'",
    ),
    "negative size": (with_field("Size", "-1", entry=True), "the size '-1'"),
    "no size": (with_field("Size", None, entry=True), "no size"),
    "size that is none": (with_field("Size", "many", entry=True), "the size 'many'"),
    "empty size": (with_field("Size", "", entry=True), "the size ''"),
    "size with a fraction": (with_field("Size", "1.5", entry=True), "the size '1.5'"),
    "size beyond all": (with_field("Size", "9" * 19, entry=True), f"the size '{'9' * 19}'"),
    "no key": (with_field("Key", None, entry=True), "without a key"),
    "empty key": (with_field("Key", "", entry=True), "without a key"),
    "groups": (
        lambda text: text.replace(
            "</ListBucketResult>",
            "<CommonPrefixes><Prefix>in/more/</Prefix></CommonPrefixes></ListBucketResult>",
        ),
        "'in/more/'",
    ),
    "more keys than it has": (with_field("KeyCount", "7"), "announces 7 keys"),
    "not encoded": (with_field("Key", "in/a b", entry=True), "'in/a b'"),
    "no hexadecimal number": (with_field("Key", "in/100%", entry=True), "'in/100%'"),
    "another encoding": (with_field("EncodingType", "base64"), "'base64'"),
    "key that is no UTF-8": (with_field("Key", "in/%FF", entry=True), r"b'in/\xff'"),
    "two objects of one key": (
        lambda text: with_field("Key", "in/a", entry=True)(text).replace("<Size>1<", "<Size>2<", 1),
        "twice on one page",
    ),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
@pytest.mark.parametrize("settings", [{}, AFTER_PREFLIGHT], ids=["preflight", "no preflight"])
def test_page_that_contradicts_itself_is_not_believed(
    world: World, contradiction: str, settings: dict[str, Any]
) -> None:
    """Nothing of it is copied; the message says what is wrong, and blames the service for it."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    change, words = CONTRADICTIONS[contradiction]
    world.server.inject(in_small_pages())
    world.server.inject(rewritten(change))

    error = ended(lambda: world.copy(**settings))

    assert error.error_class in (ErrorClass.MALFORMED, ErrorClass.NOT_SUPPORTED)
    assert words in error.problem
    assert "AWS" not in str(error)
    world.assert_untouched()


HARMLESS: dict[str, Callable[[str], str]] = {
    "flag in capitals": lambda text: text.replace(">true<", "> TRUE <"),
    "flag as a number": lambda text: text.replace(">true<", ">1<").replace(">false<", ">0<"),
    "token, flag says no": lambda text: text.replace(">true<", ">false<"),
    "token, no flag": lambda text: text.replace("<IsTruncated>true</IsTruncated>", ""),
    "token, odd flag": lambda text: text.replace(">true<", ">yes<"),
    "no count": with_field("KeyCount", None),
    "count that is none": with_field("KeyCount", "many"),
    "limit that is none": with_field("MaxKeys", "many"),
    "impossible date": with_field("LastModified", "2024-02-30T25:61:61Z", entry=True),
    "empty date": with_field("LastModified", "", entry=True),
    "no date": with_field("LastModified", None, entry=True),
    "year 0": with_field("LastModified", "0000-00-00T00:00:00.000Z", entry=True),
    "year 100000": with_field("LastModified", "100000-01-01T00:00:00.000Z", entry=True),
    "no ETag": with_field("ETag", None, entry=True),
    "empty ETag": with_field("ETag", "", entry=True),
    "no class": with_field("StorageClass", None, entry=True),
    "spaces around the size": lambda text: text.replace("<Size>1<", "<Size> 1 <"),
    "line ends": lambda text: text.replace("><", ">\r\n<") + "\r\n",
    "another namespace": lambda text: text.replace(
        "http://s3.amazonaws.com", "https://example.org"
    ),
    "control character beside": with_field("Owner", "\x01\x08", entry=True),
    "control character by number": with_field("Owner", "&#1;&#x8;", entry=True),
    "no UTF-8 beside": with_field("Owner", "\udcff", entry=True),
    "delimiter without groups": with_field("Delimiter", "/"),
}


@pytest.mark.parametrize("oddity", HARMLESS)
def test_field_that_no_copy_needs_loses_no_listing(world: World, oddity: str) -> None:
    """All pages are read, every object is copied."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    world.server.inject(in_small_pages())
    world.server.inject(rewritten(HARMLESS[oddity]))

    result = world.copy()

    assert exit_code(result) is ExitCode.OK, result
    assert len(world.arrived()) == len(NAMES)


@pytest.mark.parametrize("key", ["in/a b+c", "in/\x01\x1f", "in/\r\n\t", "in/€\ufffe", "in/%41&<"])
def test_keys_of_a_service_that_encodes_none_are_exact(world: World, key: str) -> None:
    """Raw in the document, those included that XML cannot hold."""
    world.server.put(SRC, key, size=1)
    raw = asked_otherwise(lambda query: query.pop("encoding-type"))
    world.server.inject(raw)
    world.server.inject(
        rewritten(lambda text: re.sub("&#(1|31|13|10|9);", lambda code: chr(int(code[1])), text))
    )

    result = world.copy()

    assert exit_code(result) is ExitCode.OK, result
    assert list(world.arrived()) == [key.replace("in/", "out/")]


def test_truncated_first_page_without_objects_is_not_an_empty_prefix(world: World) -> None:
    """The preflight reads on to the first object, or to the end."""
    world.server.put(SRC, "in/a", size=1)
    world.server.inject(paged(world.server, SRC, lambda number: [[], [], ["in/a"], None][number]))

    assert exit_code(world.copy()) is ExitCode.OK
    assert list(world.arrived()) == ["out/a"]


@pytest.mark.parametrize(
    ("name", "listed"), [("a b", "a%20b"), ("é", "%C3%A9"), ("100%", "100%25")]
)
def test_keys_that_are_encoded_in_secret_are_noticed(world: World, name: str, listed: str) -> None:
    """Where no prefix shows it, the object of the key does; nothing is copied."""
    world.server.put(SRC, f"in/{name}", size=1)
    world.server.inject(
        rewritten(lambda text: with_field("EncodingType", None)(text).replace("+", "%20"))
    )

    error = ended(lambda: world.copy(**AFTER_PREFLIGHT))

    assert f"'in/{listed}'" in error.problem
    assert "encodes keys and does not say so" in error.problem
    world.assert_untouched()


def test_keys_that_only_look_encoded_are_taken_as_they_are(world: World) -> None:
    """The service does not encode, and says nothing; the HEAD finds the very key."""
    world.server.put(SRC, "in/a%20b", size=1)
    world.server.inject(asked_otherwise(lambda query: query.pop("encoding-type")))

    assert exit_code(world.copy(**AFTER_PREFLIGHT)) is ExitCode.OK
    assert list(world.arrived()) == ["out/a%20b"]
    assert world.sent("HeadObject") == 1


@pytest.mark.parametrize("listing", ["each page begins with the last key", "a key on two pages"])
def test_overlapping_pages_are_in_order_for_a_journal(
    world: World, tmp_path: Path, listing: str
) -> None:
    """Keys that come twice are no disorder."""
    for key in NAMES:
        world.server.put(SRC, key, size=1)
    world.server.inject(paged(world.server, SRC, UNUSUAL[listing]))

    result = world.copy(listing_threads=1, **journal_of(tmp_path))

    assert exit_code(result) is ExitCode.OK
    assert result.metrics.total_files_found == len(world.arrived()) == len(NAMES)
