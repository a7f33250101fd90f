"""The world in which the documents' commands run: two embedded accounts, as the pages name them.

Every page gets its own: the profiles ``them`` and ``us`` (and no profile, which is ``us``), the
buckets ``their-bucket`` and ``our-bucket``, a few objects, an empty folder, and a shell.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from tests.docs.pages import Step
from tests.e2e.program import environment
from tests.patience import PATIENCE_S

MIB = 1024 * 1024
SMALL = (
    ("data/a.csv", b"a" * 1024),
    ("data/b.csv", b"b" * 2048),
    ("data/2026/c.csv", b"c" * 4096),
    ("database/d.csv", b"d"),
)
LARGE = (("video/large.bin", b"\0" * 12 * MIB), ("video/small.bin", b"\0" * MIB))
# Progress on a terminal is bars that vanish; without one it is these lines.
_PROGRESS = re.compile(
    r"^\d{4}-\d\d-\d\dT[\d:]+Z (preflight|listing|copying|comparing|asking|stopping|ended) .*\n",
    re.M,
)
_MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class Done:
    """How one command ended."""

    step: Step
    printed: str
    code: int


class Stage:
    """One page's world; ``accounts`` is emptied for it."""

    def __init__(self, accounts: TwoAccounts, directory: Path, *, is_empty: bool = False) -> None:
        self._directory = directory / "work"
        self._directory.mkdir()
        self._accounts = accounts
        accounts.reset()
        accounts.cross_account_access = True
        self._fill(is_empty=is_empty)
        self._env = {**self._profiles(directory), "PATH": self._path(directory)}

    def run(self, steps: Sequence[Step]) -> list[Done]:
        """Run all steps in one shell, and return what each printed."""
        ends = [f"__code=$?; printf '\\n{_MARK}%s{_MARK}' $__code; (exit $__code)" for _ in steps]
        script = "\n".join(f"{step.command}\n{end}" for step, end in zip(steps, ends, strict=True))
        done = subprocess.run(
            ["bash", "-c", script],
            env=self._env,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=3 * PATIENCE_S,
            check=False,
        )
        printed, codes = done.stdout.split(_MARK)[0::2], done.stdout.split(_MARK)[1::2]
        return [
            Done(step, _without_progress(text, step.shown or ""), int(code))
            for step, text, code in zip(steps, printed, codes, strict=False)
        ]

    def _fill(self, *, is_empty: bool) -> None:
        for account, bucket in (
            (SOURCE_ACCOUNT, "their-bucket"),
            (DESTINATION_ACCOUNT, "our-bucket"),
        ):
            client = self._accounts.client("s3", account)
            client.create_bucket(Bucket=bucket)
            if account == SOURCE_ACCOUNT and not is_empty:
                cold = {"Bucket": bucket, "Key": "cold/old.bin", "StorageClass": "GLACIER"}
                client.put_object(Body=b"o", **cold)  # type: ignore[arg-type]
            client.close()
        if not is_empty:
            self._accounts.store("their-bucket", [*SMALL, *LARGE, ("cold/new.bin", b"n")])

    def _profiles(self, directory: Path) -> dict[str, str]:
        home = directory / "profiles"
        home.mkdir()
        self._accounts.write_aws_config(home)
        config, secrets = ((home / name).read_text() for name in ("config", "credentials"))
        config, secrets = (
            text.replace("account-a", "them").replace("account-b", "us")
            for text in (config, secrets)
        )
        config += config[config.index("[profile us]") :].replace("[profile us]", "[default]")
        secrets += secrets[secrets.index("[us]") :].replace("[us]", "[default]")
        return environment(directory / "home", config, secrets)

    def _path(self, directory: Path) -> str:
        """Return a search path with this checkout's program and interpreter first."""
        programs = directory / "bin"
        programs.mkdir()
        for name, words in (("s3-xfer", "-m s3_xfer.cli"), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (programs / name).chmod(0o755)
        if aws := shutil.which("aws"):
            (programs / "aws").write_text(f'#!/bin/sh\nexec "{aws}" "$@"\n')
            (programs / "aws").chmod(0o755)
        return f"{programs}:/usr/local/bin:/usr/bin:/bin"


def _without_progress(text: str, shown: str) -> str:
    text = text.removesuffix("\n")
    return text if _PROGRESS.search(f"{shown}\n") else _PROGRESS.sub("", text)
