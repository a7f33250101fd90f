"""Builds wheel and sdist, and uses the wheel in an empty environment: ``make test-package``.

Exists because a checkout has everything and an installation only what was packaged. Ends with an
error at the first thing that is wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = {
    "airflow_plugin/operator.py",
    "s3_xfer/cli/runbook.md",
    "s3_xfer/py.typed",
    "s3_xfer/testing/two_accounts.py",
}
USE = """
import s3_xfer, sys
assert s3_xfer.__file__.startswith(sys.prefix), s3_xfer.__file__
for name in s3_xfer.__all__:
    getattr(s3_xfer, name)
"""


def main() -> None:
    """Build, look inside, install, use."""
    with tempfile.TemporaryDirectory(prefix="s3-xfer-package-") as name:
        directory = Path(name)
        source = checkout(directory / "source")
        sdist, wheel = build(source, directory / "dist")
        check_contents(sdist, wheel)
        check_same(wheel, build_wheel(source, directory / "again"))
        use(wheel, directory / "venv", directory)
    print("The package is complete, and works in an empty environment")


def checkout(directory: Path) -> Path:
    """Copy what git tracks, without the left-overs of earlier builds; return where to."""
    for name in run("git", "ls-files", "-z").split("\0"):
        if (ROOT / name).is_file():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
    return directory


def build(source: Path, directory: Path) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from the sdist; return both."""
    run(sys.executable, "-m", "build", "--outdir", str(directory), str(source))
    (sdist,), (wheel,) = directory.glob("*.tar.gz"), directory.glob("*.whl")
    print(f"Built {sdist.name} and, from it, {wheel.name}")
    return sdist, wheel


def build_wheel(source: Path, directory: Path) -> Path:
    """Build the wheel without the detour by an sdist."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(directory), str(source))
    (wheel,) = directory.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_contents(sdist: Path, wheel: Path) -> None:
    """Raise ValueError unless the wheel has what users need, and nothing that is for tests."""
    names = set(contents(wheel))
    if missing := SHIPPED - names:
        raise ValueError(f"missing in the wheel: {sorted(missing)}")
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    if packages != {"s3_xfer", "airflow_plugin"}:
        raise ValueError(f"the wheel has more than the two packages: {sorted(packages)}")
    if faulty := [name for name in names if "fault" in name]:
        raise ValueError(f"the wheel has a server that injects faults: {faulty}")
    with tarfile.open(sdist) as archive:
        if not any(name.endswith("/LICENSE") for name in archive.getnames()):
            raise ValueError("the sdist has no licence")
    print(f"Looked at {len(names)} files")


def check_same(one: Path, other: Path) -> None:
    """Raise ValueError unless two wheels have the same files."""
    first, second = contents(one), contents(other)
    if differing := {name for name in first | second if first.get(name) != second.get(name)}:
        raise ValueError(f"the sdist and the checkout build different wheels: {sorted(differing)}")
    print("The checkout builds the same wheel")


def use(wheel: Path, venv: Path, directory: Path) -> None:
    """Install the wheel with the locked versions into an empty environment, and use it."""
    run(sys.executable, "-m", "venv", str(venv))
    python, program = str(venv / "bin" / "python"), str(venv / "bin" / "s3-xfer")
    locked = str(ROOT / "requirements" / "dev.txt")
    run(python, "-m", "pip", "install", "--quiet", "--constraint", locked, f"{wheel}[crt]")
    run(python, "-m", "pip", "check")
    run(python, "-c", USE, cwd=directory)
    version = run(program, "--version", cwd=directory)
    if version.split()[-1] != wheel.name.split("-")[1]:
        raise ValueError(f"{wheel.name} says that it is {version}")
    if not run(program, "runbook", "access-denied", cwd=directory).startswith("## "):
        raise ValueError("the installed runbook has no section access-denied")
    print(f"Installed and used: {version.strip()}")


def run(*command: str, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed; show that if the command fails.

    ``environment`` is added to this process's.
    """
    done = subprocess.run(  # noqa: S603
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"error: exit {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
