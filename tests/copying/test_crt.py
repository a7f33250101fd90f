"""awscrt as a copy_client, against real sockets: TLS, names, ports, and what its errors become."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import trustme

from s3_xfer import CopyOptions, Engine, ErrorClass, Preflight, RunState
from s3_xfer.copying.answers import Answer, Reset
from s3_xfer.copying.opened import Opened
from s3_xfer.copying.template import compose
from s3_xfer.errors import translate
from s3_xfer.model import CopyTask, S3Object
from tests.patience import PATIENCE_S
from tests.world import DESTINATION_KEY, SOURCE_KEY, SRC, World

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient

crt = pytest.importorskip("s3_xfer.copying.crt", reason="needs awscrt")
awscrt_io = pytest.importorskip("awscrt.io")

NOW_OR_LATER = float("inf")
ETAG = "910a2dec89025cc1f3203e9039f4a821"
BODY = f"<CopyObjectResult><ETag>{ETAG}</ETag></CopyObjectResult>"
TASK = CopyTask(
    S3Object(
        bucket="s", key="k", size=1, etag=ETAG, last_modified=datetime(2024, 1, 1, tzinfo=UTC)
    ),
    "d",
    "k",
)


@contextmanager
def tls_in_front_of(port: int, certificate: trustme.LeafCert) -> Iterator[int]:
    """Listen on localhost with ``certificate``, and pass everything to ``port``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            raw, _ = listener.accept()
        except OSError:
            return  # closed: the test is over
        threading.Thread(target=_serve, args=(raw, context, port), daemon=True).start()


