"""A program chooses what is copied, and under which keys; and asks for the plan as data."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import s3_xfer
from s3_xfer import (
    CompareField,
    Copy,
    ErrorClass,
    Refuse,
    RunState,
    S3Location,
    S3Object,
    S3XferError,
    Skip,
    SkipReason,
    ValidationError,
)
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DESTINATION_KEY, DST, LARGE, SOURCE_KEY, SRC, World

NAMES = ("a.csv", "b.txt", "c.csv", "d/e.csv")


@pytest.fixture
def filled(world: World) -> World:
    """A few objects, one of them large."""
    for name in NAMES:
        world.server.put(SRC, f"in/{name}", size=3)
    world.server.put(SRC, "in/large", size=LARGE)
    return world


def copied(filled: World, **chosen: Any) -> set[str]:
    """Copy, and return the keys that arrived."""
    result = filled.copy(**chosen)
    assert result.state is RunState.COMPLETED, result.aborted_by
    assert result.metrics.listing_complete
    return set(filled.arrived())


# --------------------------------------------------------------------------------- objects


@pytest.mark.parametrize(
    "keys",
    [
        ["in/a.csv", "in/large"],
        ("in/a.csv", "in/large"),
        {"in/a.csv", "in/large"},
        {"in/a.csv": 1, "in/large": 2}.keys(),
        iter(["in/a.csv", "in/large"]),
        (key for key in ["in/a.csv", "in/large"]),
        [S3Object(bucket=SRC, key="in/a.csv", size=3), "in/large"],
    ],
    ids=["list", "tuple", "set", "keys", "iterator", "generator", "objects"],
)
def test_keys_and_objects_are_copied(filled: World, keys: Any) -> None:
    """Those and no others, whatever they come in; large ones in parts."""
    assert copied(filled, objects=keys) == {"out/a.csv", "out/large"}
    assert filled.sent("UploadPartCopy") == 5


def test_an_object_is_pinned_to_its_etag(filled: World) -> None:
    """One that was overwritten since the program has seen it is not copied."""
    old = S3Object(bucket=SRC, key="in/a.csv", size=3, etag='"of yesterday"')

    result = filled.copy(objects=[old])

    assert result.metrics.errors_by_class == {"SourceChanged": 1}
    assert filled.arrived() == {}


def test_a_key_without_an_object_fails_alone(filled: World) -> None:
    """The others arrive."""
    result = filled.copy(objects=["in/none", "in/a.csv"])

    assert result.metrics.errors_by_class == {"SourceVanished": 1}
    assert set(filled.arrived()) == {"out/a.csv"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["elsewhere/a"],
        ["in"],
        [7],
        [None],
        [b"in/a.csv"],
        [S3Object(bucket=DST, key="in/a.csv", size=3)],
    ],
    ids=str,
)
def test_what_is_not_under_the_prefix_ends_the_run(filled: World, wrong: list[Any]) -> None:
    """It is a mistake of the program, and it is named."""
    result = filled.copy(objects=wrong)

    assert result.aborted_by
    assert "it must be a key under s3://src-bucket/in/" in result.aborted_by.problem
    assert filled.arrived() == {}


def test_an_iterator_is_read_by_one_run(filled: World) -> None:
    """A second one is refused instead of copying nothing."""
    operation = filled.operation(objects=iter(["in/a.csv"]))
    assert operation.run().metrics.files_copied_successfully == 1

    aborted = operation.run().aborted_by

    assert aborted
    assert "an earlier run has read" in aborted.problem


def test_what_an_iterable_raises_ends_the_run(filled: World) -> None:
    """What came before is copied and counted."""

    def broken() -> Iterator[str]:
        yield "in/a.csv"
        raise LookupError("mine")

    result = filled.copy(objects=broken())

    assert result.aborted_by
    assert "mine" in result.aborted_by.problem
    assert not result.metrics.listing_complete


def test_objects_are_copied_as_they_come(filled: World) -> None:
    """A slow iterable does not hold back what it has yielded."""

    def slow() -> Iterator[str]:
        yield "in/a.csv"
        time.sleep(0.2)
        yield "in/b.txt"
        filled.server.wait_for("CopyObject", count=2)
        yield "in/c.csv"

    assert copied(filled, objects=slow()) == {"out/a.csv", "out/b.txt", "out/c.csv"}


@pytest.mark.parametrize("waits", [False, True], ids=["endless", "waiting"])
def test_a_stopped_run_does_not_wait_for_its_iterable(
    filled: World, tmp_path: Path, *, waits: bool
) -> None:
    """Even one without an end; a note says that the rest is unknown."""
    gate = threading.Event()

    def endless() -> Iterator[str]:
        for _ in itertools.count():
            yield "in/a.csv"
            if waits:
                gate.wait(600)

    report = tmp_path / "r.jsonl"
    filled.server.inject(Fault.slow("CopyObject", delay_s=0.01))
    operation = filled.operation(objects=endless(), report_path=report, stop_grace_s=0.5)
    with operation.start() as run:
        filled.server.wait_for("HeadObject", count=1)
        run.cancel()
        result = run.result()
    gate.set()

    assert result.cancelled_by == "cancelled"
    assert not result.metrics.listing_complete
    assert any("not read to its end" in note for note in result.notes)
    assert {line["status"] for line in lines_of(report)} <= {"not_attempted", "failed"}


# ----------------------------------------------------------------------------------- where


def test_a_function_says_which_objects_are_wanted(filled: World) -> None:
    """The others were never found: they are in no count."""
    result = filled.copy(where=lambda found: found.key.endswith(".csv"))

    assert set(filled.arrived()) == {"out/a.csv", "out/c.csv", "out/d/e.csv"}
    assert result.metrics.total_files_found == 3
    assert result.metrics.files_skipped == 0


@pytest.mark.parametrize("answer", [None, 1, "yes", []], ids=repr)
def test_a_function_that_does_not_say_ends_the_run(filled: World, answer: Any) -> None:
    """One that forgot to return would leave everything out."""
    result = filled.copy(where=lambda _: answer)

    assert result.aborted_by
    assert "what where returns" in result.aborted_by.problem
    assert filled.arrived() == {}


# ---------------------------------------------------------------------------------- rename


def test_a_function_names_the_copies(filled: World) -> None:
    """Below the destination's prefix."""
    assert copied(filled, rename=lambda found: f"{found.size}/{found.key[3:].upper()}") == {
        "out/3/A.CSV",
        "out/3/B.TXT",
        "out/3/C.CSV",
        "out/3/D/E.CSV",
        f"out/{LARGE}/LARGE",
    }


