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
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

SOURCE_BUCKET = "src"
DESTINATION_BUCKET = "dst"
PREFIX = "data/"

_CODE = Path(__file__).with_name("s3stub.c")
_BINARY = _CODE.parent / "build" / "s3stub"
_COMPILERS = ("cc", "gcc", "clang")
_CONTROL_TIMEOUT_S = 60
_US_PER_S = 1_000_000


class ServerUnavailableError(RuntimeError):
    """The server cannot be built or started here; the text has the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The server's counters since its last reset. ``by_operation`` are requests.

    ``by_class`` too, as AWS bills them: A is PUT, COPY, POST and LIST, B is GET and the rest,
    free is free. ``refused`` are those answered 503, ``throttled`` by the limit alone. The lists
    have one entry for each second since the first copy arrived. ``singles_done_s`` is the time from
    the first request of all to the answer of the last ``CopyObject``.
    """

    by_operation: Mapping[str, int]
    by_class: Mapping[str, int]
    requests: int
    refused: int
    throttled: int
    copy_window_s: float
    singles_done_s: float
    copies_by_second: tuple[int, ...]
    throttled_by_second: tuple[int, ...]
    objects: int
    copies_done: int
    unique_copied: int
    copies_mismatched: int
    uploads_open: int
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
            copies_by_second=tuple(answer["copies_per_second"]),
            throttled_by_second=tuple(answer["throttled_per_second"]),
            objects=answer["objects"],
            copies_done=answer["copies_done"],
            unique_copied=answer["unique_copied"],
            copies_mismatched=answer["copies_mismatched"],
            uploads_open=answer["uploads_open"],
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

    def __init__(
        self,
        *,
        objects: int,
        latency_ms: float = 0,
        size_bytes: int = 1024,
        writes_per_s_max: float = 0,
        answered_503: float = 0,
        denied: float = 0,
        first_size_bytes: int = 0,
        part_latency_ms: float = -1,
        part_mib_per_s: float = 0,
    ) -> None:
        """Start the server.

        0 mostly means none: ``answered_503`` is a share of the writes, ``denied`` of the keys.
        The first key may have another size, and parts another latency, and time for their bytes.
        """
        self._process = subprocess.Popen(
            [
                str(compiled()),
                f"--objects={objects}",
                f"--latency-ms={latency_ms}",
                f"--size={size_bytes}",
                f"--max-rps={writes_per_s_max}",
                f"--fail-503={answered_503}",
                f"--fail-403={denied}",
                f"--big-size={first_size_bytes}",
                f"--part-latency-ms={part_latency_ms}",
                f"--part-mib-per-s={part_mib_per_s}",
                f"--src-bucket={SOURCE_BUCKET}",
                f"--prefix={PREFIX}",
            ],
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
        connection = http.client.HTTPConnection(
            urlsplit(self.url).netloc, timeout=_CONTROL_TIMEOUT_S
        )
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer: dict[str, Any] = json.load(response)
            if response.status != http.HTTPStatus.OK:
                raise ValueError(f"s3stub refused {path}: {answer['error']}")
        finally:
            connection.close()
        return answer

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


def compiled() -> Path:
    """Return the server's program, compiled if it is missing or older than its code.

    Raises:
        ServerUnavailableError: there is no C compiler, or it failed.
    """
    if _BINARY.exists() and _BINARY.stat().st_mtime >= _CODE.stat().st_mtime:
        return _BINARY
    cc = compiler()
    if cc is None:
        raise ServerUnavailableError(
            "the benchmark's server is written in C and there is no C compiler here; "
            "on Debian: apt-get install gcc libc6-dev"
        )
    _BINARY.parent.mkdir(exist_ok=True)
    fresh = _BINARY.with_name(f"s3stub.{os.getpid()}")  # two runs may compile at once
    done = subprocess.run(
        [cc, "-O2", "-o", str(fresh), str(_CODE)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerUnavailableError(
            f"{cc} could not compile {_CODE.name} (it needs Linux and libc6-dev):\n{done.stderr}"
        )
    return fresh.replace(_BINARY)
