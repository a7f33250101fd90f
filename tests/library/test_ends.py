"""A run ends with the program that started it: at its exit, at Ctrl-C, at an exception.

The program is a process of its own, and warnings are errors in it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from traceback import extract_tb

import pytest

from s3_xfer import PreflightError
from tests.fault_server import Fault
from tests.library.embedded import OBJECTS, Embedded
from tests.patience import PATIENCE_S
from tests.world import SRC, World

BEGIN = """
run = slowly_copying().start()
until_it_copies(run)
"""


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("ending", "code"),
    [("", 0), ("sys.exit(7)", 7), ("raise RuntimeError('mine')", 1)],
    ids=["end of the program", "exit", "exception"],
)
def test_a_program_that_ends_stops_its_run_in_order(
    embedded: Embedded, ending: str, code: int
) -> None:
    """It does not wait for the whole copy; report and journal are complete, the code is its own."""
    ended = embedded.run(BEGIN + ending)

    assert ended.code == code, ended.said
    assert ("mine" in ended.err) == ("mine" in ending)
    assert "s3_xfer" not in ended.err
    embedded.assert_stopped_in_order()


def test_ctrl_c_ends_the_run_before_it_is_raised(embedded: Embedded) -> None:
    """No copy goes on behind the caller's back."""
    ended = embedded.interrupted(
        """
        try:
            slowly_copying().run()
        except KeyboardInterrupt:
            left = [t.name for t in threading.enumerate() if t.name.startswith("s3-xfer-run")]
            say("raised", left)
            time.sleep(0.5)
            os._exit(0)  # nothing at the exit helps
        """
    )

    assert ended.out == "raised []\n", ended.said
    embedded.assert_stopped_in_order()


@pytest.mark.parametrize(
    "block",
    [
        "run.result()",
        "pass",
        "until_it_copies(run); os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
    ],
)
def test_ctrl_c_in_a_with_block_ends_the_run(any_engine: Embedded, block: str) -> None:
    """Whether it comes in the block, or while the end of the block waits."""
    code = f"""
    try:
        with slowly_copying().start() as run:
            {block}
    except KeyboardInterrupt:
        say(run.state.value, run.result().cancelled_by)
        os._exit(0)
    """
    ended = any_engine.interrupted(code) if "kill" not in block else any_engine.run(code)

    assert ended.out == "COPY_FAILED KeyboardInterrupt\n", ended.said
    any_engine.assert_stopped_in_order()


def test_an_exception_in_a_with_block_ends_the_run(any_engine: Embedded) -> None:
    """It is raised once the run has ended."""
    ended = any_engine.run(
        """
        try:
            with slowly_copying().start() as run:
                until_it_copies(run)
                raise ValueError("mine")
        except ValueError as error:
            say(error, run.state.value, run.result().cancelled_by)
            os._exit(0)
        """
    )

    assert ended.out == "mine COPY_FAILED ValueError\n", ended.said
    any_engine.assert_stopped_in_order()


def test_leaving_a_with_block_waits_for_the_end(any_engine: Embedded) -> None:
    """No run outlives its block."""
    any_engine.slowness.remove()
    ended = any_engine.run(
        """
        with slowly_copying().start() as run:
            pass
        say(run.state.value)
        """
    )

    assert ended.out == "COMPLETED\n", ended.said
    assert any_engine.copied == OBJECTS


def test_an_answer_that_never_comes_does_not_hold_the_exit(embedded: Embedded) -> None:
    """The grace is waited, and no read timeout."""
    stuck = embedded.world.server.inject(Fault.slow("CopyObject", delay_s=2 * PATIENCE_S, after=20))
    embedded.slowness.remove()
    started_s = time.monotonic()
    ended = embedded.run(
        """
        run = slowly_copying(read_timeout_s=3600, journal=None).start()
        while run.snapshot().files_copied_successfully < 20:
            time.sleep(0.01)
        """
    )
    stuck.remove()

    assert ended.code == 0, ended.said
    assert time.monotonic() - started_s < PATIENCE_S / 2
    assert (embedded.directory / "report.jsonl").exists()


def test_a_run_that_a_thread_waits_for_is_not_stopped(any_engine: Embedded) -> None:
    """Python waits for such a thread at the exit, and so for its copy.

    Python 3.12 starts no thread once its exit has begun; the copy has all of its own by then.
    """
    ended = any_engine.run(
        """
        copies = threading.Event()

        def work():
            result = slowly_copying(concurrency=64).run(on_outcome=lambda _: copies.set())
            say(result.metrics.files_copied_successfully)

        threading.Thread(target=work).start()
        copies.wait()
        time.sleep(0.5)
        """
    )

    assert ended.out == f"{OBJECTS}\n", ended.said
    assert ended.code == 0


