"""The server that every measurement talks to: ``s3stub.c``, compiled once, started per scenario.

The server computes its source keys instead of storing them, copies nothing, and counts
everything, so that the program under measurement is the bottleneck and its work can be verified
afterwards. Only what the server counted is reported.
"""

from __future__ import annotations

import http
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

SOURCE_BUCKET = "src"
DESTINATION_BUCKET = "dst"
PREFIX = "data/"

_CODE = Path(__file__).with_name("s3stub.c")
_BUILD = _CODE.parent / "build"
_CERTIFICATE, _KEY = _BUILD / "certificate.pem", _BUILD / "key.pem"
_COMPILERS = ("cc", "gcc", "clang")
_CONTROL_TIMEOUT_S = 60
_US_PER_S = 1_000_000


class ServerUnavailableError(RuntimeError):
    """The server cannot be built or started here; the text has the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a server has, and how it answers. 0 mostly means none.

    ``jitter_ms`` is the most that is added to a latency. ``answered_503``, ``answered_500`` and
    ``reset`` are shares of the writes, ``denied`` of the keys; ``present`` is the share of them
    that the destination has from the start. The first key may have another size, and parts another
    latency (if not negative), and time for their bytes.
    """

    objects: int
    size_bytes: int = 1024
    first_size_bytes: int = 0
    present: float = 0
    latency_ms: float = 0
    jitter_ms: float = 0
    part_latency_ms: float = -1
    part_mib_per_s: float = 0
    writes_per_s_max: float = 0
    answered_503: float = 0
    answered_500: float = 0
    reset: float = 0
    denied: float = 0
    tls: bool = False

    def arguments(self) -> list[str]:
        """Return the arguments of the server's program."""
        return [
            f"--objects={self.objects}",
            f"--size={self.size_bytes}",
            f"--big-size={self.first_size_bytes}",
            f"--present={self.present}",
            f"--latency-ms={self.latency_ms}",
            f"--jitter-ms={self.jitter_ms}",
            f"--part-latency-ms={self.part_latency_ms}",
            f"--part-mib-per-s={self.part_mib_per_s}",
            f"--max-rps={self.writes_per_s_max}",
            f"--fail-503={self.answered_503}",
            f"--fail-500={self.answered_500}",
            f"--fail-reset={self.reset}",
            f"--fail-403={self.denied}",
            f"--src-bucket={SOURCE_BUCKET}",
            f"--prefix={PREFIX}",
            *((f"--cert={certificate()}", f"--key={_KEY}") if self.tls else ()),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The server's counters since its last reset. ``by_operation`` are requests.

    ``by_class`` too, as AWS bills them: A is PUT, COPY, POST and LIST, B is GET and the rest,
    free is free. ``refused`` are those answered 503, ``throttled`` by the limit alone. The lists
    have one entry for each second since the first copy arrived. ``singles_done_s`` is the time from
    the first request of all to the answer of the last ``CopyObject``, ``parts_window_s`` that from
    the first part to the answer of the last. ``present`` are the objects that the destination had
    from the start, and ``handshakes`` those of TLS: full, and resumed. ``most_done_s`` is the time
    from the first request to the copy with which 95 % were done, ``backed_off_s`` that to the end
    of the last wait: if each copy that fails is repeated after 1, 2 and 4 s, and one that is reset
    at once, too. ``round_trips_to_copy`` are the requests that were answered one after the other
    before the first copy came.
    """

    by_operation: Mapping[str, int]
    by_class: Mapping[str, int]
    requests: int
    refused: int
    throttled: int
    copy_window_s: float
    singles_done_s: float
    parts_window_s: float
    most_done_s: float
    backed_off_s: float
    round_trips_to_copy: int
    copies_by_second: tuple[int, ...]
    throttled_by_second: tuple[int, ...]
    objects: int
    present: int
    copies_done: int
    unique_copied: int
    copies_mismatched: int
    uploads_open: int
    connections: int
    handshakes: tuple[int, int]
    unknown: tuple[str, ...]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Self:
        """Return the counters that a benchmark needs from the answer to ``/__stats``."""
        operations: Mapping[str, Mapping[str, int]] = answer["ops"]
        throttled = _outcomes(operations, "503_throttled")
        return cls(
            by_operation={name: counts["total"] for name, counts in operations.items()},
            by_class=answer["classes"],
            requests=answer["requests"],
            refused=throttled + _outcomes(operations, "503_injected"),
            throttled=throttled,
            copy_window_s=answer["copy_window_s"],
            singles_done_s=answer["single_last_us"] / _US_PER_S,
            parts_window_s=answer["part_window_s"],
            most_done_s=answer["most_done_us"] / _US_PER_S,
            backed_off_s=answer["backed_off_us"] / _US_PER_S,
            round_trips_to_copy=answer["round_trips_to_copy"],
            copies_by_second=tuple(answer["copies_per_second"]),
            throttled_by_second=tuple(answer["throttled_per_second"]),
            objects=answer["objects"],
            present=answer["present"],
            copies_done=answer["copies_done"],
            unique_copied=answer["unique_copied"],
            copies_mismatched=answer["copies_mismatched"],
            uploads_open=answer["uploads_open"],
            connections=answer["conns_total"],
            handshakes=(answer["tls_full"], answer["tls_resumed"]),
            unknown=tuple(answer["unknown"]),
        )

    def problems(self) -> list[str]:
        """Return what no copier may do under any conditions. Losing objects is not among it."""
        # "POST /" is STS GetCallerIdentity, sent for the diagnosis of a denial.
        unknown = [request for request in self.unknown if not request.startswith("POST / ")]
        expected = {
            "copies to a wrong key": (self.copies_mismatched, 0),
            "uploads left open": (self.uploads_open, 0),
            "requests of no known operation": (len(unknown), 0),
        }
        return [
            f"{subject}: {count:,} instead of {expected_count:,}"
            for subject, (count, expected_count) in expected.items()
            if count != expected_count
        ]


def _outcomes(operations: Mapping[str, Mapping[str, int]], outcome: str) -> int:
    return sum(counts.get(outcome, 0) for counts in operations.values())


class CountingServer:
    """One running server; use it as a context manager."""

    def __init__(self, conditions: Conditions) -> None:
        self._process = subprocess.Popen(
            [str(compiled(tls=conditions.tls)), *conditions.arguments()],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._read_url()

    def _read_url(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe, see above
        words = self._process.stdout.readline().split()
        if not words:
            raise ServerUnavailableError(f"s3stub ended with code {self._process.wait()}")
        return words[-1]

    def stats(self) -> Stats:
        """Return the counters."""
        return Stats.parse(self._control("GET", "/__stats"))

    def reset(self) -> None:
        """Zero the counters and forget everything that was copied."""
        self._control("POST", "/__reset")

    def limit(self, requests_per_s: float, *, over_s: float = 0) -> float:
        """Change the limit on writes, at once or evenly over ``over_s``; 0 lifts it.

        Returns when that was, in seconds since the first copy arrived. A reset undoes it.
        """
        answer = self._control("POST", f"/__limit?rps={requests_per_s}&over-s={over_s}")
        return float(answer["at_s"])

    def freeze(self, for_s: float) -> None:
        """Stop the process for ``for_s`` seconds, as a busy machine or network would."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(for_s)
        self._process.send_signal(signal.SIGCONT)

    def _control(self, method: str, path: str) -> dict[str, Any]:
        connection = self._connection()
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer: dict[str, Any] = json.load(response)
            if response.status != http.HTTPStatus.OK:
                raise ValueError(f"s3stub refused {path}: {answer['error']}")
        finally:
            connection.close()
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        scheme, address, *_ = urlsplit(self.url)
        if scheme == "http":
            return http.client.HTTPConnection(address, timeout=_CONTROL_TIMEOUT_S)
        trusted = ssl.create_default_context(cafile=str(certificate()))
        return http.client.HTTPSConnection(address, timeout=_CONTROL_TIMEOUT_S, context=trusted)

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def compiler() -> str | None:
    """Return the C compiler to use (``$CC`` first), or None if there is none."""
    names = [os.environ["CC"]] if os.environ.get("CC") else _COMPILERS
    return next(filter(None, map(shutil.which, names)), None)


def compiled(*, tls: bool = False) -> Path:
    """Return the server's program, compiled if it is missing or older than its code.

    Raises:
        ServerUnavailableError: there is no C compiler, or it failed.
    """
    binary = _BUILD / ("s3stub-tls" if tls else "s3stub")
    if binary.exists() and binary.stat().st_mtime >= _CODE.stat().st_mtime:
        return binary
    cc = compiler()
    if cc is None:
        raise ServerUnavailableError(
            "the benchmark's server is written in C and there is no C compiler here; "
            "on Debian: apt-get install gcc libc6-dev"
        )
    needed = "libssl-dev" if tls else "libc6-dev"
    of_tls = ("-DWITH_TLS", "-lssl", "-lcrypto") if tls else ()
    return _made(
        binary,
        lambda made: [cc, "-O2", "-o", str(made), str(_CODE), *of_tls],
        f"{cc} could not compile {_CODE.name} (it needs Linux and {needed})",
    )


def certificate() -> Path:
    """Return the certificate of a server with TLS, made if it is missing; its own authority.

    Raises:
        ServerUnavailableError: there is no program ``openssl``, or it failed.
    """
    if _CERTIFICATE.exists():
        return _CERTIFICATE
    if not shutil.which("openssl"):
        raise ServerUnavailableError("TLS needs the program openssl: apt-get install openssl")
    return _made(
        _CERTIFICATE,
        lambda made: [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "3650", "-subj", "/CN=s3stub"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),  # rustls wants it so
            *("-keyout", str(_KEY), "-out", str(made)),
        ],
        "openssl could not make a certificate",
    )


def _made(wanted: Path, command: Callable[[Path], list[str]], problem: str) -> Path:
    """Return ``wanted``, which ``command`` makes under another name, as two runs may do at once.

    Raises:
        ServerUnavailableError: it failed; the text begins with ``problem``.
    """
    _BUILD.mkdir(exist_ok=True)
    fresh = wanted.with_name(f"{wanted.name}.{os.getpid()}")
    done = subprocess.run(command(fresh), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerUnavailableError(f"{problem}:\n{done.stderr}")
    return fresh.replace(wanted)
