"""The mission's acceptance scenarios, from a command line to the objects in the other account."""

from __future__ import annotations

from datetime import datetime

import pytest

from s3_xfer.units import MIB
from s3_xfer.version import VERSION
from tests.e2e.program import CONSOLE_SCRIPT, COPY, PREFIX, PROFILES, QUICK, Program
from tests.e2e.shop import Shop
from tests.fault_server import Fault
from tests.world import DST, SRC, World

MISSION = {
    "operation_id": str,
    "duration_seconds": float,
    "total_files_found": int,
    "files_copied_successfully": int,
    "files_failed": int,
    "total_bytes_transferred": int,
    "errors": list,
}


def test_scenario_1_a_file_is_copied_between_accounts_with_its_metadata(shop: Shop) -> None:
    """Account B's profile copies a file of account A; content, metadata and tags arrive."""
    shop.source.put_object(
        Bucket=SRC,
        Key="in/a b+c.csv",
        Body=b"one,two\n",
        ContentType="text/csv",
        CacheControl="no-store",
        Metadata={"owner": "them"},
        Tagging="team=data",
    )

    done = shop.program.run("copy", "s3://src-bucket/in/a b+c.csv", "s3://dst-bucket/", *PROFILES)

    assert done.code == 0, done.said
    assert done.out.startswith("Copied 1 object, 8 B in ")
    assert "\n  s3://src-bucket/in/a b+c.csv -> s3://dst-bucket/a b+c.csv\n" in done.out
    assert done.out.partition("\n\n")[0].count("\n") == 2
    assert shop.arrived() == {"a b+c.csv": b"one,two\n"}
    assert_fidelity(shop, "a b+c.csv", "text/csv", {"owner": "them"})


