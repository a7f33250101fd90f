"""Copies of what a list names: every format, every key, and what is refused by its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer import ErrorClass, JournalUse, ListError, RunState, S3CopyOperation, ValidationError
from s3_xfer.model import S3Location
from s3_xfer.options import CopyOptions, ListedKeys, ListFormat
from s3_xfer.sources.key_list import KeyList
from tests.fault_server import Fault
from tests.reports import lines_of
from tests.world import DST, SRC, World

ODD = [
    "in/ a ",
    "in/+%2B%",
    "in/ü/日本",
    "in/a\nb",
    "in/'q\"uote,",
    "in/#;?&",
    "in/\ttab\r",
    "in//x",
]


def _lines(keys: Sequence[str]) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


def _nul(keys: Sequence[str]) -> bytes:
    return "".join(f"{key}\0" for key in keys).encode()


def _csv(keys: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([["key"], *([key] for key in keys)])
    return text.getvalue().encode()


def _jsonl(keys: Sequence[str]) -> bytes:
    return "".join(json.dumps({"key": key}) + "\n" for key in keys).encode()


WRITERS: dict[ListFormat, Callable[[Sequence[str]], bytes]] = {
    ListFormat.LINES: _lines,
    ListFormat.NUL: _nul,
    ListFormat.CSV: _csv,
    ListFormat.JSONL: _jsonl,
}


def listed(path: Path, source_key: str = "", **options: object) -> list[tuple[str, str | None]]:
    """Return keys and versions that a list names."""
    keys = KeyList(
        CopyOptions(files_from=str(path), **options),  # type: ignore[arg-type]
        S3Location(bucket="bucket", key=source_key),
        open_remote=lambda _: pytest.fail("it is no file of S3"),
        is_stopped=lambda: False,
    )
    assert keys.object_count == sum(map(len, keys.pages()))
    return [(found.key, found.version_id) for page in keys.pages() for found in page]


_KEYS = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1),
    min_size=1,
    unique=True,
)


@pytest.mark.parametrize("written_in", [ListFormat.NUL, ListFormat.CSV, ListFormat.JSONL])
@settings(max_examples=60)
@given(keys=_KEYS, is_zipped=st.booleans())
def test_every_key_comes_back_from_every_format(
    tmp_path_factory: pytest.TempPathFactory,
    written_in: ListFormat,
    keys: list[str],
    is_zipped: bool,
) -> None:
    """Whatever a key consists of, three formats hold it."""
    path = tmp_path_factory.getbasetemp() / f"list-{written_in.value}"
    content = WRITERS[written_in](keys)
    path.write_bytes(gzip.compress(content) if is_zipped else content)

    assert listed(path, files_from_format=written_in) == [(key, None) for key in keys]


@settings(max_examples=60)
@given(keys=_KEYS)
def test_lines_hold_every_key_without_a_newline(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str]
) -> None:
    """What a line cannot hold is refused; all else is taken as it is."""
    path = tmp_path_factory.getbasetemp() / "list-lines"
    path.write_bytes(_lines(keys))
    is_plain = all(not key.endswith("\r") and "\n" not in key for key in keys)
    is_plain = is_plain and not keys[0].startswith("\ufeff")

    if is_plain and not any(key.startswith("s3://") for key in keys):
        assert listed(path) == [(key, None) for key in keys]


@pytest.mark.parametrize("written_in", list(WRITERS))
def test_what_a_list_names_is_copied(world: World, tmp_path: Path, written_in: ListFormat) -> None:
    """Odd keys, twice each, and nothing besides; a key costs a HEAD and a copy, and no listing."""
    keys = [key for key in ODD if written_in is not ListFormat.LINES or not {*"\n\r"} & {*key}]
    for key in (*keys, "in/not-listed"):
        world.server.put(SRC, key, size=3)
    path = tmp_path / "list"
    path.write_bytes(WRITERS[written_in]([*keys, *keys]))

    result = world.copy(files_from=str(path), files_from_format=written_in)

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {f"out/{key.removeprefix('in/')}" for key in keys}
    assert result.metrics.files_copied_successfully == len(keys)
    assert result.metrics.total_bytes_found == 3 * len(keys)
    assert world.sent("CopyObject") == len(keys)
    assert world.sent("HeadObject") == len(keys) + 1  # the preflight's
    assert world.sent("ListObjectsV2") == 0


def test_a_complete_line_needs_no_look_and_is_pinned(world: World, tmp_path: Path) -> None:
    """With size and ETag there is one request; an object that has changed since is not copied."""
    etag = world.server.put(SRC, "in/a", size=3).etag.strip('"')
    old = world.server.put(SRC, "in/b", size=3).etag
    part = world.server.put(SRC, "in/c", size=5).etag
    world.server.put(SRC, "in/b", size=4)
    path = tmp_path / "list.csv"
    lines = ["key,size,etag", f"in/a,3,{etag}", f"in/b,3,{old}", f"in/c,,{part}"]
    path.write_text("\n".join(lines).replace('"', ""))

    result = world.copy(files_from=str(path))

    assert set(world.arrived()) == {"out/a", "out/c"}
    assert world.sent("HeadObject", key="in/a") == 0
    assert result.metrics.errors_by_class == {"SourceChanged": 1}
    assert result.metrics.total_bytes_transferred == 8


def test_a_missing_key_is_a_failure(world: World, tmp_path: Path) -> None:
    """Nothing is left out without a word, and the others are copied."""
    world.server.put(SRC, "in/a", size=1)
    path = tmp_path / "list"
    path.write_text("in/gone\nin/a\n")
    report = tmp_path / "report.jsonl"

    result = world.copy(files_from=str(path), report_path=report)

    assert result.state is RunState.COPY_FAILED
    assert set(world.arrived()) == {"out/a"}
    assert [(line["source_key"], line["error_class"]) for line in lines_of(report)] == [
        ("in/gone", "SourceVanished")
    ]
    world.server.put(SRC, "in/gone", size=1)
    assert world.copy(from_report_path=report).metrics.files_copied_successfully == 1


WRONG = {
    "crlf": ("l", b"in/a\r\nin/b\r\n", "line 1 of the list .* ends in a carriage return"),
    "bom": ("l", b"\xef\xbb\xbfin/a\n", "line 1 .* begins with a byte order mark"),
    "utf-16": ("l", "in/a\n".encode("utf-16"), "line 1 .* is not UTF-8"),
    "latin-1": ("l", b"in/a\nin/\xfc\n", "line 2 .* is not UTF-8"),
    "url": ("l", b"in/a\ns3://src-bucket/in/b\n", "line 2 .* is a URL, not a key"),
    "elsewhere": ("l", b"in/a\n\nout/b\n", "line 3 .* names 'out/b', which is not under s3://src"),
    "long": ("l", b"in/" + b"x" * 1024, "line 1 .* names a key of more than 1,024 bytes"),
    "endless": ("l", b"x" * 3_000_000, "line 1 .* is far longer than a key can be"),
    "empty": ("l", b"", "the list .* is empty"),
    "blank": ("l", b"\n\n", "the list .* is empty"),
    "blank json": ("l.jsonl", b" \n", "the list .* is empty"),
    "blank csv": ("l.csv", b"", "the list .* is empty"),
    "tsv": ("l.tsv", b"key\tsize\n", "the name of the list .* does not tell how it is written"),
    "cut off": ("l.gz", gzip.compress(b"in/a\n" * 999)[:-9], "the list .* cannot be read"),
    "no header": ("l.csv", b"src-bucket,in/a\n", "line 1 .* has no column called key"),
    "typo": ("l.csv", b"key,version\nin/a,1\n", "line 1 .* has a field 'version'"),
    "fields": ("l.csv", b"key,size\nin/a\n", "line 2 .* has 1 fields, and the first line names 2"),
    "quote": ("l.csv", b'key\n"in/a\n', "line 2 .* is no CSV"),
    "no key": ("l.csv", b"key,size\n,1\n", "line 2 .* has no key"),
    "size": ("l.csv", b"key,size\nin/a,1e3\n", "line 2 .* has the size '1e3'"),
    "negative": ("l.jsonl", b'{"key": "in/a", "size": -1}\n', "line 1 .* has the size '-1'"),
    "true": ("l.jsonl", b'{"key": "in/a", "size": true}\n', "line 1 .* has the size 'True'"),
    "etag": ("l.jsonl", b'{"key": "in/a", "etag": "a\\r\\nb"}\n', "line 1 .* has the etag"),
    "version": ("l.jsonl", b'{"key": "in/a", "version_id": 7}\n', "line 1 .* has the version_id"),
    "json": ("l.jsonl", b"in/a\n", "line 1 .* is not JSON"),
    "array": ("l.jsonl", b'["in/a"]\n', "line 1 .* is no JSON object"),
    "half": ("l.jsonl", b'{"key": "in/\\ud800"}\n', "line 1 .* has half of a character"),
    "op": ("l.csv", b"key,op\nin/a,MOVE\n", "line 2 .* has the op 'MOVE'"),
    "delete": ("l.csv", b"key,op\nin/a,delete\n", "line 2 .* is a DELETE"),
    "versions": (
        "l.csv",
        b"key,version_id\nin/a,1\nin/b,\nin/a,2\n",
        "line 4 .* says something else about 'in/a' than line 2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_is_named_before_anything_is_written(
    world: World, tmp_path: Path, name: str
) -> None:
    """The list is read to its end first."""
    world.server.put(SRC, "in/a", size=1)
    file, content, message = WRONG[name]
    path = tmp_path / file
    path.write_bytes(content)

    with pytest.raises(ListError, match=message) as refused:
        world.copy(files_from=str(path))

    assert refused.value.remedy
    assert world.server.requests == []


def test_keys_may_be_what_follows_the_prefix(world: World, tmp_path: Path) -> None:
    """One switch decides, and never the look of a key."""
    world.server.put(SRC, "in/in/a", size=1)
    path = tmp_path / "list"
    path.write_text("in/a\n")

    result = world.copy(files_from=str(path), files_from_keys=ListedKeys.RELATIVE)

    assert result.state is RunState.COMPLETED
    assert set(world.arrived()) == {"out/in/a"}


def test_versions_are_copied(world: World, tmp_path: Path) -> None:
    """A line with a version means that version."""
    path = tmp_path / "list.jsonl"
    path.write_text('{"key": "k", "version_id": "3/L4kqtJl=+"}\n{"key": "k"}\n')
    with pytest.raises(ListError, match="says something else"):
        listed(path)

    path.write_text('{"key": "k", "version_id": "3/L4kqtJl=+"}\n{"key": "j"}\n')

    assert listed(path) == [("k", "3/L4kqtJl=+"), ("j", None)]


def test_a_csv_that_names_nothing_is_a_copy_of_nothing(world: World, tmp_path: Path) -> None:
    """Its first line shows that it was written."""
    path = tmp_path / "list.csv"
    path.write_text("key\n")

    result = world.copy(files_from=str(path), recursive=False)

    assert (result.state, result.metrics.total_files_found) == (RunState.COMPLETED, 0)
    assert "the list names nothing" in result.notes


def test_a_dry_run_looks_for_what_a_list_names(world: World, tmp_path: Path) -> None:
    """Sizes are right, and missing keys are shown, before anything is copied."""
    world.server.put(SRC, "in/a", size=7)
    path = tmp_path / "list"
    path.write_text("in/a\nin/gone\n")

    decisions = list(world.operation(files_from=str(path)).plan())

    assert {(each.task.source.key, each.task.source.size) for each in decisions} == {
        ("in/a", 7),
        ("in/gone", 0),
    }
    assert sorted(type(each.decision).__name__ for each in decisions) == ["Copy", "Refuse"]
    world.assert_untouched()


def test_a_journal_keeps_the_list(world: World, tmp_path: Path) -> None:
    """A resumed copy needs no list, copies the rest, and keeps what pins an object."""
    path, journal = tmp_path / "list.csv", str(tmp_path / "copy.db")
    rows = ["key,size,etag"]
    for number in range(40):
        etag = world.server.put(SRC, f"in/{number:02}", size=1).etag
        rows.append(f"in/{number:02},1,{etag.strip(chr(34))}")
    path.write_text("\n".join(rows))
    denied = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", after=20))
    first = world.copy(files_from=str(path), journal=journal, recursive=False)
    denied.remove()
    path.unlink()
    world.server.forget_requests()

    second = S3CopyOperation.resume(
        journal, source=world.account("AKIASOURCE"), destination=world.account("AKIADESTINATION")
    ).run()

    assert first.resumable
    assert second.state is RunState.COMPLETED
    assert len(world.arrived()) == 40
    assert world.sent("CopyObject") == first.metrics.files_failed
    assert world.sent("ListObjectsV2") == 0


def test_a_journal_belongs_to_its_list(world: World, tmp_path: Path) -> None:
    """Another list, or none, is another copy."""
    world.server.put(SRC, "in/a", size=1)
    world.server.put(SRC, "in/b", size=1)
    path, journal = tmp_path / "list", str(tmp_path / "copy.db")
    path.write_text("in/a\n")
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.copy(files_from=str(path), journal=journal)
    path.write_text("in/a\nin/b\n")

    for options in ({"files_from": str(path)}, {}):
        with pytest.raises(Exception, match="belongs to another copy\nfiles_from: journal says"):
            world.copy(**options, journal=journal, journal_use=JournalUse.CONTINUE)


def test_a_stopped_copy_of_a_list_says_what_is_left(world: World, tmp_path: Path) -> None:
    """The report has every line that was not copied."""
    keys = [f"in/{number:04}" for number in range(3000)]
    for key in keys:
        world.server.put(SRC, key, size=1)
    path, report = tmp_path / "list", tmp_path / "report.jsonl"
    path.write_bytes(_lines(keys))
    run = world.operation(files_from=str(path), report_path=report).start()
    world.server.wait_for("CopyObject", count=50)
    run.cancel("test")

    result = run.result()

    copied = result.metrics.files_copied_successfully
    assert result.metrics.total_files_found == 3000
    assert len(lines_of(report)) == 3000 - copied
    assert world.copy(from_report_path=report).state is RunState.COMPLETED
    assert len(world.arrived()) == 3000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files_from": "a", "from_report_path": "b"}, "both say what is to be copied"),
        ({"files_from_keys": "relative"}, "without a list"),
        ({"files_from": "a", "objects": ["in/a"]}, "both say what is to be copied"),
    ],
)
def test_what_contradicts_is_refused(world: World, options: dict[str, Any], message: str) -> None:
    """Two inputs are one too many."""
    with pytest.raises(ValidationError, match=message):
        world.operation(**options)


def test_a_bucket_that_is_missing_is_no_missing_key(world: World, tmp_path: Path) -> None:
    """The HEAD of an object cannot tell them apart."""
    path = tmp_path / "list"
    path.write_text("in/a\nin/b\n")

    with pytest.raises(Exception, match="does not exist") as refused:
        world.copy(source_bucket="no-such-bucket", files_from=str(path))

    assert getattr(refused.value, "error_class", None) is ErrorClass.BUCKET_MISSING
    assert world.server.objects(DST) == {}


FILTERED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "class": ({"source_storage_class": ("STANDARD_IA",)}, {"cold"}),
    "other class": ({"source_storage_class": ("STANDARD",)}, {"new", "old"}),
    "date": ({"newer_than": "30d"}, {"cold", "new"}),
    "age": ({"older_than": "30d"}, {"old"}),
    "size": ({"min_size_bytes": 5}, {"cold", "new", "old"}),
}


@pytest.mark.parametrize("case", FILTERED)
@pytest.mark.parametrize("with_journal", [True, False])
def test_filters_about_what_a_list_does_not_tell_are_decided_by_a_look(
    world: World, tmp_path: Path, case: str, with_journal: bool
) -> None:
    """Size and ETag are in the list, class and date are not: nothing is guessed."""
    options, expected = FILTERED[case]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [
        world.server.put(SRC, "in/cold", size=9, storage_class="STANDARD_IA"),
        world.server.put(SRC, "in/new", size=9),
        world.server.put(SRC, "in/old", size=9, last_modified=long_ago),
    ]
    path = tmp_path / "keys.jsonl"
    lines = [json.dumps({"key": row.key, "size": row.size, "etag": row.etag}) for row in rows]
    path.write_text("\n".join(lines))
    journal = {"journal": str(tmp_path / "j.db")} if with_journal else {}

    result = world.copy(files_from=str(path), **options, **journal)

    assert set(world.arrived()) == {f"out/{name}" for name in expected}
    looks = world.sent("HeadObject", bucket=SRC)
    assert looks == (0 if case == "size" else 3)
    assert result.metrics.files_skipped == 3 - len(expected)
