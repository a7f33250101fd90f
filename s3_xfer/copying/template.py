"""One ``CopyObject`` request, composed by botocore, to be varied per object.

botocore spends most of a millisecond on every request, with the same result for every object of a
run, except the key, the source and the condition. So it is done once, through the run's own client
with all its hooks. What differs is encoded as botocore does it (``botocore.serialize``,
``botocore.handlers``).
"""

from __future__ import annotations

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

Header = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTemplate:
    """What all copies of a run have in common; ``path_prefix`` ends where the key begins.

    ``region`` is empty where botocore names none.
    """

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


def compose(client: S3Client, options: CopyOptions, *, destination_bucket: str) -> CopyTemplate:
    """Return the template of all copies to a bucket in a single request that ``client`` makes."""
    request = _unsent_request(
        client,
        Bucket=destination_bucket,
        Key=_KEY,
        CopySource={"Bucket": destination_bucket, "Key": _KEY},  # to be replaced
        **single_copy_params(options, "etag"),
    )
    url = urlsplit(request["url"])
    headers = {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in request["headers"].items()
    }
    signing, config = request["context"].get("signing", {}), cast("Any", client.meta.config)
    return CopyTemplate(
        tls=url.scheme == "https",
        path_prefix=url.path.removesuffix(_KEY),
        common_headers=(
            ("host", url.netloc),
            ("content-length", "0"),
            *(item for item in headers.items() if item[0] not in (COPY_SOURCE, CONDITION)),
        ),
        region=signing.get("region") or "",
        service=signing.get("signing_name") or "s3",
        auth_type=str(request["context"].get("auth_type") or config.signature_version),
    )


class _ComposedError(Exception):
    """Carries the finished request out of botocore before it is sent."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__("composed")
        self.request = request


def _unsent_request(client: S3Client, **params: Any) -> dict[str, Any]:
    """Let ``client`` compose a ``CopyObject``, and stop it where it would sign and send.

    Other requests of ``client``, which may be sent meanwhile, are let through.
    """

    def stop_here(params: dict[str, Any], **_: object) -> None:
        if params["url_path"].endswith(_KEY):
            raise _ComposedError(params)

    events = client.meta.events
    events.register_last("before-call.s3", stop_here)
    try:
        client.copy_object(**params)
    except _ComposedError as composed:
        return composed.request
    finally:
        events.unregister("before-call.s3", stop_here)
    raise AssertionError("unreachable")
