"""Answers about one object whose fields cannot be read: only what is needed is missed, by name."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from s3_xfer import Engine, ErrorClass, Identical, PreflightError
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from tests.contract.test_listing_cut_off import failed, written
from tests.fault_server import Fault, Request
from tests.fault_server.actions import Rewrite
from tests.fault_server.wire import Answer
from tests.world import DST, LARGE, SRC, World


def head_with(name: str, value: str | None, *, bucket: str = SRC) -> Fault:
    """Answer each HEAD with another value of a header, or without it."""

    def rewrite(_: Request, answer: Answer) -> Answer:
        headers = {key: text for key, text in answer.headers.items() if key != name}
        if value is not None:
            headers[name] = value
        lacks_length = name == "content-length" and value is None
        return dataclasses.replace(answer, headers=headers, lacks_length=lacks_length)

    return Fault.of("HeadObject", Rewrite(rewrite), {"bucket": bucket})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last-modified", None),
        ("last-modified", "yesterday"),
        ("last-modified", "Fri, 30 Feb 2024 25:61:61 GMT"),
        ("last-modified", ""),
        ("x-amz-mp-parts-count", "many"),
        ("x-amz-tagging-count", "many"),
        ("x-amz-tagging-count", ""),
        ("x-amz-object-lock-retain-until-date", "for ever"),
        ("content-length", None),
    ],
)
def test_header_that_a_copy_in_parts_does_not_need_fails_nothing(
    world: World, name: str, value: str | None
) -> None:
    """Size and ETag are those of the listing, to which the HEAD is pinned."""
    world.server.put(SRC, "in/x", size=LARGE)
    world.server.inject(head_with(name, value))

    result = world.copy()

    assert result.metrics.errors_encountered == ()
    assert world.arrived()["out/x"].size == LARGE
    assert world.sent("HeadObject") == 1


@pytest.mark.parametrize("value", [None, "-5"])
def test_size_that_nothing_tells_fails_the_object_by_name(
    world: World, tmp_path: Path, value: str | None
) -> None:
    """An object that a report names has its size from a HEAD only."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(head_with("content-length", value))

    result = world.copy(from_report_path=written(tmp_path / "r.jsonl", failed("x")))

    assert result.metrics.errors_by_class == {ErrorClass.MALFORMED.value: 1}
    assert "the HEAD of s3://src-bucket/in/x has" in result.metrics.errors_encountered[0]
    assert "Content-Length" in result.metrics.errors_encountered[0]
    assert world.arrived() == {}


def test_single_object_without_a_size_is_refused(world: World) -> None:
    """The preflight says what is missing; it is no defect of this program."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(head_with("content-length", None))

    with pytest.raises(PreflightError, match="no Content-Length") as refused:
        world.copy("in/x", "out/x", recursive=False)

    assert refused.value.error_class is ErrorClass.MALFORMED


def test_existing_object_needs_no_size_to_be_left_alone(world: World) -> None:
    """And what has no size is not identical."""
    for name in ("a", "b"):
        world.server.put(SRC, f"in/{name}", size=LARGE)
    world.server.put(DST, "out/a", size=LARGE)
    world.server.inject(head_with("content-length", None, bucket=DST))

    kept = world.copy(overwrite=False)
    again = world.copy(identical=Identical.SKIP)

    assert kept.metrics.skips_by_reason == {"already exists at the destination": 1}
    assert exit_code(kept) is exit_code(again) is ExitCode.OK
    assert again.metrics.files_copied_successfully == 2


@pytest.mark.parametrize(
    ("tags", "copied"),
    [
        ("<Tag><Key>a</Key></Tag>", {"a": ""}),
        ("<Tag><Key>a</Key><Value/></Tag>", {"a": ""}),
        ("<Tag><Value>a</Value></Tag>", None),
        ("<Tag><Key/><Value>a</Value></Tag>", None),
    ],
)
def test_tag_without_a_value_has_an_empty_one(
    world: World, tags: str, copied: dict[str, str] | None
) -> None:
    """A tag without a key is a failure with a name."""
    world.server.put(SRC, "in/x", size=LARGE, tags={"a": ""})

    def rewrite(_: Request, answer: Answer) -> Answer:
        body = re.sub(b"<Tag>.*</Tag>", tags.encode(), answer.body)
        return dataclasses.replace(answer, body=body)

    world.server.inject(Fault.of("GetObjectTagging", Rewrite(rewrite), {"bucket": SRC}))

    result = world.copy(engine=Engine.MANAGED)

    if copied is None:
        assert result.metrics.errors_by_class == {ErrorClass.MALFORMED.value: 1}
        assert "one without a key" in result.metrics.errors_encountered[0]
    else:
        assert world.arrived()["out/x"].tags == copied


@pytest.mark.parametrize(
    "operation",
    ["CopyObject", "UploadPartCopy", "CompleteMultipartUpload", "CreateMultipartUpload"],
)
@pytest.mark.parametrize("junk", [b"\x01", b"\xff", b"&#1;"], ids=["control", "no UTF-8", "number"])
def test_field_that_nobody_needs_fails_no_copy(world: World, operation: str, junk: bytes) -> None:
    """Whatever is in it, in the answer to each request of a copy."""
    world.server.put(SRC, "in/x", size=10 if operation == "CopyObject" else LARGE)

    def rewrite(_: Request, answer: Answer) -> Answer:
        end = answer.body.rindex(b"</")
        field = b"<More>" + junk + b"</More>"
        return dataclasses.replace(answer, body=answer.body[:end] + field + answer.body[end:])

    world.server.inject(Fault.of(operation, Rewrite(rewrite), {}))

    result = world.copy()

    assert result.metrics.errors_encountered == ()
    assert result.metrics.retries == 0
    assert list(world.arrived()) == ["out/x"]
