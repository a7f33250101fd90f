"""A conversation: ask, show, confirm, copy. Nothing is written without a yes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import ROOT, environment, fake, in_terminal
from tests.patience import PATIENCE_S

URLS = ("s3://src/data/", "s3://dst/data/")


def _config(tmp_path: Path) -> str:
    config = tmp_path / "config"
    config.write_text("[profile alpha]\nregion = eu-west-1\n[profile beta]\nregion = eu-west-1\n")
    return str(config)


def test_everything_is_asked_and_then_copied(tmp_path: Path) -> None:
    """Profiles and places in one order, bad answers again, files; then plan, yes, result."""
    config = _config(tmp_path)
    journal, report = tmp_path / "copy.db", tmp_path / "r.jsonl"
    with in_terminal("ok", "interactive", columns=250, env={"AWS_CONFIG_FILE": config}) as terminal:
        terminal.answer("Profiles configured here: alpha, beta", "gamma")
        terminal.answer("There is no profile 'gamma'.", "alpha")
        terminal.answer("Profile for the destination", "beta")
        terminal.answer("Copy from", "src/data")
        terminal.answer("'src/data' is not an S3 URL", "s3://nowhere/data")
        terminal.answer("error: s3://nowhere does not exist", "s3://src/data")
        terminal.answer("Copy everything under s3://src/data/? [Y/n]", "")
        terminal.answer("Copy to", "s3://nowhere/")
        terminal.until_seen(lambda text: text.count("s3://nowhere does not exist") == 2, "refusal")
        terminal.answer("Copy to", "s3://dst/data/")
        terminal.answer("Journal", str(tmp_path / "none" / "copy.db"))
        terminal.answer("is no folder that you may write", str(journal))
        terminal.answer("Report", str(report))
        text = terminal.until("Copy 400 objects, 2.0 GiB? [y/N]")
        for words in (
            "profile alpha",
            "account 111111111111, arn:aws:iam::111111111111:role/source",
            "profile beta",
            "account 222222222222, arn:aws:iam::222222222222:role/destination",
            "existing objects at the destination are overwritten",
        ):
            assert words in text
        terminal.child.sendline("y")
        assert terminal.end() == 0
        assert "Copied all 400 objects" in terminal.text
        assert "r.jsonl" in terminal.text


def test_one_can_go_back(tmp_path: Path) -> None:
    """To the question before, from any, the last one included; Enter keeps what was answered."""
    config = _config(tmp_path)
    with in_terminal("ok", "interactive", columns=100, env={"AWS_CONFIG_FILE": config}) as terminal:
        terminal.answer("Profile for the source", "<")
        terminal.answer("This is the first question.", "alpha")
        terminal.answer("Profile for the destination", "<")
        terminal.until_seen(lambda text: text.count("for the source (lists)") == 3, "it again")
        terminal.child.sendline("beta")
        terminal.until_seen(lambda text: text.count("for the destination (") == 2, "the next")
        terminal.child.sendline("")
        terminal.answer("Copy from", "s3://src/a.csv")
        terminal.answer("Copy to", "s3://dst/a.csv")
        terminal.answer("Copy 400 objects", "<")
        terminal.answer("Profile for the source (lists), - for the default [beta]", "")
        terminal.until_seen(lambda text: text.count("for the destination (") == 3, "once more")
        terminal.child.sendline("")
        terminal.answer("[s3://src/a.csv]", "")
        terminal.answer("[s3://dst/a.csv]", "s3://dst/b.csv")
        terminal.until_seen(lambda text: text.count("[y/N]") == 2, "the plan again")
        assert terminal.text.rindex("s3://dst/b.csv") > terminal.text.index("[y/N]")


def test_what_is_refused_can_be_changed() -> None:
    """A refusal before anything was written is no end, unless the person wants one."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with in_terminal("refused", *args, columns=100) as terminal:
        terminal.answer("Change the answers and try again? [Y/n]", "")
        terminal.answer("Copy from", "")
        terminal.answer("Copy everything under", "y")
        terminal.answer("Copy to", "")
        terminal.answer("Journal", "")
        terminal.answer("Report", "")
        terminal.until_seen(lambda text: text.count("Change the answers") == 2, "it again")
        terminal.child.sendline("n")
        assert terminal.end() == 3


def test_what_was_typed_ahead_confirms_nothing() -> None:
    """A yes that was typed while the checks went on is no answer to a plan that nobody saw."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with in_terminal("ok", *args, columns=100, env={"FAKE_GATES": "150"}) as terminal:
        terminal.until("listing… 200 objects")
        terminal.child.sendline("y")
        terminal.let_go()
        terminal.until("Copy 400 objects, 2.0 GiB? [y/N]")
        terminal.child.sendline("what")
        terminal.answer("Please type y or n", "n")
        assert terminal.end() == 0
        assert "nothing was written" in terminal.text


def test_the_count_is_shown_while_it_grows() -> None:
    """During the dry run the number of objects found so far is on the screen."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with in_terminal("ok", *args, columns=80, env={"FAKE_GATES": "150 250"}) as terminal:
        terminal.until("listing… 200 objects")
        terminal.let_go()
        terminal.until("listing… 300 objects")


@pytest.mark.parametrize("answer", ["n", ""])
def test_no_means_no(answer: str) -> None:
    """Anything but yes writes nothing, and that is no error."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with in_terminal("ok", *args, columns=100) as terminal:
        terminal.answer("[y/N]", answer)
        assert terminal.end() == 0
        assert "nothing was written" in terminal.text
        assert "Copied" not in terminal.text


@pytest.mark.parametrize("question", ["Copy from", "[y/N]"])
def test_ctrl_c_at_a_question_writes_nothing(question: str) -> None:
    """Ctrl-C instead of an answer exits 130 and says that nothing was written."""
    given = () if question == "Copy from" else (*URLS, "--recursive", "--dest-profile", "x")
    with in_terminal("ok", "interactive", *given, columns=100) as terminal:
        terminal.until(question)
        assert terminal.interrupt() == 130
        assert "nothing was written" in terminal.text
        assert "Copied" not in terminal.text


def test_yes_needs_nobody() -> None:
    """With --yes and everything given, it counts, shows the plan and copies without a terminal."""
    done = fake("ok", "interactive", *URLS, "--recursive", "--yes")
    assert done.returncode == 0
    assert done.stdout.index("  objects   400, 2.0 GiB") < done.stdout.index("Copied all 400")


def test_a_dry_run_ends_after_the_count() -> None:
    """With --dry-run the count is the result and nothing is asked."""
    done = fake("ok", "interactive", *URLS, "--recursive", "--yes", "--dry-run")
    assert done.returncode == 0
    assert "Dry run: would copy 400 objects" in done.stdout
    assert "Copied" not in done.stdout


def test_a_refused_count_is_a_refusal() -> None:
    """When access is denied already for counting, it ends there with exit 3."""
    done = fake("refused", "interactive", *URLS, "--recursive", "--yes")
    assert (done.returncode, done.stdout) == (3, "")
    assert "error: s3://nowhere does not exist" in done.stderr


def test_the_script_runs_from_a_checkout(tmp_path: Path) -> None:
    """scripts/s3_copy.py needs no installation and takes the same options."""
    script = ROOT / "scripts" / "s3_copy.py"
    env = {k: v for k, v in environment().items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(script), "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=env,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0
    assert "Usage: s3-xfer interactive" in done.stdout