def test_no_object_is_copied_over_another(filled: World) -> None:
    """The first keeps the key; the others fail, with their names."""
    result = filled.copy(rename=lambda found: found.key[-3:])

    assert result.metrics.errors_by_class == {"KeyTaken": 2}
    assert set(filled.arrived()) == {"out/csv", "out/txt", "out/rge"}
    failed = result.failures[0]
    assert failed.error.error_class is ErrorClass.KEY_TAKEN
    assert failed.task.destination_key == "out/csv"


def test_the_same_object_twice_is_no_collision(filled: World) -> None:
    """It is copied twice, to the same key."""
    objects = ["in/a.csv", "in/a.csv"]
    result = filled.copy(objects=objects, rename=lambda _: "x")

    assert result.metrics.files_copied_successfully == 2


@pytest.mark.parametrize(
    ("name", "says"), [(None, "what rename returns"), (7, "what rename returns")]
)
def test_a_name_that_is_none_ends_the_run(filled: World, name: Any, says: str) -> None:
    """Before anything is copied under it."""
    result = filled.copy(rename=lambda _: name)

    assert result.aborted_by
    assert says in result.aborted_by.problem
    assert filled.arrived() == {}


@pytest.mark.parametrize(
    ("name", "error"), [("x" * 1100, "KeyTooLong"), ("", "EmptyKey")], ids=["long", "empty"]
)
def test_a_name_that_s3_refuses_fails_the_object(filled: World, name: str, error: str) -> None:
    """As a key of the listing would."""
    result = filled.copy(
        where=lambda found: found.key == "in/a.csv", rename=lambda _: name, destination_key=""
    )

    assert result.metrics.errors_by_class == {error: 1}


def test_a_report_of_renamed_copies_is_input_again(filled: World, tmp_path: Path) -> None:
    """With the same function."""
    report = tmp_path / "r.jsonl"
    fault = filled.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))

    def rename(found: S3Object) -> str:
        return found.key[3:].upper()

    filled.copy(rename=rename, report_path=report, preflight="skip")
    fault.remove()
    filled.copy(rename=rename, from_report_path=report)

    assert set(filled.arrived()) == {f"out/{name.upper()}" for name in (*NAMES, "large")}


