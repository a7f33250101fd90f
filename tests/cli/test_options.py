"""Every option of the command line sets one field, and comes back in the command for a re-run."""

from __future__ import annotations

import shlex
from collections import Counter

import pytest

from s3_xfer.cli.copy import copy
from s3_xfer.cli.factory import operation_from, rerun_command
from s3_xfer.cli.main import cli
from s3_xfer.cli.params import SectionOption
from s3_xfer.declarations import JournalRole, Section
from s3_xfer.model import AccountContext
from s3_xfer.operations import S3CopyOperation
from s3_xfer.options import CopyOptions
from s3_xfer.spec import CopySpec
from tests.declared import COMPANIONS, FILTERS, Case, cases, given

SOURCE = Section.SOURCE_SIDE
URLS = ("s3://src/a", "s3://dst/b")
TYPED = [case for case in cases(CopyOptions, CopySpec, AccountContext) if case.declaration.flag]
OWN = {
    *("config", "plan", "shard", "include", "exclude", "filter_from"),
    *("json", "json_file", "progress", "quiet", "verbose", "html_path"),
    *("metrics_path", "on_end", "on_end_limit"),
}
REPORT = {"--report", "--from-report"}  # a re-run reads one and writes another


def _command(case: Case) -> str:
    """Return the command that has the option."""
    return "sync" if case.declaration.section is Section.SYNC else "copy"


def _operation(case: Case, words: list[str]) -> S3CopyOperation:
    """Return the operation that the words of a command line mean."""
    command = _command(case)
    return operation_from(*URLS, _params(words, command), is_sync=command == "sync")


def _flag(case: Case) -> str:
    prefix = {Section.ONE_SIDE: "--dest-", Section.SOURCE_SIDE: "--source-"}
    return case.declaration.flag.replace("--", prefix.get(case.declaration.section, "--"))


def _account(case: Case, operation: S3CopyOperation) -> AccountContext:
    """Return the account of the side that :func:`_flag` names."""
    is_of_source = case.declaration.section is Section.SOURCE_SIDE
    return operation.source if is_of_source else operation.destination


def _arguments(case: Case) -> list[str]:
    """Return the words that give the option, with what has to be given too."""
    by_name = {other.name: other for other in TYPED}
    words = [_flag(case)]
    params = cli.commands[_command(case)].params
    param = next(param for param in params if words[0] in param.opts)
    if not getattr(param, "is_flag", False):
        words = given(words[0], case.declaration, case.value)
    for name, value in COMPANIONS.get(case.name, {}).items():
        declaration = by_name[name].declaration
        needs_value = declaration.when_given is None
        words += [_flag(by_name[name]), *([declaration.to_text(value)] if needs_value else [])]
    if case.name in FILTERS:
        words.append("--recursive")
    return words


def _params(words: list[str], command: str = "copy") -> dict[str, object]:
    return cli.commands[command].make_context(command, words).params


def test_every_option_of_a_copy_sets_one_field() -> None:
    """An option without a field only says how the program talks."""
    options = [param for param in copy.params if isinstance(param, SectionOption)]
    fields = Counter(str(option.name) for option in options if option.declaration)

    both = {"endpoint_url"}  # --endpoint-url is for both sides
    sides = {
        f"{side}_{case.name}"
        for case in TYPED
        for side in ("source", "dest")
        if case.declaration.section is Section.ONE_SIDE
    }
    sides |= {f"source_{case.name}" for case in TYPED if case.declaration.section is SOURCE}
    elsewhere = (Section.ONE_SIDE, SOURCE, Section.SYNC)
    others = {case.name for case in TYPED if case.declaration.section not in elsewhere}
    assert fields == Counter(sides | others | both)
    assert {option.name for option in options if not option.declaration} == OWN


@pytest.mark.parametrize("case", TYPED, ids=str)
def test_every_option_reaches_its_field(case: Case) -> None:
    """In the library's types, and no other field changes."""
    operation = _operation(case, [*URLS, *_arguments(case)])

    given = {CopyOptions: operation.options, AccountContext: _account(case, operation)}
    fields = given.get(case.cls, operation)
    plain = _operation(case, [*URLS])
    defaults = {CopyOptions: plain.options, AccountContext: _account(case, plain)}
    assert getattr(fields, case.name) == case.value
    assert {
        name
        for name in vars(type(fields)).get("__dataclass_fields__", {})
        if getattr(fields, name) != getattr(defaults.get(case.cls, plain), name)
    } == set(case.fields)


@pytest.mark.parametrize("case", TYPED, ids=str)
def test_a_re_run_repeats_what_its_declaration_says(case: Case) -> None:
    """The command means the same again; an external id comes from the environment."""
    command = cli.commands[_command(case)]
    values = _params([*URLS, *_arguments(case)], _command(case))

    line = rerun_command(command, *URLS, values)

    words = shlex.split(line)
    assert (_flag(case) in words) == case.declaration.is_repeated or _flag(case) in REPORT
    if case.declaration.is_secret:
        assert '"$S3_XFER_DEST_EXTERNAL_ID"' in line
    elif case.declaration.is_repeated:
        again = _operation(case, words[2:])
        owner = {CopyOptions: again.options, AccountContext: _account(case, again)}
        assert getattr(owner.get(case.cls, again), case.name) == case.value


@pytest.mark.parametrize("case", TYPED, ids=str)
def test_resume_takes_what_a_resumed_copy_may_change(case: Case) -> None:
    """All but the copy's identity, and what belongs to its first run; accounts always."""
    is_taken = any(_flag(case) in param.opts for param in cli.commands["resume"].params)

    roles = (JournalRole.REMEMBERED, JournalRole.PER_RUN)
    may_change = case.cls is AccountContext or case.declaration.journal in roles
    assert is_taken == may_change
