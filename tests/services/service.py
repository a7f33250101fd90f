"""What a service is: where its programs come from, how it is started, and who may use it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.processes import LOOPBACK, free_port, processes, wait_for_answer


@dataclass(frozen=True, slots=True)
class Key:
    """What signs the requests of one side."""

    access_key: str
    secret: str


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers at ``url``, and the key of each side."""

    url: str
    them: Key
    us: Key


class Service(ABC):
    """One service at one version. ``name`` is also its directory and its name for ``make``."""

    name: str
    title: str
    broken_by: tuple[str, ...] = ()  # keys of objects that it does not survive, or list
    them = Key("AKIATHEM", "secret-of-them")
    us = Key("AKIATHEM", "secret-of-them")

    @abstractmethod
    def fetch(self, root: Path) -> None:
        """Fetch what is missing of the service's programs into ``root``."""

    @abstractmethod
    def running(self, root: Path, state: Path) -> Iterator[Running]:
        """Start the service; a generator that yields once and stops it afterwards."""

    @contextmanager
    def run(self, root: Path, state: Path) -> Iterator[Running]:
        """Fetch the service, start it, and stop it at the end."""
        self.fetch(root)
        state.mkdir(parents=True)
        yield from self.running(root, state)


class ProcessService(Service):
    """A service that is one process on one port."""

    def running(self, root: Path, state: Path) -> Iterator[Running]:
        """Start the process and wait for its first answer."""
        port = free_port()
        with processes(state) as start:
            start(self.name, self.command(root, state, port), self.environment(root, state, port))
            url = f"http://{LOOPBACK}:{port}"
            wait_for_answer(url, state)
            yield Running(url, self.them, self.us)

    @abstractmethod
    def command(self, root: Path, state: Path, port: int) -> Sequence[str]:
        """Return how the process is started."""

    def environment(self, root: Path, state: Path, port: int) -> Mapping[str, str]:
        """Return what its environment has beside PATH and HOME."""
        return {}
