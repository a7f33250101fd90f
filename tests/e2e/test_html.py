"""``--html`` on the real program: every command that takes it, and files that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.in_process import InProcess
from tests.e2e.program import COPY, PREFIX, PROFILES, QUICK, Done, Program
from tests.e2e.shop import Shop
from tests.pages import Page
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World

HOSTILE = "in/<script>alert('x')</script>\"\u202egnp\x01&amp;\n.exe"
SHOWN = "in/<script>alert('x')</script>\"\\u202egnp\\x01&amp;\\n.exe"


@pytest.fixture
def inner(program: Program, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The program without a process of its own."""
    return InProcess(program, monkeypatch)


def page_of(directory: Path) -> Page:
    """Return the page that a run has left."""
    return Page((directory / "page.html").read_text(encoding="utf-8"))


def test_copy_check_resume_and_sync_leave_pages(
    world: World, inner: InProcess, tmp_path: Path
) -> None:
    """Each says how it ended; keys are shown as they are, and nothing of them is markup."""
    world.server.put(SRC, HOSTILE, size=5)
    world.server.put(SRC, "in/a", size=100_000)
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/<")
    pages: dict[str, Page] = {}

    def run(name: str, *args: str) -> Done:
        done = inner.run(*args, "--html", "page.html", "--quiet")
        pages[name] = page_of(tmp_path)
        return done

    copied = run("copy", *COPY, *QUICK, "--report", "r.jsonl", "--journal", "copy.db")
    checked = run("check", "check", *PREFIX, *PROFILES)
    resumed = run("resume", "resume", "copy.db", "--report", "r-2.jsonl")
    planned = run("sync", "sync", *PREFIX[:2], *PROFILES, "--dry-run")

    assert (copied.code, checked.code, resumed.code, planned.code) == (1, 5, 1, 0), copied.said
    assert {name: page.headline for name, page in pages.items()} == {
        "copy": "Copied 2 of 3 objects, 1 failed",
        "check": "Differences found: 1 missing",
        "resume": "Copied 2 of 3 objects, 1 failed",
        "sync": "Dry run: would copy 2 objects, nothing was written",
    }
    assert pages["copy"].headings[:5] == [
        "How to go on",
        "Totals",
        "Failures",
        "Why requests were denied",
        "Over time",
    ]
    for name in ("copy", "check"):
        assert SHOWN in pages[name].text
    for text in ("s3-xfer resume copy.db", "profile them", "profile us", "up to 128.0 MiB 1 40.0"):
        assert text in pages["copy"].text, text
    assert "Would be sent: " in pages["sync"].text


def test_plan_shards_and_merge_leave_pages(world: World, inner: InProcess, tmp_path: Path) -> None:
    """The merged page adds up sizes, requests and dollars; a shard without an end is told."""
    for number in range(6):
        world.server.put(SRC, f"in/{number}", size=1000)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/0")
    html = ("--html", "page.html")

    planned = inner.run("plan", *PREFIX, *PROFILES, "--out", "plan", "--shards", "3", *html)
    plan = page_of(tmp_path)
    shard = inner.run("copy", "--plan", "plan", "--shard", "0", *PROFILES, *html)
    first = page_of(tmp_path)
    merged = inner.run("merge", "plan", "--report", "left.jsonl", *html)
    merge = page_of(tmp_path)

    assert (planned.code, shard.code, merged.code) == (0, 78, 1), planned.said + shard.said
    assert plan.headline.startswith("Plan of 6 objects, 5.9 KiB in ")
    assert "s3-xfer merge plan" in plan.text
    assert first.headline.startswith("Copied ")
    assert merge.headline.endswith(" are not done")
    for text in ("not begun", "AccessDenied: 1 object failed", "--from-report left"):
        assert text in merge.text, text


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("--html", "none/page.html"), "the page none/page.html cannot be written"),
        (("--html", "folder"), "folder"),
        (("--html", "x", "--report", "./x"), "x is named twice, for different things"),
        (("--html", "x", "--journal", "x"), "x is named twice, for different things"),
        (("--html", ""), "--html is empty"),
    ],
)
def test_a_page_that_cannot_be_written_refuses_the_run(
    world: World, inner: InProcess, tmp_path: Path, args: tuple[str, ...], problem: str
) -> None:
    """Before anything is copied, and without touching the file in question."""
    world.server.put(SRC, "in/a", size=1)
    (tmp_path / "folder").mkdir()
    (tmp_path / "x").write_text("precious")

    done = inner.run(*COPY, *args)

    assert done.code in (2, 3), done.said
    assert problem in done.err
    assert (tmp_path / "x").read_text() == "precious"
    world.assert_untouched()


def test_a_disk_that_fills_up_changes_neither_result_nor_code(
    world: World, program: Program, tmp_path: Path
) -> None:
    """It is told on stderr, the old page stays, and no part of the new one is left behind."""
    world.server.put(SRC, "in/a", size=1)
    (tmp_path / "page.html").write_text("yesterday")
    limited = ("bash", "-c", 'ulimit -f 2; exec "$@"', "bash", *program.command)

    done = Program(program.env, program.directory, limited).run(
        *COPY, "--html", "page.html", "--json", PYTHONDONTWRITEBYTECODE="1"
    )

    assert done.code == 0, done.said
    assert done.json()["files_copied_successfully"] == 1
    assert "warning: the page page.html could not be written: File too large" in done.err
    assert (tmp_path / "page.html").read_text() == "yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"home", "page.html"}


def test_a_refused_run_replaces_the_page_of_yesterday(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On moto: what is missing is named, and ``--json`` says the same."""
    (tmp_path / "page.html").write_text("yesterday")

    for command in ("copy", "check"):
        done = InProcess(shop.program, monkeypatch).run(
            command, "s3://absent/in/", *PREFIX[1:], *PROFILES, "--html", "page.html", "--json"
        )

        assert done.code == 3, done.said
        assert done.json()["error_class"] == "BucketMissing"
        assert page_of(tmp_path).headline.startswith("Refused: s3://absent/in/")


def test_a_run_shows_its_numbers_of_the_moment(world: World) -> None:
    """In one line, and as a table for notebooks."""
    world.server.put(SRC, "in/a", size=1)

    run = world.operation().start()
    run.result()

    assert repr(run) == "<CopyRun COMPLETED: 1 of 1 objects, 0 failed>"
    assert "<b>CopyRun: COMPLETED</b>" in run._repr_html_()
