"""Who asks and where: names of sessions, endpoints with secrets, a source that is public."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3_xfer import AccountContext, S3CopyOperation, ValidationError
from tests.e2e.program import COPY, PREFIX, QUICK, THEM, US, Program
from tests.fault_server import Fault
from tests.world import DESTINATION_KEY, DST, READ, SRC, World

SECRET = "hunter2"
ROLE = "arn:aws:iam::222222222222:role/copier"
KEYS = {"AWS_ACCESS_KEY_ID": DESTINATION_KEY, "AWS_SECRET_ACCESS_KEY": "secret"}
PUBLIC = ("--source-no-sign-request", "--dest-profile", US)


@pytest.mark.parametrize(
    ("env", "expected"),
    [({}, "s3-xfer"), ({"AWS_ROLE_SESSION_NAME": "nightly-42"}, "nightly-42")],
    ids=["default", "variable"],
)
def test_a_roles_session_has_the_name_of_the_environment(
    world: World, program: Program, env: dict[str, str], expected: str
) -> None:
    """AWS_ROLE_SESSION_NAME is what CloudTrail shows."""
    world.server.put(SRC, "in/x", size=1)
    endpoint = ("--endpoint-url", world.server.url, "--dest-role-arn", ROLE)

    done = program.run("doctor", *PREFIX, "--source-profile", THEM, *endpoint, **KEYS, **env)

    assert done.code == 0, done.said
    assert f"assumed-role/copier/{expected}" in done.out


def test_a_session_name_that_is_none_is_refused(world: World, program: Program) -> None:
    """Before anything is sent."""
    done = program.run(*COPY, "--dest-role-arn", ROLE, AWS_ROLE_SESSION_NAME="two words")

    assert (done.code, done.out, world.server.requests) == (3, "", []), done.said
    assert "AWS_ROLE_SESSION_NAME is 'two words', which is no name" in done.err


@pytest.mark.parametrize("where", ["--endpoint-url", "--dest-endpoint-url", "variable", "profile"])
def test_a_password_in_an_endpoint_lands_nowhere(
    world: World, program: Program, where: str
) -> None:
    """Refused without repeating it: not in messages, not in a journal."""
    host = world.server.url.partition("://")[2]
    endpoint = f"http://user:{SECRET}@{host}"
    args: list[str] = [*COPY, "--journal", "j.db", "--report", "r.jsonl"]
    env: dict[str, str] = {}
    if where == "variable":
        env = {"AWS_ENDPOINT_URL_S3": endpoint}
    elif where == "profile":
        config = Path(program.env["AWS_CONFIG_FILE"])
        config.write_text(config.read_text().replace(world.server.url, endpoint))
    else:
        args += [where, endpoint]

    done = program.run(*args, **env)

    assert (done.code, done.out, world.server.requests) == (3, "", []), done.said
    assert "an endpoint has user info, a query or a fragment" in done.err
    assert SECRET not in done.said
    written = [path for path in program.directory.iterdir() if path.is_file()]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]


# --------------------------------------------------------------------- a source that is public


def signed(world: World) -> dict[str, set[bool]]:
    """Return, by operation, whether its requests were signed."""
    seen: dict[str, set[bool]] = {}
    for request in world.server.requests:
        seen.setdefault(request.operation, set()).add("authorization" in request.headers)
    return seen


def test_a_public_source_is_listed_without_a_signature(world: World, program: Program) -> None:
    """Only reading is unsigned; the copies are the destination's, as always."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=1)
    world.server.grant(SRC, to="", actions=READ)
    public = ("copy", *PREFIX, *QUICK, *PUBLIC)

    done = program.run(*public, "--journal", "j.db", "--max-failures", "0")
    checked = program.run("check", *PREFIX, *PUBLIC)

    assert (done.code, checked.code) == (0, 0), done.said + checked.said
    seen = signed(world)
    assert False in seen["ListObjectsV2"]
    assert seen["CopyObject"] == {True}
    assert set(world.arrived()) == {f"out/{number}" for number in range(3)}


def test_the_command_to_go_on_repeats_it_and_a_journal_remembers_it(
    world: World, program: Program
) -> None:
    """What is typed once holds for the re-run and for the resume."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=1)
    world.server.grant(SRC, to="", actions=READ)
    fault = world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key == "out/1")
    )
    public = ("copy", *PREFIX, *QUICK, *PUBLIC)

    first = program.run(*public)
    kept = program.run(*public, "--journal", "j.db")
    fault.remove()
    world.server.forget_requests()
    resumed = program.run("resume", "j.db")

    assert (first.code, kept.code, resumed.code) == (1, 1, 0), resumed.said
    assert " --source-no-sign-request " in first.out.splitlines()[-1]
    assert True not in signed(world).get("ListObjectsV2", set())
    assert len(world.arrived()) == 3


def test_what_cannot_be_unsigned_is_refused(program: Program) -> None:
    """Credentials beside it, and the destination."""
    done = program.run(*COPY, "--source-no-sign-request")
    assert done.code == 3
    assert "credentials were given for requests that are not signed" in done.err
    with pytest.raises(ValidationError, match="have to be signed"):
        S3CopyOperation(
            source_bucket=SRC,
            source_key="in/x",
            destination_bucket=DST,
            destination_key="out/x",
            destination=AccountContext(no_sign_request=True),
        )
