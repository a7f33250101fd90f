"""The page of failures says what tasks log."""

from __future__ import annotations

import re

import pytest

from tests.airflow.failure_page import PAGE, section
from tests.airflow.failures import FAILURES, Failure


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.title)
def test_the_page_shows_what_a_failing_task_logs(failure: Failure) -> None:
    """``make airflow-failures`` writes it anew. A longer duration makes its column wider."""
    shown, logged = (
        re.sub(" +", " ", text) for text in (PAGE.read_text(encoding="utf-8"), section(failure))
    )

    assert logged in shown


def test_the_page_has_no_other_failure() -> None:
    """In the order of the list."""
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.M)

    assert headings == [failure.title for failure in FAILURES]