@pytest.mark.parametrize("chosen", ["objects", "where", "rename"])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"recursive": False, "source_key": "in/a.csv"}, "cannot be used for a single object"),
        ({"journal": "j.db"}, "a journal cannot keep"),
    ],
    ids=["single", "journal"],
)
def test_choices_that_would_be_lost_are_refused(
    world: World, chosen: str, settings: dict[str, Any], says: str
) -> None:
    """Nothing that was chosen is ignored."""
    choice: Any = ["in/a"] if chosen == "objects" else lambda _: True

    with pytest.raises(ValidationError, match=says):
        world.operation(**{chosen: choice}, **settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"objects": "in/a.csv"},
        {"objects": b"in"},
        {"objects": 7},
        {"objects": {"in/a.csv": 1}},
        {"where": "*.csv"},
        {"rename": {"a": "b"}},
    ],
    ids=str,
)
def test_choices_of_another_kind_are_refused(world: World, wrong: dict[str, Any]) -> None:
    """A text is no collection of keys."""
    with pytest.raises(ValidationError, match="it must be"):
        world.operation(**wrong)


# ------------------------------------------------------------------------------------ plan


def test_a_plan_is_data(filled: World) -> None:
    """One decision for each object; nothing is written."""
    filled.server.put(SRC, "in/" + "x" * 1020, size=3)

    plan = {
        each.task.source.key: each.decision
        for each in filled.operation(
            destination_key="out/long/", where=lambda found: found.key != "in/b.txt"
        ).plan()
    }

    assert plan["in/a.csv"] == Copy()
    assert "in/b.txt" not in plan
    refusal = plan["in/" + "x" * 1020]
    assert isinstance(refusal, Refuse)
    assert refusal.error.error_class is ErrorClass.KEY_TOO_LONG
    filled.assert_untouched()


def test_a_plan_needs_no_files(filled: World, tmp_path: Path) -> None:
    """Journal and report are a real run's."""
    operation = filled.operation(journal=tmp_path / "j.db", report_path=tmp_path / "r.jsonl")

    assert len(list(operation.plan())) == len(NAMES) + 1
    assert list(tmp_path.iterdir()) == []


def test_the_decision_of_a_marker_is_shown(filled: World) -> None:
    """Skipped, with the reason."""
    filled.server.put(SRC, "in/", size=0)
    decisions = [each.decision for each in filled.operation(destination_key="").plan()]

    assert [each for each in decisions if each != Copy()] == [Skip(SkipReason.MARKER)]


def test_a_plan_that_is_left_ends_its_run(filled: World) -> None:
    """No thread goes on listing."""
    plan = filled.operation().plan()
    next(plan)
    plan.close()  # type: ignore[attr-defined]

    assert not [t for t in threading.enumerate() if t.name.startswith("s3-xfer-run")]


def test_a_plan_that_is_refused_says_why(world: World) -> None:
    """As a run."""
    with pytest.raises(S3XferError) as refused:
        list(world.operation(source_key="none/").plan())
    assert refused.value.error_class is ErrorClass.NOTHING_TO_COPY


# -------------------------------------------------------------------------------- one line


def test_one_line_copies_and_checks(filled: World) -> None:
    """Between URLs, with options by their names."""
    accounts: dict[str, Any] = {
        "source_account": filled.account(SOURCE_KEY),
        "destination_account": filled.account(DESTINATION_KEY),
    }
    source, destination = f"s3://{SRC}/in/", f"s3://{DST}/out/"
    result = s3_xfer.copy(source, destination, recursive=True, engine="managed", **accounts)
    found = s3_xfer.check(
        S3Location.parse(source),
        destination,
        recursive=True,
        compare={"metadata", CompareField.TAGS},
        **accounts,
    )

    result.raise_for_failures()
    assert result.metrics.copied_by_engine == {"managed": len(NAMES) + 1}
    assert found.no_difference


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"source": 7}, "source is 7; it must be an s3:// URL"),
        ({"source": "in/"}, "is not an S3 URL"),
        ({"concurency": 7}, "did you mean concurrency"),
        ({"mode": "dryrun"}, "mode is 'dryrun'; it must be one of copy, dry-run"),
        ({"recursive": "yes"}, "recursive is 'yes'"),
        ({"source_account": "them"}, "it must be"),
    ],
    ids=str,
)
def test_one_wrong_line_is_refused(arguments: dict[str, Any], says: str) -> None:
    """With the nearest option's name."""
    usual: dict[str, Any] = {"source": "s3://from/a", "destination": "s3://to-bucket/b"}
    with pytest.raises(ValidationError, match=says):
        s3_xfer.copy(**(usual | arguments))


def test_names_are_completed() -> None:
    """Those that are imported late, too."""
    assert set(s3_xfer.__all__) <= set(dir(s3_xfer))
