"""Reports of real runs, and runs from reports."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path

import pytest

from s3_xfer import ReportError, ReportScope, RunState
from tests.fault_server import Fault
from tests.patience import PATIENCE_S
from tests.reports import lines_of
from tests.world import DST, LARGE, SRC, World


def test_failures_can_be_run_again_from_the_report(world: World, tmp_path: Path) -> None:
    """The second run copies exactly what the first one did not."""
    report = tmp_path / "first.jsonl"
    for number in range(40):
        world.server.put(SRC, f"in/{number:02}", size=1)
    fault = world.server.inject(
        Fault.error("CopyObject", 403, "AccessDenied", key=lambda key: key.endswith("7"))
    )
    first = world.copy(report_path=report)
    fault.remove()
    world.server.forget_requests()

    second = world.copy(from_report_path=report)

    assert (first.metrics.files_failed, len(lines_of(report))) == (4, 4)
    assert {line["code"] for line in lines_of(report)} == {"AccessDenied"}
    assert all(line["request_id"] for line in lines_of(report))
    assert second.state is RunState.COMPLETED
    assert second.metrics.total_files_found == 4
    assert world.sent("CopyObject") == 4
    assert len(world.arrived()) == 40


def test_changed_object_is_copied_as_it_is_in_the_second_run(world: World, tmp_path: Path) -> None:
    """An object that failed because it changed is looked up again."""
    report = tmp_path / "first.jsonl"
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(
        Fault.call("CopyObject", lambda _: world.server.put(SRC, "in/x", size=99), times=1)
    )
    world.copy(report_path=report)

    second = world.copy(from_report_path=report)

    assert second.state is RunState.COMPLETED
    assert world.arrived()["out/x"].size == 99
    assert second.metrics.total_bytes_transferred == second.metrics.total_bytes_found == 99


@pytest.mark.parametrize("size", [1, LARGE])
def test_stopped_run_can_be_finished_from_its_report(
    world: World, tmp_path: Path, size: int
) -> None:
    """Copied, not attempted, never listed: together the two runs copy everything once."""
    for number in range(1300):
        world.server.put(SRC, f"in/{number:04}", size=size if number % 100 == 0 else 1)
    report = tmp_path / "first.jsonl"
    stopped = threading.Event()
    late = world.server.inject(
        Fault.call("ListObjectsV2", lambda _: stopped.wait(PATIENCE_S), after=1)
    )
    run = world.operation(report_path=report, batch_size=10, concurrency=8).start()
    world.server.wait_for("CopyObject", count=300)
    run.cancel("test")
    stopped.set()
    first = run.result()
    late.remove()

    second = world.copy(from_report_path=report, concurrency=16)

    assert not first.metrics.listing_complete
    assert lines_of(report)[-1]["status"] == "not_listed"
    assert second.state is RunState.COMPLETED
    assert set(world.arrived()) == {f"out/{number:04}" for number in range(1300)}
    copied = first.metrics.files_copied_successfully + second.metrics.files_copied_successfully
    assert copied == 1300
    assert world.server.uploads(DST) == []


def test_run_from_a_report_can_be_stopped_and_finished_too(world: World, tmp_path: Path) -> None:
    """Nothing of the first report is lost in the second."""
    for number in range(400):
        world.server.put(SRC, f"in/{number:04}", size=1)
    fault = world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.copy(report_path=tmp_path / "1.jsonl")
    fault.remove()
    slow = world.server.inject(Fault.slow("CopyObject", delay_s=0.01))
    run = world.operation(
        from_report_path=tmp_path / "1.jsonl", report_path=tmp_path / "2.jsonl", batch_size=7
    ).start()
    world.server.wait_for("CopyObject", count=450)
    run.cancel("test")
    run.result()
    slow.remove()

    last = world.copy(from_report_path=tmp_path / "2.jsonl")

    assert last.state is RunState.COMPLETED
    assert len(world.arrived()) == 400


def test_report_of_all_names_every_object_once(world: World, tmp_path: Path) -> None:
    """With the scope ALL the report is a complete account."""
    report = tmp_path / "all.jsonl"
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=1)
    world.server.put(SRC, "in/cold", size=1, storage_class="GLACIER")
    world.server.put(DST, "out/03", size=5)

    world.copy(report_path=report, report_scope=ReportScope.ALL, overwrite=False)

    status = {line["source_key"]: line["status"] for line in lines_of(report)}
    assert len(lines_of(report)) == 21
    assert (status["in/cold"], status["in/03"], status["in/00"]) == ("failed", "skipped", "copied")


def test_report_of_a_single_object_can_be_run_again(world: World, tmp_path: Path) -> None:
    """One key is a copy like any other."""
    report = tmp_path / "one.jsonl"
    world.server.put(SRC, "in/x", size=1)
    fault = world.server.inject(Fault.error("CopyObject", 500, "InternalError"))
    world.copy("in/x", "out/", recursive=False, report_path=report)
    fault.remove()

    again = world.copy("in/x", "out/", recursive=False, from_report_path=report)

    assert (again.state, set(world.arrived())) == (RunState.COMPLETED, {"out/x"})


def test_report_of_another_copy_is_refused(world: World, tmp_path: Path) -> None:
    """Nothing is copied to a place that the report is not about."""
    report = tmp_path / "r.jsonl"
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    world.copy(report_path=report)

    with pytest.raises(ReportError, match="was not going to s3://dst-bucket/other/"):
        world.copy(destination_key="other/", from_report_path=report)


def test_object_named_twice_is_copied_once(world: World, tmp_path: Path) -> None:
    """Reports that were joined name an object more than once."""
    report = tmp_path / "r.jsonl"
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied", times=1))
    world.copy(report_path=report)
    report.write_text(report.read_text() * 50)

    second = world.copy(from_report_path=report)

    assert (second.metrics.total_files_found, second.metrics.files_copied_successfully) == (1, 1)
    assert second.state is RunState.COMPLETED


@pytest.mark.parametrize("name", [".", "device", "missing/r.jsonl"])
def test_report_that_is_no_regular_file_is_refused(world: World, tmp_path: Path, name: str) -> None:
    """A directory or a device is not replaced by a report."""
    world.server.put(SRC, "in/x", size=1)
    os.mkfifo(tmp_path / "device")

    with pytest.raises(ReportError, match="cannot be written"):
        world.copy(report_path=tmp_path / name)

    assert world.arrived() == {}
    assert (tmp_path / "device").is_fifo()


def test_two_runs_cannot_write_one_report(world: World, tmp_path: Path) -> None:
    """The second one is refused instead of mixing its lines with the first one's."""
    world.server.put(SRC, "in/x", size=1)
    world.server.inject(Fault.slow("CopyObject", delay_s=60))
    first = world.operation(report_path=tmp_path / "r.jsonl", stop_grace_s=0.1).start()
    world.server.wait_for("CopyObject")

    with pytest.raises(ReportError, match="another run is writing it"):
        world.copy(report_path=tmp_path / "r.jsonl")

    first.cancel("test")
    assert first.result().report_path == tmp_path / "r.jsonl"


