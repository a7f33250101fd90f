"""A journal forgets no option of the copy that it belongs to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from s3_xfer.declarations import JournalRole, Section
from s3_xfer.errors import JournalError
from s3_xfer.ledger.journal.description import describe, operation_fields, require_same
from s3_xfer.model import AccountContext
from s3_xfer.operations import S3CopyOperation
from s3_xfer.options import CopyOptions
from s3_xfer.spec import CopySpec
from tests.declared import KEPT, Case, cases, operation

ALL = list(cases(CopyOptions, CopySpec, AccountContext))
WRITTEN = [case for case in ALL if case.declaration.journal in KEPT]
IDENTITY = [case for case in ALL if case.declaration.journal is JournalRole.IDENTITY]
NOTHING = (AccountContext(), None)
# Each for a reason: secrets, objects of a program, what belongs to one run or to the first one.
NOT_WRITTEN = {
    *("outage_limit_s", "principal"),
    *("external_id", "session", "client_config"),
    *("max_failures", "max_error_rate_percent", "deadline"),
    *("report_path", "report_scope", "prices_path"),
    *("files_from", "files_from_format", "files_from_keys"),
    *("from_report_path", "mode", "journal", "journal_use"),
}


@pytest.mark.parametrize("case", WRITTEN, ids=str)
def test_every_option_comes_back_from_a_journal(case: Case) -> None:
    """An operation that is resumed has every option of the first run."""
    first = operation(case)

    description = json.loads(json.dumps(describe(first)))
    again = S3CopyOperation(
        **operation_fields(description, source=NOTHING, destination=NOTHING, changes={})
    )

    assert again == first
    assert again != operation()


@pytest.mark.parametrize("case", IDENTITY, ids=str)
def test_another_value_is_another_copy(case: Case) -> None:
    """A run whose copies would differ may not use the journal; the message names the option."""
    with pytest.raises(JournalError, match=rf"\b(destination_)?{case.name}: journal says"):
        require_same(describe(operation(case)), describe(operation()), name="j.db")


def test_what_is_not_written_down_is_known() -> None:
    """A new option is written down, unless this list says that it is not."""
    assert {case.name for case in ALL} - {case.name for case in WRITTEN} == NOT_WRITTEN


def test_everything_about_fidelity_is_the_same_in_every_run() -> None:
    """Options that change what a copy looks like are part of the copy's identity."""
    fidelity = [case for case in ALL if case.declaration.section is Section.FIDELITY]

    assert fidelity
    assert {case.declaration.journal for case in fidelity} == {JournalRole.IDENTITY}


def test_remembered_options_may_differ() -> None:
    """How fast a copy is made says nothing about what it makes."""
    changed = replace(operation(), batch_size=7, options=CopyOptions(concurrency=3, retries=1))

    require_same(describe(changed), describe(operation()), name="j.db")
