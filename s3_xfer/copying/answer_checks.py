"""Checks of S3's answers inside botocore, which believes some that prove nothing.

A 200 with an empty body is a success for botocore and s3transfer. And an answer that repeats a key
with a control character is no XML, so botocore makes an error of a request that succeeded.
"""

from __future__ import annotations

import re
from typing import Any

from s3_xfer.copying import answers
from s3_xfer.errors import ObjectError

_NOT_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|x0*(?:[0-8bBcCeEfF]|1[\da-fA-F]));"
)


def attach(client: Any) -> None:
    """Check the answers to ``client``. Register this before what reads the answers."""
    events = client.meta.events
    events.register("before-parse.s3.*", _make_parsable)
    events.register("after-call.s3", _require_proof)


def _require_proof(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Raise if an answer without an error lacks what proves a success; the call then raises."""
    if parsed.get("Error"):
        return
    info = answers.missing_proof(model.name, parsed)
    if info:
        raise ObjectError(info)


def _make_parsable(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    """Replace what XML 1.0 cannot hold: these answers repeat the key, control characters and all.

    A listing asks for percent-encoded keys instead; here S3 offers no such choice, and botocore,
    which cannot parse the answer, has made a 500 of it (its handler comes before any of ours).
    """
    if operation_model.name not in ("CreateMultipartUpload", "CompleteMultipartUpload"):
        return
    body = _NOT_XML.sub(b"?", response_dict["body"])
    if body != response_dict["body"] and b"<Error>" not in body:
        response_dict.update(body=body, status_code=200)
