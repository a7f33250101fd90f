"""Requests to STS, repeated by the same policy as those to S3.

A role that cannot be renewed ends the run, so a hiccup of STS must not. Half an answer of STS
becomes an error before botocore reads it: botocore would raise what no retry sees, with the whole
answer, secrets included, in its text.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from s3_xfer.copying import answers
from s3_xfer.copying.after_answer import Again
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.request_state import state_of

_INCOMPLETE_ROLE = (
    b"<ErrorResponse><Error><Code>InternalError</Code><Message>STS answered 200 without complete "
    b"credentials</Message></Error></ErrorResponse>"
)


def repeat_sts(client: Any, requests: RequestPolicy) -> None:
    """Let ``client``, an STS client whose own retries are off, follow the run's policy."""

    def needs_retry(
        response: tuple[Any, dict[str, Any]] | None,
        operation: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        **_: object,
    ) -> int | None:
        parsed = response[1] if response else None
        info = answers.facts_of(operation.name, parsed, caught_exception)
        if info is None:
            return None
        state = state_of(request_dict["context"])
        state.count_attempt(caught_exception, info)
        decision = requests.decide(info, attempts=state.attempts, can_renew=False)
        if isinstance(decision, Again) and requests.wait(decision.delay_s):
            return 0
        if parsed and response and response[0].status_code == HTTPStatus.OK:
            raise answers.error_of(parsed, operation.name)  # botocore looks at the status only
        return None

    client.meta.events.register("before-parse.sts.AssumeRole", _refuse_incomplete_role)
    client.meta.events.register("needs-retry.sts", needs_retry)


def _refuse_incomplete_role(response_dict: dict[str, Any], **_: object) -> None:
    """Make an error of a 200 without credentials."""
    body = response_dict["body"].rstrip()
    is_complete = b"<Credentials>" in body and body.endswith(b"</AssumeRoleResponse>")
    if response_dict["status_code"] == HTTPStatus.OK and not is_complete:
        is_error = body.endswith(b"</ErrorResponse>")
        response_dict.update(status_code=500, body=body if is_error else _INCOMPLETE_ROLE)
