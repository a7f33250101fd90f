"""``--metrics-file`` and ``--on-end``: who watches a run, and who is told that it has ended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.in_process import InProcess
from tests.e2e.program import COPY, PREFIX, PROFILES, QUICK, Program, end_of
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_ACCOUNT, DST, SRC, World

TOLD = ("--on-end", "cat > told.json")


@pytest.fixture
def inner(program: Program, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The program without a process of its own."""
    return InProcess(program, monkeypatch)


def numbers(path: Path) -> dict[str, float]:
    """Return what a metrics file says, as Prometheus reads it: ``name{label,...}`` to number."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        for sample in family.samples:
            assert family.type in ("counter", "gauge"), sample
            assert sample.labels.pop("name") == path.stem
            sample.labels.pop("version", None)
            labels = ",".join(sample.labels.values())
            name = f"{sample.name}{{{labels}}}".removesuffix("{}")
            assert name not in found
            found[name] = sample.value
    return found


def told(directory: Path) -> dict[str, Any]:
    """Return what the command of ``--on-end`` got."""
    value: dict[str, Any] = json.loads((directory / "told.json").read_text())
    return value


def test_the_metrics_file_counts_as_the_result_does(
    world: World, inner: InProcess, tmp_path: Path
) -> None:
    """By outcome, class of error and operation; a success stays known when the next run fails."""
    for number in range(3):
        world.server.put(SRC, f"in/{number}", size=10)
    path = tmp_path / 'a "night\\ly'  # a name that has to be escaped
    file = ("--metrics-file", str(path))

    before = time.time()
    done = inner.run(*COPY, *QUICK, *file, "--json")
    good = numbers(path)
    world.server.deny(DST, DESTINATION_ACCOUNT, ["s3:PutObject"], prefix="out/1")
    inner.run(*COPY, *QUICK, *file)
    bad = numbers(path)

    result = done.json()
    assert good["s3_xfer_objects_total{copied}"] == result["files_copied_successfully"] == 3
    assert good["s3_xfer_copied_bytes_total"] == result["total_bytes_transferred"] == 30
    for operation, count in result["requests"].items():
        assert good[f"s3_xfer_requests_total{{{operation}}}"] == count
    assert good["s3_xfer_info{copy}"] == good["s3_xfer_phase{ended}"] == 1
    assert good["s3_xfer_exit_code"] == 0
    assert good["s3_xfer_last_success_timestamp_seconds"] >= before
    assert bad["s3_xfer_errors_total{AccessDenied}"] == bad["s3_xfer_exit_code"] == 1
    last = "s3_xfer_last_success_timestamp_seconds"
    assert bad[last] == good[last]
    assert [each.name for each in tmp_path.iterdir() if "partial" in each.name] == []


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("check", *PREFIX), ["{same}", "{same_size}", "{different}"]),
        (("sync", *PREFIX[:2], "--dry-run"), ["{planned}", "{skipped}"]),
    ],
)
def test_other_commands_have_their_own_words(
    world: World,
    inner: InProcess,
    tmp_path: Path,
    command: tuple[str, ...],
    names: list[str],
) -> None:
    """A check compares; a dry run copies nothing, which is no success."""
    found = world.server.put(SRC, "in/a", size=1)
    world.server.put(DST, "out/a", size=1, etag=found.etag)

    done = inner.run(*command, *PROFILES, "--metrics-file", "x.prom")

    assert done.code == 0, done.said
    seen = numbers(tmp_path / "x.prom")
    assert all(f"s3_xfer_objects_total{name}" in seen for name in names)
    is_success = "--dry-run" not in command
    assert ("s3_xfer_last_success_timestamp_seconds" in seen) is is_success


def test_the_metrics_file_is_rewritten_while_the_run_lasts(
    world: World, program: Program, tmp_path: Path
) -> None:
    """Complete at every moment; a run that was stopped says so."""
    for number in range(200):
        world.server.put(SRC, f"in/{number:03}", size=1)
    path = tmp_path / "x.prom"
    child = program.start(*COPY, "--max-requests-per-second", "20", "--metrics-file", "x.prom")

    until_s = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < until_s
        time.sleep(0.01)
    early = numbers(path)
    child.terminate()
    ended = end_of(child)

    assert ended.code == 143, ended.said
    assert "s3_xfer_exit_code" not in early
    assert numbers(path)["s3_xfer_exit_code"] == 143


def test_the_end_is_told_with_the_result(world: World, inner: InProcess, tmp_path: Path) -> None:
    """Of every command, refusals included; what the command prints does not reach stdout."""
    world.server.put(SRC, "in/a", size=1)

    copied = inner.run(*COPY, "--json", *TOLD)
    of_copy = told(tmp_path)
    checked = inner.run("check", *PREFIX, *PROFILES, *TOLD)
    of_check = told(tmp_path)
    refused = inner.run("copy", "s3://absent/in/", *PREFIX[1:], *PROFILES, *TOLD)
    of_refusal = told(tmp_path)

    assert of_copy == copied.json() | {"command": "copy", "exit_code": 0}
    assert (checked.code, of_check["command"], of_check["no_difference"]) == (0, "check", True)
    assert refused.code == of_refusal["exit_code"] == 3
    assert of_refusal["error_class"] == "BucketMissing"


@pytest.mark.parametrize(
    ("command", "warning"),
    [
        ("exit 7", "the command of --on-end ended with status 7"),
        ("kill -9 $$", "the command of --on-end was ended by signal 9"),
        ("sleep 60", "the command of --on-end was stopped after 0.2 s"),
        ("(trap '' TERM; sleep 60)", "the command of --on-end was stopped after 0.2 s"),
        ("/nonexistent/token-1", "the command of --on-end ended with status 127"),
        ("true", ""),  # does not read its input
    ],
)
def test_a_command_at_the_end_changes_nothing(
    world: World, inner: InProcess, command: str, warning: str
) -> None:
    """Whatever becomes of it is told, its words are not: there may be a token among them."""
    world.server.put(SRC, "in/a", size=1)

    limit = ("--on-end-limit", "0.2s") if "sleep" in command else ()
    done = inner.run(*COPY, "--quiet", "--on-end", command, *limit)

    assert (done.code, done.out) == (0, "")
    assert done.err == (f"warning: {warning}\n" if warning else "")


class Hook(BaseHTTPRequestHandler):
    """Answers a POST to ``/STATUS`` with it; to ``/silent`` with nothing, for as long as asked."""

    got: list[tuple[str, bytes]]
    may_end: threading.Event

    def do_POST(self) -> None:
        """Take the result."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.headers["Content-Type"], body))
        if self.path == "/silent":
            self.may_end.wait(PATIENCE_S)
        else:
            self.send_response(int(self.path[1:4]))
            self.send_header("Location", "/200")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    """A server that is told of the end."""
    Hook.got, Hook.may_end = [], threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    Hook.may_end.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "warning"),
    [
        ("200?token=secret-1", ""),
        ("204/secret-1", ""),
        ("500/secret-1", "answered 500 Internal Server Error"),
        ("302/secret-1", "answered 302 Found"),  # is not followed
        ("silent", "did not answer within 0.5 s"),
    ],
)
def test_an_address_gets_the_result(
    world: World, inner: InProcess, hook: HTTPServer, path: str, warning: str
) -> None:
    """As JSON, once; of the address only the host is ever shown."""
    world.server.put(SRC, "in/a", size=1)
    host = f"127.0.0.1:{hook.server_port}"

    limit = ("--on-end-limit", "0.5s") if path == "silent" else ()
    done = inner.run(*COPY, "--quiet", "--on-end", f"http://{host}/{path}", *limit)

    assert done.code == 0, done.said
    assert done.err == (f"warning: {host}, the address of --on-end, {warning}\n" if warning else "")
    assert "secret-1" not in done.said
    if path != "silent":  # which may be given up before it has got anything
        [(kind, body)] = Hook.got
        assert kind == "application/json"
        assert json.loads(body)["files_copied_successfully"] == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--on-end", "https://user:secret-1@host/x"),
        ("--on-end", "http://"),
        ("--on-end", "https://host/a b"),
        ("--on-end", "http://[::1/x"),
        ("--metrics-file", "none/x.prom"),
        ("--metrics-file", "x", "--html", "x"),
    ],
)
def test_what_cannot_work_is_refused_before_the_run(
    world: World, inner: InProcess, args: tuple[str, ...]
) -> None:
    """Nothing is copied, and no secret is shown."""
    world.server.put(SRC, "in/a", size=1)

    done = inner.run(*COPY, *args)

    assert done.code == 3, done.said
    assert "secret-1" not in done.said
    world.assert_untouched()
