"""Whatever comes from outside, nothing but a decision comes out: no crash, no half success.

Answers of S3, reports of earlier runs and URLs are taken apart, put together wrongly and cut off by
hypothesis. Documents begin as true ones, so that most mistakes are small.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from s3_xfer import ErrorClass, ReportError, S3Location, ValidationError
from s3_xfer.copying.answers import Answer, copied_etag, error_of, facts_of, parsed_answer
from s3_xfer.errors import translate
from s3_xfer.listing.parsing import read_page
from s3_xfer.planning.mapping import KeyMap, KeyMaps
from s3_xfer.sources.report import ReportFile
from tests.fault_server import Fault
from tests.fault_server.actions import Action, Pause
from tests.fault_server.wire import Answer as Sent
from tests.fault_server.wire import Request
from tests.world import DESTINATION_KEY, DST, SRC, World, session

ETAG = "910a2dec89025cc1f3203e9039f4a821"
DOCUMENTS = (
    f"<CopyObjectResult><ETag>&quot;{ETAG}&quot;</ETag></CopyObjectResult>",
    f'<?xml version="1.0"?>\n<CopyObjectResult xmlns="x"><ETag>"{ETAG}"</ETag></CopyObjectResult>',
    "<Error><Code>SlowDown</Code><Message>Please</Message><RequestId>1</RequestId></Error>",
    "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><LastModified>"
    "2024-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>",
    "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
)
LINE = {
    "status": "failed",
    "source_bucket": "src-bucket",
    "source_key": "in/x",
    "destination_bucket": "dst-bucket",
    "destination_key": "out/x",
    "size": 1,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SHAPE = (
    session(DESTINATION_KEY)
    .client("s3")
    .meta.service_model.operation_model("CopyObject")
    .output_shape
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Draw a document with some mistakes: pieces missing, twice, or replaced."""
    body = draw(st.sampled_from(DOCUMENTS)).encode()
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        filling = draw(st.sampled_from([b"", body[start:end] * 2]) | st.binary(max_size=8))
        body = body[:start] + filling + body[end:]
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


@given(body=documents(), status=st.sampled_from([200, 200, 204, 301, 400, 403, 404, 500, 503]))
@settings(max_examples=300)
def test_every_raw_answer_is_a_proven_copy_or_an_error(body: bytes, status: int) -> None:
    """The quick reader and botocore together never raise what nobody expects, and never invent."""
    answer = Answer(status=status, body=body)
    if copied_etag(answer):
        assert status == 200
        assert body.rstrip().endswith(b"</CopyObjectResult>")
        return
    parsed = parsed_answer(answer, SHAPE, attempts=1)
    info = facts_of("CopyObject", parsed, None) or translate(error_of(parsed, "CopyObject"))
    assert info.error_class is not ErrorClass.UNEXPECTED or "Error" in parsed


@given(body=documents())
def test_pages_are_split_or_left_alone(body: bytes) -> None:
    """Never a crash; what is taken out was written as S3 writes it."""
    page = read_page(body)
    assert page is None or all(
        entry["Key"] and entry["Size"] >= 0 for entry in page.get("Contents", ())
    )


class Body(Action):
    """Answer 200 with this body."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def before(self, request: Request, pause: Pause) -> Sent:
        """Answer without doing anything."""
        return Sent(200, {"content-type": "application/xml"}, self._body)


CALLS: dict[str, Callable[[Any], Any]] = {
    "ListObjectsV2": lambda client: client.list_objects_v2(Bucket=SRC)["IsTruncated"],
    "CopyObject": lambda client: client.copy_object(
        Bucket=DST, Key="k", CopySource={"Bucket": SRC, "Key": "k"}
    )["CopyObjectResult"]["ETag"],
    "CreateMultipartUpload": lambda client: client.create_multipart_upload(Bucket=DST, Key="k")[
        "UploadId"
    ],
}


@pytest.fixture(scope="module")
def clients() -> Any:
    """A client of a run, without retries, and its server."""
    from s3_xfer import CopyOptions  # noqa: PLC0415
    from s3_xfer.access.clients import open_clients  # noqa: PLC0415
    from s3_xfer.copying.request_policy import RequestPolicy  # noqa: PLC0415
    from s3_xfer.ledger.metrics import MetricsCollector  # noqa: PLC0415
    from s3_xfer.pipeline.stop import StopFlag  # noqa: PLC0415

    with World() as world:
        options = CopyOptions(retries=0)
        account = world.account(DESTINATION_KEY)
        yield (
            world,
            open_clients(
                source=account,
                destination=account,
                options=options,
                overwrite=True,
                requests=RequestPolicy.of(
                    options, counter=MetricsCollector("fuzz"), stop=StopFlag()
                ),
            ).destination,
        )


@given(operation=st.sampled_from(sorted(CALLS)), body=documents())
@example("ListObjectsV2", DOCUMENTS[3].replace("2024-01", "once").encode())
@example("ListObjectsV2", DOCUMENTS[3].replace("<Size>1", "<Size>one").encode())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_answer_over_the_wire_is_a_result_or_a_named_error(
    clients: Any, operation: str, body: bytes
) -> None:
    """Through sockets, botocore and our hooks: what is missing is an error with a class."""
    world, client = clients
    fault = world.server.inject(Fault.of(operation, Body(body), {}))
    try:
        assert CALLS[operation](client) is not None
    except Exception as error:  # noqa: BLE001 - which one is what is tested
        assert translate(error).error_class is not ErrorClass.UNEXPECTED, repr(error)  # noqa: PT017
    finally:
        fault.remove()


@given(
    changes=st.dictionaries(st.sampled_from([*LINE, "prefix", "start_after", "until"]), JSON),
    status=st.sampled_from(["failed", "not_attempted", "not_listed", "copied", "skipped", "?"]),
    cut=st.none() | st.integers(0, 200),
    tail=st.binary(max_size=20),
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_report_is_read_or_refused(
    tmp_path: Path, changes: dict[str, Any], status: str, cut: int | None, tail: bytes
) -> None:
    """With a ReportError that names the line; what is read lies under the source prefix."""
    path = tmp_path / "report.jsonl"
    text = json.dumps({**LINE, "status": status, **changes}).encode()
    end = json.dumps({"status": "end", "counts": {status: 1}}).encode()
    path.write_bytes(text[:cut] + b"\n" + end + b"\n" + tail)
    keys = KeyMap(
        source=S3Location(bucket="src-bucket", key="in/"),
        destination=S3Location(bucket="dst-bucket", key="out/"),
    )
    try:
        found = [one for page in ReportFile(path, KeyMaps([keys])).pages() for one in page]
    except ReportError as refused:
        assert refused.remedy  # noqa: PT017 - either way is right
    else:
        assert all(one.key.startswith("in/") and one.size >= 0 for one in found)


@given(url=st.text() | st.text().map(lambda rest: f"s3://{rest}"))
@settings(max_examples=300)
def test_every_url_is_a_place_or_refused(url: str) -> None:
    """A place keeps its key byte for byte; anything else is refused with advice."""
    try:
        place = S3Location.parse(url)
    except ValidationError as refused:
        assert refused.remedy  # noqa: PT017 - either way is right
    else:
        assert url in (f"s3://{place.bucket}/{place.key}", f"s3://{place.bucket}")
