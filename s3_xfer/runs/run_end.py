"""The end of a run, and who waits for it: threads, event loops, blocks, the interpreter's exit.

The handle of a run that is under way is of no use in a forked child, where its threads are not: a
wait would last for ever. There everything that is asked of it is refused.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from s3_xfer.errors import ValidationError

_WAITS_AGAIN_S = 5.0  # a thread that has started or polled the run will wait for it

ResultT = TypeVar("ResultT")


class RunEnd(ABC, Generic[ResultT]):
    """What has an end. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._result: ResultT | None = None
        self._refusal: BaseException | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._async_waiters: list[Callable[[], object]] = []
        self._waiters: dict[threading.Thread, float] = {}  # until when each counts as one
        self._count_as_waiter()

    @abstractmethod
    def cancel(self, reason: str = "cancelled") -> None:
        """Stop, and return at once."""

    @property
    def has_ended(self) -> bool:
        """Whether the end has come, so that :meth:`result` does not wait."""
        return self._ended.is_set()

    @property
    @abstractmethod
    def end_timeout_s(self) -> float:
        """How long a run that was cancelled takes to end, at most."""

    @abstractmethod
    def _refuse_to_wait(self) -> None:
        """Return if the calling thread may wait for the end."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, at most ``timeout_s`` seconds; return whether it came.

        Raises:
            ValidationError: the caller is a function that watches this run.
        """
        self._refuse_to_wait()
        self._waiters[threading.current_thread()] = math.inf
        try:
            return self._ended.wait(timeout_s)
        finally:
            self._count_as_waiter()

    def result(self, timeout_s: float | None = None) -> ResultT:
        """Wait for the end, at most ``timeout_s`` seconds, and return it, failures included.

        Raises:
            S3XferError: the run was refused before anything was done (state
                ``VALIDATION_FAILED``): ValidationError, PreflightError, ReportError or
                JournalError. Each call raises an exception of its own.
            TimeoutError: the run has not ended; it goes on.
        """
        if not self.wait(timeout_s):
            raise TimeoutError(f"the run has not ended after {timeout_s} s")
        if self._refusal:
            raise _one_more(self._refusal)
        assert self._result is not None  # noqa: S101 - set whenever there is no refusal
        return self._result

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._end_because_of(error)
            return
        try:
            self.wait()
        except BaseException as interruption:
            self._end_because_of(interruption)
            raise

    async def wait_async(self) -> None:
        """Wait for the end without holding up the event loop."""
        import asyncio  # noqa: PLC0415 - slow to import, and for few

        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        with self._lock:
            if self._ended.is_set():
                return
            self._async_waiters.append(lambda: loop.call_soon_threadsafe(ended.set))
        await ended.wait()

    async def result_async(self) -> ResultT:
        """Return the end, see :meth:`result`, without holding up the event loop."""
        await self.wait_async()
        return self.result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            await self._end_async(error)
            return
        try:
            await self.wait_async()
        except BaseException as interruption:
            await self._end_async(interruption)
            raise

    async def _end_async(self, error: BaseException) -> None:
        """Cancel, and wait for the end as long as it may take; another cancellation ends that."""
        import asyncio  # noqa: PLC0415 - as above

        if not self._ended.is_set():
            self.cancel(type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait_async(), self.end_timeout_s)

    def _end_because_of(self, error: BaseException) -> None:
        """Cancel, and wait for the end as long as it may take; another Ctrl-C ends the wait."""
        if not self._ended.is_set():
            self.cancel(type(error).__name__)
            self.wait(self.end_timeout_s)

    def leave_to_parent(self) -> None:
        """Refuse to be used in this process, a forked child, unless the end has come before."""
        if not self._ended.is_set():
            self.__class__ = _OfParent  # type: ignore[type-abstract] # never made

    def is_awaited(self) -> bool:
        """Return whether a thread waits for it that the interpreter waits for at its exit."""
        main, now_s = threading.main_thread(), time.monotonic()
        return not self._ended.is_set() and any(
            thread.is_alive() and not thread.daemon and thread is not main and until_s > now_s
            for thread, until_s in list(self._waiters.items())
        )

    def _count_as_waiter(self) -> None:
        """Count this thread as one that waits, for a while: it is about to wait, or to wait again.

        As many threads are remembered as there are: what others have done since is forgotten.
        """
        now_s = time.monotonic()
        for thread, until_s in list(self._waiters.items()):
            if until_s < now_s:
                self._waiters.pop(thread, None)
        self._waiters[threading.current_thread()] = now_s + _WAITS_AGAIN_S

    def _notify_waiters(self) -> None:
        """State that the end has come."""
        with self._lock:
            self._ended.set()
        for notify in self._async_waiters:
            with contextlib.suppress(RuntimeError):  # its loop is closed by now
                notify()


class _OfParent(RunEnd[Any]):
    """What the handle of a run is in a forked child. What it holds is kept, but not used."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise in_child_of(os.getppid())

    def __enter__(self) -> Self:
        raise in_child_of(os.getppid())

    async def __aenter__(self) -> Self:
        raise in_child_of(os.getppid())

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is None:  # an error passes: there is nothing to cancel here
            raise in_child_of(os.getppid())

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)


def in_child_of(process_id: int) -> ValidationError:
    """Return the error of a handle that is used in a forked child of the process with the run."""
    return ValidationError(
        f"this run belongs to process {process_id}; process {os.getpid()} was forked from it",
        remedy="start a run of its own in the child, or ask in the parent",
    )


def _one_more(error: BaseException) -> BaseException:
    """Return an exception that says the same as ``error``, with a traceback of its own.

    An exception that cannot be copied is returned itself, with the traceback that it had.
    """
    trace = error.__traceback__
    try:
        again = copy.copy(error)
    except Exception:  # noqa: BLE001 - of the constructor of any kind of exception
        again = error
    again.__cause__, again.__context__ = error.__cause__, error.__context__
    again.__suppress_context__ = error.__suppress_context__
    return again.with_traceback(trace)
