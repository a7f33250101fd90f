"""What goes where: one object on stdout, lines on stderr, reports in files."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta

import pytest

from s3_xfer.units import MIB
from tests.e2e.program import COPY, PROFILES, QUICK, US, Done, Program
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.uploads.test_janitor import leave
from tests.world import DST, SRC, World

# Every field that docs/semantics.md promises, with its type.
PROMISED: dict[str, type | tuple[type, ...]] = {
    "operation_id": str,
    "duration_seconds": (int, float),
    "total_files_found": int,
    "files_copied_successfully": int,
    "files_failed": int,
    "total_bytes_transferred": int,
    "errors": list,
    "errors_omitted": int,
    "errors_by_class": dict,
    "files_skipped": int,
    "skips_by_reason": dict,
    "files_not_attempted": int,
    "total_bytes_found": int,
    "bytes_skipped": int,
    "bytes_failed": int,
    "listing_complete": bool,
    "retries": int,
    "throttles": int,
    "requests": dict,
    "start_time": str,
    "end_time": str,
    "state": str,
    "aborted_by": (str, type(None)),
    "cancelled_by": (str, type(None)),
    "uploads_left_behind": list,
    "notes": list,
    "report": (str, type(None)),
    "planned_requests": dict,
    "estimated_request_cost_usd": float,
    "planned_request_cost_usd": (float, type(None)),
    "price_list": str,
}
PROGRESS = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (preflight|listing|copying|stopping|ended) "
    r"objects=\d+/\d+\+? bytes=[\d.]+[KMGT]?i?B/[\d.]+[KMGT]?i?B\+? rate=\S+ "
    r"failed=\d+ skipped=\d+ retries=\d+ throttled=\d+ eta=\S+"
)
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def fill(world: World) -> None:
    """Store twelve objects that can be copied, one of them large, and one that cannot."""
    for number in range(11):
        world.server.put(SRC, f"in/{number:02}", size=1000)
    world.server.put(SRC, "in/large", size=40 * MIB)
    world.server.put(SRC, "in/cold", size=5, storage_class="GLACIER")


def test_json_is_one_object_and_progress_goes_to_stderr(world: World, program: Program) -> None:
    """--json prints one line on stdout with all promised fields; progress is plain lines."""
    fill(world)

    done = program.run(*COPY, *QUICK, "--json", "--progress", "plain")

    metrics = done.json()
    assert done.code == 1
    for name, kind in PROMISED.items():
        assert isinstance(metrics[name], kind), name
        assert kind is not int or type(metrics[name]) is int, name
    assert metrics["requests"]["CopyObject"] == 12
    assert metrics["total_bytes_transferred"] == 11_000 + 40 * MIB
    assert (metrics["state"], metrics["errors_by_class"]) == ("COPY_FAILED", {"Archived": 1})
    *_, failed, last = done.err.splitlines()
    assert "failed: s3://src-bucket/in/cold -> Archived" in done.err
    assert " ended objects=13/13 " in last, failed
    assert_plain(done)


def assert_plain(done: Done) -> None:
    """Assert that stderr is lines that grep understands, without any control character."""
    assert not CONTROL.search(done.said)
    for line in done.err.splitlines():
        assert PROGRESS.fullmatch(line) or line.startswith(("failed: ", "note: ")), line


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_is_ascii_in_every_locale(world: World, program: Program, encoding: str) -> None:
    """Whatever the terminal can show, copy, check and uploads print JSON with the very keys."""
    key = "in/K\u00e4se-\U0001f9c0"
    world.server.put(SRC, key, size=1, storage_class="GLACIER")
    world.server.put(SRC, "K\u00e4se/x", size=1)
    leave(world, key, "id", age=timedelta(days=1))
    locale = {"PYTHONIOENCODING": encoding}

    copied = program.run(*COPY, *QUICK, "--json", **locale)
    places = ("s3://src-bucket/K\u00e4se", "s3://dst-bucket/")
    checked = program.run("check", *places, "--recursive", *PROFILES, "--json", **locale)
    left = program.run("uploads", "s3://dst-bucket/", "--dest-profile", US, "--json", **locale)

    assert all(done.out.isascii() for done in (copied, checked, left))
    assert key in copied.json()["errors"][0]
    assert checked.json()["notes"][-1].endswith("s3://src-bucket/K\u00e4se/")
    assert left.json()["uploads"][0]["key"] == key


def test_uploads_in_an_ascii_locale_are_ascii(world: World, program: Program) -> None:
    """Other characters of a key are spelled out, in lines as elsewhere."""
    leave(world, "in/K\u00e4se", "id", age=timedelta(days=1))
    locale = {"PYTHONIOENCODING": "ascii"}

    done = program.run("uploads", "s3://dst-bucket/in/", "--dest-profile", US, **locale)

    assert done.out.endswith(" upload_id=id key=in/K\\xe4se\n"), done.said


def test_the_summary_is_on_stdout_and_quiet_is_quiet(world: World, program: Program) -> None:
    """The summary goes to stdout, --progress none ends stderr, --quiet prints nothing at all."""
    fill(world)
    world.server.delete(SRC, "in/cold")

    told = program.run(*COPY, *QUICK)
    silent = program.run(*COPY, *QUICK, "--progress", "none")
    quiet = program.run(*COPY, *QUICK, "--quiet")

    assert (told.code, silent.code, quiet.code) == (0, 0, 0)
    assert_plain(told)
    assert told.out.startswith("Copied all 12 objects\n  s3://src-bucket/in/ -> ")
    assert "  copied        12  40.0 MiB" in told.out
    assert (silent.err, silent.out.partition("\n")[0]) == ("", "Copied all 12 objects")
    assert quiet.said == ""


def test_quiet_tells_failures_on_stderr(world: World, program: Program) -> None:
    """With --quiet a failure is told with class, advice and re-run; stdout stays empty."""
    fill(world)

    done = program.run(*COPY, *QUICK, "--quiet")

    assert (done.code, done.out) == (1, "")
    first, kind, *_ = done.err.splitlines()
    assert (first, kind) == ("Copied 12 of 13 objects, 1 failed", "Archived: 1 object failed")
    assert "\n  Next: restore it" in done.err
    assert "\n  s3-xfer copy s3://src-bucket/in/ s3://dst-bucket/out/ " in done.err


def test_a_dry_run_writes_nothing_and_its_totals_are_those_of_the_copy(
    world: World, program: Program
) -> None:
    """--dry-run sends no request that writes, and foretells objects, bytes and requests."""
    fill(world)
    world.server.delete(SRC, "in/cold")

    told = program.run(*COPY, *QUICK, "--dry-run")
    planned = program.run(*COPY, *QUICK, "--dry-run", "--json").json()
    assert {request.operation for request in world.server.requests} == {
        *("ListObjectsV2", "HeadBucket", "GetObjectTagging", "HeadObject")
    }
    assert world.arrived() == {}
    world.server.forget_requests()
    copied = program.run(*COPY, *QUICK, "--json", "--no-preflight").json()

    assert told.code == 0
    assert told.out.startswith("Dry run: would copy 12 objects, nothing was written\n")
    assert "  would copy      12  40.0 MiB\n" in told.out
    assert planned["total_files_found"] == copied["files_copied_successfully"] == 12
    assert planned["total_bytes_found"] == copied["total_bytes_transferred"]
    assert planned["planned_requests"] == copied["requests"]
    assert sum(copied["requests"].values()) == len(world.server.requests)
    assert planned["planned_request_cost_usd"] == copied["estimated_request_cost_usd"]
    assert (planned["planned_request_cost_usd"] > 0, copied["planned_request_cost_usd"]) == (
        True,
        None,
    )


def test_reports_say_what_is_missing_and_the_printed_command_copies_just_that(
    world: World, program: Program
) -> None:
    """The summary's own re-run line, pasted into a shell, copies what the report names."""
    fill(world)
    world.server.put(SRC, "in/it's $HOME", size=3)
    fault = world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key.startswith("out/it"))
    )

    first = program.run(*COPY, *QUICK, "--report", "my report.jsonl")

    report = lines_of(program.directory / "my report.jsonl")
    assert first.code == 1
    assert {(line["status"], line["source_key"], line["error_class"]) for line in report} == {
        ("failed", "in/cold", "Archived"),
        ("failed", "in/it's $HOME", "AccessDenied"),
    }
    command = first.out.splitlines()[-1].strip()
    assert command.startswith("s3-xfer copy ")
    fault.remove()
    world.server.put(SRC, "in/cold", size=5)
    world.server.forget_requests()

    second = subprocess.run(
        ["/bin/sh", "-c", command.replace("s3-xfer", '"$PROGRAM" -m s3_xfer.cli', 1) + " --json"],
        env={**program.env, "PROGRAM": program.command[0]},
        cwd=program.directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    metrics = Done(second.returncode, second.stdout, second.stderr).json()
    assert (second.returncode, metrics["files_copied_successfully"]) == (0, 2)
    assert world.sent("CopyObject") == 2
    assert metrics["report"] == "my report-2.jsonl"
    assert lines_of(program.directory / "my report-2.jsonl") == []
    assert len(world.arrived()) == 14


def test_a_report_of_all_and_of_what_was_skipped(world: World, program: Program) -> None:
    """--report-all names every object once; --no-overwrite's skips are in it with their reason."""
    fill(world)
    world.server.put(DST, "out/03", size=1)
    world.server.put(DST, "out/large", size=1)

    done = program.run(
        *COPY, *QUICK, "--no-overwrite", "--report", "all.jsonl", "--report-all", "--json"
    )

    report = {line["source_key"]: line for line in lines_of(program.directory / "all.jsonl")}
    assert done.json()["files_skipped"] == 2
    assert len(report) == 13
    assert report["in/03"]["reason"] == "already exists at the destination"
    assert report["in/large"]["status"] == "skipped"
    assert report["in/00"]["copy_etag"] == world.arrived()["out/00"].etag
    assert world.arrived()["out/large"].size == 1


def test_an_error_that_hits_every_object_ends_the_run_with_4(
    world: World, program: Program
) -> None:
    """Expired credentials end the run at once; the report has all, and the rest can follow."""
    for number in range(200):
        world.server.put(SRC, f"in/{number:03}", size=1)
    fault = world.server.inject(
        Fault.error("CopyObject", 400, "ExpiredToken", "The token has expired.", after=20)
    )

    done = program.run(*COPY, *QUICK, "--report", "r.jsonl", "--json")

    metrics = done.json()
    assert done.code == 4
    assert metrics["aborted_by"].startswith("the credentials expired")
    assert metrics["files_not_attempted"] > 0
    assert metrics["files_copied_successfully"] == 20 == len(world.arrived())
    fault.remove()
    again = program.run(*COPY, *QUICK, "--from-report", "r.jsonl", "--json")
    assert (again.code, again.json()["files_copied_successfully"]) == (0, 180)
    assert len(world.arrived()) == 200


def test_verbose_shows_every_failure(world: World, program: Program) -> None:
    """By default a few failures of a class are shown, with --verbose a hundred."""
    for number in range(40):
        world.server.put(SRC, f"in/{number:02}", size=1, storage_class="GLACIER")

    some, all_of_them = program.run(*COPY), program.run(*COPY, "--verbose")

    assert (some.out.count("    s3://src-bucket/in/"), "    and 37 more\n" in some.out) == (3, True)
    assert all_of_them.out.count("    s3://src-bucket/in/") == 40
    assert " more\n" not in all_of_them.out
    assert (some.err.count("failed: "), all_of_them.err.count("failed: ")) == (5, 40)
