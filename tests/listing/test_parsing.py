"""Pages of a listing are read as botocore reads them, only sooner, and where it cannot."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer.errors import RunAborted
from s3_xfer.listing import parsing
from tests.world import SOURCE_KEY, SRC, World, session

FIELDS = ("Key", "LastModified", "ETag", "Size", "StorageClass")
PAGE = ("IsTruncated", "NextContinuationToken")
HOSTILE = (
    "a b",
    "a+b",
    "100%",
    "%2B%",
    "&amp;<x>",
    "]]>",
    "\x01\x1f\x7f",
    "\r\n\t",
    "\u20ac\ufffd",
    "\ue000\ud7ff",
    "\uffff",
    "\U0001f600\U0010ffff",
    "</Key>",
    "<Contents>",
    "quote\"'",
    " x ",
)
KEYS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.text("ab/.-_~0", min_size=1, max_size=30),
)


class Answer(AWSResponse):
    """An HTTP answer that has arrived."""

    def __init__(self, body: bytes) -> None:
        super().__init__("http://localhost", 200, HTTPHeaders(), None)
        self._content = body


class Reader:
    """A client whose every answer is ``body``."""

    def __init__(self) -> None:
        self.body = b""
        self.client: Any = boto3.client(
            "s3",
            aws_access_key_id="AKIA",
            aws_secret_access_key="secret",
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        self.client.meta.events.register("before-send.s3", lambda **_: Answer(self.body))

    def read(self, body: bytes) -> Any:
        """Return what is made of ``body``: the parsed answer, or the error's code."""
        self.body = body
        try:
            parsed = self.client.list_objects_v2(Bucket="bucket")
        except ClientError as error:
            return error.response["Error"]["Code"]
        except (
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
            BotoCoreError,
            RunAborted,
        ) as error:
            return type(error)  # botocore trips over some answers that S3 never gives
        return {name: value for name, value in parsed.items() if name in PAGE} | {
            "Contents": [
                {name: value for name, value in entry.items() if name in FIELDS}
                for entry in parsed.get("Contents", ())
            ]
        }


BOTOCORE = Reader()
OURS = Reader()
parsing.attach(OURS.client)

# How the keys are written, and whether the answer says so. S3 does the first.
ENCODINGS: dict[str, Any] = {
    "s3": (lambda key: quote(key, safe="/*-._~").replace("%20", "+"), True),
    "quote_plus": (quote_plus, True),
    "quote": (quote, True),
    "xml": (escape, False),
}


def element(name: str, text: object) -> str:
    """Return one element."""
    return f"<{name}>{text}</{name}>"


@st.composite
def entries(draw: st.DrawFn, key: str) -> str:
    """Return one entry: mostly as S3 writes it, sometimes as others might."""
    quotes = draw(st.sampled_from(["&quot;", "&#34;", "&quot;", '"', ""]))
    time = draw(st.sampled_from(["2024-01-02T03:04:05.000Z"] * 5 + ["2024-01-02T03:04:05Z", "x"]))
    fields = [
        element("Key", key),
        element("LastModified", time),
        element("ETag", f"{quotes}9e107d9d372bb6826bd81d3542a419d6-3{quotes}"),
        *draw(st.sampled_from([[], ["<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"]])),
        *draw(st.sampled_from([[], ["<ChecksumType>FULL_OBJECT</ChecksumType>"]])),
        element("Size", draw(st.sampled_from([0, 7, 53_687_091_200_000, 10**18]))),
        *draw(st.sampled_from([[], ["<Owner><ID>a</ID><DisplayName>b</DisplayName></Owner>"]])),
        element("StorageClass", draw(st.sampled_from(["STANDARD", "GLACIER_IR", ""]))),
        *draw(st.sampled_from([[], [], [], ["<Unknown><Size>3</Size></Unknown>"]])),
    ]
    shuffled = draw(st.sampled_from([fields, fields, fields, fields[::-1], fields[:-1]]))
    return element("Contents", "".join(shuffled))


