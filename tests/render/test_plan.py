"""The plan that is shown before the question, and words for a shell."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from s3_xfer.ledger.result import CopyResult
from s3_xfer.model import AccountContext, SkipReason
from s3_xfer.render.plan import plan_rows, question
from s3_xfer.render.summary import table_lines
from s3_xfer.text import shell_word
from tests.patience import PATIENCE_S
from tests.render import samples

ROLE = "arn:aws:iam::123456789012:role/copier"


def _counted() -> CopyResult:
    """Return the end of a dry run that would copy everything."""
    result = samples.clean(planned_bill=samples.BILL)
    planned: dict[str, Any] = {
        "files_skipped": 50_000,
        "skips_by_reason": {SkipReason.DRY_RUN.value: 50_000},
        "planned_bytes": result.metrics.total_bytes_found,
    }
    return replace(result, metrics=replace(result.metrics, **planned))


def _plan(**changed: Any) -> str:
    settings: dict[str, Any] = {
        "source_url": "s3://src/data/",
        "destination_url": "s3://dst/data/",
        "source": AccountContext(),
        "destination": AccountContext(role_arn=ROLE, external_id="hush", region="eu-west-1"),
        "counted": _counted(),
        "overwrite": True,
        "requests": {"CopyObject": 50_000, "ListObjectsV2": 50},
        "principals": {"destination": "arn:aws:sts::222222222222:assumed-role/copier/me"},
        "checks": 5,
    } | changed
    rows = list(plan_rows(**settings))
    return "\n".join(line.text for line in table_lines(rows, width=120))


def test_the_plan_names_locations_credentials_counts_and_requests() -> None:
    """Everything that a person agrees to is in it."""
    assert [line.split(maxsplit=1) for line in _plan().splitlines()] == [
        ["from", "s3://src/data/"],
        ["the", "destination's credentials"],
        ["to", "s3://dst/data/"],
        ["role", f"{ROLE}, with external id, region eu-west-1"],
        ["account", "222222222222, arn:aws:sts::222222222222:assumed-role/copier/me"],
        ["objects", "50,000, 5.0 GiB"],
        ["requests", "about 50,055: CopyObject 50,000, ListObjectsV2 50, checks 5"],
        ["bill", "about $250.28: requests only, at AWS list prices of 1999 (here)"],
        ["existing", "existing objects at the destination are overwritten"],
    ]


def test_the_plan_does_not_show_the_external_id() -> None:
    """It mentions that there is one, without its value."""
    assert "hush" not in _plan()


def test_the_plan_warns_only_where_something_is_overwritten() -> None:
    """With --no-overwrite it states that existing objects are not overwritten."""
    assert "are not overwritten" in _plan(overwrite=False)
    assert "are overwritten" not in _plan(overwrite=False)


def test_the_question_has_the_numbers_in_it() -> None:
    """The number of objects and their size."""
    assert question(_counted()) == "Copy 50,000 objects, 5.0 GiB?"


@pytest.mark.parametrize(
    "word", ["plain", "a b", "it's", "a\nb", "\x1b[2J'\\", "\u202eabc", "naïve/日本", "$HOME", ""]
)
def test_a_shell_reads_back_every_word_exactly(word: str) -> None:
    """What is printed for pasting is safe to print and means the same bytes."""
    printed = shell_word(word)
    assert printed.isprintable()
    done = subprocess.run(
        ["bash", "-c", f"printf %s {printed}"], capture_output=True, check=True, timeout=PATIENCE_S
    )
    assert done.stdout == word.encode()
