"""Plan, shards and merge as processes: as Kubernetes starts them, killed, denied and repeated."""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.program import PREFIX, PROFILES, QUICK, ROOT, Program, end_of
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_ACCOUNT, DST, SRC, World

MANIFEST = ROOT / "docs" / "how-to" / "kubernetes-shards.yaml"
POD: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())["spec"]["template"]["spec"]
DEST = ("--dest-profile", "us")
PERMANENT = 78
SHARDS, TOGETHER, OBJECTS = 6, 3, 600
DENIED = "out/0000"  # ten objects, in the first range


def pod_command(plan: Path) -> list[str]:
    """Return what the manifest's pod runs, with this plan and the profiles of the test."""
    args = [
        str(plan) if word.startswith("s3://") else word for word in POD["containers"][0]["args"]
    ]
    return [*args, "--dest-profile", "us", "--source-profile", "them"]


def started(program: Program, plan: Path, index: int, *words: str) -> subprocess.Popen[str]:
    """Start the pod of one index; ``words`` are added to its command."""
    env = {**program.env, "JOB_COMPLETION_INDEX": str(index)}
    return Program(env, program.directory).start(*pod_command(plan), *words)


def wait_until_copying(world: World, child: subprocess.Popen[str], keys: Sequence[str]) -> None:
    """Return once something of a shard has arrived."""
    until_s = time.monotonic() + PATIENCE_S
    while not world.arrived().keys() & set(keys):
        assert child.poll() is None, end_of(child).said
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_shards_are_killed_denied_and_repeated_until_the_account_is_exact(
    world: World, program: Program, tmp_path: Path
) -> None:
    """Three at a time under one rate; two killed, one denied; every object arrives."""
    for number in range(OBJECTS):
        world.server.put(SRC, f"in/{number:05}", size=100)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix=DENIED)
    plan = tmp_path / "plan"
    rate = ("--max-requests-per-second", "300", "--parallelism", str(TOGETHER))
    made = program.run(
        "plan",
        *PREFIX,
        *PROFILES,
        *QUICK,
        *rate,
        "--out",
        str(plan),
        "--shards",
        str(SHARDS),
        "--json",
    )
    assert made.code == 0, made.said
    keys = [
        [
            f"out/{number:05}"
            for number in range(OBJECTS)
            for keys in shard["ranges"]
            if keys["after"] < f"in/{number:05}" <= (keys["until"] or "~")
        ]
        for shard in made.json()["shards"]
    ]
    denied = next(shard for shard in range(SHARDS) if f"{DENIED}0" in keys[shard])
    victims = [shard for shard in range(SHARDS) if shard != denied][:2]

    slow = ("--max-requests-per-second", "5")  # none ends before it is killed
    killed = {shard: started(program, plan, shard, *slow) for shard in victims}
    for shard, child in killed.items():
        wait_until_copying(world, child, keys[shard])
        child.send_signal(signal.SIGKILL)
    assert [child.wait(PATIENCE_S) for child in killed.values()] == [-9, -9]
    for child in killed.values():
        end_of(child)
    others = [shard for shard in range(SHARDS) if shard not in victims]
    ended = {shard: end_of(started(program, plan, shard)) for shard in others[:1]}
    together = {shard: started(program, plan, shard) for shard in others[1:]}
    ended |= {shard: end_of(child) for shard, child in together.items()}
    assert {shard: done.code for shard, done in ended.items()} == {
        shard: PERMANENT if shard == denied else 0 for shard in others
    }, ended[denied].said

    left = program.run("merge", str(plan), *DEST, "--json")
    assert left.code == 1, left.said
    assert left.json()["shards_missing"] == sorted([*victims, denied])
    assert left.json()["files_failed"] == 10

    world.server.revoke(DST, DESTINATION_ACCOUNT)
    again = {shard: started(program, plan, shard) for shard in [*victims, denied]}
    codes = {shard: end_of(child).code for shard, child in again.items()}
    assert set(codes.values()) == {0}
    merged = program.run("merge", str(plan), *DEST, "--json")
    assert merged.code == 0, merged.said
    account = merged.json()
    assert set(world.arrived()) == {key for shard in keys for key in shard}
    assert account["total_files_found"] == OBJECTS
    assert account["files_copied_successfully"] + account["files_skipped"] == OBJECTS
    assert account["shards_missing"] == account["changed_since_plan"] == []


def test_a_merge_prints_the_line_that_copies_the_rest(
    world: World, program: Program, tmp_path: Path
) -> None:
    """With the filters and options of the plan: what it leaves out is not copied afterwards."""
    for key in ("in/a", "in/b c", "in/left-out"):
        world.server.put(SRC, key, size=10)
    frozen = ("--exclude", "left*", "--storage-class", "STANDARD_IA", "--no-overwrite")
    options = (*PROFILES, *QUICK, *frozen, "--shards", "2")
    made = program.run("plan", *PREFIX, *options, "--out", "the plan")
    assert made.code == 0, made.said
    wait = ("--wait", "--wait-limit", "0.1s")
    merged = program.run("merge", "the plan", *DEST, *wait, "--report", "left.jsonl")
    line = merged.out.partition("To copy what is left:\n")[2].strip()

    assert merged.code == 1, merged.said
    assert "error: nothing has happened for " in merged.err
    assert "that are not done: 0, 1\nNext: look in the log of what runs the shards" in merged.err
    assert program.run(*shlex.split(line)[1:]).code == 0
    assert world.arrived().keys() == {"out/a", "out/b c"}
    assert world.headers_of("CopyObject")[0]["x-amz-storage-class"] == "STANDARD_IA"
    assert (tmp_path / "left-2.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("copy", "--plan", "plan"), 2, "belong together"),
        (("copy", "--shard", "1"), 2, "belong together"),
        (("copy", *PREFIX, "--plan", "plan", "--shard", "0"), 2, "leave out SOURCE"),
        (("copy", "--plan", "plan", "--shard", "0", "--tags", "skip"), 2, "--tags cannot be given"),
        (("copy", "--plan", "plan", "--shard", "0", "--report", "r"), 2, "written beside the plan"),
        (("copy", "--plan", "plan", "--shard", "0", "--exclude", "x"), 2, "cannot be given"),
        (("copy", "--plan", "plan", "--shard", "0"), PERMANENT, "there is no plan in plan"),
        (("copy", "--plan", "plan", "--shard", "x"), PERMANENT, "not the number of a shard"),
        (("copy", "--plan", "plan", "--shard", "auto"), PERMANENT, "does not say which shard"),
        (("merge", "plan"), 3, "there is no plan in plan"),
        (("merge", "plan", "--wait-limit", "1h"), 2, "is for --wait"),
        (("merge", "plan", "--wait", "--wait-limit", "0s"), 3, "there is no plan in plan"),
        (("plan", *PREFIX), 2, "--out"),
        (("plan", *PREFIX, "--out", "S3://ctl/p"), 3, "is no place of a plan"),
        (("plan", *PREFIX, "--out", "p", "--shards", "0"), 3, "not a number of shards"),
        (("plan", *PREFIX, "--out", "p", "--journal", "j"), 2, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_has_its_code(
    program: Program, words: Sequence[str], code: int, said: str
) -> None:
    """A shard that cannot be copied is not repeated."""
    done = program.run(*words)

    assert (done.code, said in done.err) == (code, True), done.said
