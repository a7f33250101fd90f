"""The report as output and as input."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_xfer.errors import ErrorClass, ObjectError, ReportError
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.model import (
    Copied,
    CopyTask,
    Failed,
    NotAttempted,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import ReportScope
from s3_xfer.planning.mapping import KeyMap, KeyMaps, plan_keys
from s3_xfer.planning.ranges import KeyRange
from s3_xfer.sources.report import ReportFile
from tests.reports import lines_of, write_report

KEYS = plan_keys(
    S3Location(bucket="src-bucket", key="in"),
    S3Location(bucket="dst-bucket", key="out"),
    recursive=True,
)


def task(name: str, size: int = 7) -> CopyTask:
    """Return the task of ``in/name``."""
    return KEYS.task(S3Object(bucket="src-bucket", key=f"in/{name}", size=size, etag='"e"'))


def failed(name: str) -> Failed:
    """Return a failure of ``in/name``."""
    return Failed(task(name), ObjectError.of(ErrorClass.THROTTLED, "slow down", attempts=4))


def test_only_what_did_not_copy_is_named(tmp_path: Path) -> None:
    """By default a copied object leaves no line."""
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    for outcome in (
        Copied(task("a"), 7, '"e"'),
        Skipped(task("b"), SkipReason.EXISTS),
        failed("c"),
        NotAttempted(task("d")),
    ):
        writer.record(outcome)

    written = lines_of(writer.finish())

    assert [(line["status"], line["source_key"]) for line in written] == [
        ("skipped", "in/b"),
        ("failed", "in/c"),
        ("not_attempted", "in/d"),
    ]
    assert written[1] == {
        "status": "failed",
        "source_bucket": "src-bucket",
        "source_key": "in/c",
        "destination_bucket": "dst-bucket",
        "destination_key": "out/c",
        "size": 7,
        "etag": '"e"',
        "error_class": "Throttled",
        "code": "Throttled",
        "http_status": None,
        "request_id": None,
        "attempts": 4,
        "message": "slow down",
    }


def test_all_objects_are_named_on_request(tmp_path: Path) -> None:
    """With the scope ALL a copied object has its line, with the copy's ETag."""
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.ALL)
    writer.record(Copied(task("a"), 7, '"new"'))

    (line,) = lines_of(writer.finish())

    assert (line["status"], line["copy_etag"]) == ("copied", '"new"')


def test_final_name_only_exists_when_the_report_is_complete(tmp_path: Path) -> None:
    """A killed run leaves a ``.partial`` file, never one that looks finished."""
    path = tmp_path / "r.jsonl"
    writer = ReportWriter(path, ReportScope.NOT_COPIED)
    writer.record(failed("a"))

    assert not path.exists()
    assert len((tmp_path / "r.jsonl.partial").read_text().splitlines()) == 1
    writer.finish()
    assert path.exists()
    assert not (tmp_path / "r.jsonl.partial").exists()


def test_lines_of_many_threads_do_not_mix(tmp_path: Path) -> None:
    """Every line of sixteen writers is whole."""
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)

    def write() -> None:
        for _ in range(50):
            writer.record(failed("x" * 500))

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(lines_of(writer.finish())) == 800


@pytest.mark.parametrize("where", ["missing/dir/r.jsonl", "."])
def test_unwritable_report_is_refused_at_once(tmp_path: Path, where: str) -> None:
    """The run learns before its first copy that the report cannot be written."""
    with pytest.raises(ReportError, match="cannot be written"):
        ReportWriter(tmp_path / where, ReportScope.NOT_COPIED)


