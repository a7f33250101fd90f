"""The demonstration behind ``make demo``: real copies between two accounts, nothing to set up.

Starts an embedded S3 with two accounts on loopback, fills a bucket of account A, and runs the
real ``s3-xfer`` command over HTTP against a bucket of account B: a first copy in which one object
must fail, the same again without overwriting, and a re-run from the report once the cause is
gone. Then it inspects the buckets itself. It leaves no process running and no file behind.

Exits 0 only if everything ended as it must; the numbers it prints are the program's own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.testing.two_accounts import (
    DESTINATION_ACCOUNT,
    DESTINATION_PROFILE,
    SOURCE_ACCOUNT,
    SOURCE_PROFILE,
    TwoAccounts,
)
from s3_xfer.units import format_duration, format_size, plural
from scripts.demo_data import DemoBuckets, seed

DEFAULT_OBJECTS = 2500
_GOODBYE = """
Try next
  .venv/bin/s3-xfer copy --help          all options, grouped, with examples
  .venv/bin/python scripts/s3_copy.py    the same copy, asking for what it needs
  docs/access.md                         what both accounts must allow; documents to fill in
  docs/runbook.md                        what to do when something goes wrong
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the steps share: the server, the buckets, where to write, and the environment."""

    accounts: TwoAccounts
    buckets: DemoBuckets
    report: Path
    environment: Mapping[str, str]


class DemoFailed(Exception):  # noqa: N818 - it is the demonstration that failed
    """Something did not end as it must."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration and return its exit code."""
    parser = argparse.ArgumentParser(description="Copy between two embedded AWS accounts.")
    parser.add_argument("--objects", type=int, default=DEFAULT_OBJECTS, help="how many small ones")
    objects = parser.parse_args(arguments).objects
    started_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="s3-xfer-demo-") as directory, TwoAccounts() as two:
            stage = _set_up(two, Path(directory), objects)
            _copy_everything(stage)
            _inspect_the_copies(stage)
            _copy_again_without_overwriting(stage)
            _finish_from_the_report(stage)
    except DemoFailed as failure:
        print(f"\nThe demonstration failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing is left running.", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    print(f"\nDone in {format_duration(time.monotonic() - started_s)}; nothing is left running.")
    print(_GOODBYE, end="")
    return 0


def _set_up(two: TwoAccounts, directory: Path, objects: int) -> Stage:
    _title("Two accounts on this machine")
    buckets = seed(two, objects=objects)
    print(f"  account A {SOURCE_ACCOUNT}  s3://{buckets.source}")
    print(f"  account B {DESTINATION_ACCOUNT}  s3://{buckets.destination}")
    print(
        f"  {plural(buckets.objects_found, 'object')}, {format_size(buckets.bytes_found)}: small "
        "ones, one of 24 MiB with metadata and tags,\n  odd keys, and one archived object that "
        "cannot be copied."
    )
    print("  The embedded S3 is moto, which checks no policies: access always works here.")
    return Stage(two, buckets, directory / "report.jsonl", two.write_aws_config(directory))


def _copy_everything(stage: Stage) -> None:
    _title("1. Copy a prefix from account A to account B")
    code = _s3_xfer(stage, "--report", "report.jsonl")
    _expect(code == ExitCode.FAILED_OBJECTS, f"exit code {code}, not 1 for the archived object")


def _inspect_the_copies(stage: Stage) -> None:
    """Compare the two buckets with a plain S3 client of each account."""
    _title("2. What the destination holds, seen with account B's own client")
    buckets = stage.buckets
    client = stage.accounts.client("s3", DESTINATION_ACCOUNT)
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=buckets.destination)
        arrived = {item["Key"] for page in pages for item in page.get("Contents", [])}
        large = buckets.large_key.replace(buckets.prefix, "from-a", 1)
        head = client.head_object(Bucket=buckets.destination, Key=large)
        tags = client.get_object_tagging(Bucket=buckets.destination, Key=large)["TagSet"]
    finally:
        client.close()
    odd = {key.replace(buckets.prefix, "from-a", 1) for key in buckets.odd_keys}
    print(f"  {plural(len(arrived), 'object')}, odd keys unchanged: {_yes(odd <= arrived)}")
    print(f"  {large}: {format_size(head['ContentLength'])} in parts, ETag {head['ETag']}")
    print(f"    {head['ContentType']}, {head['CacheControl']}, metadata {head['Metadata']}")
    print(f"    tags { {tag['Key']: tag['Value'] for tag in tags} }")
    is_decoy_copied = any("not-below-data" in key for key in arrived)
    print(f"  {buckets.decoy_key} stayed where it is: {_yes(not is_decoy_copied)}")
    _expect(len(arrived) == buckets.objects_copied, f"{len(arrived)} objects arrived")
    _expect(odd <= arrived and not is_decoy_copied and len(tags) == 2, "the copies are not right")  # noqa: PLR2004


def _copy_again_without_overwriting(stage: Stage) -> None:
    _title("3. The same again with --no-overwrite: what exists is left alone")
    code = _s3_xfer(stage, "--no-overwrite", "--report", "second.jsonl")
    _expect(code == ExitCode.FAILED_OBJECTS, f"exit code {code}, not 1 for the archived object")


def _finish_from_the_report(stage: Stage) -> None:
    """Remove the cause of the failure, and copy only what the first report lists as missing."""
    _title("4. The first report, the object restored, and a re-run of what is missing")
    print(f"  {stage.report.read_text().strip()}")
    client = stage.accounts.client("s3", SOURCE_ACCOUNT)
    client.restore_object(
        Bucket=stage.buckets.source, Key=stage.buckets.archived_key, RestoreRequest={"Days": 1}
    )
    client.close()
    print(f"  restored {stage.buckets.archived_key}")
    code = _s3_xfer(stage, "--from-report", "report.jsonl")
    _expect(code == ExitCode.OK, f"exit code {code}, not 0")


def _s3_xfer(stage: Stage, *options: str) -> int:
    """Print the command as a user would type it, run it here, return its exit code."""
    buckets = stage.buckets
    locations = [f"s3://{buckets.source}/{buckets.prefix}", f"s3://{buckets.destination}/from-a"]
    words = ["copy", *locations, "--recursive"]
    words += ["--source-profile", SOURCE_PROFILE, "--dest-profile", DESTINATION_PROFILE]
    words += ["--multipart-threshold", "8MiB", "--part-size", "8MiB", *options]
    print(f"$ s3-xfer {' '.join(words)}", flush=True)
    endpoint = ["--endpoint-url", stage.accounts.url]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "s3_xfer.cli", *words, *endpoint],
        cwd=stage.report.parent,
        env={**stage.environment, "PYTHONPATH": os.getcwd()},
        check=False,
    )
    if done.returncode in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        raise KeyboardInterrupt
    return done.returncode


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def _yes(holds: bool) -> str:  # noqa: FBT001 - a fact to print
    return "yes" if holds else "NO"


def _expect(holds: bool, problem: str) -> None:  # noqa: FBT001 - a fact to check
    if not holds:
        raise DemoFailed(problem)


if __name__ == "__main__":
    sys.exit(main())
