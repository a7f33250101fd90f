"""Completion: what shells are offered, by click's own completion and by a real bash."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pexpect
import pytest
from click.shell_completion import ShellComplete

from s3_xfer.cli.main import cli
from tests.cli.program import environment
from tests.patience import PATIENCE_S

JOBS = '[jobs.nightly]\n[jobs.nothing]\n[jobs."with-dash"]\n'
CONFIG = "[default]\n[profile them]\n[ profile 'us west' ]\n[sso-session corp]\n[services x]\n"
VARIABLE = "_S3_XFER_COMPLETE"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with saved jobs, and a configuration with profiles."""
    (tmp_path / "s3_xfer.toml").write_text(JOBS)
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text("[us]\naws_access_key_id = x\n[them]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def offered(line: str) -> list[str]:
    """Return what is offered for the last word of a line, ``file`` where the shell completes."""
    *words, last = line.split(" ")
    items = ShellComplete(cli, {}, "s3-xfer", VARIABLE).get_completions(words, last)
    return [item.value if item.type == "plain" else item.type for item in items]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("copy @", ["@nightly", "@nothing", "@with-dash"]),
        ("check -r @ni", ["@nightly"]),
        ("sync s3://a/ @", []),
        ("copy @ ni", ["@nightly"]),  # as bash splits it
        ("copy --config x --recursive @w", ["@with-dash"]),
        ("copy --source-profile ", ["default", "them", "us west", "us"]),
        ("copy --dest-profile u", ["us west", "us"]),
        ("ls --dest-profile t", ["them"]),
        ("runbook access-d", ["access-denied"]),
        ("help ch", ["check"]),
        ("copy --journal ", ["file"]),
        ("copy --files-from x", ["file"]),
        ("copy --report ", ["file"]),
        ("copy --config ", ["file"]),
        ("resume ", ["file"]),
        ("undo ", ["file"]),
        ("copy --plan ", ["file"]),
        ("copy --storage-class GLACIER_", ["GLACIER_IR"]),
        ("copy --source-storage-class GLACIER_", ["GLACIER_IR"]),
        ("copy --progress ", ["auto", "bar", "plain", "none"]),
        ("copy --skip-i", ["--skip-identical"]),
        ("sync --del", ["--delete", "--delete-excluded"]),
        ("jo", ["jobs"]),
    ],
)
def test_what_is_known_is_offered(line: str, expected: list[str]) -> None:
    """Jobs, profiles, sections, commands, choices; files by the shell itself."""
    assert offered(line) == expected


def test_what_cannot_be_read_is_not_offered(tmp_path: Path) -> None:
    """A shell has nowhere to print what is wrong."""
    (tmp_path / "s3_xfer.toml").write_text("[jobs.")
    (tmp_path / "config").unlink()
    (tmp_path / "credentials").write_bytes(b"[\xff]\n[us]\n")

    assert offered("copy @") == []
    assert offered("copy --dest-profile u") == ["us"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_a_job_though_its_mark_ends_a_word(tmp_path: Path) -> None:
    """In a real bash, as a person types it."""
    program = tmp_path / "s3-xfer"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m s3_xfer.cli "$@"\n')
    program.chmod(0o755)
    env = environment(HOME=str(tmp_path), TERM="dumb")
    (tmp_path / "s3_xfer.toml").write_text("[jobs.nightly]\n")
    bash = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile"],
        env={**env, "PATH": f"{tmp_path}:{env['PATH']}", "PS1": "$ "},
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    bash.sendline(f'eval "$({VARIABLE}=bash_source s3-xfer)"; echo re""ady')
    bash.expect("ready")
    bash.send("s3-xfer copy @nig\t")
    bash.expect("htly ")
    bash.send("\x01echo the line: \r")  # before what was typed
    bash.expect("\nthe line: (.*)\r\n")
    assert bash.match[1] == "s3-xfer copy @nightly"
    bash.close(force=True)
