"""Metadata of objects in parts: the bytes that HEAD gave are those that are sent and signed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from urllib.parse import quote

import pytest
from botocore.config import Config

from s3_xfer import (
    CompareField,
    CompareStatus,
    Engine,
    Preflight,
    RunState,
    S3CheckOperation,
)
from tests.fault_server import RequestRecord
from tests.world import DESTINATION_KEY, DST, LARGE, SRC, World

# A value for each way to write it down. Whatever Unicode calls white space is part of a value here.
VALUES = {
    "ASCII": b"team a",
    "RFC 2047": b"=?UTF-8?B?w6k=?= =?UTF-8?Q?=C3=A9?=",
    "UTF-8": "é ü 漢 😀".encode(),
    "no-break space inside": "a\u00a0b".encode(),
    "no-break space at the end": "ends with à and \u00a0".encode(),
    "next line": "a\u0085b".encode(),
    "ideographic space": "漢\u3000字".encode(),
    "Latin-1": "café".encode("latin-1"),
    "Latin-1 no-break space": b"\xa0a\xa0",
    "Shift-JIS": "表示".encode("shift-jis"),
    "no encoding at all": b"\xff\xfe\x80 x",
    "half a letter": "é".encode()[:1],
    "controls": b"a\x01\x1c\x1d\x7fb",
    "vertical white space": b"a\x0b\x0c b",
    "tab": b"a\tb",
    "several blanks": b"a  b",
    "nothing": b"",
    "encoded twice": "é".encode().decode("latin-1").encode(),
}
HEADERS = (
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
)


def as_sent(value: bytes) -> str:
    """Return ``value`` as the fault server holds it: a character for each byte."""
    return value.decode("latin-1")


@pytest.fixture
def stage() -> World:
    """Return a world whose engine does not matter: parts have only one."""
    return World(Engine.MANAGED)


def test_bytes_of_metadata_arrive_and_are_signed_as_they_are(stage: World) -> None:
    """In every header that describes an object, in whatever encoding it is."""
    with stage:
        for name, value in VALUES.items():
            text = as_sent(value)
            headers = dict.fromkeys(HEADERS, text) if value else {}
            stage.server.put(SRC, f"in/{name}", size=LARGE, metadata={"v": text}, headers=headers)

        result = stage.copy(preflight=Preflight.SKIP, concurrency=8)

        arrived = stage.arrived()
        created = [one for one in stage.server.requests if one.operation.startswith("CreateM")]
    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    for name, value in VALUES.items():
        copy = arrived[f"out/{name}"]
        assert copy.metadata == {"v": as_sent(value)}, name
        sent = {header: copy.headers.get(header) for header in HEADERS}
        assert not value or sent == dict.fromkeys(HEADERS, as_sent(value)), name
    assert len(created) == len(VALUES)
    for request in created:
        assert signature_in(request) == signature_of(request), request.key


def signature_in(request: RequestRecord) -> str:
    """Return the signature that ``request`` carries."""
    return request.headers["authorization"].rpartition("Signature=")[2]


def signature_of(request: RequestRecord) -> str:
    """Return what S3 would make of the bytes of ``request``, which opens an upload.

    User guide, "Signature Calculations for the Authorization Header".
    """
    authorization = request.headers["authorization"]
    scope = authorization.partition("Credential=")[2].partition(",")[0].partition("/")[2]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0]
    lines = [b"POST", quote(f"/{request.bucket}/{request.key}").encode(), b"uploads="]
    for name in names.split(";"):
        value = request.headers[name].encode("latin-1")
        lines.append(name.encode() + b":" + b" ".join(value.split()))
    lines += [b"", names.encode(), request.headers["x-amz-content-sha256"].encode()]
    canonical = hashlib.sha256(b"\n".join(lines)).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{canonical}"
    key = b"AWS4secret"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


# What is no header in the sense of HTTP: (a line of a HEAD's answer, what the failure names).
UNREADABLE = {
    "name not in ASCII": ("x-amz-meta-n\xe4me: v", "x-amz-meta-n%E4me"),
    "name with a blank": ("x-amz-meta-a b: v", "x-amz-meta-a%20b"),
    "carriage return": ("x-amz-meta-a: v\rw", "x-amz-meta-a"),
    "null": ("x-amz-meta-a: v\0w", "x-amz-meta-a"),
    "two lines": ("x-amz-meta-a: v\r\nthe second line", "the%20second%20line"),
    "not shown": ("x-amz-missing-meta: 2", "2 entries"),
    "not shown, in other letters": ("X-Amz-Missing-Meta: 1", "1 entries"),
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_metadata_that_cannot_be_seen_fails_a_copy_in_parts_by_name(stage: World, row: str) -> None:
    """Never without a word; nothing is sent; and what S3 copies by itself is not concerned."""
    line, shown = UNREADABLE[row]
    name, _, value = line.partition(": ")
    with stage:
        for key, size in (("in/large", LARGE), ("in/small", 1)):
            stage.server.put(SRC, key, size=size, headers={name: value, "expires": "0"})

        result = stage.copy(preflight=Preflight.SKIP)

        arrived = stage.arrived()
        uploads = stage.sent("CreateMultipartUpload")
    assert set(arrived) == {"out/small"}
    assert uploads == 0
    (failed,) = result.failures
    assert failed.error.info.error_class.value == "MetadataUnreadable"
    assert shown in failed.error.info.message
    assert "multipart_threshold_bytes=" in str(failed.error)


def test_unreadable_headers_that_describe_no_object_are_passed_over(stage: World) -> None:
    """A proxy's odd header is not the object's; those behind it are still read, as are folds."""
    headers = {
        "x cache": "hit",
        "x-amz-meta-folded": "a\r\n  b",
        "x-amz-meta-last ": "z",
    }
    with stage:
        stage.server.put(SRC, "in/x", size=LARGE, headers=headers)

        result = stage.copy(preflight=Preflight.SKIP)

        arrived = stage.arrived()
    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert arrived["out/x"].metadata == {"folded": "a b", "last": "z"}


def test_hundreds_of_headers_are_an_answer_like_any_other(stage: World) -> None:
    """Ceph allows 135 entries of metadata and more; Python's own limit is 100 headers."""
    metadata = {f"{number:03}": "v" for number in range(300)} | {"long": "x" * 60_000}
    with stage:
        stage.server.put(SRC, "in/x", size=LARGE, metadata=metadata)

        result = stage.copy(preflight=Preflight.SKIP)

        arrived = stage.arrived()
    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert result.metrics.retries == 0
    assert arrived["out/x"].metadata == metadata


