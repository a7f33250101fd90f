"""A conversation: ask, show, confirm, copy. Nothing is written without a yes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.program import ROOT, Terminal, environment, fake

URLS = ("s3://src/data/", "s3://dst/data/")


def _config(tmp_path: Path) -> str:
    config = tmp_path / "config"
    config.write_text("[profile alpha]\nregion = eu-west-1\n[profile beta]\nregion = eu-west-1\n")
    return str(config)


def test_everything_is_asked_and_then_copied(tmp_path: Path) -> None:
    """Places, prefix and profiles are asked for, bad answers again; then plan, yes, result."""
    config = _config(tmp_path)
    with Terminal("ok", "interactive", columns=100, env={"AWS_CONFIG_FILE": config}) as terminal:
        terminal.until(lambda text: "Copy from" in text)
        terminal.child.sendline("src/data")
        terminal.until(lambda text: "'src/data' is not an S3 URL" in text)
        terminal.child.sendline("s3://src/data/")
        terminal.until(lambda text: "Copy to" in text)
        terminal.child.sendline("s3://dst/data/")
        terminal.until(lambda text: "Copy everything under s3://src/data/? [Y/n]" in text)
        terminal.child.sendline("")
        terminal.until(lambda text: "Profiles configured here: alpha, beta" in text)
        terminal.child.sendline("gamma")
        terminal.until(lambda text: "There is no profile 'gamma'." in text)
        terminal.child.sendline("beta")
        terminal.until(lambda text: "Profile for the source" in text)
        terminal.child.sendline("")
        text = terminal.until(lambda text: "Copy 400 objects, 2.0 GiB? [y/N]" in text)
        assert "profile beta" in text
        assert "objects that exist at the destination are overwritten" in text
        terminal.child.sendline("y")
        assert terminal.end() == 0
        assert "Copied all 400 objects" in terminal.text


def test_the_count_is_shown_while_it_grows() -> None:
    """During the dry run the number of objects found so far is on the screen."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with Terminal("ok", *args, columns=80, env={"FAKE_GATES": "150 250"}) as terminal:
        terminal.until(lambda text: "listing… 200 objects" in text)
        terminal.let_go()
        terminal.until(lambda text: "listing… 300 objects" in text)


@pytest.mark.parametrize("answer", ["n", ""])
def test_no_means_no(answer: str) -> None:
    """Anything but yes writes nothing, and that is no error."""
    args = ("interactive", *URLS, "--recursive", "--dest-profile", "x")
    with Terminal("ok", *args, columns=100) as terminal:
        terminal.until(lambda text: "[y/N]" in text)
        terminal.child.sendline(answer)
        assert terminal.end() == 0
        assert "nothing was written" in terminal.text
        assert "Copied" not in terminal.text


@pytest.mark.parametrize("question", ["Copy from", "[y/N]"])
def test_ctrl_c_at_a_question_writes_nothing(question: str) -> None:
    """Ctrl-C instead of an answer exits 130 and says that nothing was written."""
    given = () if question == "Copy from" else (*URLS, "--recursive", "--dest-profile", "x")
    with Terminal("ok", "interactive", *given, columns=100) as terminal:
        terminal.until(lambda text: question in text)
        time.sleep(0.3)  # readline discards what is typed while it prepares the terminal
        terminal.child.sendintr()
        assert terminal.end() == 130
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
        timeout=20,
        check=False,
    )
    assert done.returncode == 0
    assert "Usage: s3-xfer interactive" in done.stdout
