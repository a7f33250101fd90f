"""Several sources in one run: each has its own place, and the run has one of everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    CompareStatus,
    CopyOptions,
    CopyResult,
    PreflightError,
    S3CheckOperation,
    S3CopyOperation,
    ValidationError,
)
from s3_xfer.errors import ErrorClass
from tests.fault_server import Fault
from tests.journal.steps import resume
from tests.reports import lines_of
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    READ,
    SOURCE_ACCOUNT,
    SRC,
    World,
    check_accounts,
)

OTHER = "other-bucket"
MORE = (f"s3://{OTHER}/deep/y", f"s3://{OTHER}/one.csv")
COPIES = {"all/x/1", "all/x/sub/2", "all/y/1", "all/y/x/1", "all/one.csv"}


@pytest.fixture
def sources(world: World) -> World:
    """Two buckets, with keys that are the same in both, and neighbours that are not meant."""
    world.server.create_bucket(OTHER, owner=SOURCE_ACCOUNT)
    world.server.grant(OTHER, to=DESTINATION_ACCOUNT, actions=READ)
    for key in ("x/1", "x/sub/2", "xy/1", "deep/y/1"):
        world.server.put(SRC, key, size=1)
    for key in ("deep/y/1", "deep/y/x/1", "deep/y-2/1", "one.csv", "one.csv.bak", "x/1"):
        world.server.put(OTHER, key, size=2)
    return world


def copy(world: World, **changes: Any) -> CopyResult:
    """Copy the sources below ``all``."""
    return world.copy("x/", "all", **({"more_sources": MORE} | changes))


def test_each_source_goes_under_the_destination_by_its_last_name(sources: World) -> None:
    """Objects of other buckets with the same key do not mix, and neighbours are left alone."""
    result = copy(sources)

    result.raise_for_failures()
    assert set(sources.arrived()) == COPIES
    assert sources.arrived()["all/y/1"].size == 2
    assert sources.arrived()["all/x/1"].size == 1
    assert result.metrics.total_files_found == len(COPIES)


@pytest.mark.parametrize("there", [("x", "x/1"), ("x",), ("x/1",)])
def test_a_name_without_a_slash_stands_for_the_object_and_what_is_under_it(
    world: World, there: tuple[str, ...]
) -> None:
    """One of both is enough; what only begins with the name is another."""
    for key in (*there, "x-1", "x.csv", "z/1"):
        world.server.put(SRC, key, size=1)

    result = world.copy("x", "all/", more_sources=(f"s3://{SRC}/z/",))

    result.raise_for_failures()
    assert set(world.arrived()) == {"all/z/1", *(f"all/{key}" for key in there)}


@pytest.mark.parametrize(
    ("source", "more", "words"),
    [
        ("x/", "deep/none", "there is nothing under s3://src-bucket/deep/none/"),
        ("none/", "x/", "there is nothing under s3://src-bucket/none/"),
        ("x/", "one.csv/", "there is nothing under s3://src-bucket/one.csv/"),
    ],
)
def test_a_source_that_has_nothing_refuses_the_run(
    world: World, source: str, more: str, words: str
) -> None:
    """Nothing of the others is copied either."""
    world.server.put(SRC, "x/1", size=1)

    with pytest.raises(PreflightError) as refused:
        world.copy(source, "all/", more_sources=(f"s3://{SRC}/{more}",))

    assert words in refused.value.problem
    assert refused.value.error_class is ErrorClass.NOTHING_TO_COPY
    world.assert_untouched()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"more": ("s3://aaa/a/",)}, "s3://aaa/a/ is given twice"),
        ({"more": ("s3://aaa/a",)}, "s3://aaa/a/ is given twice"),
        ({"more": ("s3://aaa/a/b/",)}, "s3://aaa/a/b/ lies inside s3://aaa/a/"),
        ({"more": ("s3://aaa/a/b/c",)}, "s3://aaa/a/b/c lies inside s3://aaa/a/"),
        ({"more": ("s3://aaa",)}, "s3://aaa/a/ lies inside s3://aaa/"),
        ({"more": ("s3://bbb/a/",)}, "would both be copied to s3://ddd/to/a/"),
        ({"more": ("s3://bbb/c/a",)}, "would both be copied to s3://ddd/to/a/"),
        ({"source": "1.csv", "more": ("s3://bbb/c/1.csv",), "recursive": False}, "both be copied"),
        ({"more": ("s3://ddd/",)}, "copies would be written to s3://ddd/to/a/"),
        ({"more": ("s3://ddd/to/",)}, "where s3://ddd/to/ is copied from"),
        ({"more": ("s3://ddd/to/a/b/",)}, "where s3://ddd/to/a/b/ is copied from"),
        ({"more": ("s3://ddd/to/b/",)}, "where s3://ddd/to/b/ is copied from"),
        ({"more": ("s3://ddd/to/a/1",), "recursive": True}, "where s3://ddd/to/a/1 is copied"),
        (
            {"source": "1", "more": ("s3://ddd/to/2",), "recursive": False},
            "s3://ddd/to/2 is copied",
        ),
        ({"more": ("s3://bbb/b/",), "recursive": False}, "s3://aaa/a/ is a prefix"),
        (
            {"source": "", "more": ("s3://bbb/b",), "recursive": False},
            "s3://aaa/ is a whole bucket",
        ),
        ({"more": ("s3://bbb/b//",)}, "s3://bbb/b// has no last name"),
        ({"more": ("https://bbb/b",)}, "is not an S3 URL"),
        ({"more": ("s3://bbb/b",), "files_from": "l"}, "files_from=... is about one source"),
        ({"more": ("s3://bbb/b",), "inventory": "m.json"}, "inventory=... is about one source"),
        ({"more": ("s3://bbb/b",), "objects": ["a/1"]}, "objects is about one source"),
        ({"more": ("s3://bbb/b",), "rename": str}, "rename is about one source"),
        (
            {"more": ("s3://bbb/b",), "delete": "extra", "identical": "skip"},
            'delete="extra" is about one source',
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_request(
    settings: dict[str, Any], words: str
) -> None:
    """Common objects, common copies, copies among sources, and what is about one source."""
    given: dict[str, Any] = {"source": "a/", "recursive": True} | settings
    names = {"objects", "rename", "recursive"}
    rest: dict[str, Any] = {name: given.pop(name) for name in names & given.keys()}
    source, more = given.pop("source"), given.pop("more")

    with pytest.raises(ValidationError) as refused:
        S3CopyOperation(
            source_bucket="aaa",
            source_key=source,
            more_sources=more,
            destination_bucket="ddd",
            destination_key="to",
            options=CopyOptions(**given),
            **rest,
        )

    assert words in str(refused.value)


def test_what_looks_like_a_collision_and_is_none_is_copied(world: World) -> None:
    """Sources beside each other, and a destination beside them in the same bucket."""
    for key in ("a/1", "a-b/1", "a.b", "ab/1"):
        world.server.put(DST, key, size=1)

    more = ("s3://dst-bucket/a-b/", "s3://dst-bucket/a.b", "s3://dst-bucket/ab/")
    own = world.account(DESTINATION_KEY)
    result = world.copy("a/", "a-/", source_bucket=DST, more_sources=more, source=own)

    result.raise_for_failures()
    assert {"a-/a/1", "a-/a-b/1", "a-/a.b", "a-/ab/1"} <= set(world.arrived())


def test_the_second_bucket_that_may_not_be_read_is_named(sources: World) -> None:
    """Before anything is written; the diagnosis is about that bucket, and no other."""
    sources.server.revoke(OTHER, DESTINATION_ACCOUNT)

    with pytest.raises(PreflightError) as refused:
        copy(sources)

    assert f"s3://{OTHER}/deep/y/1" in refused.value.problem
    diagnosis = refused.value.diagnosis
    assert diagnosis
    assert OTHER in json.dumps(diagnosis.to_dict())
    assert SRC not in json.dumps(diagnosis.to_dict())
    sources.assert_untouched()


def test_denials_of_two_buckets_are_two_diagnoses(sources: World) -> None:
    """Each is about the bucket that denies."""
    for bucket in (SRC, OTHER):
        sources.server.deny(bucket, DESTINATION_ACCOUNT, ["s3:GetObject"])

    result = copy(sources, preflight="skip", max_failures=None)

    said = [json.dumps(each.to_dict()) for each in result.diagnoses]
    assert sorted((SRC in one, OTHER in one) for one in said) == [(False, True), (True, False)]


def test_a_report_is_the_input_of_the_next_run(sources: World, tmp_path: Path) -> None:
    """Its lines name the bucket and the key of each source."""
    report = tmp_path / "r.jsonl"
    failing = ("all/x/1", "all/y/1", "all/one.csv")
    fault = sources.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key in failing)
    )
    first = copy(sources, report_path=report, preflight="skip")
    fault.remove()
    sources.server.forget_requests()
    second = copy(sources, from_report_path=report)

    assert first.metrics.files_failed == 3
    named = {(line["source_bucket"], line["source_key"]) for line in lines_of(report)}
    assert named == {(SRC, "x/1"), (OTHER, "deep/y/1"), (OTHER, "one.csv")}
    second.raise_for_failures()
    assert sources.sent("CopyObject") == 3
    assert set(sources.arrived()) == COPIES


def test_a_report_of_other_sources_is_refused(sources: World, tmp_path: Path) -> None:
    """With the number of the line."""
    report = tmp_path / "r.jsonl"
    sources.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    copy(sources, report_path=report, preflight="skip")

    with pytest.raises(
        Exception, match=r"line \d of .* is not under s3://src-bucket/x/ and 1 more"
    ):
        copy(sources, more_sources=(f"s3://{OTHER}/x/y/",), from_report_path=report)


def test_a_stopped_run_reports_what_no_source_has_listed(sources: World, tmp_path: Path) -> None:
    """Each range belongs to its source, and the next run lists just that."""
    report = tmp_path / "r.jsonl"
    operation = sources.operation("x/", "all", more_sources=MORE, report_path=report)
    stopped = sources.server.inject(Fault.call("ListObjectsV2", lambda _: run.cancel(), after=3))
    run = operation.start()
    first = run.result()
    stopped.remove()
    check_accounts(first)
    second = copy(sources, from_report_path=report)

    second.raise_for_failures()
    assert set(sources.arrived()) == COPIES


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_a_journal_knows_of_each_source_what_is_left(
    sources: World, tmp_path: Path, after: int
) -> None:
    """Whatever was copied when the run was stopped is not copied again, and nothing is lost."""
    journal = tmp_path / "j.db"
    operation = sources.operation("x/", "all", more_sources=MORE, journal=str(journal))
    stopping = sources.server.inject(Fault.call("CopyObject", lambda _: run.cancel(), after=after))
    run = operation.start()
    first = run.result()
    stopping.remove()
    sources.server.forget_requests()
    second = resume(sources, journal)

    second.raise_for_failures()
    assert set(sources.arrived()) == COPIES
    copied = first.metrics.files_copied_successfully
    assert sources.sent("CopyObject") == len(COPIES) - copied


def test_a_source_that_is_finished_is_not_needed_any_more(sources: World, tmp_path: Path) -> None:
    """A resumed run asks only for what is left, so what was copied may be gone meanwhile."""
    journal = tmp_path / "j.db"
    failing = sources.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key == "all/y/1")
    )
    copy(sources, journal=str(journal), preflight="skip")
    failing.remove()
    for bucket, key in ((SRC, "x/1"), (SRC, "x/sub/2"), (OTHER, "one.csv")):
        sources.server.delete(bucket, key)
    second = resume(sources, journal)

    second.raise_for_failures()
    assert set(sources.arrived()) == COPIES


def test_filters_are_about_what_follows_the_name_of_each_source(sources: World) -> None:
    """Of a single object they are about its name."""
    result = copy(sources, filters=("- *.csv", "- /sub/", "- /x/"))

    assert set(sources.arrived()) == {"all/x/1", "all/y/1"}
    assert result.metrics.files_left_out == 3


@pytest.mark.parametrize("changes", [{"identical": "skip"}, {"overwrite": False}])
def test_what_each_source_has_already_copied_is_left_alone(
    sources: World, changes: dict[str, Any]
) -> None:
    """The destination's listing is read beside that of each source."""
    copy(sources)
    sources.server.put(SRC, "x/3", size=5)
    result = copy(sources, **changes)

    assert (result.metrics.files_copied_successfully, result.metrics.files_skipped) == (1, 5)


def test_a_check_compares_each_source_with_its_place(sources: World) -> None:
    """What is missing, different and extra is found in each."""
    copy(sources)
    sources.server.put(OTHER, "deep/y/1", size=7)
    sources.server.put(SRC, "x/0", size=1)
    sources.server.put(DST, "all/y/extra", size=1)
    sources.server.put(DST, "all/elsewhere/1", size=1)
    copied = sources.operation("x/", "all", more_sources=MORE)
    operation = S3CheckOperation(
        source_bucket=SRC,
        source_key="x/",
        more_sources=MORE,
        destination_bucket=DST,
        destination_key="all",
        recursive=True,
        source=copied.source,
        destination=copied.destination,
        options=copied.options,
    )
    result = operation.run()

    found = {each.status for each in result.totals.notable}
    assert result.totals.counts[CompareStatus.SAME] == 4
    assert result.totals.counts[CompareStatus.EXTRA] == 1
    assert found == {CompareStatus.MISSING, CompareStatus.DIFFERENT, CompareStatus.EXTRA}
