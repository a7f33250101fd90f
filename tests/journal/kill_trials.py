"""One copy with a journal in S3, killed at a position in the protocol and resumed to its end.

A position is a request and how far it has come: sent but never delivered, delivered (the server
does the work, and nobody hears the answer), or answered. The kills are ``SIGKILL``. The server
behind the proxy may be the fault server or a real one: what is looked at are buckets, by boto3.

After every kill, what the journal in S3 calls done is there with the ETag that an undisturbed copy
gets. After a resume that ends with 0 everything is there, and no upload is open.
"""

from __future__ import annotations

import enum
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from s3_xfer.ledger.journal.store import Store
from s3_xfer.units import MIB
from tests.e2e.program import PROFILES, QUICK, Done, Program, end_of
from tests.tcp_faults import (
    Effect,
    TcpFaultProxy,
    WireFault,
    after_answer,
    before_delivery,
    on_delivery,
)
from tests.world import DESTINATION_KEY, DST, SRC

JOURNALS = "journals"
LARGE_SIZES = (17 * MIB, 28 * MIB, 25 * MIB)
MOST_RESUMES = 6


class How(enum.Enum):
    """How far the request has come when the process is killed."""

    SENT = enum.auto()
    DELIVERED = enum.auto()
    ANSWERED = enum.auto()


_EFFECTS: Mapping[How, Callable[[Callable[[], object]], Effect]] = {
    How.SENT: before_delivery,
    How.DELIVERED: on_delivery,
    How.ANSWERED: after_answer,
}


@dataclass(frozen=True, slots=True)
class Kill:
    """A position: the first request of ``operation`` to a ``key`` like this, after others."""

    operation: str
    how: How
    after: int = 0
    key: str = ""

    def __str__(self) -> str:
        return f"{self.operation}[{self.after}]{self.key}-{self.how.name.lower()}"


@dataclass
class Numbers:
    """What was tried, for the one who reads the output."""

    runs: int = 0
    kills: int = 0
    missed: int = 0  # the run had ended before the position came
    objects_checked: int = 0
    uploads_found_after_kills: int = 0