@given(names=st.lists(st.text(max_size=20), max_size=30, unique=True))
def test_every_key_survives_the_way_through_a_report(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    """What a report names as failed is exactly what a re-run copies, whatever the key."""
    path = tmp_path_factory.mktemp("reports") / "r.jsonl"
    writer = ReportWriter(path, ReportScope.ALL)
    for name in names:
        writer.record(failed(name))
        writer.record(Copied(task(name + "-copied"), 7, '"e"'))
    writer.finish()

    source = ReportFile(path, KeyMaps([KEYS]))

    assert [found.key for page in source.pages() for found in page] == [f"in/{n}" for n in names]
    assert source.object_count == len(names)
    assert source.unlisted == ()


def test_rest_of_an_interrupted_listing_is_remembered(tmp_path: Path) -> None:
    """A re-run lists what was not listed, wherever the run had stopped."""
    writer = ReportWriter(tmp_path / "r.jsonl", ReportScope.NOT_COPIED)
    writer.record(NotAttempted(task("p")))
    writer.not_listed(bucket="src-bucket", prefix="in/", after="in/x", until=None)
    writer.not_listed(bucket="src-bucket", prefix="in/", after="in/c\x01", until="in/m")

    source = ReportFile(writer.finish(), KeyMaps([KEYS]))

    assert source.unlisted == (KeyRange("in/c\x01", "in/m"), KeyRange("in/x"))
    assert source.object_count == 1


def test_line_without_an_end_means_the_end_of_the_listing(tmp_path: Path) -> None:
    """A report of a run that listed in one place only is read as it was meant."""
    path = tmp_path / "r.jsonl"
    line = {"status": "not_listed", "source_bucket": "src-bucket", "prefix": "in/"}
    write_report(path, line | {"start_after": "in/m"})

    assert ReportFile(path, KeyMaps([KEYS])).unlisted == (KeyRange("in/m"),)


OTHER = plan_keys(
    S3Location(bucket="src-bucket", key="in"),
    S3Location(bucket="dst-bucket", key="elsewhere"),
    recursive=True,
)


@pytest.mark.parametrize(
    ("text", "keys", "says"),
    [
        ("not json\n", KEYS, "line 1 .* is not a line of a report"),
        ("[]\n", KEYS, "line 1 .* is not a line of a report"),
        ('{"status": "weird"}\n', KEYS, "unknown status 'weird'"),
        ('{"status": "failed"}\n', KEYS, "lacks a bucket, a key or a size"),
        ('\n\n{"status": "failed", "size": -1}\n', KEYS, "line 3"),
        ('{"status": "not_listed", "source_bucket": "b", "prefix": "in/"}\n', KEYS, "is not about"),
        (
            '{"status": "not_listed", "source_bucket": "src-bucket", "prefix": "in/", '
            '"start_after": "in/a", "until": 7}',
            KEYS,
            "has an until that is no key",
        ),
        (None, OTHER, "was not going to"),
    ],
)
def test_report_of_something_else_is_refused_with_its_line(
    tmp_path: Path, text: str | None, keys: KeyMap, says: str
) -> None:
    """Nothing is copied from a report that does not fit."""
    path = tmp_path / "r.jsonl"
    if text is None:
        writer = ReportWriter(path, ReportScope.NOT_COPIED)
        writer.record(failed("a"))
        writer.finish()
    else:
        path.write_text(text)

    with pytest.raises(ReportError, match=says):
        ReportFile(path, KeyMaps([keys]))


def test_partial_report_of_a_killed_run_is_refused(tmp_path: Path) -> None:
    """It does not say what was left to do, so it must not pass for a complete one."""
    path = tmp_path / "r.jsonl.partial"
    path.write_text("")

    with pytest.raises(ReportError, match="killed"):
        ReportFile(path, KeyMaps([KEYS]))


@given(garbage=st.binary(max_size=200))
def test_garbage_never_gets_through(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes
) -> None:
    """Whatever the file holds, it is read as a report or refused as one."""
    path = tmp_path_factory.mktemp("garbage") / "r.jsonl"
    path.write_bytes(garbage)

    try:
        source = ReportFile(path, KeyMaps([KEYS]))
    except ReportError:
        return
    assert source.object_count == 0
