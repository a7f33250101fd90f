"""A profile with ``credential_process``: how often its program runs, and what if it hangs."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from s3_xfer import AccountContext, ErrorClass, PreflightError
from s3_xfer.access import brokers
from tests.e2e.program import COPY, Program, end_of, environment
from tests.world import DESTINATION_KEY, SRC, World

BROKER = """
import datetime, json, sys, time
open({log!r}, "a").write("run\\n")
{before}
ends_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds={life_s})
print(json.dumps({{
    "Version": 1, "AccessKeyId": {key!r}, "SecretAccessKey": "secret",
    "Expiration": ends_at.isoformat(),
}}))
"""


def broker(world: World, folder: Path, *, life_s: float = 840, before: str = "") -> Program:
    """Return the program with one profile, whose credentials come from another program."""
    script, log = folder / "broker.py", str(folder / "runs")
    world.server.grant(SRC, to="222222222222", actions=("s3:*",))
    script.write_text(BROKER.format(log=log, before=before, life_s=life_s, key=DESTINATION_KEY))
    config = f"[profile us]\nregion=us-east-1\nendpoint_url={world.server.url}\n"
    config += f"credential_process={sys.executable} {script}\n"
    return Program(environment(folder / "home", config, ""), folder)


ARGS = (*COPY[: COPY.index("--source-profile")], "--dest-profile", "us")


@pytest.mark.parametrize("engine", ["managed", "auto"])
def test_credentials_of_fourteen_minutes_are_fetched_once(
    world: World, tmp_path: Path, engine: str
) -> None:
    """Not for every request, as botocore does it from fifteen minutes before the end on."""
    for number in range(200):
        world.server.put(SRC, f"in/{number:05}", size=1)

    done = broker(world, tmp_path).run(*ARGS, "--engine", engine, "--json")

    assert done.code == 0, done.said
    assert done.json()["files_copied_successfully"] == 200
    assert (tmp_path / "runs").read_text().count("run") == 1


def test_a_life_that_is_too_short_is_noted(world: World, tmp_path: Path) -> None:
    """A broker that cannot keep up fails the run later."""
    world.server.put(SRC, "in/x", size=1)

    done = broker(world, tmp_path, life_s=90).run(*ARGS)

    assert done.code == 0, done.said
    assert "note: the credentials of the destination side last 90 s only" in done.err


def test_a_broker_that_hangs_is_named_and_ctrl_c_works_at_once(
    world: World, tmp_path: Path
) -> None:
    """After some seconds a line says what is waited for."""
    child = broker(world, tmp_path, before="time.sleep(100)").start(*ARGS)
    assert child.stderr
    line = next(line for line in child.stderr if "waiting for credentials" in line)
    assert "destination: profile us" in line

    child.send_signal(signal.SIGINT)
    stopped_s = time.monotonic()
    done = end_of(child)

    assert done.code == 130, done.said
    assert time.monotonic() - stopped_s < 8


def test_a_broker_that_fails_is_quoted_in_one_line(world: World, tmp_path: Path) -> None:
    """What it wrote has lines, a message has not."""
    before = "sys.stderr.write('no ticket\\nrun kinit\\n'); sys.exit(2)"

    done = broker(world, tmp_path, before=before).run(*ARGS)

    assert done.code == 3, done.said
    assert "no ticket run kinit" in done.err
    assert "\\n" not in done.err


def test_a_broker_that_hangs_is_killed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is refused after the bound."""
    monkeypatch.setattr(brokers, "BOUND_S", 1.0)
    env = broker(world, tmp_path, before="time.sleep(100)").env
    monkeypatch.setenv("AWS_CONFIG_FILE", env["AWS_CONFIG_FILE"])
    account = AccountContext(profile="us")

    with pytest.raises(PreflightError) as refused:
        world.operation(source=account, destination=account).run()

    assert "did not end within 1 s" in refused.value.problem
    assert refused.value.error_class is ErrorClass.CREDENTIALS_REFUSED