@pytest.mark.parametrize(("version", "copied"), [("s3", ["UTF-8"]), ("s3v4", ["Latin-1", "UTF-8"])])
def test_other_signatures_cover_text_only(stage: World, version: str, copied: list[str]) -> None:
    """Version 2 of S3's signatures, of older services: what is no UTF-8 fails by name."""
    with stage:
        for name in ("UTF-8", "Latin-1"):
            metadata = {"v": as_sent(VALUES[name])}
            stage.server.put(SRC, f"in/{name}", size=LARGE, metadata=metadata)
        account = stage.account(DESTINATION_KEY)
        signing = Config(signature_version=version)

        result = stage.copy(
            preflight=Preflight.SKIP, destination=replace(account, client_config=signing)
        )

        arrived = stage.arrived()
    assert {key: copy.metadata["v"] for key, copy in arrived.items()} == {
        f"out/{name}": as_sent(VALUES[name]) for name in copied
    }
    assert result.metrics.files_failed == 2 - len(copied)
    assert set(result.metrics.errors_by_class) <= {"MetadataUnreadable"}


def test_check_does_not_compare_what_it_cannot_see(stage: World) -> None:
    """Metadata of which a part is not shown is "not compared": neither the same nor different."""
    with stage:
        for bucket, key in ((SRC, "in/x"), (DST, "out/x")):
            stage.server.put(
                bucket, key, size=1, etag="0" * 32, headers={"x-amz-missing-meta": "1"}
            )
        copy = stage.operation()
        result = S3CheckOperation(
            source_bucket=SRC,
            source_key="in/",
            destination_bucket=DST,
            destination_key="out/",
            recursive=True,
            source=copy.source,
            destination=copy.destination,
            options=copy.options,
            compare=frozenset({CompareField.METADATA}),
        ).run()
    told = {status: count for status, count in result.totals.counts.items() if count}
    assert told == {CompareStatus.NOT_COMPARED: 1}
    assert not result.no_difference
