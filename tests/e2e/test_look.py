"""``s3-xfer ls`` and ``du``: what is at one side, as the credentials of that side see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from s3_xfer.cli.main import answer
from tests.e2e.program import THEM, US, Program
from tests.fault_server import Fault
from tests.world import DST, SRC, World

AS_THEM = ("--source-profile", THEM)
HOSTILE = "in/\x1b[2Jevil\nfailed=0"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return what runs a command line in this process: exit code, stdout, stderr."""
    for name, value in program.env.items():
        monkeypatch.setenv(name, value)

    def run(*args: str) -> tuple[int, str, str]:
        code = answer(args)
        return (code, *capsys.readouterr())

    return run


def fill(world: World) -> None:
    """Put objects at several levels, and next to them, into the source."""
    for key, size in (
        ("in", 1),
        ("in/a.csv", 1024),
        ("in/b b.txt", 2048),
        ("in/x/1", 10),
        ("in/x/y/2", 20),
        ("in/z/3", 30),
        ("inside/4", 40),
    ):
        world.server.put(SRC, key, size=size)


def keys(out: str) -> list[str]:
    """Return the last columns."""
    return [line[44:] for line in out.splitlines()]


LEVEL = ["in/a.csv", "in/b b.txt", "in/x/", "in/z/"]


@pytest.mark.parametrize(
    ("location", "options", "listed"),
    [
        ("in/", (), LEVEL),
        ("in", (), ["in", *LEVEL]),
        ("", (), ["in", "in/", "inside/"]),
        ("in/x", (), ["in/x/1", "in/x/y/"]),
        ("in/a.csv", (), ["in/a.csv"]),
        ("in/", ("-r",), ["in/a.csv", "in/b b.txt", "in/x/1", "in/x/y/2", "in/z/3"]),
        ("in/", ("-r", "--include", "x/**"), ["in/x/1", "in/x/y/2"]),
        ("in/", ("-r", "--exclude", "**"), []),
        ("in/", ("--min-size", "2KiB"), ["in/b b.txt", "in/x/", "in/z/"]),
        ("in/", ("-r", "--source-storage-class", "GLACIER"), []),
    ],
)
def test_a_location_is_a_directory_and_filters_leave_out_objects(
    world: World, run: Run, location: str, options: Sequence[str], listed: list[str]
) -> None:
    """One level with its prefixes, or everything; never what only begins with the same letters."""
    fill(world)

    code, out, err = run("ls", *AS_THEM, *options, f"s3://{SRC}/{location}")

    assert (code, err) == (0, "")
    assert keys(out) == listed


def test_sizes_dates_and_classes_are_shown(world: World, run: Run) -> None:
    """To people in columns, to programs as JSON with exact numbers."""
    world.server.put(SRC, "in/a", size=5 * 1024**3, storage_class="GLACIER")

    _, out, _ = run("ls", *AS_THEM, f"s3://{SRC}/in/")
    _, lines, _ = run("ls", *AS_THEM, "--json", f"s3://{SRC}/")
    _, as_json, _ = run("ls", *AS_THEM, "--json", f"s3://{SRC}/in/a")

    assert out[16:] == "     5.0 GiB  GLACIER       in/a\n"
    assert json.loads(lines) == {"bucket": SRC, "prefix": "in/"}
    entry = json.loads(as_json)
    assert (entry["key"], entry["size"], entry["storage_class"]) == ("in/a", 5 * 1024**3, "GLACIER")


def test_keys_cannot_draw_on_the_terminal(world: World, run: Run) -> None:
    """Every object is one line, whatever its key; JSON has the key itself."""
    world.server.put(SRC, HOSTILE, size=1)

    _, out, _ = run("ls", *AS_THEM, f"s3://{SRC}/in/")
    _, as_json, _ = run("ls", *AS_THEM, "--json", f"s3://{SRC}/in/")

    assert keys(out) == [r"in/\x1b[2Jevil\nfailed=0"]
    assert json.loads(as_json)["key"] == HOSTILE


def test_many_pages_are_followed(world: World, run: Run) -> None:
    """At one level as well: 2,500 objects and as many prefixes are five pages."""
    for number in range(2500):
        world.server.put(SRC, f"in/{number:05}", size=1)
        world.server.put(SRC, f"in/{number:05}/x", size=1)

    _, level, _ = run("ls", *AS_THEM, f"s3://{SRC}/in/")
    _, everything, _ = run("du", *AS_THEM, f"s3://{SRC}/in/", "--json")

    assert keys(level) == sorted(keys(level))
    assert len(set(keys(level))) == len(keys(level)) == 5000
    assert json.loads(everything)["objects"] == 5000


