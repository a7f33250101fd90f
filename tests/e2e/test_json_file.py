"""The file of --json-file: the result of every command, whole, however the command ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import click
import pytest

from s3_xfer.cli.exit_codes import exit_code
from s3_xfer.cli.main import cli
from s3_xfer.errors import S3XferError
from tests.e2e.program import COPY, PREFIX, PROFILES, QUICK, Program, end_of
from tests.fault_server import Fault
from tests.world import World

RESULT = "return.json"
TO_FILE = ("--json-file", RESULT)
CHECK = ("check", *PREFIX, *PROFILES, *TO_FILE)


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the program, in which commands run in this process, to save time."""
    for name, value in program.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(program.directory)
    return program.directory


def code_of(*args: str) -> int:
    """Run a command line in this process; return its exit code."""
    try:
        return int(cli.main(args, standalone_mode=False) or 0)
    except click.ClickException as error:
        return error.exit_code
    except S3XferError as error:
        return exit_code(error)


def written(folder: Path) -> dict[str, Any]:
    """Return the object in the file, beside which nothing may be left."""
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    text = (folder / RESULT).read_text()
    assert text.isascii()
    assert text.count("\n") == 1
    value: dict[str, Any] = json.loads(text)
    return value


COMMANDS: dict[str, tuple[tuple[str, ...], int, dict[str, Any]]] = {
    "copy": ((*COPY, *QUICK), 0, {"state": "COMPLETED", "files_copied_successfully": 1}),
    "dry-run": ((*COPY, "--dry-run"), 0, {"total_files_found": 1}),
    "sync": (("sync", *PREFIX[:2], *PROFILES), 0, {"files_copied_successfully": 1}),
    "check": (("check", *PREFIX, *PROFILES), 5, {"cancelled_by": None}),
    "doctor": (("doctor", *PREFIX, *PROFILES), 0, {"conclusion": "allowed"}),
    "uploads": (("uploads", "s3://dst-bucket/", *PROFILES[2:]), 0, {"uploads": []}),
    "plan": (("plan", *PREFIX, *PROFILES, "--out", "plan"), 0, {"objects": 1}),
    "refused-by-s3": (
        (*COPY, "--source-bucket-owner", "999999999999"),
        3,
        {"state": "VALIDATION_FAILED"},
    ),
    "check-refused": (("check", "s3://gone/a", "s3://dst-bucket/a", *PROFILES), 3, {}),
    "no-input": (("copy", "s3://src-bucket/in", "s3://", *PROFILES), 3, {}),
    "no-journal": (("resume", "gone.db", *PROFILES), 3, {"error_class": "JournalUnusable"}),
    "no-plan": (("merge", "gone"), 3, {"error_class": "PlanUnusable"}),
    "no-shard": (
        ("copy", "--plan", "gone", "--shard", "1", *PROFILES),
        78,
        {"error_class": "PlanUnusable"},
    ),
    "no-job": (("batch", "watch", "gone", *PROFILES[2:]), 3, {"state": "VALIDATION_FAILED"}),
    "nobody-to-ask": (("interactive", *PREFIX, *PROFILES), 2, {"error_class": "InvalidInput"}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_writes_what_it_prints(
    world: World,
    here: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    """The file has the object that --json prints, refusals included; what was there is gone."""
    args, code, fields = COMMANDS[name]
    world.server.put("src-bucket", "in/x", size=1)
    (here / RESULT).write_text("the result of an earlier run")

    assert code_of(*args, *TO_FILE, "--json") == code

    result = written(here)
    assert {field: result[field] for field in fields} == fields
    assert result.get("state") != "VALIDATION_FAILED" or result["errors"]
    out = capfd.readouterr().out
    assert out == ("" if code == 2 else (here / RESULT).read_text())


def test_failed_objects_are_in_the_file(world: World, here: Path) -> None:
    """A copy that ends with failures has them there, and its own exit code."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    assert code_of(*COPY, *QUICK, "--no-preflight", *TO_FILE) == 1
    assert written(here)["files_failed"] == 1


@pytest.mark.parametrize("options", [("--json",), ()], ids=["printed", "summary"])
def test_a_stop_leaves_the_counts(
    world: World, program: Program, here: Path, options: tuple[str, ...]
) -> None:
    """SIGTERM, as Kubernetes sends it: the file is there when the process has ended."""
    world.server.put("src-bucket", "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 503, "SlowDown"))
    child = program.start(*COPY, "--no-preflight", "--retry-delay", "60", *TO_FILE, *options)
    world.server.wait_for("CopyObject")
    child.send_signal(signal.SIGTERM)
    assert end_of(child).code == 143
    result = written(here)
    assert result["cancelled_by"] == "SIGTERM"
    assert result["total_files_found"] == 1


def test_a_stop_before_the_run_is_told_as_well(
    world: World, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no counts yet, the file says what ended the command."""

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s3_xfer.cli.copy.operation_from", stop)
    with pytest.raises(click.Abort):
        code_of(*COPY, *TO_FILE)
    assert written(here)["error_class"] == "Interrupted"
    assert world.server.requests == []


def _no_folder(here: Path) -> str:
    return "gone/return.json"


def _a_folder(here: Path) -> str:
    (here / "folder").mkdir()
    return "folder"


def _no_regular_file(here: Path) -> str:
    os.mkfifo(here / "fifo")
    return "fifo"


def _a_file_as_folder(here: Path) -> str:
    (here / "file").write_text("")
    return "file/return.json"


def _the_report(here: Path) -> str:
    return "./report.jsonl"


def _a_link_to_the_report(here: Path) -> str:
    (here / "link").symlink_to("report.jsonl")
    return "link"


@pytest.mark.parametrize(
    "place",
    [
        _no_folder,
        _a_folder,
        _no_regular_file,
        _a_file_as_folder,
        _the_report,
        _a_link_to_the_report,
    ],
)
def test_a_place_that_cannot_be_written_is_refused_at_once(
    world: World, here: Path, capfd: pytest.CaptureFixture[str], place: Any
) -> None:
    """Nothing is asked of S3, nothing written; the refusal is on stdout with --json."""
    args = (*COPY, "--report", "report.jsonl", "--json", "--json-file", place(here))
    before = {path.name for path in here.iterdir()}

    assert code_of(*args) == 3

    assert world.server.requests == []
    assert {path.name for path in here.iterdir()} == before
    assert json.loads(capfd.readouterr().out)["remedy"].startswith("give --json-file a file")


def test_the_file_is_written_through_a_link(world: World, here: Path) -> None:
    """The link stays; others may read the file, such as the container beside it in a pod."""
    world.server.put("src-bucket", "in/x", size=1)
    (here / "volume").mkdir()
    (here / "link.json").symlink_to(Path("volume") / RESULT)
    assert code_of(*COPY, *QUICK, "--json-file", "link.json") == 0
    assert (here / "link.json").is_symlink()
    assert written(here / "volume")["state"] == "COMPLETED"
    assert (here / "volume" / RESULT).stat().st_mode & 0o044 == 0o044


def test_a_result_that_is_lost_is_no_success(
    world: World, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where the folder goes away during the copy: the summary is printed, and the exit code 4."""
    world.server.put("src-bucket", "in/x", size=1)
    folder = here / "volume"
    folder.mkdir()
    world.server.inject(Fault.call("CopyObject", lambda _: folder.rmdir(), times=1))
    code = code_of(*COPY, *QUICK, "--no-preflight", "--json-file", f"volume/{RESULT}")
    told = capfd.readouterr()
    assert code == 4
    assert "error: the result cannot be written to" in told.err
    assert "Copied 1 object" in told.out
    assert set(world.arrived()) == {"out/x"}
