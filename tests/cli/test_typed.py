"""Whatever is typed reaches the operation: every option of copy, check and resume."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from s3_xfer import (
    AccountContext,
    CannedAcl,
    ChecksumAlgorithm,
    CompareField,
    CopyOptions,
    Encryption,
    Engine,
    Extra,
    FailOn,
    Identical,
    Preflight,
    ReportScope,
    S3CheckOperation,
    S3CopyOperation,
    StorageClass,
    TagPolicy,
)
from s3_xfer.cli.main import cli
from s3_xfer.declarations import Section
from s3_xfer.units import MIB
from tests.declared import Case, cases

URLS = ("s3://src-bucket/in/", "s3://dst-bucket/out/", "--recursive")
SPEED = """
    --concurrency 7 --retries 1 --retry-delay 0.5 --read-timeout 9 --max-requests-per-second 11
    --deadline 2h
"""
OF_SPEED: dict[str, Any] = {
    "concurrency": 7,
    "retries": 1,
    "retry_delay_s": 0.5,
    "read_timeout_s": 9.0,
    "max_requests_per_s": 11.0,
    "deadline": "2h",
}
ROLE = "arn:aws:iam::123456789012:role"
ACCOUNTS = f"""
    --source-role-arn {ROLE}/s --source-external-id s-id --source-region eu-west-1
    --source-endpoint-url http://s:1 --source-bucket-owner 111111111111
    --dest-profile d --dest-region eu-west-2 --dest-bucket-owner 222222222222
    --endpoint-url http://both:1
"""
SOURCE = AccountContext(
    role_arn=f"{ROLE}/s",
    external_id="s-id",
    region="eu-west-1",
    endpoint_url="http://s:1",
    bucket_owner="111111111111",
)
DESTINATION = AccountContext(
    profile="d",
    region="eu-west-2",
    endpoint_url="http://both:1",
    bucket_owner="222222222222",
)


# What cannot be typed with the others: there is one input at most.
ALONE = {"mode", "from_report_path", "inventory"}


class Caught(Exception):  # noqa: N818 - it is no error
    """Ends a command where its operation begins; ``what`` is what was to be begun."""

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what = what


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catch operations instead of starting them."""

    def caught(operation: Any) -> None:
        raise Caught(operation)

    def resumed(_: type, /, journal: str, **given: Any) -> None:
        raise Caught({"journal": journal, **given})

    monkeypatch.setattr(S3CopyOperation, "start", caught)
    monkeypatch.setattr(S3CheckOperation, "start", caught)
    monkeypatch.setattr(S3CopyOperation, "resume", classmethod(resumed))


def begun(*args: str) -> Any:
    """Return what a command line would have begun."""
    with pytest.raises(Caught) as caught:
        cli.main(args=args, standalone_mode=False)
    return caught.value.what


def test_every_option_of_a_copy_reaches_it() -> None:
    """No option that can be typed is lost on its way, and none sets another one's field."""
    typed = f"""
        {SPEED} --engine managed --listing-threads 3 --multipart-threshold 6MiB --part-size 5MiB
        --tags skip --storage-class GLACIER_IR --acl private --sse aws:kms --sse-kms-key-id k
        --bucket-key --request-payer requester --checksum-algorithm SHA256 --skip-identical
        --no-preflight --report r.jsonl --report-all --prices p.toml --max-failures 5
        --max-error-rate 6 --journal j.db --batch-size 13 --no-overwrite {ACCOUNTS}
    """

    more = [case for case in cases(CopyOptions) if _is_left_out(case, typed.split())]

    operation = begun(
        "copy", *URLS, *typed.split(), *(word for case in more for word in case.typed)
    )

    options = CopyOptions(
        **{case.name: case.value for case in more},
        **OF_SPEED,
        engine=Engine.MANAGED,
        listing_threads=3,
        multipart_threshold_bytes=6 * MIB,
        part_size_bytes=5 * MIB,
        tags=TagPolicy.SKIP,
        storage_class=StorageClass.GLACIER_IR,
        acl=CannedAcl.PRIVATE,
        sse=Encryption.KMS,
        sse_kms_key_id="k",
        bucket_key=True,
        request_payer=True,
        checksum_algorithm=ChecksumAlgorithm.SHA256,
        identical=Identical.SKIP,
        preflight=Preflight.SKIP,
        report_path=Path("r.jsonl"),
        report_scope=ReportScope.ALL,
        prices_path=Path("p.toml"),
        max_failures=5,
        max_error_rate_percent=6.0,
        journal="j.db",
    )
    assert operation == S3CopyOperation(
        source_bucket="src-bucket",
        source_key="in/",
        destination_bucket="dst-bucket",
        destination_key="out/",
        recursive=True,
        source=SOURCE,
        destination=DESTINATION,
        options=options,
        batch_size=13,
        overwrite=False,
    )
    untouched = {
        each.name for each in fields(options) if getattr(options, each.name) == each.default
    }
    assert untouched == ALONE | {
        case.name
        for case in cases(CopyOptions)
        if not case.declaration.flag or case.declaration.section is Section.SYNC
    }


