"""Copy, and check, only some of a prefix: with the real program."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import pytest

from s3_xfer.model import SkipReason
from s3_xfer.options import JournalUse, RunMode
from tests.e2e.program import COPY, PREFIX, PROFILES, QUICK, Program
from tests.fault_server import Fault
from tests.world import DST, SRC, World

MD5 = "0" * 32
CHECK = ("check", *PREFIX, *PROFILES)
KEYS = ("a.txt", "xa.txt", "d.txt", "d/a.txt", "d/e/a.txt", "d/b.bin", "D/A.TXT")

SELECTED = [
    (("--exclude", "*.txt"), {"d/b.bin", "D/A.TXT"}),
    (("--exclude", "d/b*", "--include", "/d/**"), {"d/a.txt", "d/e/a.txt"}),
    (("--include", "/d/**", "--exclude", "d/b*"), {"d/a.txt", "d/e/a.txt", "d/b.bin"}),
    (("--include", "{{[ad]}}.{txt,bin}"), {"a.txt", "d.txt", "d/a.txt", "d/e/a.txt"}),
    (("--min-size", "6"), {"d/a.txt", "d/b.bin", "D/A.TXT", "d/e/a.txt", "xa.txt"}),
    (("--max-size", "5B"), {"a.txt", "d.txt"}),
    (("--source-storage-class", "GLACIER"), set()),
    (("--older-than", "1d"), set()),
    (("--newer-than", "1d"), {*KEYS}),
]


@pytest.fixture
def filled(world: World) -> World:
    """Return the world with the keys, each as many bytes as its name."""
    for key in KEYS:
        world.server.put(SRC, f"in/{key}", size=len(key), etag=MD5)
    return world


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("options", "expected"), SELECTED, ids=[" ".join(row[0]) for row in SELECTED]
)
def test_exactly_what_the_filters_choose_is_copied(
    filled: World, program: Program, options: tuple[str, ...], expected: set[str]
) -> None:
    """The bucket, the counts, and a check with the same filters agree."""
    done = program.run(*COPY, *options, "--json")
    checked = program.run(*CHECK, *options, "--json")

    assert done.code == 0, done.said
    assert set(filled.server.objects(DST)) == {f"out/{key}" for key in expected}
    result = done.json()
    assert result["total_files_found"] == result["files_copied_successfully"] == len(expected)
    assert sum(result["left_out_by_rule"].values()) == result["files_left_out"]
    assert checked.code == 0, checked.said
    assert checked.json()["objects"]["same"] == len(expected)


TAGGED = {"in/both": {"team": "blue", "stage": "raw"}, "in/one": {"team": "blue"}, "in/none": {}}


@pytest.mark.parametrize("size", [3, 20 << 20], ids=["small", "large"])
@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["team=blue"], {"both", "one"}),
        (["team=blue", "stage=raw"], {"both"}),
        (["team="], set()),
    ],
    ids=["one", "all", "without a value"],
)
def test_objects_are_chosen_by_all_their_tags(
    world: World, program: Program, tags: list[str], expected: set[str], size: int
) -> None:
    """One request for each object; what has other tags is skipped, in a dry run too."""
    for key, tagged in TAGGED.items():
        world.server.put(SRC, key, size=size, etag=MD5, tags=tagged)
    options = (*QUICK, *(word for tag in tags for word in ("--if-tag", tag)), "--json")
    tried = program.run(*COPY, *options, "--dry-run").json()

    done = program.run(*COPY, *options)

    assert done.code == 0, done.said
    assert set(world.server.objects(DST)) == {f"out/{name}" for name in expected}
    result = done.json()
    assert result["total_files_found"] == len(TAGGED)
    assert result["files_copied_successfully"] == len(expected)
    reason = {"has not the tags that were asked for": len(TAGGED) - len(expected)}
    assert result["skips_by_reason"] == reason
    assert tried["skips_by_reason"].get("dry run", 0) == len(expected)
    per_copy = len(expected) if size > 3 else 0
    assert tried["planned_requests"]["GetObjectTagging"] == len(TAGGED) + per_copy


def test_unreadable_tags_leave_no_object_out(world: World, program: Program) -> None:
    """Before the copy the right is missing; without that look each object fails."""
    world.server.put(SRC, "in/a", size=3, etag=MD5, tags={"team": "blue"})
    world.server.inject(Fault.error("GetObjectTagging", 403, "AccessDenied"))
    options = ("--if-tag", "team=blue", "--tags", "skip")

    refused = program.run(*COPY, *options)
    failed = program.run(*COPY, *options, "--no-preflight", "--json")

    assert refused.code == 3, refused.said
    assert "grant s3:GetObjectTagging on the source, or choose by something else" in refused.err
    assert failed.json()["files_failed"] == 1
    assert world.server.objects(DST) == {}


def test_a_rerun_from_the_report_judges_nothing_anew(world: World, program: Program) -> None:
    """A report names objects without class, size and date; they were chosen when it was made."""
    world.server.put(SRC, "in/a", size=9, etag=MD5, storage_class="STANDARD_IA")
    denial = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    options = ("--source-storage-class", "STANDARD_IA", "--min-size", "5", "--no-preflight")
    failed = program.run(*COPY, *options, "--report", "r.jsonl")
    denial.remove()

    done = program.run(*COPY, *options, "--from-report", "r.jsonl", "--json")

    assert failed.code == 1, failed.said
    assert done.json()["files_copied_successfully"] == 1, done.said
    assert set(world.server.objects(DST)) == {"out/a"}


NAMED = {"large": (9, "STANDARD"), "small": (1, "STANDARD"), "cold": (9, "STANDARD_IA")}


def test_objects_that_a_program_names_are_judged_once_known(world: World) -> None:
    """A key alone has neither size nor class; the others are skipped, in a dry run too."""
    for name, (size, storage_class) in NAMED.items():
        world.server.put(SRC, f"in/{name}", size=size, etag=MD5, storage_class=storage_class)
    keys = [f"in/{name}" for name in NAMED]
    filters: dict[str, Any] = {"min_size_bytes": 5, "source_storage_class": ["STANDARD"]}

    for mode in (RunMode.DRY_RUN, RunMode.COPY):
        result = world.copy(objects=keys, mode=mode, **filters)
        assert result.metrics.total_files_found == len(NAMED)
        assert result.metrics.skips_by_reason[SkipReason.LEFT_OUT.value] == len(NAMED) - 1
    assert set(world.server.objects(DST)) == {"out/large"}


def test_what_was_left_out_is_shown_by_rule(filled: World, program: Program) -> None:
    """The summary has a row; a rule that decides about nothing is named."""
    done = program.run(*COPY, "--exclude", "*.bin", "--exclude", "nothing", "--max-size", "6")

    assert done.code == 0, done.said
    assert "left out" in done.out
    assert "- *.bin 1" in done.out.replace("\u00a0", " ")
    assert "larger than 6 3" in done.out.replace("\u00a0", " ")
    assert "no key was decided by the filter '- nothing'" in done.err
    assert len(filled.server.objects(DST)) == 3


def test_the_place_of_a_rule_counts_also_in_a_file(filled: World, program: Program) -> None:
    """Rules of a file stand where --filter-from does."""
    rules = program.directory / "rules"
    rules.write_text("\ufeff# first\r\n- d/e/**\r\n\r\n; second\n+ /d/**\n", encoding="utf-8")

    done = program.run(*COPY, "--include", "d/b.bin", "--filter-from", "rules", "--exclude", "/x")

    assert done.code == 0, done.said
    assert set(filled.server.objects(DST)) == {"out/d/a.txt", "out/d/b.bin"}


def test_only_the_common_prefix_of_includes_is_listed(filled: World, program: Program) -> None:
    """Of all includes, what every match begins with; what is outside is not even listed."""
    done = program.run(*COPY, "--include", "/d/e/**", "--include", "/d/b*", "--json")

    assert set(filled.server.objects(DST)) == {"out/d/e/a.txt", "out/d/b.bin"}
    assert done.json()["files_left_out"] == 1  # d/a.txt


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--exclude", "*", "--include", "d/*"), "--include 'd/*' alone"),
        (("--filter-from", "bad"), "bad, line 2: 'x' is not a filter rule"),
        (("--newer-than", "yesterday"), "'yesterday' is not a date"),
    ],
)
def test_filters_that_cannot_be_meant_are_refused(
    filled: World, program: Program, options: tuple[str, ...], said: str
) -> None:
    """Before any request, with what to write instead."""
    (program.directory / "bad").write_text("+ a\nx\n")

    done = program.run(*COPY, *options)

    assert done.code == 3, done.said
    assert said in done.err
    assert filled.server.requests == []


def test_filters_are_not_for_a_single_object(filled: World, program: Program) -> None:
    """A copy of one object has nothing to choose."""
    done = program.run("copy", "s3://src-bucket/in/a.txt", "s3://dst-bucket/b", "--min-size", "9")

    assert done.code == 3
    assert "names a single one" in done.err
    assert filled.server.objects(DST) == {}


@pytest.mark.parametrize("recursive", [(), ("--recursive",)], ids=["object", "prefix"])
def test_a_wildcard_in_the_source_stops_with_the_options_to_write(
    filled: World, program: Program, recursive: tuple[str, ...]
) -> None:
    """As users of s5cmd type it."""
    done = program.run(
        "copy", "s3://src-bucket/in/d/*.txt", "s3://dst-bucket/out/", *recursive, *PROFILES
    )

    assert done.code != 0
    assert "copy s3://src-bucket/in/d/ with --recursive and --include '/*.txt'" in done.err
    assert filled.server.objects(DST) == {}


def test_a_key_with_a_wildcard_is_copied(world: World, program: Program) -> None:
    """Nothing in a source is a pattern."""
    world.server.put(SRC, "in/*.txt", size=1, etag=MD5)

    done = program.run("copy", "s3://src-bucket/in/*.txt", "s3://dst-bucket/out/", *PROFILES)

    assert done.code == 0, done.said
    assert list(world.server.objects(DST)) == ["out/*.txt"]


def test_a_resumed_copy_has_the_filters_of_its_first_run(filled: World, program: Program) -> None:
    """They are in the journal; another copy with the same journal is refused."""
    options = ("--exclude", "*.bin", "--newer-than", "1d", "--journal", "j.db")
    first = program.run(*COPY, *options, "--max-failures", "0")
    resumed = program.run("resume", "j.db")
    other = program.run(*COPY, "--exclude", "*.txt", "--newer-than", "1d", "--journal", "j.db")

    assert (first.code, resumed.code) == (0, 0), resumed.said
    assert "out/d/b.bin" not in filled.server.objects(DST)
    assert other.code != 0


def test_what_a_stop_left_unlisted_is_listed_by_the_same_prefix(world: World) -> None:
    """A journal's key ranges and a narrowed listing fit: resumed, exactly the rest is copied."""
    keys = [f"d/{number:04}" for number in range(2500)]
    for key in (*keys, "c/x", "e/x"):
        world.server.put(SRC, f"in/{key}", size=1, etag=MD5)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", after=1200, times=1))
    with TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"journal": f"{folder}/j.db", "filters": ["+ /d/**"]}
        first = world.copy(**settings, max_failures=0)
        second = world.copy(**settings, journal_use=JournalUse.RESUME)

    assert first.metrics.files_copied_successfully < len(keys)
    assert second.metrics.files_failed == 0
    assert set(world.arrived()) == {f"out/{key}" for key in keys}


def test_the_line_for_a_rerun_has_the_filters(filled: World, program: Program) -> None:
    """In the order in which they were typed."""
    filled.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))

    done = program.run(*COPY, "--exclude", "d b", "--include", "*", "--max-size", "6")

    assert done.code != 0
    assert "--exclude 'd b' --include '*'" in done.out
    assert "--max-size 6" in done.out


def test_filter_says_which_rule_decides(program: Program) -> None:
    """Without a request; keys from arguments and from standard input."""
    rules = ("--exclude", "*.tmp", "--include", "/2026/**")
    done = program.run("filter", *rules, "2026/a.csv", "2026/b.tmp", "x")

    assert done.code == 0, done.said
    assert done.out.splitlines() == [
        "copied    2026/a.csv  (by + /2026/**)",
        "left out  2026/b.tmp  (by - *.tmp)",
        "left out  x  (no rule matches it, and one begins with +)",
    ]