def _serve(raw: socket.socket, context: ssl.SSLContext, port: int) -> None:
    try:
        with (
            context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            server.shutdown(socket.SHUT_WR)
            back.join(PATIENCE_S)
    except OSError:
        raw.close()  # a handshake that was refused, which is what some tests are about


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


@contextmanager
def copy_client_to(url: str, ca_bundle: Path | None = None) -> Iterator[CrtCopyClient]:
    """Make a copy_client for a client with ``url`` as its endpoint."""
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    client = session.client("s3", region_name="us-east-1", endpoint_url=url)
    template = compose(client, CopyOptions(), destination_bucket="d")
    opened = Opened()
    copy_client = crt.CrtCopyClient(
        template,
        session.get_credentials(),
        connect_timeout_s=60,
        ca_bundle=str(ca_bundle) if ca_bundle else None,
        opened=opened,
    )
    try:
        yield copy_client
    finally:
        opened.close()


def sent(copy_client: CrtCopyClient, task: CopyTask = TASK) -> Answer:
    """Return the answer to one copy."""
    answers: queue.Queue[Answer] = queue.Queue()
    copy_client.send(task, answers.put)
    return answers.get(timeout=PATIENCE_S)


def answer_of(url: str, ca_bundle: Path | None = None) -> Answer:
    """Return what a new copy_client for ``url`` gets for one copy."""
    with copy_client_to(url, ca_bundle) as copy_client:
        return sent(copy_client)


def test_copies_go_through_tls_that_a_custom_authority_vouches_for(tmp_path: Path) -> None:
    """With ``ca_bundle`` the whole program copies through TLS by CRT."""
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with World(Engine.CRT) as world:
        port = int(world.server.url.rpartition(":")[2])
        world.server.put(SRC, "in/x", size=1)
        with tls_in_front_of(port, authority.issue_cert("localhost")) as tls_port:
            url = f"https://localhost:{tls_port}"
            result = world.copy(
                source=world.account(SOURCE_KEY),
                destination=world.account(DESTINATION_KEY, endpoint_url=url, ca_bundle=str(bundle)),
            )
    assert result.state is RunState.COMPLETED
    assert result.metrics.copied_by_engine == {"crt": 1}


@pytest.mark.parametrize("engine", [Engine.CRT, Engine.MANAGED])
def test_the_certificates_to_trust_are_read_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each library, for all connections of a run; what was written since is read anew."""
    bundle, read = tmp_path / "ca.pem", list[str]()

    def spied(of: type, name: str) -> None:
        original = getattr(of, name)

        def spy(self: Any, *paths: str | None) -> Any:
            read.append(name)
            return original(self, *paths)

        monkeypatch.setattr(of, name, spy)

    by_python, by_awscrt = "load_verify_locations", "override_default_trust_store_from_path"
    spied(ssl.SSLContext, by_python)
    spied(awscrt_io.TlsContextOptions, by_awscrt)
    for _ in range(2):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(bundle)
        read.clear()
        with World(engine) as world:
            for number in range(10):
                world.server.put(SRC, f"in/{number}", size=1)
            port = int(world.server.url.rpartition(":")[2])
            with tls_in_front_of(port, authority.issue_cert("localhost")) as tls_port:
                url = f"https://localhost:{tls_port}"
                result = world.copy(
                    destination=world.account(
                        DESTINATION_KEY, endpoint_url=url, ca_bundle=str(bundle)
                    )
                )
        assert result.metrics.copied_by_engine == {engine.value: 10}
        assert sorted(read) == [by_python, *([by_awscrt] if engine is Engine.CRT else [])]


BUNDLES: dict[str, tuple[Callable[[trustme.CA], bytes], str]] = {
    "certificates": (lambda ca: ca.cert_pem.bytes(), "crt"),
    "comments": (lambda ca: b"# Issuer: us\n\n" + ca.cert_pem.bytes() + b"\n# end\n", "crt"),
    "a private key": (lambda ca: ca.private_key_pem.bytes() + ca.cert_pem.bytes(), "managed"),
}


@pytest.mark.parametrize("row", BUNDLES)
def test_a_bundle_that_awscrt_cannot_read_is_for_the_other_engine(row: str, tmp_path: Path) -> None:
    """OpenSSL takes more: what it can use is no reason to fail, only to do without awscrt."""
    contents, engine = BUNDLES[row]
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    bundle.write_bytes(contents(authority))
    with World() as world:
        port = int(world.server.url.rpartition(":")[2])
        world.server.put(SRC, "in/x", size=1)
        with tls_in_front_of(port, authority.issue_cert("localhost")) as tls_port:
            url = f"https://localhost:{tls_port}"
            destination = world.account(DESTINATION_KEY, endpoint_url=url, ca_bundle=str(bundle))
            result = world.copy(destination=destination)
    assert result.metrics.copied_by_engine == {engine: 1}
    assert ("awscrt cannot use the certificates" in (result.why_managed or "")) is (
        engine == "managed"
    )


def test_certificates_of_strangers_are_refused(tmp_path: Path) -> None:
    """Another authority's certificate ends in an error, not in a request."""
    ours, theirs, bundle = trustme.CA(), trustme.CA(), tmp_path / "ca.pem"
    ours.cert_pem.write_to_path(bundle)
    certificate = theirs.issue_cert("localhost")
    with (
        World() as world,
        tls_in_front_of(int(world.server.url.rpartition(":")[2]), certificate) as port,
    ):
        answer = answer_of(f"https://localhost:{port}", bundle)
        assert not world.server.requests
    assert answer.error is not None
    assert translate(answer.error).error_class is ErrorClass.NETWORK
    assert "TLS" in str(answer.error)


NOT_TRUSTED: dict[str, Callable[[trustme.CA, trustme.CA], trustme.LeafCert]] = {
    "another authority": lambda _, theirs: theirs.issue_cert("localhost"),
    "another name": lambda ours, _: ours.issue_cert("example.org"),
    "expired": lambda ours, _: ours.issue_cert(
        "localhost",
        not_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_after=datetime(2021, 1, 1, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize("row", NOT_TRUSTED)
def test_what_is_wrong_with_a_certificate_is_told_alike_by_both_engines(
    row: str, tmp_path: Path
) -> None:
    """The same class, tries and words, and at once: awscrt alone takes half a minute a try."""
    ours, theirs, bundle = trustme.CA(), trustme.CA(), tmp_path / "ca.pem"
    ours.cert_pem.write_to_path(bundle)
    certificate = NOT_TRUSTED[row](ours, theirs)
    seen = {}
    for engine in (Engine.MANAGED, Engine.CRT):
        with World(engine) as world:
            world.server.put(SRC, "in/x", size=1)
            port = int(world.server.url.rpartition(":")[2])
            with tls_in_front_of(port, certificate) as tls_port:
                url = f"https://localhost:{tls_port}"
                result = world.copy(
                    preflight=Preflight.SKIP,
                    read_timeout_s=5,
                    destination=world.account(
                        DESTINATION_KEY, endpoint_url=url, ca_bundle=str(bundle)
                    ),
                )
            info = result.failures[0].error.info
            words = info.message.replace(str(tls_port), "PORT")
            seen[engine] = (info.error_class, info.attempts, info.code, words)
    assert seen[Engine.MANAGED] == seen[Engine.CRT]
    assert seen[Engine.CRT][:2] == (ErrorClass.NETWORK, 4)


def test_names_that_do_not_resolve_are_network_errors() -> None:
    """The message of the error names the endpoint."""
    answer = answer_of("http://nowhere.invalid:80")
    assert answer.error is not None
    assert translate(answer.error).error_class is ErrorClass.NETWORK
    assert "nowhere.invalid" in str(answer.error)


def test_ports_that_nobody_listens_on_are_network_errors() -> None:
    """A refused connection is no time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = answer_of(f"http://127.0.0.1:{port}")
    assert answer.error is not None
    assert translate(answer.error).error_class is ErrorClass.NETWORK


# --------------------------------------------------------------------------- connections


class ScriptedServer:
    """Answers each request of each connection with the next of ``answers``; ends it with None."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = queue.SimpleQueue[bytes | None]()
        for answer in answers:
            self._answers.put(answer)
        self.accepted = self.ended = 0
        self.heads: list[bytes] = []

    @property
    def requests(self) -> int:
        """How many have come."""
        return len(self.heads)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Serve, and return the URL."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            listener.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while line := lines.readline():
                head = [line]
                while (line := lines.readline()) not in (b"\r\n", b""):
                    head.append(line)
                self.heads.append(b"".join(head))
                answer = self._answers.get()
                if answer is None:
                    return
                connection.sendall(answer)
        self.ended += 1


def whole(body: str = BODY, *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


def test_one_connection_serves_many_copies() -> None:
    """An idle connection is used before another one is opened."""
    server = ScriptedServer(*[whole()] * 10)
    with server.listening() as url, copy_client_to(url) as copy_client:
        answers = [sent(copy_client) for _ in range(10)]
    assert [answer.body for answer in answers] == [BODY.encode()] * 10
    assert (server.accepted, server.requests) == (1, 10)


def test_each_copy_on_a_connection_says_what_it_says_on_a_new_one() -> None:
    """Nothing of the request before is left in it, within the same second and after it."""
    now_s = time.time()
    copies = [
        (CopyTask(replace(TASK.source, key=key, etag=f'"{key}"'), "d", key * 2), now_s + late_s)
        for key, late_s in (("first", 0), ("a b", 0), ("third/~", 5))
    ]

    def send_each(copy_client: CrtCopyClient, some: Iterable[tuple[CopyTask, float]]) -> None:
        for task, at_s in some:
            copy_client._signer._clock = partial(float, at_s)
            assert sent(copy_client, task).status == 200

    server = ScriptedServer(*[whole()] * 2 * len(copies))
    with server.listening() as url:
        with copy_client_to(url) as copy_client:
            send_each(copy_client, copies)
        for copy in copies:
            with copy_client_to(url) as copy_client:
                send_each(copy_client, [copy])
    assert server.accepted == 1 + len(copies)
    heads = [sorted(head.split(b"\r\n")) for head in server.heads]
    assert heads[: len(copies)] == heads[len(copies) :]
    assert heads[0] != heads[1] != heads[2]


def test_copies_go_through_connections_that_were_preconnected() -> None:
    """Also while they are being opened; none is opened twice, and all are closed at the end."""
    server = ScriptedServer(*[whole()] * 6)
    answers: queue.Queue[Answer] = queue.Queue()
    with server.listening() as url, copy_client_to(url) as copy_client:
        copy_client.preconnect(3)
        for _ in range(3):  # at once
            copy_client.send(TASK, answers.put)
        assert [answers.get(timeout=PATIENCE_S).status for _ in range(3)] == [200] * 3
        assert server.accepted == 3
        copy_client.preconnect(3)  # they are idle now
        copy_client.preconnect(5)
        wait_until(lambda: server.accepted == 5)
        assert [sent(copy_client).status for _ in range(3)] == [200] * 3
    wait_until(lambda: server.ended == 5)
    assert (server.accepted, server.requests) == (5, 6)


def test_connections_that_cannot_be_preconnected_are_the_errors_of_who_needs_them() -> None:
    """Nobody hears of those that nobody needs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answers: queue.Queue[Answer] = queue.Queue()
    with copy_client_to(f"http://127.0.0.1:{port}") as copy_client:
        copy_client.preconnect(3)
        for _ in range(4):
            copy_client.send(TASK, answers.put)
        errors = [answers.get(timeout=PATIENCE_S).error for _ in range(4)]
    assert [translate(each).error_class for each in errors if each] == [ErrorClass.NETWORK] * 4


def test_connections_that_the_server_ends_are_replaced() -> None:
    """After a connection has ended, announced or not, the next copy goes through another one."""
    server = ScriptedServer(whole(BODY, "Connection: close"), None, whole(), whole())
    with server.listening() as url, copy_client_to(url) as copy_client:
        assert sent(copy_client).body == BODY.encode()
        assert sent(copy_client).error  # the server hung up instead of answering
        assert sent(copy_client).body == BODY.encode()
        assert sent(copy_client).body == BODY.encode()
    assert (server.accepted, server.requests) == (3, 4)


@pytest.mark.parametrize(
    ("answers", "reset"),
    [
        ((None,), Reset.OF_NEW),
        ((whole(), None), Reset.OF_USED),
        ((b"\0 no HTTP\r\n\r\n",), None),
        ((whole(), b"\0 no HTTP\r\n\r\n"), None),
        ((whole(),), None),
    ],
)
def test_connections_that_end_without_a_byte_of_an_answer_were_reset(
    answers: tuple[bytes | None, ...], reset: Reset | None
) -> None:
    """It is known which of them were used before; what cannot be read is an answer all the same."""
    server = ScriptedServer(*answers)
    with server.listening() as url, copy_client_to(url) as copy_client:
        last = [sent(copy_client) for _ in answers][-1]
    assert last.reset is reset
    assert server.accepted == 1


def test_idle_connections_that_were_closed_are_not_used() -> None:
    """A connection that S3 closed while it was idle is replaced, without an error."""
    server = ScriptedServer(whole(), whole())
    with server.listening() as url, copy_client_to(url) as copy_client:
        assert sent(copy_client).status == 200
        (idle,) = copy_client._connections._idle
        idle.http.close().result(PATIENCE_S)
        assert sent(copy_client).status == 200
    assert server.accepted == 2


def test_half_an_answer_is_none() -> None:
    """However complete a body looks, it is no answer while its length says that more will come."""
    cut = whole(BODY + " " * 10)[:-10]
    server = ScriptedServer(cut + b"", None)
    with server.listening() as url, copy_client_to(url) as copy_client:
        answers: queue.Queue[Answer] = queue.Queue()
        give_up = copy_client.send(TASK, answers.put)
        wait_until(lambda: server.requests == 1)
        time.sleep(0.2)  # a program that takes half an answer for one has it by now
        assert answers.empty()
        give_up(NOW_OR_LATER)
        answer = answers.get(timeout=PATIENCE_S)
    assert answers_nothing(answer)


def answers_nothing(answer: Answer) -> bool:
    """Return whether there is an error, and nothing that could be taken for a copy."""
    return answer.error is not None and not answer.status and not answer.body


def test_what_is_given_up_is_a_time_out_and_its_connection_is_gone() -> None:
    """It ends once, and what comes later is not taken for the answer to another request."""
    server = ScriptedServer(b"", whole())
    with server.listening() as url, copy_client_to(url) as copy_client:
        answers: queue.Queue[Answer] = queue.Queue()
        give_up = copy_client.send(TASK, answers.put)
        wait_until(lambda: server.requests == 1)
        give_up(NOW_OR_LATER)
        give_up(NOW_OR_LATER)
        answer = answers.get(timeout=PATIENCE_S)
        assert answers_nothing(answer)
        assert answer.error
        assert translate(answer.error).error_class is ErrorClass.TIMEOUT
        assert sent(copy_client).status == 200
        assert answers.empty()
    assert server.accepted == 2


def test_what_is_given_up_before_there_is_a_connection_is_a_time_out_too() -> None:
    """The connection is closed when it comes, and nothing is sent through it that matters."""
    server = ScriptedServer(b"", b"")
    with server.listening() as url, copy_client_to(url) as copy_client:
        answers: queue.Queue[Answer] = queue.Queue()
        copy_client.send(TASK, answers.put)(NOW_OR_LATER)
        answer = answers.get(timeout=PATIENCE_S)
    assert answers_nothing(answer)
    assert translate(answer.error or OSError()).error_class is ErrorClass.TIMEOUT


def test_the_answer_to_an_earlier_request_is_not_taken_for_the_next() -> None:
    """The second of two answers to one request is thrown away."""
    server = ScriptedServer(whole() + whole("<Error/>", status="403 Forbidden"), whole())
    with server.listening() as url, copy_client_to(url) as copy_client:
        assert sent(copy_client).status == 200
        time.sleep(0.1)  # the second answer has come by now
        assert sent(copy_client).status == 200


def test_what_cannot_be_sent_is_an_error_of_its_own() -> None:
    """A request that cannot be sent fails, and its connection serves the next."""
    server = ScriptedServer(whole(), whole())
    broken = replace(TASK, source=replace(TASK.source, etag="a\r\nb"))
    with server.listening() as url, copy_client_to(url) as copy_client:
        assert sent(copy_client).status == 200
        answers: queue.Queue[Answer] = queue.Queue()
        copy_client.send(broken, answers.put)
        assert answers_nothing(answers.get(timeout=PATIENCE_S))
        assert sent(copy_client).status == 200
    assert (server.accepted, server.requests) == (1, 2)


def test_errors_keep_the_words_of_s3() -> None:
    """An error has its status, headers and body, also one that asks for fewer requests."""
    refusal = "<Error><Code>SlowDown</Code><Message>Please.</Message></Error>"
    server = ScriptedServer(whole(refusal, "x-amz-request-id: R1", status="503 Slow Down"))
    with server.listening() as url:
        answer = answer_of(url)
    assert (answer.status, answer.body) == (503, refusal.encode())
    assert ("x-amz-request-id", "R1") in answer.headers


def test_hundreds_of_headers_are_an_answer_like_any_other() -> None:
    """There is no limit to their number, nor, within reason, to their size."""
    headers = [f"x-{number}: {'v' * 100}" for number in range(400)]
    server = ScriptedServer(whole(BODY, *headers))
    with server.listening() as url:
        answer = answer_of(url)
    assert answer.body == BODY.encode()
    assert len(answer.headers) > 400


def test_answers_in_chunks_are_put_together() -> None:
    """S3 sends spaces while it copies, to keep the connection alive."""
    parts = [b" ", b"\n", BODY[:20].encode(), BODY[20:].encode(), b""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    server = ScriptedServer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    with server.listening() as url:
        assert answer_of(url).body == b" \n" + BODY.encode()


def test_an_answer_that_goes_on_is_given_up_when_nothing_more_comes_of_it() -> None:
    """Spaces tell that S3 is at work; who waits counts the time since the last of them."""
    server = ScriptedServer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n")
    with server.listening() as url, copy_client_to(url) as copy_client:
        answers: queue.Queue[Answer] = queue.Queue()
        sent_at_s = time.monotonic()
        give_up = copy_client.send(TASK, answers.put)
        stream: Any = give_up.__self__  # type: ignore[attr-defined] # a bound method
        wait_until(lambda: stream._answer.body == b" ")
        give_up(sent_at_s)
        time.sleep(0.1)  # a connection that is closed has said so by now
        assert answers.empty()
        give_up(time.monotonic())
        assert answers_nothing(answers.get(timeout=PATIENCE_S))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    until_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.01)
