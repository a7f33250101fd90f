"""Denials on a server with AWS's policies: what doctor and copy say, and that pasting it cures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from s3_xfer import CopyResult, Diagnosis, PreflightError
from s3_xfer.access.doctor import Conclusion, examine
from s3_xfer.cli.wording import COMMAND_LINE
from tests.access.situations import DST, SITUATIONS, Situation, Stage, kinds_of
from tests.e2e.program import ROOT
from tests.iam_server import IamServer


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A copy that works, yet."""
    with IamServer() as server:
        yield Stage(server)


def by_doctor(stage: Stage) -> list[Diagnosis]:
    """Return the doctor's diagnoses."""
    report = examine(stage.operation())
    assert report.conclusion is not Conclusion.ALLOWED
    return [each.diagnosis for each in report.findings if each.diagnosis]


def by_copy(stage: Stage) -> Diagnosis | None:
    """Return the diagnosis of a run, which is refused or fails."""
    try:
        result: CopyResult = stage.operation().run()
    except PreflightError as refusal:
        return refusal.diagnosis
    return result.diagnosis


def check(found: Diagnosis | None, situation: Situation) -> None:
    """Assert that the first diagnosis says what it should."""
    assert found is not None
    assert (found.side, found.action) == (situation.side, situation.action), str(found)
    assert situation.cause in COMMAND_LINE.say(found.causes[0]), str(found)
    assert found.certain is situation.certain, str(found)
    assert kinds_of(found) == situation.pasted, str(found)


def test_the_copy_works_without_any_change(stage: Stage) -> None:
    """The stage itself denies nothing."""
    assert examine(stage.operation()).conclusion is Conclusion.ALLOWED
    assert stage.operation().run().metrics.files_failed == 0


@pytest.mark.parametrize("name", SITUATIONS)
def test_doctor_says_what_is_wrong(stage: Stage, name: str) -> None:
    """Side, action, first cause, certainty, and statements only where a grant can help."""
    situation = SITUATIONS[name]
    situation.build(stage)

    found = by_doctor(stage)

    check(found[0] if found else None, situation)
    assert stage.server.uploads(DST) == []
    for diagnosis in found:
        stage.paste(diagnosis)
    if situation.pasted and situation.cures:
        assert examine(stage.operation()).conclusion is Conclusion.ALLOWED
        assert stage.operation().run().metrics.files_failed == 0


@pytest.mark.parametrize("name", SITUATIONS)
def test_copy_says_what_is_wrong(stage: Stage, name: str) -> None:
    """A run, refused or with failed objects, says the same."""
    situation = SITUATIONS[name]
    situation.build(stage)

    check(by_copy(stage), situation)


def test_the_page_tells_how_many_situations_there_are() -> None:
    """The table of docs/access.md was made of the situations of today."""
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")

    for command in ("doctor", "copy"):
        assert f"| `{command}` | {len(SITUATIONS)} | {len(SITUATIONS)} (100 %) |" in page