def test_usage_is_by_storage_class(world: World, run: Run) -> None:
    """Largest first, then all together, and what the filters left out."""
    world.server.put(SRC, "in/a", size=1024)
    world.server.put(SRC, "in/b", size=2048)
    world.server.put(SRC, "in/c", size=8192, storage_class="GLACIER")
    world.server.put(SRC, "in/d.tmp", size=1)

    code, out, _ = run("du", *AS_THEM, "--exclude", "*.tmp", f"s3://{SRC}/in/")
    _, as_json, _ = run("du", *AS_THEM, "--json", f"s3://{SRC}/in/")

    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["GLACIER", "1", "8.0", "KiB", "object"],
        ["STANDARD", "2", "3.0", "KiB", "objects"],
        ["total", "3", "11.0", "KiB", "objects"],
        ["left", "out", "1", "-", "*.tmp"],
    ]
    assert json.loads(as_json) == {
        "objects": 4,
        "size_bytes": 11265,
        "left_out": 0,
        "storage_classes": {
            "GLACIER": {"objects": 1, "size_bytes": 8192},
            "STANDARD": {"objects": 3, "size_bytes": 3073},
        },
    }


@pytest.mark.parametrize("command", ["ls", "du"])
@pytest.mark.parametrize(
    ("args", "says", "code"),
    [
        ((*AS_THEM, f"s3://{DST}/"), "cannot be listed: AccessDenied", 3),
        ((*AS_THEM, "s3://no-such-bucket/"), "cannot be listed: NoSuchBucket", 3),
        ((*AS_THEM, f"s3://{SRC}/nothing/"), "there is nothing under s3://src-bucket/nothing/", 3),
        ((*AS_THEM, f"s3://{SRC}/*.csv"), "a key is taken as it is written", 3),
        (("--source-profile", "nobody", f"s3://{SRC}/"), "cannot use profile 'nobody'", 3),
        ((f"s3://{SRC}/",), "no AWS credentials were found", 3),
        ((*AS_THEM, "--dest-profile", US, f"s3://{SRC}/"), "options of both sides are given", 3),
        ((*AS_THEM, "src-bucket"), "'src-bucket' is not an S3 URL", 3),
        (AS_THEM, "Missing argument 'LOCATION'", 2),
    ],
)
def test_what_goes_wrong_is_said_in_words(  # noqa: PLR0917 - a table
    world: World, run: Run, command: str, args: Sequence[str], says: str, code: int
) -> None:
    """With what to do next, and never as a traceback."""
    fill(world)

    done, out, err = run(command, *args)

    assert (done, out) == (code, "")
    assert err.count("error: ") == 1
    assert says in err
    assert "Traceback" not in err


def test_the_side_decides_whose_credentials_look(world: World, run: Run) -> None:
    """Those that are given; of both, the one that --side names."""
    fill(world)
    world.server.put(DST, "out/a", size=1)
    both = (*AS_THEM, "--dest-profile", US)

    assert run("ls", "--dest-profile", US, f"s3://{DST}/")[0] == 0
    assert run("ls", *both, "--side", "destination", f"s3://{DST}/")[0] == 0
    assert run("ls", *both, "--side", "source", f"s3://{DST}/")[0] == 3
    assert run("ls", *both, "--side", "source", f"s3://{SRC}/")[0] == 0
    assert {request.operation for request in world.server.requests} == {"ListObjectsV2"}


@pytest.mark.parametrize("command", ["ls", "du"])
def test_a_page_that_fails_for_a_moment_is_asked_for_again(
    world: World, run: Run, command: str
) -> None:
    """As often as a copy would; what fails for good is refused in words."""
    fill(world)
    args = (command, *AS_THEM, "--retry-delay", "0.01", f"s3://{SRC}/in/")
    with_faults = world.server.inject(Fault.error("ListObjectsV2", 503, "SlowDown", times=2))

    assert run(*args)[0] == 0
    assert with_faults.hits == 2

    world.server.inject(Fault.error("ListObjectsV2", 500, "InternalError"))
    code, out, err = run(*args, "--json")

    assert (code, json.loads(out)["error_class"]) == (3, "ServerError")
    assert "cannot be listed: InternalError" in err


def test_a_listing_ends_when_nobody_reads_it(world: World, program: Program) -> None:
    """``ls | head``: the rest of a large bucket is not listed for nobody."""
    for number in range(30_000):
        world.server.put(SRC, f"in/{number:05}", size=1)

    with program.start("ls", *AS_THEM, f"s3://{SRC}/in/") as process:
        assert process.stdout
        process.stdout.read(100)
        process.stdout.close()
        assert process.wait() == 0

    assert world.server.count("ListObjectsV2") < 20
