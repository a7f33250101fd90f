"""Profiles that want something from a person: the code of an MFA device, a login to AWS SSO."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e.program import PREFIX, PROGRAM, QUICK, Program
from tests.world import DESTINATION_ACCOUNT, DST, SRC, World

PROMPT = "Enter MFA code for arn:aws:iam::222222222222:mfa/"
WITH_MFA = ("--source-profile", "me", "--dest-profile", "me")
COPY = ("copy", *PREFIX, *QUICK)
COMMANDS: dict[str, tuple[str, ...]] = {
    "copy": COPY,
    "check": ("check", *PREFIX),
    "doctor": ("doctor", *PREFIX),
    "interactive": ("interactive", *PREFIX, *QUICK, "--yes"),
}


def add_profiles(program: Program, text: str) -> None:
    """Add profiles to those that the program has."""
    config = Path(program.env["AWS_CONFIG_FILE"])
    config.write_text(config.read_text() + text)


@pytest.fixture
def mfa(world: World, program: Program) -> Program:
    """The program with two profiles, both of roles that ask for a code, and an object to copy."""
    for name in ("me", "you"):
        add_profiles(
            program,
            f"[profile {name}]\nregion=us-east-1\nendpoint_url={world.server.url}\n"
            f"source_profile=us\nrole_arn=arn:aws:iam::{DESTINATION_ACCOUNT}:role/{name}\n"
            f"mfa_serial=arn:aws:iam::{DESTINATION_ACCOUNT}:mfa/{name}\n",
        )
    world.server.put(SRC, "in/x", size=1)
    return program


@pytest.mark.parametrize("command", COMMANDS)
def test_one_profile_on_both_sides_asks_once(world: World, mfa: Program, command: str) -> None:
    """The question stays on the screen until it is answered, and nothing is drawn meanwhile."""
    with mfa.terminal(*COMMANDS[command], *WITH_MFA) as terminal:
        terminal.until(PROMPT)
        raw = terminal.raw
        time.sleep(0.6)
        assert terminal.until(PROMPT).splitlines()[-1].startswith(PROMPT)
        assert terminal.raw == raw
        terminal.child.sendline("123456")
        code = terminal.end()
        assert terminal.raw.count(PROMPT) == 1

    assert code == (5 if command == "check" else 0), terminal.text
    assert "123456" not in terminal.raw
    assert world.server.count("AssumeRole") == 1
    assert set(world.arrived()) == ({"out/x"} if command in ("copy", "interactive") else set())


def test_two_profiles_ask_twice(world: World, mfa: Program) -> None:
    """Each for its own device."""
    with mfa.terminal(*COPY, "--source-profile", "you", "--dest-profile", "me") as terminal:
        terminal.answer(f"{PROMPT}you", "111111")
        terminal.answer(f"{PROMPT}me", "222222")
        assert terminal.end() == 0
    assert world.server.count("AssumeRole") == 2


def test_ctrl_c_at_the_code_ends_it(world: World, mfa: Program) -> None:
    """Nothing was sent, and the terminal echoes again."""
    with mfa.terminal(*COPY, *WITH_MFA) as terminal:
        terminal.until(PROMPT)
        assert terminal.interrupt() == 130
        assert terminal.text.endswith("stopped")
        assert not terminal.screen.cursor.hidden
    assert world.server.requests == []


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_terminal_it_says_so(world: World, mfa: Program, command: str) -> None:
    """One sentence with what to do; nothing was sent."""
    alone = replace(mfa, command=("setsid", "-w", *PROGRAM))

    done = alone.run(*COMMANDS[command], *WITH_MFA)

    assert (done.code, done.out) == (3, ""), done.said
    assert (
        "profile 'me' needs the code of an MFA device, and there is no terminal here\n"
        "Next: run this in a terminal, or use credentials that need no code" in done.err
    )
    assert world.server.requests == []


# -------------------------------------------------------------------------------- AWS SSO

NO_LOGIN = "there is no login to AWS SSO for profile"
ENDED = "to AWS SSO has expired, or was ended"
EARLIER, LATER = timedelta(hours=-1), timedelta(hours=1)
LEGACY = """
[profile lost]
region = us-east-1
sso_start_url = https://company.awsapps.com/start
sso_region = us-east-1
sso_account_id = 222222222222
sso_role_name = copier
"""
SESSION = """
[sso-session company]
sso_start_url = https://company.awsapps.com/start
sso_region = us-east-1
[profile lost]
region = us-east-1
sso_session = company
sso_account_id = 222222222222
sso_role_name = copier
"""
CHAIN = """
[profile above]
region = us-east-1
source_profile = lost
role_arn = arn:aws:iam::222222222222:role/above
"""


def no_token(home: Path, name: str) -> None:
    """Leave the machine without a login."""


def token(valid_for: timedelta) -> Callable[[Path, str], None]:
    """Return what leaves a login that ends then."""

    def write(home: Path, name: str) -> None:
        cache = home / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        ends_at = datetime.now(UTC) + valid_for
        login = {"accessToken": "secret-token", "expiresAt": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}"}
        (cache / f"{hashlib.sha1(name.encode()).hexdigest()}.json").write_text(json.dumps(login))

    return write


class _NoLongerLoggedIn(BaseHTTPRequestHandler):
    """Answers as the portal of AWS SSO does once a login was ended there."""

    def do_GET(self) -> None:
        """Refuse the token."""
        body = b'{"message": "Session token not found or invalid"}'
        self.send_response(401)
        self.send_header("x-amzn-ErrorType", "UnauthorizedException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def portal() -> Iterator[str]:
    """The URL of a portal that knows no login."""
    with HTTPServer(("127.0.0.1", 0), _NoLongerLoggedIn) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


LOGINS = {
    "legacy-never": (LEGACY, no_token, NO_LOGIN),
    "legacy-expired": (LEGACY, token(EARLIER), ENDED),
    "legacy-revoked": (LEGACY, token(LATER), ENDED),
    "session-never": (SESSION, no_token, NO_LOGIN),
    "session-expired": (SESSION, token(EARLIER), ENDED),
    "session-revoked": (SESSION, token(LATER), ENDED),
    "chain-never": (SESSION + CHAIN, no_token, NO_LOGIN),
    "chain-expired": (SESSION + CHAIN, token(EARLIER), ENDED),
}


@pytest.mark.parametrize("case", LOGINS)
def test_a_missing_login_is_named_with_its_command(
    world: World, program: Program, portal: str, case: str
) -> None:
    """Never made, expired and ended logins are told apart, and the profile to log in is named."""
    config, leave, expected = LOGINS[case]
    profile = "above" if case.startswith("chain") else "lost"
    add_profiles(program, config)
    leave(
        Path(program.env["HOME"]),
        "https://company.awsapps.com/start" if config is LEGACY else "company",
    )

    done = program.run(*COPY, "--dest-profile", profile, AWS_ENDPOINT_URL_SSO=portal)

    assert (done.code, done.out) == (3, ""), done.said
    said = " ".join(done.err.split())
    assert f"cannot use profile '{profile}'" in said
    assert expected in said
    assert "profile 'lost'" in said
    assert "Next: log in with aws sso login --profile lost, then run this again." in said
    assert "secret-token" not in done.said
    assert world.arrived() == {}
    assert world.server.uploads(DST) == []
