"""One ``CopyObject`` or ``UploadPartCopy``, composed by botocore, to be varied per object or part.

botocore spends most of a millisecond on every request, with the same result for every object of a
run, except the key, the source and the condition; of a part also its number, upload and range. So
it is done once, through the run's own client with all its hooks. What differs is encoded as
botocore does it (``botocore.serialize``, ``botocore.handlers``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlsplit

from s3_xfer.copying.headers import single_copy_params
from s3_xfer.model import CopyTask
from s3_xfer.options import CopyOptions
from s3_xfer.s3_client import S3Client

_KEY = "s3-xfer-template"  # nothing in it is ever percent-encoded
_SAFE = "/~"
COPY_SOURCE, CONDITION = "x-amz-copy-source", "x-amz-copy-source-if-match"
RANGE = "x-amz-copy-source-range"
_VARIED = (COPY_SOURCE, CONDITION, RANGE)

Header = tuple[str, str]


class CopyRequest(enum.Enum):
    """A request that is varied; the value is the name of S3's operation."""

    OBJECT = "CopyObject"
    PART = "UploadPartCopy"


@dataclass(frozen=True, slots=True)
class PartCopy:
    """One part of the copy of ``task``: bytes of the source, up to and with ``last_byte``."""

    task: CopyTask
    upload_id: str
    number: int
    first_byte: int
    last_byte: int

    @property
    def query(self) -> str:
        """The query of its request, as it is signed."""
        return f"partNumber={self.number}&uploadId={quote(self.upload_id, safe='')}"

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.last_byte - self.first_byte + 1

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the object."""
        return self.size == self.task.source.size

    @property
    def range(self) -> str:
        """Its bytes as a header has them."""
        return f"bytes={self.first_byte}-{self.last_byte}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTemplate:
    """What all requests of one kind of a run have in common.

    ``path_prefix`` ends where the key begins. ``region`` is empty where botocore names none.
    """

    request: CopyRequest
    tls: bool
    path_prefix: str
    common_headers: tuple[Header, ...]
    region: str
    service: str
    auth_type: str

    def path(self, task: CopyTask) -> str:
        """Return the path of the request that writes ``task``'s destination."""
        return self.path_prefix + quote(task.destination_key, safe=_SAFE)

    def copy_source(self, task: CopyTask) -> str:
        """Return the header that names ``task``'s source, and its version if it has one."""
        header = f"{task.source.bucket}/{quote(task.source.key, safe=_SAFE)}"
        version_id = task.source.version_id
        return f"{header}?versionId={version_id}" if version_id else header


def compose(
    client: S3Client,
    options: CopyOptions,
    *,
    destination_bucket: str,
    request: CopyRequest = CopyRequest.OBJECT,
) -> CopyTemplate:
    """Return the template of all requests to copy to a bucket that ``client`` makes."""
    composed = _unsent_request(
        client,
        request,
        Bucket=destination_bucket,
        Key=_KEY,
        CopySource={"Bucket": destination_bucket, "Key": _KEY},  # to be replaced
        **_params(request, options),
    )
    url = urlsplit(composed["url"])
    headers = {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in composed["headers"].items()
    }
    signing, config = composed["context"].get("signing", {}), cast("Any", client.meta.config)
    return CopyTemplate(
        request=request,
        tls=url.scheme == "https",
        path_prefix=url.path.removesuffix(_KEY),
        common_headers=(
            ("host", url.netloc),
            ("content-length", "0"),
            *(item for item in headers.items() if item[0] not in _VARIED),
        ),
        region=signing.get("region") or "",
        service=signing.get("signing_name") or "s3",
        auth_type=str(composed["context"].get("auth_type") or config.signature_version),
    )


def _params(request: CopyRequest, options: CopyOptions) -> dict[str, Any]:
    """Return parameters, with values to be replaced where they differ from request to request."""
    if request is CopyRequest.OBJECT:
        return single_copy_params(options, "etag")
    return {
        "CopySourceIfMatch": "etag",
        "CopySourceRange": "bytes=0-1",
        "PartNumber": 1,
        "UploadId": "upload",
    }


class _ComposedError(Exception):
    """Carries the finished request out of botocore before it is sent."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__("composed")
        self.request = request


def _unsent_request(client: S3Client, request: CopyRequest, **params: Any) -> dict[str, Any]:
    """Let ``client`` compose ``request``, and stop it where it would sign and send.

    Other requests of ``client``, which may be sent meanwhile, are let through.
    """

    def stop_here(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith(_KEY):
            raise _ComposedError(params)

    events = client.meta.events
    events.register_last("before-call.s3", stop_here)
    try:
        client.copy_object(**params) if request is CopyRequest.OBJECT else client.upload_part_copy(
            **params
        )
    except _ComposedError as composed:
        return composed.request
    finally:
        events.unregister("before-call.s3", stop_here)
    raise AssertionError("unreachable")
