"""The same document, written otherwise than AWS writes it: the same verdict of both engines."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from s3_xfer import Engine, ErrorClass, Preflight, RunState
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault
from tests.world import DST, LARGE, SRC, World

ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]
ANSWERS = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

Change = Callable[[bytes], bytes]


def _quotes(written: bytes) -> Change:
    return lambda body: body.replace(b"&quot;", written)


def _always(said: bytes) -> Change:
    return lambda _: said


def _etag(change: Callable[[bytes], bytes]) -> Change:
    """Return a change of what is between the tags of the ETag."""
    return lambda body: re.sub(rb"(?<=<ETag>).*?(?=</ETag>)", lambda match: change(match[0]), body)


def _prefixed(body: bytes) -> bytes:
    """Return the document with a prefix for its namespace."""
    body = body.replace(b" xmlns=", b" xmlns:s3=")
    return re.sub(rb"<(/?)(?=[A-Z])", rb"<\1s3:", body)


def _recoded(encoding: str) -> Change:
    def change(body: bytes) -> bytes:
        declared = body.replace(b'"UTF-8"', f'"{encoding}"'.encode())
        return declared.decode().encode(encoding)

    return change


# Every valid way to write it that somebody has met, or that the rules of XML allow.
SPELLINGS: dict[str, Change] = {
    "decimal reference": _quotes(b"&#34;"),
    "decimal reference, padded": _quotes(b"&#0034;"),
    "hexadecimal reference": _quotes(b"&#x22;"),
    "hexadecimal reference, padded": _quotes(b"&#x0022;"),
    "quotes as they are": _quotes(b'"'),
    "no quotes": _quotes(b""),
    "references for letters": _etag(lambda text: b"&quot;&#x%x;" % text[6] + text[7:]),
    "CDATA": _etag(lambda text: b'<![CDATA["' + text[6:-6] + b'"]]>'),
    "half in CDATA": _etag(lambda text: text[:10] + b"<![CDATA[" + text[10:-6] + b'"]]>'),
    "comment inside": _etag(lambda text: text[:10] + b"<!-- <ETag>x</ETag> -->" + text[10:]),
    "comment in front": lambda body: body.replace(b"<ETag>", b"<!-- <ETag>no</ETag> --><ETag>"),
    "comment behind": lambda body: body + b"<!-- done -->",
    "instruction": lambda body: body.replace(b"<ETag>", b"<?keep alive?><ETag>"),
    "white space around the ETag": _etag(lambda text: b"\n    " + text + b"\n  "),
    "indented": lambda body: body.replace(b"><", b">\n  <") + b"\n",
    "white space in tags": lambda body: body.replace(b"</ETag>", b"</ETag  >"),
    "attributes": lambda body: body.replace(b"<ETag>", b"<ETag a='b'>"),
    "no declaration": lambda body: body.removeprefix(DECLARATION),
    "declaration in apostrophes": lambda body: body.replace(DECLARATION, b"<?xml version='1.0'?>"),
    "standalone": lambda body: body.replace(b'"UTF-8"?', b'"UTF-8" standalone="yes"?'),
    "white space in front": lambda body: b" \n\r\n\t  " + body,
    "byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "both in front": lambda body: b"\xef\xbb\xbf  \n" + body,
    "declaration, then white space": lambda body: body.replace(DECLARATION, DECLARATION + b" \n "),
    "no namespace": lambda body: re.sub(rb' xmlns="[^"]*"', b"", body),
    "another namespace": lambda body: body.replace(b"s3.amazonaws.com", b"obs.example.com"),
    "prefix": _prefixed,
    "document type": lambda body: body.replace(DECLARATION, DECLARATION + b"<!DOCTYPE x>"),
    "entity of its own": lambda body: body.replace(
        DECLARATION, DECLARATION + b'<!DOCTYPE x [<!ENTITY q "&#34;">]>'
    ).replace(b"&quot;", b"&q;"),
    "Latin-1": _recoded("ISO-8859-1"),
    "UTF-16": _recoded("UTF-16"),
    "ETag first": lambda body: re.sub(
        rb"(<LastModified>.*?</LastModified>)(<ETag>.*?</ETag>)", rb"\2\1", body
    ),
    "unknown elements": lambda body: body.replace(b"<ETag>", b"<New><ETags>x</ETags></New><ETag>"),
    "date that is none": lambda body: re.sub(rb"(<LastModified>)[^<]*", rb"\1yesterday", body),
    "empty date": lambda body: re.sub(
        rb"<LastModified>.*?</LastModified>", b"<LastModified/>", body
    ),
    "no date": lambda body: re.sub(rb"<LastModified>.*?</LastModified>", b"", body),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_spelling_of_a_success_is_one(engine: Engine) -> None:
    """Nothing is sent twice, and the ETag that is reported is the one that S3 has."""
    with World(engine) as world:
        for name, change in SPELLINGS.items():
            for size, kind in ((1, "small"), (LARGE, "large")):
                world.server.put(SRC, f"in/{kind}/{name}", size=size)
                key = f"out/{kind}/{name}"
                world.server.inject(Fault.rewritten(ANSWERS, change, key=key))

        result = world.copy(preflight=Preflight.SKIP, concurrency=8, retries=0)

        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        assert result.metrics.retries == 0
        assert world.sent("CopyObject") == len(SPELLINGS)
        assert len(world.arrived()) == 2 * len(SPELLINGS)


# How an error may be written. Each is found, also inside a 200, and its code decides.
ERRORS: dict[str, bytes] = {
    "as AWS does": b"<Error><Code>SlowDown</Code></Error>",
    "namespace": b'<Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>SlowDown</Code></Error>',
    "prefix": b'<a:Error xmlns:a="urn:a"><a:Code>SlowDown</a:Code></a:Error>',
    "white space": b"\n  <Error>\n <Code> SlowDown\n </Code></Error>\n",
    "byte order mark": b"\xef\xbb\xbf" + DECLARATION + b"<Error><Code>SlowDown</Code></Error>",
    "CDATA": b"<Error><Code><![CDATA[SlowDown]]></Code></Error>",
    "references": b"<Error><Code>&#83;low&#x44;own</Code></Error>",
    "comment": b"<!-- sorry --><Error><Code>Slow<!-- er -->Down</Code></Error>",
    "wrapped": b"<ErrorResponse><Error><Code>SlowDown</Code></Error></ErrorResponse>",
    "inside a result": b"<CopyObjectResult><ETag>&quot;0&quot;</ETag>"
    b"<Error><Code>SlowDown</Code></Error></CopyObjectResult>",
}


@pytest.mark.parametrize("status", [200, 503, 400])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_spelling_of_an_error_is_one(engine: Engine, status: int) -> None:
    """By its code, whatever the status: here one that asks for fewer requests."""
    with World(engine) as world:
        for name, body in ERRORS.items():
            for kind, size in (("small", 1), ("large", LARGE)):
                world.server.put(SRC, f"in/{kind}/{name}", size=size)
            operations = ("CopyObject", "UploadPartCopy")
            for key in (f"out/small/{name}", f"out/large/{name}"):
                world.server.inject(Fault.error(operations, status, "", executed=True, key=key))
                world.server.inject(Fault.rewritten(operations, _always(body), key=key))

        result = world.copy(preflight=Preflight.SKIP, concurrency=8, retries=0)

        assert result.metrics.errors_by_class == {"Throttled": 2 * len(ERRORS)}


# A 200 that names no ETag: (the document, or what is left of it).
WITHOUT_PROOF: dict[str, Change] = {
    "no body": lambda _: b"",
    "white space only": lambda _: b" \n ",
    "no ETag": lambda body: re.sub(rb"<ETag>.*</ETag>", b"", body),
    "empty ETag": _etag(lambda _: b""),
    "closed ETag": lambda body: re.sub(rb"<ETag>.*</ETag>", b"<ETag/>", body),
    "white space for an ETag": _etag(lambda _: b" \n"),
    "ETag in a comment": lambda body: body.replace(b"<ETag>", b"<!--").replace(b"</ETag>", b"-->"),
    "another element": lambda body: body.replace(b"ETag>", b"Tag>"),
}


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("engine", ENGINES)
def test_answers_without_an_etag_prove_nothing_and_the_copy_is_looked_for(
    engine: Engine, is_done: bool
) -> None:
    """Repeated as long as it is allowed; then a HEAD finds the copy, or it is EmptyResponse."""
    with World(engine) as world:
        for name, change in WITHOUT_PROOF.items():
            world.server.put(SRC, f"in/{name}", size=1)
            key = f"out/{name}"
            world.server.inject(Fault.rewritten("CopyObject", change, key=key))
            if not is_done:
                take_away = Fault.call(
                    "CopyObject",
                    lambda request: world.server.delete(DST, request.key),
                    when="after",
                    key=key,
                )
                world.server.inject(take_away)

        result = world.copy(preflight=Preflight.SKIP, retries=1)

        count = len(WITHOUT_PROOF)
        assert world.sent("CopyObject") == 2 * count
        assert world.sent("HeadObject", bucket=DST) == count
        assert result.metrics.files_copied_successfully == (count if is_done else 0)
        assert result.metrics.errors_by_class == ({} if is_done else {"EmptyResponse": count})


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_there_before_the_copy_does_not_pass_for_it(engine: Engine) -> None:
    """The same content may have other metadata: only an object that is younger is the copy."""
    etag, long_ago = "0123456789abcdef" * 2, datetime(2020, 1, 1, tzinfo=UTC)
    with World(engine) as world:
        for size, name in ((1, "small"), (LARGE, "large")):
            world.server.put(SRC, f"in/{name}", size=size, etag=etag, metadata={"new": "1"})
            world.server.put(DST, f"out/{name}", size=size, etag=etag, last_modified=long_ago)
        world.server.inject(Fault.empty_200(("CopyObject", "CompleteMultipartUpload")))

        result = world.copy(preflight=Preflight.SKIP, retries=0)

    assert result.metrics.errors_by_class == {ErrorClass.EMPTY_RESPONSE.value: 2}


# What is not well-formed, and what is no document of S3's at all.
UNREADABLE: dict[str, Change] = {
    "half": lambda body: body[: len(body) // 2],
    "all but the last byte": lambda body: body[:-1],
    "twice": lambda body: body + body,
    "unknown entity": lambda body: body.replace(b"&quot;", b"&nbsp;"),
    "unknown prefix": lambda body: body.replace(b"<ETag>", b"<a:ETag>"),
    "web page": lambda _: b"<!doctype html><html><body><p>Welcome<br>Log in</body></html>",
    "words": lambda _: b"OK",
    "JSON": lambda _: b'{"ETag": "0"}',
    "bytes": lambda _: bytes(range(256)),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_cannot_be_read_is_no_success(engine: Engine) -> None:
    """It is an error of the server, repeated like one; then the copy is looked for."""
    with World(engine) as world:
        for name, change in UNREADABLE.items():
            world.server.put(SRC, f"in/{name}", size=1)
            key = f"out/{name}"
            world.server.inject(Fault.rewritten("CopyObject", change, key=key))
            world.server.inject(
                Fault.call(
                    "CopyObject",
                    lambda request: world.server.delete(DST, request.key),
                    when="after",
                    key=key,
                )
            )

        result = world.copy(preflight=Preflight.SKIP, retries=0)

        assert result.metrics.errors_by_class == {"ServerError": len(UNREADABLE)}
        assert world.sent("HeadObject", bucket=DST) == len(UNREADABLE)