@dataclass
class KillTrials:
    """Trials against one server; each has a destination prefix and a journal of its own."""

    put: Callable[..., object]  # stores an object at the source, by the stage's arguments
    server_url: str
    proxy: TcpFaultProxy
    program: Program
    small: int = 40
    numbers: Numbers = field(default_factory=Numbers)

    def __post_init__(self) -> None:
        self._trial_numbers = count(1)
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.server_url,
            aws_access_key_id=DESTINATION_KEY,
            aws_secret_access_key="secret",
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def fill(self) -> None:
        """Store the objects, and learn from an undisturbed copy which ETags the copies have."""
        for number in range(self.small):
            self.put(SRC, f"in/{number:05}", size=number, tags={"number": str(number)})
        for number, size in enumerate(LARGE_SIZES):
            key = f"in/{number * self.small // len(LARGE_SIZES):05}-large"
            self.put(SRC, key, size=size, metadata={"number": str(number)})
        done = self.program.run(*_copy("reference/"), *QUICK)
        assert done.code == 0, done.said
        self.expected = {
            key.removeprefix("reference/"): etag for key, etag in self.etags("reference/").items()
        }
        assert len(self.expected) == self.small + len(LARGE_SIZES)

    def etags(self, prefix: str) -> dict[str, str]:
        """Return the ETags of the objects at the destination."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=DST, Prefix=prefix)
        return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", ())}

    def uploads(self, prefix: str) -> list[str]:
        """Return the keys of the open uploads."""
        listed = self.client.list_multipart_uploads(Bucket=DST, Prefix=prefix)
        return [upload["Key"] for upload in listed.get("Uploads", ())]

    def run(self, *kills: Kill) -> Sequence[bool]:
        """Begin a copy, kill it and each of its resumes at these positions, and finish it.

        Returns which of the positions were reached.
        """
        trial = Trial(self, f"out-{next(self._trial_numbers)}")
        reached = [trial.run_and_kill(kill) for kill in kills]
        trial.finish()
        return reached


@dataclass
class Trial:
    """One copy and its resumes."""

    trials: KillTrials
    name: str

    @property
    def _journal_key(self) -> str:
        return f"{self.name}.db"

    @property
    def _journal(self) -> str:
        return f"s3://{JOURNALS}/{self._journal_key}"

    def run_and_kill(self, kill: Kill) -> bool:
        """Begin or resume; kill it at the position; check what the journal says then."""
        proxy, numbers = self.trials.proxy, self.trials.numbers
        children: list[subprocess.Popen[str]] = []

        def end() -> None:
            while not children:
                pass
            children[0].kill()
            children[0].wait()

        position = proxy.inject(
            WireFault(
                _EFFECTS[kill.how](end), kill.operation, times=1, after=kill.after, key=kill.key
            )
        )
        children.append(self.trials.program.start(*self._arguments(), "--json"))
        end_of(children[0])
        proxy.heal()
        reached = bool(position.hits)
        numbers.runs += 1
        numbers.kills += reached
        numbers.missed += not reached
        numbers.uploads_found_after_kills += len(self.trials.uploads(f"{self.name}/"))
        self._check_journal()
        return reached

    def finish(self) -> None:
        """Resume until everything is copied; check that nothing is missing, and nothing left."""
        done = self._resume_to_the_end()
        metrics = done.json()
        copies = self.trials.etags(f"{self.name}/")
        copied = {key.removeprefix(f"{self.name}/"): etag for key, etag in copies.items()}
        assert copied == self.trials.expected
        assert metrics["files_copied_successfully"] == len(self.trials.expected)
        assert self.trials.uploads(f"{self.name}/") == []
        self.trials.numbers.objects_checked += len(copied)
        for key in copies:  # a real server keeps contents, in the memory of this machine
            self.trials.client.delete_object(Bucket=DST, Key=key)

    def _resume_to_the_end(self) -> Done:
        for _ in range(MOST_RESUMES):
            done = self.trials.program.run(*self._arguments(), "--json")
            self.trials.numbers.runs += 1
            if done.code == 0:
                return done
            assert done.code == 1, done.said
            self._check_journal()
        raise AssertionError(done.said)

    def _arguments(self) -> tuple[str, ...]:
        """Return the command that begins or goes on."""
        if self._release():
            quick = ("--concurrency", "4", "--retry-delay", "0.01")
            return ("resume", self._journal, *PROFILES, *quick)
        return (*_copy(f"{self.name}/"), *QUICK, "--journal", self._journal)

    def _release(self) -> bool:
        """Take the journal from its dead owner, whose lease nobody waits for here.

        Returns whether there is one.
        """
        body = self._contents()
        if body:
            self.trials.client.put_object(Bucket=JOURNALS, Key=self._journal_key, Body=body)
        return bool(body)

    def _contents(self) -> bytes:
        listed = self.trials.client.list_objects_v2(Bucket=JOURNALS, Prefix=self._journal_key)
        if not listed.get("Contents"):
            return b""
        answer = self.trials.client.get_object(Bucket=JOURNALS, Key=self._journal_key)
        contents: bytes = answer["Body"].read()
        return contents

    def _check_journal(self) -> None:
        """Assert that what the journal calls done is there, with its ETag."""
        contents = self._contents()
        if not contents:
            return
        path = self.trials.program.directory / "looked-at.db"
        path.write_bytes(contents)
        copies = self.trials.etags(f"{self.name}/")
        for key in done_by(path, (f"in/{name}" for name in self.trials.expected)):
            name = key.removeprefix("in/")
            assert copies.get(f"{self.name}/{name}") == self.trials.expected[name], name
            self.trials.numbers.objects_checked += 1


def done_by(journal: Path, keys: Iterator[str]) -> Iterator[str]:
    """Yield those of ``keys``, of the one source, that a journal calls done."""
    store = Store(journal, name="looked at")
    try:
        done = store.fact("progress")["done"]
        finished = {key for (key,) in store.rows("SELECT key FROM finished")}
        pending = {key for (key,) in store.rows("SELECT key FROM pending")}
    finally:
        store.close()
    for key in keys:
        in_range = any(after < key and (until is None or key <= until) for _, after, until in done)
        if key not in pending and (in_range or key in finished):
            yield key


def _copy(destination: str) -> tuple[str, ...]:
    return ("copy", f"s3://{SRC}/in/", f"s3://{DST}/{destination}", "--recursive", *PROFILES)
