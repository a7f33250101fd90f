"""The locked versions fit what ``pyproject.toml`` asks for, in every Python, and name no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
EXTRAS = {
    "dev": "dev",
    "oldest": "test",
    "docs": "docs",
    **{
        f"airflow-{version}": "test-airflow"
        for version in ("2.10", "2.11", "3.0", "3.1", "3.2", "3.3")
    },
}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def locked_versions(path: Path, python: str) -> dict[str, str]:
    """Return the version of each package that a file locks for one Python on Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    versions: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**environment}):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            name = canonicalize_name(requirement.name)
            assert name not in versions, f"{name} has two versions for Python {python}"
            versions[name] = pin.version
    return versions


def required_by(extra: str | None) -> list[Requirement]:
    """Return what the project requires with an extra, the extras it refers to included."""
    requirements = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    flat = []
    for requirement in map(Requirement, requirements):
        if requirement.name == "s3-xfer":
            for nested in requirement.extras:
                flat += required_by(nested)
        else:
            flat.append(requirement)
    return flat


def test_every_file_is_known() -> None:
    """Each locked set belongs to an extra, and each extra that is locked has its set."""
    assert {path.stem for path in LOCKS} == set(EXTRAS)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_all_that_the_project_requires_is_locked(path: Path, python: str) -> None:
    """Each direct requirement has one version for each Python, and it is one that is allowed."""
    versions = locked_versions(path, python)
    for requirement in required_by(None) + required_by(EXTRAS[path.stem]):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_locked_set_names_versions_only(path: Path) -> None:
    """No host, path or option: it works with any index that pip is configured for."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.match(r"#|[\w.-]+==[\w.!+-]+( ; .+)?$", line)] == []


def test_the_oldest_set_has_the_floors() -> None:
    """What is tested as the oldest is what ``pyproject.toml`` promises to work with."""
    oldest = locked_versions(ROOT / "requirements" / "oldest.txt", "3.11")
    for requirement in required_by(None):
        (floor,) = requirement.specifier
        assert (floor.operator, floor.version) == (">=", oldest[requirement.name])