def test_report_that_can_no_longer_be_written_ends_the_run(world: World, tmp_path: Path) -> None:
    """A full disk stops the copying, and the result says why."""
    for number in range(200):
        world.server.put(SRC, f"in/{number:03}", size=1)
    world.server.inject(Fault.call("CopyObject", lambda _: _limit_file_size(), after=50, times=1))

    try:
        result = world.copy(
            report_path=tmp_path / "r.jsonl", report_scope=ReportScope.ALL, batch_size=10
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, _UNLIMITED)

    assert result.aborted_by is not None
    assert "cannot be written" in result.aborted_by.problem
    assert result.report_path is None
    assert result.metrics.files_not_attempted > 0


_UNLIMITED = resource.getrlimit(resource.RLIMIT_FSIZE)


def _limit_file_size() -> None:
    """Make every file of this process full at ten kilobytes (Python ignores SIGXFSZ)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, _UNLIMITED[1]))


def test_a_report_without_the_single_object_leaves_it_alone(world: World, tmp_path: Path) -> None:
    """What the first run has copied is not copied again, as with a prefix."""
    report = tmp_path / "one.jsonl"
    world.server.put(SRC, "in/x", size=1)
    world.copy("in/x", "out/", recursive=False, report_path=report)
    world.server.forget_requests()

    again = world.copy("in/x", "out/", recursive=False, from_report_path=report)

    assert again.state is RunState.COMPLETED
    assert (again.metrics.total_files_found, world.sent("CopyObject")) == (0, 0)
