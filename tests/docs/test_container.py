"""The container and its manifest, as far as they can be held against something without an engine.

What installs the program in the image is run by ``make test-container``.
"""

from __future__ import annotations

import re
import sysconfig
from importlib.metadata import distributions
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.docs.pages import ROOT
from tests.docs.words import check_call

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
JOB: dict[str, Any] = yaml.safe_load((ROOT / "docs/how-to/kubernetes-job.yaml").read_text())
POD: dict[str, Any] = JOB["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
CONSTRAINTS = {
    name.lower(): version
    for name, version in re.findall(
        r"^([\w.-]+)==([\w.]+)$", (ROOT / "container/constraints.txt").read_text(), re.M
    )
}
# After SIGTERM: 10 s for answers, then aborts of uploads; docs/runbook.md says 30 s at least.
GRACE_MIN_S = 30


def test_the_manifest_calls_the_program_as_it_can_be_called() -> None:
    """The Job's arguments are read by the program's own parser, and ask for a report."""
    check_call(CONTAINER["args"])
    assert "--report" in CONTAINER["args"]


def test_the_pod_is_unprivileged_and_gets_time_to_stop() -> None:
    """Not root, nothing to escalate with, a read-only root, and time for an orderly end."""
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["terminationGracePeriodSeconds"] >= GRACE_MIN_S
    assert (POD["restartPolicy"], JOB["spec"]["backoffLimit"]) == ("Never", 0)


def test_image_and_manifest_agree_on_the_user() -> None:
    """The numeric user of the image is the one that the pod runs as."""
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M)

    assert user
    context = POD["securityContext"]
    assert [int(number) for number in user.groups()] == [
        context["runAsUser"],
        context["runAsGroup"],
    ]
    assert f"--uid {user[1]} " in DOCKERFILE


def test_the_base_image_is_named_to_its_last_digit() -> None:
    """No tag that moves."""
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.M)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) == {"${PYTHON_IMAGE}"}


def test_everything_copied_into_the_image_exists() -> None:
    """Whatever the Dockerfile takes from the checkout is there, and not kept from it."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignored, name


def test_the_image_pins_everything_that_the_program_needs() -> None:
    """Each dependency, of whatever depth, has its one version, within what we allow."""
    pytest.importorskip("awscrt", reason="the image has the CRT engine; this environment has not")
    for requirement in _needed("s3-xfer", {"crt"}):
        assert requirement.name.lower() in CONSTRAINTS, requirement.name
        assert requirement.specifier.contains(CONSTRAINTS[requirement.name.lower()])


def test_the_image_has_the_versions_that_the_tests_run_on() -> None:
    """Each version of the image is that of the locked set."""
    locked = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8").lower().splitlines()
    assert CONSTRAINTS
    assert {f"{name}=={version}" for name, version in CONSTRAINTS.items()} <= set(locked)


def _needed(distribution: str, extras: set[str], depth: int = 0) -> list[Requirement]:
    """Return what ``distribution`` requires here, and what that requires.

    A dependency that is installed here in another version than the image's may require something
    else than it does there: it is returned, but what it requires is not.
    """
    assert depth < 10, "a circle"
    (installed,) = distributions(name=distribution, path=[sysconfig.get_path("purelib")])
    if depth and installed.version != CONSTRAINTS.get(distribution.lower()):
        return []
    requirements = []
    for text in installed.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            requirements.append(requirement)
            requirements += _needed(requirement.name, set(requirement.extras), depth + 1)
    return requirements
