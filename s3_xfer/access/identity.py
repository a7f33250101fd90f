"""Who one is: the identity that STS sees behind the credentials of a side.

One request, a few seconds at most, never repeated. S3 services other than AWS often have no STS,
or one without this question: then nobody knows, and that is the answer. Refuses to guess.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from s3_xfer.access.credentials import sts_endpoint
from s3_xfer.errors import ErrorFacts, translate
from s3_xfer.model import AccountContext
from s3_xfer.text import printable

_PATIENCE_S = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Who STS says one is; or, with an empty ``arn``, why it does not say."""

    arn: str = ""
    account: str = ""
    unknown_because: str = ""


def who_am_i(
    session: Any, account: AccountContext, *, env: Mapping[str, str] = os.environ
) -> Identity:
    """Return the identity behind ``session``, with which ``account`` is reached. Never raises."""
    try:
        client = session.client(
            "sts",
            region_name=account.region or session.region_name or "us-east-1",
            endpoint_url=sts_endpoint(account.endpoint_url, env),
            verify=account.ca_bundle,
            config=Config(
                connect_timeout=_PATIENCE_S,
                read_timeout=_PATIENCE_S,
                retries={"total_max_attempts": 1},
            ),
        )
        answer = client.get_caller_identity()
    except Exception as error:  # noqa: BLE001 - not knowing is an answer here
        return Identity(unknown_because=_why(translate(error)))
    return Identity(arn=answer["Arn"], account=answer["Account"])


def _why(facts: ErrorFacts) -> str:
    status = f" (HTTP {facts.http_status})" if facts.http_status else ""
    said = f": {facts.message}" if facts.message else ""
    return printable(f"STS answered {facts.code}{status}{said}")
