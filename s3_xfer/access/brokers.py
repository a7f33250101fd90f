"""Programs that give credentials (``credential_process``): they get a bound, and are waited for.

botocore waits for such a program for ever. It may hang on a dead network, or wait for a person.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import botocore.session
from botocore.exceptions import CredentialRetrievalError

from s3_xfer.copying.request_state import stopped
from s3_xfer.pipeline.stop import StopFlag

BOUND_S = 60.0
NOTE_AFTER_S = 3.0
_POLL_S = 0.1

T = TypeVar("T")


class BoundedProcess(subprocess.Popen[bytes]):
    """A program that is killed when it has not ended after :data:`BOUND_S`."""

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:  # noqa: A002 - as the base has it
        """Return what it wrote.

        Raises:
            CredentialRetrievalError: it did not end in time.
        """
        try:
            return super().communicate(input, BOUND_S if timeout is None else timeout)
        except subprocess.TimeoutExpired as error:
            self._end()
            raise CredentialRetrievalError(
                provider="credential_process",
                error_msg=f"the program did not end within {BOUND_S:.0f} s, and was killed",
            ) from error

    def _end(self) -> None:
        """Kill it, and read no more: what it may have started can hold its pipes."""
        self.kill()
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()


def bound_processes(core: botocore.session.Session) -> None:
    """Let every program that ``core`` asks for credentials end in time."""
    resolver = core.get_component("credential_provider")
    for provider in resolver.providers:
        if hasattr(provider, "_popen"):
            provider._popen = BoundedProcess  # noqa: SLF001 - no other way


def wait_patiently(work: Callable[[], T], *, stop: StopFlag, note: Callable[[], None]) -> T:
    """Return what ``work`` returns, in another thread; after some seconds call ``note``.

    Raises:
        ObjectError: the run was stopped meanwhile; the thread is left behind.
        BaseException: what ``work`` raises.
    """
    done, results, errors = threading.Event(), list[T](), list[BaseException]()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="s3-xfer-credentials", daemon=True).start()
    waited_s = 0.0
    while not done.wait(_POLL_S):
        if stop.is_set():
            raise stopped(stop)
        was_noted = waited_s >= NOTE_AFTER_S
        waited_s += _POLL_S
        if waited_s >= NOTE_AFTER_S and not was_noted:
            note()
    if errors:
        raise errors[0]
    return results[0]