def test_a_forked_child_leaves_the_run_to_its_parent(any_engine: Embedded) -> None:
    """Its exit neither waits for the run nor stops it, and what it asks of the run is refused."""
    any_engine.slowness.remove()
    any_engine.world.server.inject(Fault.slow("CopyObject", delay_s=0.01))
    ended = any_engine.run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of forks beside threads
        from s3_xfer import ValidationError

        ended = slowly_copying(mode="dry-run", journal=None, report_path=None).start()
        ended.wait()
        run = slowly_copying(concurrency=16).start()
        outcomes = run.outcomes()
        next(outcomes)
        until_it_copies(run)

        def refuses(action):
            try:
                action()
            except ValidationError as error:
                return "forked" in str(error)

        def uses_block():
            with run:
                pass

        async def uses_async_block():
            async with run:
                pass

        child = os.fork()
        if not child:
            names = [name for name in dir(type(ended)) if not name.startswith("_")]
            assert {"result", "wait", "cancel", "snapshot", "outcomes", "state"} <= set(names)
            assert all(refuses(lambda: getattr(run, name)) for name in names)
            assert refuses(uses_block)
            assert refuses(lambda: asyncio.run(uses_async_block()))
            assert refuses(lambda: next(outcomes))
            assert ended.result().metrics.total_files_found
            sys.exit(0)
        outcomes.close()
        _, status = os.waitpid(child, 0)
        say(status, run.result().metrics.files_copied_successfully)
        """
    )

    assert ended.out == f"0 {OBJECTS}\n", ended.said


def test_an_ended_run_has_released_what_it_had(embedded: Embedded) -> None:
    """Connections and threads, without the help of the garbage collector; also when refused.

    CRT closes connections in its own thread: they may last a moment longer than the run.
    """
    embedded.slowness.remove()
    ended = embedded.run(
        """
        import gc
        from s3_xfer import PreflightError, S3CheckOperation
        gc.disable()

        def open_files():
            return sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                          if os.path.exists(f"/proc/self/fd/{n}"))

        def sockets():
            return [name for name in open_files() if name.startswith("socket:")]

        def left():
            until_s = time.monotonic() + 30
            while sockets() and time.monotonic() < until_s:
                time.sleep(0.01)
            return len(open_files()), threading.active_count(), sockets()

        slowly_copying(concurrency=8, multipart_threshold_bytes=5 * 2**20).run()
        before = left()
        slowly_copying(concurrency=8, journal="s3://dst-bucket/copy.db").run()
        try:
            slowly_copying(journal=None, files_from="s3://src-bucket/missing").run()
        except PreflightError:
            pass
        operation = slowly_copying()
        S3CheckOperation(
            source_bucket="src-bucket", source_key="in/", destination_bucket="dst-bucket",
            destination_key="out/", recursive=True,
            source=operation.source, destination=operation.destination,
        ).run()
        after = left()
        say("same" if before == after else (before, after), sockets())
        """
    )

    assert ended.out == "same []\n", ended.said


def test_each_result_of_a_refused_run_is_an_exception_of_its_own(world: World) -> None:
    """With the same text, cause and traceback, however often and wherever it is asked for."""
    run = world.operation("missing/").start()
    errors: list[BaseException] = []
    for _ in range(3):
        with pytest.raises(PreflightError) as caught:
            run.result()
        errors.append(caught.value)
    first, *others = errors
    for other in others:
        assert other is not first
        assert other == first
        assert other.__cause__ is first.__cause__
        assert len(extract_tb(other.__traceback__)) == len(extract_tb(first.__traceback__))


def test_an_end_is_awaited_for_a_while(world: World) -> None:
    """A result that does not come in time is an error of its own, and the run goes on."""
    world.server.put(SRC, "in/one", size=3)
    may_go_on = threading.Event()
    world.server.inject(Fault.call("CopyObject", lambda _: may_go_on.wait(PATIENCE_S)))
    run = world.operation().start()
    assert not run.wait(0.01)
    with pytest.raises(TimeoutError, match="not ended"):
        run.result(timeout_s=0.01)
    may_go_on.set()
    assert run.result(PATIENCE_S).metrics.files_copied_successfully == 1


def test_a_spawned_pool_returns_results(any_engine: Embedded) -> None:
    """Those with failures too."""
    any_engine.slowness.remove()
    any_engine.world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    ended = any_engine.run(
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        if __name__ == "__main__":
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                operation = slowly_copying(preflight="skip", journal=None)
                result = pool.submit(operation.run).result(60)
                say(result.metrics.files_failed, result.failures[0].error.info.code)
        """
    )

    assert ended.out == f"{OBJECTS} AccessDenied\n", ended.said


def test_sigterm_is_left_to_the_program(any_engine: Embedded) -> None:
    """The library installs no handler: the process dies by the signal, and a rerun goes on."""
    ended = any_engine.interrupted("slowly_copying().run()", number=signal.SIGTERM)

    assert ended.code == -signal.SIGTERM
    assert os.path.exists(any_engine.directory / "copy.db")
