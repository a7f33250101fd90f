"""What is told that a command has ended (--on-end): a shell command, or a web address.

It gets the result as JSON: the command on its standard input, the address as a POST. It has a time
limit, and what becomes of it changes nothing. Addresses and commands may have secrets in them, so
neither is ever shown: of an address only the host is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Mapping
from email.message import Message as Headers
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from s3_xfer.errors import ValidationError
from s3_xfer.text import printable, reason_of
from s3_xfer.units import format_duration
from s3_xfer.version import VERSION

LIMIT_S = 30.0
_SHELL, _STDERR = "/bin/sh", 2
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_ENDING_S = 1.0  # what a command that is stopped has to end by itself


def require_target(target: str) -> None:
    """Return if ``target`` can be told something.

    Raises:
        ValidationError: it is an address that cannot be used.
    """
    if not _ADDRESS.match(target):
        return
    try:
        parts = urlsplit(target)
        is_usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.username is not None or not target.isprintable() or " " in target:
        raise ValidationError(
            "the address of --on-end cannot be used",
            remedy="give http:// or https:// with a host, and without a user and a password",
        )


def notify(target: str, result: Mapping[str, Any], *, limit_s: float) -> str | None:
    """Notify ``target`` of the result; return what went wrong, or None."""
    data = (json.dumps(result, ensure_ascii=True) + "\n").encode()
    return _post(target, data, limit_s) if _ADDRESS.match(target) else _run(target, data, limit_s)


# ------------------------------------------------------------------------------------ command


def _run(command: str, data: bytes, limit_s: float) -> str | None:
    try:
        child = subprocess.Popen(  # noqa: S603 - a command that the user has typed
            [_SHELL, "-c", command],
            stdin=subprocess.PIPE,
            stdout=_STDERR,  # stdout is for the result
            process_group=0,
        )
    except OSError as error:
        return f"the command of --on-end could not be started: {reason_of(error)}"
    try:
        child.communicate(data, timeout=limit_s)
    except subprocess.TimeoutExpired:
        _stop(child)
        return f"the command of --on-end was stopped after {format_duration(limit_s)}"
    except BaseException:
        _stop(child)
        raise
    code = child.returncode
    if code < 0:
        return f"the command of --on-end was ended by signal {-code}"
    return f"the command of --on-end ended with status {code}" if code else None


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(PermissionError, subprocess.TimeoutExpired):  # one of another user
            os.killpg(child.pid, number)
            child.wait(_ENDING_S)
            return


# ------------------------------------------------------------------------------------ address


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the result would get lost on the way, and go to somebody else."""

    def redirect_request(  # noqa: PLR0917 - as in the class above
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Headers,
        newurl: str,  # noqa: ARG002
    ) -> NoReturn:
        """Take the redirect as the answer."""
        raise HTTPError(req.full_url, code, msg, headers, fp)


def _post(address: str, data: bytes, limit_s: float) -> str | None:
    """Post in a thread of its own, which nobody waits for any more after the limit."""
    problems: list[str | None] = []
    thread = threading.Thread(
        target=lambda: problems.append(_posted(address, data, limit_s)),
        name="s3-xfer-on-end",
        daemon=True,
    )
    thread.start()
    thread.join(limit_s)
    host = printable(urlsplit(address).netloc)
    problem = problems[0] if problems else _late(limit_s)
    return f"{host}, the address of --on-end, {problem}" if problem else None


def _late(limit_s: float) -> str:
    return f"did not answer within {format_duration(limit_s)}"


def _posted(address: str, data: bytes, limit_s: float) -> str | None:
    headers = {"Content-Type": "application/json", "User-Agent": f"s3-xfer/{VERSION}"}
    request = urllib.request.Request(address, data, headers, method="POST")  # noqa: S310 - http only
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=limit_s):
            return None
    except HTTPError as error:
        status = HTTPStatus(error.code).phrase if error.code in list(HTTPStatus) else ""
        error.close()
        return f"answered {error.code} {status}".rstrip()
    except URLError as error:
        cause = error.reason
        if isinstance(cause, TimeoutError):
            return _late(limit_s)
        text = reason_of(cause) if isinstance(cause, OSError) else printable(str(cause))
        return f"could not be reached: {text}"
    except TimeoutError:
        return _late(limit_s)
    except (OSError, ValueError, HTTPException) as error:
        return f"gave no answer that can be read: {reason_of(error)}"