def test_scenario_1_a_file_in_parts_keeps_its_metadata(shop: Shop) -> None:
    """Above the threshold a file is copied in parts, and arrives just the same."""
    content = bytes(range(256)) * (11 * MIB // 256)
    shop.source.put_object(
        Bucket=SRC,
        Key="in/large.bin",
        Body=content,
        ContentType="application/x-dump",
        CacheControl="no-store",
        Metadata={"station": "north"},
        Tagging="team=data",
    )

    done = shop.program.run(
        *("copy", "s3://src-bucket/in/large.bin", "s3://dst-bucket/out/", *PROFILES, "--json"),
        *("--multipart-threshold", "5MiB", "--part-size", "5MiB"),
    )

    assert done.code == 0, done.said
    assert done.json()["requests"]["UploadPartCopy"] == 3 + 1  # and the preflight's
    assert shop.arrived() == {"out/large.bin": content}
    assert_fidelity(shop, "out/large.bin", "application/x-dump", {"station": "north"})
    assert "Uploads" not in shop.destination.list_multipart_uploads(Bucket=DST)


def assert_fidelity(shop: Shop, key: str, content_type: str, metadata: dict[str, str]) -> None:
    """Assert that everything that describes the object came along."""
    head = shop.destination.head_object(Bucket=DST, Key=key)
    assert (head["ContentType"], head["CacheControl"]) == (content_type, "no-store")
    assert head["Metadata"] == metadata
    tags = shop.destination.get_object_tagging(Bucket=DST, Key=key)["TagSet"]
    assert tags == [{"Key": "team", "Value": "data"}]


def test_scenario_2_a_prefix_arrives_with_its_structure(shop: Shop) -> None:
    """Everything under the prefix arrives under the other one, byte for byte; neighbours stay."""
    inside = {
        key: key.encode()
        for key in ("a", "b/c/d", "b//e", "b/", "../up", "ü 🚚", "100%25", "q?#&", "line\nbreak")
    }
    shop.fill({f"in/{key}": content for key, content in inside.items()})
    shop.fill({"input/decoy": b"no", "in": b"no"})

    done = shop.program.run(*COPY)

    assert done.code == 0, done.said
    assert done.out.startswith(f"Copied all {len(inside)} objects\n")
    assert shop.arrived() == {f"out/{key}": content for key, content in inside.items()}


def test_scenario_2_existing_files_are_overwritten_unless_told_otherwise(shop: Shop) -> None:
    """Overwriting is the default; --no-overwrite leaves alone what is there and copies the rest."""
    shop.fill({"in/old": b"new content", "in/other": b"x"})
    shop.accounts.store(DST, [("out/old", b"precious")])

    kept = shop.program.run(*COPY, "--no-overwrite", "--json")
    assert shop.arrived() == {"out/old": b"precious", "out/other": b"x"}
    replaced = shop.program.run(*COPY, "--json")
    assert shop.arrived() == {"out/old": b"new content", "out/other": b"x"}

    assert (kept.code, replaced.code) == (0, 0)
    first, second = kept.json(), replaced.json()
    assert (first["files_copied_successfully"], first["files_skipped"]) == (1, 1)
    assert first["skips_by_reason"] == {"already exists at the destination": 1}
    assert (second["files_copied_successfully"], second["files_skipped"]) == (2, 0)


@pytest.mark.parametrize(("size", "operation"), [(1, "CopyObject"), (40 * MIB, "UploadPartCopy")])
def test_scenario_3_a_time_out_is_retried_and_the_rest_continues(
    world: World, program: Program, size: int, operation: str
) -> None:
    """A request that is not answered in time is sent again, in parts too; everything arrives."""
    for number in range(10):
        world.server.put(SRC, f"in/{number}", size=size if number == 3 else 1)
    world.server.inject(
        Fault.slow(operation, delay_s=600, times=1, key=lambda key: key.endswith("/3"))
    )

    done = program.run(*COPY, *QUICK, "--read-timeout", "2", "--json", "--verbose")

    assert done.code == 0, done.said
    metrics = done.json()
    assert metrics["retries"] >= 1
    assert (metrics["files_copied_successfully"], metrics["errors"]) == (10, [])
    assert len(world.arrived()) == 10


def test_scenario_4_metrics_are_there_at_the_end(world: World, program: Program) -> None:
    """Count, duration and each error are printed, for people and as the mission's object."""
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=100)
    world.server.put(SRC, "in/cold", size=7, storage_class="GLACIER")

    told, printed = program.run(*COPY, *QUICK), program.run(*COPY, *QUICK, "--json")

    assert (told.code, printed.code) == (1, 1)
    assert told.out.startswith("Copied 20 of 21 objects, 1 failed\n")
    assert "\n  duration " in told.out
    assert "\nArchived: 1 object failed\n" in told.out
    assert "\n    s3://src-bucket/in/cold\n      InvalidObjectState: " in told.out
    metrics = printed.json()
    assert list(metrics)[: len(MISSION)] == list(MISSION)
    assert {name: type(metrics[name]) for name in MISSION} == MISSION
    assert metrics["total_files_found"] == 21
    assert metrics["files_copied_successfully"] == 20
    assert metrics["files_failed"] == 1
    assert metrics["total_bytes_transferred"] == 2000
    assert metrics["duration_seconds"] > 0
    assert [line.partition(" -> ")[0] for line in metrics["errors"]] == ["s3://src-bucket/in/cold"]
    start, end = (datetime.fromisoformat(metrics[name]) for name in ("start_time", "end_time"))
    assert start < end


def test_the_installed_program_is_the_same(shop: Shop) -> None:
    """The console script that pip installs copies like the module does."""
    if not CONSOLE_SCRIPT.exists():
        pytest.skip("the package is not installed here, only its dependencies")
    shop.fill({"in/x": b"content"})
    installed = Program(shop.program.env, shop.directory, command=(str(CONSOLE_SCRIPT),))

    assert installed.run("--version").out == f"s3-xfer, version {VERSION}\n"
    done = installed.run("copy", *PREFIX, *PROFILES, "--quiet")

    assert (done.code, done.said) == (0, "")
    assert shop.arrived() == {"out/x": b"content"}


def test_a_role_is_assumed_on_top_of_a_profile(world: World, program: Program) -> None:
    """Role, external id and everything else that the profile says (its endpoint) work together."""
    role = "arn:aws:iam::222222222222:role/copier"
    world.server.require_external_id(role, "agreed-upon")
    world.server.put(SRC, "in/x", size=1)

    done = program.run(*COPY, "--dest-role-arn", role, "--dest-external-id", "agreed-upon")

    assert done.code == 0, done.said
    assert set(world.arrived()) == {"out/x"}
