"""Installs the wheel beside Airflow as the how-to says: ``make test-airflow-install``.

The lines of docs/how-to/airflow.md for Amazon MWAA go into an environment with the packages of
the Airflow 2.10.5 image, and those for Astronomer into one with Airflow 3.3. The services
themselves are not tried. Ends with an error at the first thing that is wrong.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from scripts.check_package import ROOT, build_wheel, checkout, run

PAGE = ROOT / "docs" / "how-to" / "airflow.md"
IMAGE = ROOT / "tests" / "airflow" / "constraints-2.10.5.txt"
USE = """
import airflow_plugin, sys
assert airflow_plugin.__file__.startswith(sys.prefix), airflow_plugin.__file__
for name in airflow_plugin.__all__:
    getattr(airflow_plugin, name)
"""


def main() -> None:
    """Build the wheel, and install it in both ways."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="s3-xfer-airflow-install-") as name:
        directory = Path(name)
        wheel = build_wheel(checkout(directory / "source"), directory / "dist")

        requirements = directory / "requirements.txt"
        requirements.write_text(_mwaa_requirements(page, wheel), encoding="utf-8")
        _install("2.10", ["--requirement", str(requirements)], directory)
        _install("3.3", [_astronomer_requirement(page, wheel)], directory)


def _mwaa_requirements(page: str, wheel: Path) -> str:
    """Return the page's requirements.txt, with this machine's paths."""
    (block,) = re.findall(r"\*\*Amazon MWAA\*\*.*?```\n(.*?)```", page, re.S)
    lines = re.sub(r'(--constraint) "https:.*"', rf"\1 {IMAGE}", block)
    return re.sub(r"/usr/local/airflow/plugins/\S+\.whl", str(wheel), lines).replace("  ", "")


def _astronomer_requirement(page: str, wheel: Path) -> str:
    """Return what the page's Dockerfile installs, with this machine's path."""
    (requirement,) = re.findall(r'RUN pip install "(.*?)"', page)
    return re.sub(r"/usr/local/airflow/include/\S+\.whl", str(wheel), requirement)


def _install(version: str, arguments: list[str], directory: Path) -> None:
    """Install beside an Airflow; raise ValueError if that changes a package that was there."""
    venv = directory / version
    run(sys.executable, "-m", "venv", str(venv))
    python = str(venv / "bin" / "python")
    locked = ROOT / "requirements" / f"airflow-{version}"
    run(python, "-m", "pip", "install", "--quiet", "uv")
    run(
        *(python, "-m", "uv", "pip", "install", "--quiet", "--python", python),
        *("--requirement", f"{locked}.in", "--constraint", f"{locked}.txt"),
        "apache-airflow-providers-amazon",
    )
    before = _versions(python)
    run(python, "-m", "pip", "install", "--quiet", *arguments)
    run(python, "-m", "pip", "check")
    after = _versions(python)
    if changed := sorted(before - after):
        raise ValueError(f"Airflow {version}: the installation has changed {changed}")

    environment = {"AIRFLOW_HOME": str(directory / f"home-{version}")}
    run(python, "-c", USE, cwd=directory, environment=environment)
    providers = run(
        *(python, "-m", "airflow", "providers", "list"), cwd=directory, environment=environment
    )
    if "s3-xfer" not in providers:
        raise ValueError(f"Airflow {version} does not know the provider:\n{providers}")
    print(f"Airflow {version}: new are {', '.join(sorted(after - before))}", flush=True)


def _versions(python: str) -> set[str]:
    return set(run(python, "-m", "pip", "list", "--format", "freeze").splitlines())


if __name__ == "__main__":
    main()
