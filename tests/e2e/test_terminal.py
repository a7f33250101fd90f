"""In a terminal: live bars during a real copy, and the conversation of the interactive script."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.e2e.program import COPY, PREFIX, PROFILES, SCRIPT, Program
from tests.e2e.shop import Shop
from tests.fault_server import Fault
from tests.world import DST, SRC, World

BAR = re.compile(r"^(objects|bytes  ) +[━─]+ +\d+% +[\d.,]+.* / .*/s$", re.MULTILINE)


def test_bars_of_a_real_copy(world: World, program: Program) -> None:
    """Checks, then bars that grow while the listing does, then an ETA, then the summary alone."""
    for number in range(1200):
        world.server.put(SRC, f"in/{number:04}", size=1024)
    world.server.inject(Fault.slow("HeadBucket", delay_s=1))
    world.server.inject(Fault.slow("ListObjectsV2", delay_s=2, after=1))
    world.server.inject(Fault.slow("CopyObject", delay_s=0.02))

    with program.terminal(*COPY, "--concurrency", "16") as terminal:
        terminal.until("checking access…")
        listing = terminal.until("listing…", "━", " / 1,000+ ")
        copying = terminal.until("ETA ", " / 1,200 ")
        assert "s3://src-bucket/in/ → s3://dst-bucket/out/" in listing
        for screen in (listing, copying):
            assert [label.strip() for label in BAR.findall(screen)] == ["objects", "bytes"]
            assert max(map(len, screen.splitlines())) <= 80
        assert "listing…" not in copying
        assert terminal.end() == 0
        assert "Copied all 1,200 objects\n  s3://src-bucket/in/ -> " in terminal.text
        assert "━" not in terminal.text
        assert not terminal.screen.cursor.hidden


def test_ctrl_c_in_a_terminal_leaves_it_as_it_was(world: World, program: Program) -> None:
    """Ctrl-C at the keyboard stops cleanly: summary, exit code 130, a visible cursor."""
    for number in range(300):
        world.server.put(SRC, f"in/{number:03}", size=1024)
    world.server.inject(Fault.slow("CopyObject", delay_s=0.2))

    with program.terminal(*COPY, "--concurrency", "4") as terminal:
        terminal.until("objects ━")
        terminal.child.sendintr()
        assert terminal.end() == 130
        assert "stopping: waiting for answers under way" in terminal.text
        assert "\nStopped (Ctrl-C): copied " in terminal.text
        assert "To run it again" in terminal.text
        assert "━" not in terminal.text
        assert not terminal.screen.cursor.hidden
    assert 0 < len(world.arrived()) < 300


@pytest.fixture
def script(shop: Shop) -> Program:
    """The interactive script, between two accounts, with seven objects of 100 bytes to copy."""
    shop.fill({f"in/{number}": bytes(100) for number in range(7)})
    return replace(shop.program, command=SCRIPT)


def test_the_script_asks_for_everything_and_copies_after_a_yes(shop: Shop, script: Program) -> None:
    """Source, destination and profiles are asked for, the plan is shown, and y copies."""
    with script.terminal() as terminal:
        terminal.until("Profiles configured here: them, us")
        terminal.answer("Profile for the source (lists)", "them")
        terminal.answer("Profile for the destination (makes the copy)", "us")
        terminal.answer("Copy from (s3://BUCKET/KEY or s3://BUCKET/PREFIX/):", "s3://dst-bucket/")
        terminal.answer("error: there is nothing under s3://dst-bucket/", PREFIX[0][:-1])
        terminal.answer("Copy everything under s3://src-bucket/in/? [Y/n]:", "")
        terminal.answer("Copy to (s3://BUCKET/KEY or s3://BUCKET/PREFIX/):", "s3://no-such-bucket/")
        terminal.answer("error: the destination bucket no-such-bucket does not exist", PREFIX[1])
        terminal.answer("Journal, a new file", "")
        terminal.answer("Report of what is not copied", "")
        plan = terminal.until("Copy 7 objects, 700 B? [y/N]:")
        assert shop.arrived() == {}
        for words in (
            *("profile them", "profile us", "objects   7, 700 B", "CopyObject 7, checks 5"),
            *("account 111111111111,", "account 222222222222,", ":assumed-role/tester/"),
            "existing objects at the destination are overwritten",
        ):
            assert words in plan
        terminal.child.sendline("y")
        assert terminal.end() == 0
        assert "Copied all 7 objects" in terminal.text
    assert set(shop.arrived()) == {f"out/{number}" for number in range(7)}


def test_the_script_writes_nothing_after_a_no(shop: Shop, script: Program) -> None:
    """Anything but yes ends with nothing written, which is what was asked for: exit 0."""
    with script.terminal(*PREFIX, *PROFILES) as terminal:
        terminal.answer("Copy 7 objects, 700 B? [y/N]:", "n")
        assert terminal.end() == 0
        assert terminal.text.endswith("nothing was written")
    assert shop.arrived() == {}
    assert "Uploads" not in shop.destination.list_multipart_uploads(Bucket=DST)


@pytest.mark.parametrize("question", ["Profile for the source", "[y/N]"])
def test_ctrl_c_at_a_question(shop: Shop, script: Program, question: str) -> None:
    """Ctrl-C instead of an answer exits with 130 and nothing written."""
    given = () if question.startswith("Profile") else (*PREFIX, *PROFILES)
    with script.terminal(*given) as terminal:
        terminal.until(question)
        assert terminal.interrupt() == 130
        assert terminal.text.endswith("stopped; nothing was written")
        assert not terminal.screen.cursor.hidden
    assert shop.arrived() == {}


def test_the_script_without_a_terminal(shop: Shop, script: Program) -> None:
    """With --yes nobody is asked; without it, it says so instead of waiting."""
    asked = script.run(*PREFIX, *PROFILES)
    assert (asked.code, asked.out) == (2, "")
    assert "Give --yes" in asked.err
    assert shop.arrived() == {}

    done = script.run(*PREFIX, *PROFILES, "--yes")

    assert done.code == 0, done.said
    assert done.out.index("CopyObject 7") < done.out.index("Copied all 7 objects")
    assert len(shop.arrived()) == 7
    once_more = script.run(*PREFIX, *PROFILES, "--yes", "--json")
    assert once_more.json()["files_copied_successfully"] == 7


def test_the_script_refuses_in_words(shop: Shop, script: Program) -> None:
    """What is missing is told before anybody is asked for a yes."""
    done = script.run("s3://src-bucket/nothing/", *PREFIX[1:], *PROFILES, "--yes")

    assert (done.code, done.out) == (3, "")
    assert "error: there is nothing under s3://src-bucket/nothing/\nNext: " in done.err
