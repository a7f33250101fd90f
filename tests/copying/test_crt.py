"""awscrt as a sender, against real sockets: TLS, names, ports, and what its errors become."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
import trustme

from s3_xfer import CopyOptions, Engine, ErrorClass, RunState
from s3_xfer.copying.answers import Answer
from s3_xfer.copying.template import compose
from s3_xfer.errors import translate
from s3_xfer.model import CopyTask, S3Object
from tests.world import DESTINATION_KEY, SOURCE_KEY, SRC, World

crt = pytest.importorskip("s3_xfer.copying.crt", reason="needs awscrt")

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
def tls_in_front_of(port: int, authority: trustme.CA) -> Iterator[int]:
    """Listen with a certificate of ``authority`` for localhost, and pass everything to ``port``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
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
            back.join(5)
    except OSError:
        raw.close()  # a handshake that was refused, which is what some tests are about


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


def answer_of(url: str, ca_bundle: Path | None = None) -> Answer:
    """Return what a sender for ``url`` gets for one copy."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    template = compose(client, CopyOptions(), source_bucket="s", destination_bucket="d")
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b")
    sender = crt.CrtSender(
        template,
        session.get_credentials(),
        connections=4,
        connect_timeout_s=2,
        ca_bundle=str(ca_bundle) if ca_bundle else None,
    )
    answers: queue.Queue[Answer] = queue.Queue()
    sender.send(TASK, answers.put)
    try:
        return answers.get(timeout=30)
    finally:
        sender.close()


def test_copies_go_through_tls_that_a_custom_authority_vouches_for(tmp_path: Path) -> None:
    """The whole program, with ``ca_bundle``, by CRT."""
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with World(Engine.CRT) as world:
        port = int(world.server.url.rpartition(":")[2])
        world.server.put(SRC, "in/x", size=1)
        with tls_in_front_of(port, authority) as tls_port:
            url = f"https://localhost:{tls_port}"
            result = world.copy(
                source=world.account(SOURCE_KEY),
                destination=world.account(DESTINATION_KEY, endpoint_url=url, ca_bundle=str(bundle)),
            )
    assert result.state is RunState.COMPLETED
    assert result.metrics.copied_by_engine == {"crt": 1}


def test_certificates_of_strangers_are_refused(tmp_path: Path) -> None:
    """Another authority's certificate ends in an error, not in a request."""
    ours, theirs, bundle = trustme.CA(), trustme.CA(), tmp_path / "ca.pem"
    ours.cert_pem.write_to_path(bundle)
    with (
        World() as world,
        tls_in_front_of(int(world.server.url.rpartition(":")[2]), theirs) as port,
    ):
        answer = answer_of(f"https://localhost:{port}", bundle)
        assert not world.server.requests
    assert answer.error is not None
    assert translate(answer.error).error_class is ErrorClass.NETWORK
    assert "TLS" in str(answer.error)


def test_names_that_do_not_resolve_are_network_errors() -> None:
    """With the endpoint in the message."""
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
