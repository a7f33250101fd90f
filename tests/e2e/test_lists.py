"""Lists and inventories as people give them to the program, in S3, through a pipe, from files."""

from __future__ import annotations

import gzip
import json
import shlex
import signal
import subprocess
from pathlib import Path

from tests.e2e.program import PROFILES
from tests.e2e.shop import Shop
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.sources.inventories import DATED, files_of
from tests.world import DST, SRC

LOCATIONS = (f"s3://{SRC}/in/", f"s3://{DST}/out/")
COPY = ("copy", *LOCATIONS, *PROFILES, "--json")
ODD = {"in/a b": b"1", "in/+%2B": b"2", "in/ü": b"3", "in/n\nl": b"4", 'in/"q,': b"5"}


def test_a_list_through_a_pipe(shop: Shop) -> None:
    """What is named is copied; a key that is missing is exit code 1, and in the report."""
    shop.fill({**ODD, "in/other": b"x"})
    content = "".join(f"{key}\0" for key in [*ODD, "in/gone"]).encode()

    done = shop.program.fed(
        content, *COPY, "--files-from", "-", "--files-from-format", "nul", "--report", "r.jsonl"
    )

    assert done.code == 1, done.said
    assert done.json()["files_copied_successfully"] == 5
    assert shop.arrived() == {f"out/{key[3:]}": content for key, content in ODD.items()}
    assert [line["source_key"] for line in lines_of(shop.directory / "r.jsonl")] == ["in/gone"]
    assert shop.program.fed(b"", *COPY, "--files-from", "-").code == 3


def test_a_list_that_is_not_there_is_named_once(shop: Shop) -> None:
    """In words, without the number and the name that Python adds."""
    done = shop.program.run(*COPY, "--files-from", "nowhere.txt")

    assert done.code == 3, done.said
    assert "the list nowhere.txt cannot be read: No such file or directory\n" in done.err


def test_a_list_in_s3(shop: Shop) -> None:
    """It is read with the source's profile, and unpacked."""
    lines = "".join(json.dumps({"key": key, "version_id": None}) + "\n" for key in ODD)
    shop.fill({**ODD, "lists/keys.jsonl.gz": gzip.compress(lines.encode())})

    done = shop.program.run(*COPY, "--files-from", f"s3://{SRC}/lists/keys.jsonl.gz")
    missing = shop.program.run(*COPY, "--files-from", f"s3://{SRC}/lists/none")

    assert done.code == 0, done.said
    assert len(shop.arrived()) == 5
    assert missing.code == 3
    assert f"the input s3://{SRC}/lists/none cannot be read" in missing.said


def test_a_wrong_line_is_exit_code_3(shop: Shop) -> None:
    """With the line's number, and nothing is written."""
    shop.fill({"in/a": b"1"})
    (shop.directory / "keys.txt").write_text("in/a\nout/b\n")

    done = shop.program.run(*COPY, "--files-from", "keys.txt")

    assert done.code == 3
    assert "line 2 of the list keys.txt names 'out/b'" in done.said
    assert "--files-from-relative" in done.said
    assert shop.arrived() == {}


def test_the_command_for_what_is_missing(shop: Shop, tmp_path: Path) -> None:
    """With a report it is the input, not the list; without one the list is given again."""
    shop.fill({"in/a": b"1"})
    (shop.directory / "keys.txt").write_text("in/a\nin/gone\n")
    command = ["copy", *LOCATIONS, *PROFILES, "--files-from", "keys.txt"]

    without = shop.program.run(*command)
    with_report = shop.program.run(*command, "--report", "r.jsonl")

    assert "--files-from keys.txt" in _offered(without.out)
    line = _offered(with_report.out)
    assert "--from-report r.jsonl" in line
    assert "--files-from" not in line
    shop.fill({"in/gone": b"2"})
    assert shop.program.run(*shlex.split(line)[1:]).code == 0
    assert set(shop.arrived()) == {"out/a", "out/gone"}


def _offered(out: str) -> str:
    """Return the command that a summary offers."""
    return next(
        line.strip() for line in out.splitlines() if line.strip().startswith("s3-xfer copy")
    )


def test_an_inventory_in_s3_and_what_came_later(shop: Shop) -> None:
    """Of the folder the newest; what is stale is offered, and the offer copies it."""
    shop.fill({**ODD, "in/changed": b"old"})
    listing = shop.source.list_objects_v2(Bucket=SRC)["Contents"]
    rows = [
        {"Bucket": SRC, "Key": found["Key"], "Size": found["Size"], "ETag": found["ETag"][1:-1]}
        for found in listing
    ]
    shop.source.create_bucket(Bucket="reports")
    shop.accounts.store(
        "reports", files_of(rows[:1], bucket=SRC, dated="2026-11-20T01-00Z").items()
    )
    shop.accounts.store("reports", files_of(rows, bucket=SRC, per_file=2).items())
    shop.fill({"in/changed": b"newer"})
    command = ["copy", *LOCATIONS, *PROFILES]

    done = shop.program.run(*command, "--inventory", f"s3://reports/inv/{SRC}/daily/")

    assert done.code == 0, done.said
    assert set(shop.arrived()) == {f"out/{key[3:]}" for key in ODD}
    assert "changed since the inventory" in done.out
    line = _offered(done.out)
    assert "--skip-identical" in line
    assert "--inventory" not in line
    assert shop.program.run(*shlex.split(line)[1:]).code == 0
    assert shop.arrived()["out/changed"] == b"newer"

    key = f"inv/{SRC}/daily/{DATED}/manifest.json"
    again = shop.program.run(*COPY, "--inventory", f"s3://reports/{key}", "--dry-run")
    assert again.json()["skips_by_reason"] == {"dry run": 6}


def test_a_stop_does_not_wait_for_more_of_a_list(shop: Shop) -> None:
    """Whatever writes the list may have stopped, too."""
    shop.fill({"in/a": b"1"})
    child = subprocess.Popen(
        [*shop.program.command, *COPY, "--files-from", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(shop.program.env),
        cwd=shop.directory,
    )
    try:
        assert child.stdin
        assert child.stderr
        child.stdin.write("in/a\n")
        child.stdin.flush()
        while "preflight" not in child.stderr.readline():
            assert child.poll() is None
        child.send_signal(signal.SIGINT)

        assert child.wait(PATIENCE_S) == 130
    finally:
        child.kill()
        child.communicate()
    assert shop.arrived() == {}
