"""What a profile wants from a person: the code of an MFA device, or a login to AWS SSO.

botocore asks for a code in whatever thread needs the credentials first, and once for each session.
Here a code is asked for before a run begins, in the caller's thread, once for a profile: botocore
finds the role's session in a cache that all sessions of this process share. It is never asked for
again: a session with MFA ends with its life.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import botocore.exceptions as bc
from botocore.session import Session

from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.text import printable
from s3_xfer.wording import message

_TERMINAL = Path("/dev/tty")
_MFA, _SSO = "mfa_serial", "sso_account_id"
_NO_LOGIN = (bc.UnauthorizedSSOTokenError, bc.SSOTokenLoadError, bc.TokenRetrievalError)

_ROLE_SESSIONS: dict[str, Any] = {}  # those that a code has opened, as botocore caches them


def share_mfa_sessions(core: Session) -> None:
    """Let ``core`` ask for a code where nobody has been asked for this profile before."""
    name = _profile_with(core, _MFA)
    if name is not None:
        provider = core.get_component("credential_provider").get_provider("assume-role")
        provider.cache = _ROLE_SESSIONS
        provider._prompter = partial(_ask, name)  # noqa: SLF001 - no other way


def needs_mfa_code(core: Session) -> bool:
    """Return whether the profile of ``core`` leads to a role that asks for a code."""
    return _profile_with(core, _MFA) is not None


def missing_login(core: Session, error: Exception) -> PreflightError | None:
    """Return what to do about ``error``, if only a login to AWS SSO is missing; else None."""
    name = _profile_with(core, _SSO)
    if name is None or not isinstance(error, _NO_LOGIN):
        return None
    remedy = message("{LOG_IN}", profile=name)
    if isinstance(error, bc.SSOTokenLoadError):
        return PreflightError(
            f"there is no login to AWS SSO for profile {name!r} on this machine",
            remedy=remedy,
            error_class=ErrorClass.CREDENTIALS_EXPIRED,
        )
    return PreflightError(
        f"the login of profile {name!r} to AWS SSO has expired, or was ended",
        remedy=remedy,
        error_class=ErrorClass.CREDENTIALS_EXPIRED,
    )


def _profile_with(core: Session, setting: str) -> str | None:
    """Return the profile of ``core``, or the first of those that it builds on, with ``setting``."""
    return next((name for name, settings in _chain(core) if setting in settings), None)


def _chain(core: Session) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the profile of ``core`` and, one after the other, those that it builds on."""
    profiles = core.full_config.get("profiles", {})
    name = core.get_config_variable("profile") or "default"
    visited = set()
    while name in profiles and name not in visited:
        visited.add(name)
        yield name, profiles[name]
        name = profiles[name].get("source_profile")


def _ask(profile: str, prompt: str) -> str:
    """Return the code that a person types at the terminal.

    Raises:
        PreflightError: there is no terminal.
    """
    try:
        _TERMINAL.open().close()
    except OSError as error:
        raise PreflightError(
            f"profile {profile!r} needs the code of an MFA device, and there is no terminal here",
            remedy="run this in a terminal, or use credentials that need no code, such as a role "
            "of this machine",
            error_class=ErrorClass.CREDENTIALS_REFUSED,
        ) from error
    return getpass.getpass(printable(prompt))