def _is_left_out(case: Case, words: list[str]) -> bool:
    """Return whether an option can be typed with these words, and is not among them."""
    return (
        bool(case.declaration.flag)
        and case.declaration.section is not Section.SYNC
        and case.declaration.flag not in words
        and case.name not in ALONE
    )


def test_every_option_of_a_check_reaches_it() -> None:
    """An operation has what is compared, how fast, until when, as whom, and its report."""
    typed = f"""
        {SPEED} --checksums --metadata --tags --ignore-extra --fail-on same-size
        --request-payer requester --report c.jsonl {ACCOUNTS}
    """

    assert begun("check", *URLS, *typed.split()) == S3CheckOperation(
        source_bucket="src-bucket",
        source_key="in/",
        destination_bucket="dst-bucket",
        destination_key="out/",
        recursive=True,
        source=SOURCE,
        destination=DESTINATION,
        compare=frozenset(CompareField),
        extra=Extra.IGNORE,
        fail_on=FailOn.SAME_SIZE,
        options=CopyOptions(**OF_SPEED, request_payer=True, report_path=Path("c.jsonl")),
    )


def test_a_check_without_options_compares_listings_alone() -> None:
    """Nothing is asked that was not asked for, and what is extra counts."""
    operation = begun("check", *URLS)

    assert (operation.compare, operation.extra) == (frozenset(), Extra.COUNT)
    assert operation.options == CopyOptions()


def test_every_option_of_a_resume_reaches_it() -> None:
    """What is given replaces what the journal remembers."""
    typed = f"""
        {SPEED} --engine crt --listing-threads 3 --no-preflight --skip-identical --report r.jsonl
        --report-all --prices p.toml --max-failures 5 --max-error-rate 6 --batch-size 13 {ACCOUNTS}
    """

    assert begun("resume", *typed.split(), "j.db") == {
        "journal": "j.db",
        **OF_SPEED,
        "engine": Engine.CRT,
        "listing_threads": 3,
        "preflight": Preflight.SKIP,
        "identical": Identical.SKIP,
        "report_path": Path("r.jsonl"),
        "report_scope": ReportScope.ALL,
        "prices_path": Path("p.toml"),
        "max_failures": 5,
        "max_error_rate_percent": 6.0,
        "batch_size": 13,
        "source": SOURCE,
        "destination": DESTINATION,
        "source_external_id": "s-id",
        "destination_external_id": None,
    }


def test_a_resume_without_options_changes_nothing() -> None:
    """A default of the command line is not taken for an answer: the journal's values stay."""
    assert begun("resume", "j.db") == {
        "journal": "j.db",
        "batch_size": None,
        "source": AccountContext(),
        "destination": AccountContext(),
        "source_external_id": None,
        "destination_external_id": None,
    }


def test_an_external_id_without_a_role_is_for_the_role_in_the_journal() -> None:
    """An external id is no setting of an account by itself, so it goes beside the account."""
    given = begun("resume", "j.db", "--dest-external-id", "d-id")

    assert given["destination"] == AccountContext()
    assert given["destination_external_id"] == "d-id"