@st.composite
def answers(draw: st.DrawFn, keys: st.SearchStrategy[str] = KEYS) -> bytes:
    """Return a page: mostly S3's, sometimes odd, sometimes cut off."""
    write, is_told = ENCODINGS[draw(st.sampled_from(["s3", "s3", *ENCODINGS]))]
    between = draw(st.sampled_from(["", "", "", "\n  ", "<!-- x -->", "<Other>1</Other>"]))
    contents = [draw(entries(write(key))) for key in draw(st.lists(keys, max_size=5))]
    before = [
        element("Name", "bucket"),
        element("Prefix", ""),
        element("IsTruncated", "true"),
        element("EncodingType", "url") if is_told else "",
        *draw(st.sampled_from([[], [], ["<CommonPrefixes><Prefix>p+q</Prefix></CommonPrefixes>"]])),
        *draw(st.sampled_from([[], [], ["<![CDATA[x]]>"], ["<Contents/>"], ["<!--"]])),
    ]
    after = draw(st.sampled_from(["", "<KeyCount>5</KeyCount>", "<Delimiter/>", "-->"]))
    namespace = draw(st.sampled_from(["", ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"']))
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult{namespace}>'
        f"{''.join(before)}{between.join(contents)}{after}</ListBucketResult>"
    ).encode()
    return body[: draw(st.sampled_from([None, None, None, draw(st.integers(0, len(body)))]))]


@given(body=answers())
@settings(deadline=None)
def test_every_page_is_read_as_botocore_reads_it(body: bytes) -> None:
    """For any keys, and any way in which the answer is written or cut off, it is botocore's.

    Only what botocore cannot read, or would read wrongly, may be read or be refused.
    """
    ours, theirs = OURS.read(body), BOTOCORE.read(body)

    is_changed_by_xml = b"\r" in body
    assert ours == theirs or ours is RunAborted or is_changed_by_xml or not isinstance(theirs, dict)


@given(keys=st.lists(KEYS, min_size=1, max_size=20))
@settings(deadline=None)
def test_keys_are_what_they_were_before_they_were_encoded(keys: list[str]) -> None:
    """Decoding gives back every key exactly, and no page as S3 writes it is left to botocore."""
    write, _ = ENCODINGS["s3"]
    contents = "".join(s3_entry(write(key)) for key in keys)
    body = (
        f"<ListBucketResult><EncodingType>url</EncodingType>{contents}</ListBucketResult>".encode()
    )

    assert [entry["Key"] for entry in OURS.read(body)["Contents"]] == keys
    assert parsing.read_page(body) is not None


def s3_entry(key: str) -> str:
    """Return one entry as S3 writes it."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
        "<ETag>&quot;e&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
        "<ChecksumType>FULL_OBJECT</ChecksumType><Size>7</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


A = s3_entry("a")


@pytest.mark.parametrize(
    "entries",
    [
        A + s3_entry("a").replace("<Size>7</Size>", ""),
        A + s3_entry("a").replace("<Size>7", "<Size>seven"),
        A + s3_entry("a").replace("2024-01-02", "2024-13-02"),
        A + s3_entry("a").replace("<Key>a", "<Key>&amp;lt;"),
        A + s3_entry("a").replace("<Key>a", "<Key>\x01"),
        A + s3_entry("a").replace("<Key>", "<Key x='1'>"),
        A + s3_entry("a") + "<Contents/>",
        A + "<!-- " + s3_entry("a") + " -->",
        A + "<Nested>" + s3_entry("a") + "</Nested>",
        A + "<Contents>" + s3_entry("a") + "</Contents>",
        "<!-- " + s3_entry("b") + " -->",
        "<Nested>" + s3_entry("b") + "</Nested>",
        "<Nested>" + s3_entry("b"),
        "<Nested/" + s3_entry("b"),
    ],
)
def test_page_that_is_written_in_another_way_is_not_read_by_the_expression(entries: str) -> None:
    """Nothing is guessed from its text: it is read as a tree, with its good entries."""
    body = f"<ListBucketResult>{entries}{A}</ListBucketResult>"

    assert parsing.read_page(body.encode()) is None


def test_botocore_never_sees_the_entries(world: World) -> None:
    """They are removed before its own handlers build a tree of the answer."""
    for number in range(50):
        world.server.put(SRC, f"in/{number}", size=1)
    client = session(SOURCE_KEY).client("s3", endpoint_url=world.server.url)
    parsing.attach(client)
    bodies: list[bytes] = []
    client.meta.events.register_first(
        "before-parse.s3.*", lambda response_dict, **_: bodies.append(response_dict["body"])
    )

    page = client.list_objects_v2(Bucket=SRC)

    assert len(page["Contents"]) == 50
    assert b"Contents" not in bodies[0]
