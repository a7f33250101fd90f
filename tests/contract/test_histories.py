"""Random histories of copies, faults, stops and re-runs, against a plain dictionary.

Hypothesis invents a history: objects come, change and go; requests fail; runs with any engine and
any rule about what exists are stopped in the middle or not, and repeated from their reports. The
model is a dictionary of what the source holds and one of what the destination may hold. Whatever
happens: found = copied + skipped + failed + not attempted; what is reported as copied is there as
it was; what is reported as skipped or not attempted is untouched; nothing else appears, no upload
stays open, and the report or the journal, without faults, completes the copy.

Ten histories in every test run, always the same. More, other ones each time::

    S3_XFER_HISTORIES=1000 .venv/bin/python -m pytest tests/contract/test_histories.py
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from s3_xfer import CopyResult, Engine, Identical, JournalUse, Preflight, ReportScope, RunState
from s3_xfer.runs.copy import CopyRun
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault, InjectedFault, StoredObject
from tests.reports import lines_of
from tests.world import DST, LARGE, SRC, World, check_accounts

HISTORIES = os.environ.get("S3_XFER_HISTORIES")
ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]
RULES: dict[str, dict[str, Any]] = {
    "overwrite": {"overwrite": True},
    "keep": {"overwrite": False},
    "skip identical": {"overwrite": True, "identical": Identical.SKIP},
}
WRITES = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
OPERATIONS = (*WRITES, "ListObjectsV2", "HeadObject", "GetObjectTagging", "PutObjectTagging")
FAULTS: dict[str, Callable[..., Fault]] = {
    "internal error": lambda op, **w: Fault.error(op, 500, "InternalError", **w),
    "denied": lambda op, **w: Fault.error(op, 403, "AccessDenied", **w),
    "conflict": lambda op, **w: Fault.error(op, 409, "ConditionalRequestConflict", **w),
    "expired": lambda op, **w: Fault.error(op, 400, "ExpiredToken", **w),
    "reset": Fault.reset,
    "lost answer": Fault.lost_response,
    "half an answer": Fault.truncated,
    "empty answer": Fault.empty_200,
    "nothing but an error": Fault.error_in_200,
}
# HEAD has no body that could be empty, cut or an error.
BODILESS = ("half an answer", "nothing but an error")
ID_LOST = ("lost answer", "half an answer")
# An answer 200 without a body is all that S3 says to these: it cannot be told from a success.
SILENT = {"PutObjectTagging": ("empty answer",)}
TAGS: list[dict[str, str]] = [{}, {"a": "b"}, {f"{n:0100}": "v" * 250 for n in range(9)}]
BROKEN = st.tuples(
    st.sampled_from(
        [
            (operation, name)
            for operation in OPERATIONS
            for name in FAULTS
            if name not in SILENT.get(operation, ())
            and not (operation == "HeadObject" and name in BODILESS)
        ]
    ),
    st.integers(1, 6),
    st.integers(0, 2),
).map(lambda drawn: (*drawn[0], *drawn[1:]))
CHANGES = st.tuples(
    st.sampled_from(["put", "put", "delete", "stranger"]),
    st.sampled_from(["a", "b", "b/", "b/c d", "d%20", "e+é"]),
    st.sampled_from([0, 1, 1000, LARGE]),
    st.sampled_from(TAGS),
)


class Histories(RuleBasedStateMachine):
    """One world and what happens in it. ``source`` and ``before`` are the model."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.source: dict[str, StoredObject] = {}
        self.faults: list[InjectedFault] = []
        self.id_losses: list[InjectedFault] = []

    @initialize()
    def begin(self) -> None:
        """Start the server, with a source that holds something of every kind."""
        self.directory = tempfile.TemporaryDirectory()
        self.world.__enter__()
        for size in (0, 1000, LARGE):
            for number, tags in enumerate(TAGS):
                self._put(f"{size}-{number}", size, tags)

    def teardown(self) -> None:
        """Stop the server, which raises what went wrong inside it."""
        self.world.__exit__(None, None, None)
        self.directory.cleanup()

    # ------------------------------------------------------------------------ the source

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=4))
    def change(self, changes: list[tuple[str, str, int, dict[str, str]]]) -> None:
        """Make, change or take away objects, and let somebody else write to the destination."""
        for what, key, size, tags in changes:
            if what == "put":
                self._put(key, size, tags)
            elif what == "stranger":
                self.world.server.put(DST, f"out/{key}", size=77, metadata={"by": "a stranger"})
            else:
                self.source.pop(key, None)
                self.world.server.delete(SRC, f"in/{key}")

    def _put(self, key: str, size: int, tags: dict[str, str]) -> None:
        metadata = {"of": str(len(self.source))}
        self.source[key] = self.world.server.put(
            SRC, f"in/{key}", size=size, tags=tags, metadata=metadata
        )

    # ------------------------------------------------------------------------ what fails

    def break_something(self, operation: str, name: str, times: int, after: int) -> None:
        """Let some requests fail from now on."""
        after = 0 if operation == "ListObjectsV2" else after  # a run asks for one page only
        fault = self.world.server.inject(FAULTS[name](operation, times=times, after=after))
        self.faults.append(fault)
        if operation == "CreateMultipartUpload" and name in ID_LOST:
            self.id_losses.append(fault)

    def repair(self) -> None:
        """Take all faults away."""
        for fault in self.faults:
            fault.remove()
        self.faults.clear()

    # ---------------------------------------------------------------------------- copies

    @rule(
        engine=st.sampled_from(ENGINES),
        how=st.sampled_from(sorted(RULES)),
        stop_after=st.none() | st.integers(0, 12),
        concurrency=st.sampled_from([1, 4]),
        by_journal=st.booleans(),
        broken=st.lists(BROKEN, min_size=1, max_size=5),
    )
    def copy(
        self,
        *,
        engine: Engine,
        how: str,
        stop_after: int | None,
        concurrency: int,
        by_journal: bool,
        broken: list[tuple[str, str, int, int]],
    ) -> None:
        """Copy, perhaps stop in the middle, and go on without faults."""
        for fault in broken:
            self.break_something(*fault)
        options = {**RULES[how], "engine": engine, "concurrency": concurrency}
        first, rest = (Path(self.directory.name) / name for name in ("first.jsonl", "rest.jsonl"))
        journal = Path(self.directory.name) / "journal"
        journal.unlink(missing_ok=True)
        if by_journal:
            options["journal"] = str(journal)
        at_first = self.world.arrived()
        result = self._run(first, stop_after, **options)
        self.repair()
        if result.state is RunState.COMPLETED:
            assert result.metrics.total_files_found == len(self.source)
        elif by_journal:
            result = self._run(rest, None, journal_use=JournalUse.RESUME, **options)
        else:
            result = self._run(rest, None, from_report_path=first, **options)
        assert self.world.server.uploads(DST) == []
        assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
        arrived = self.world.arrived()
        for key in self.source:
            if how != "keep" or f"out/{key}" not in at_first:
                self._check_copy(key, arrived[f"out/{key}"], loosely=how == "skip identical")
            else:
                assert arrived[f"out/{key}"] == at_first[f"out/{key}"]

    def _run(self, report: Path, stop_after: int | None, **options: Any) -> CopyResult:
        before = self.world.arrived()
        operation = self.world.operation(
            preflight=Preflight.SKIP,
            report_path=report,
            report_scope=ReportScope.ALL,
            batch_size=2,
            **options,
        )
        run = CopyRun(operation, pass_time=lambda _: 0.0)
        if stop_after is not None:
            stop = Fault.call(WRITES, lambda _: run.cancel("model"), after=stop_after, times=1)
            self.faults.append(self.world.server.inject(stop))
        result = run.result()
        check_accounts(result)
        self._check_report(report, result, before)
        self._check_uploads(result)
        return result

    # ------------------------------------------------------------------------ the checks

    def _check_report(
        self, report: Path, result: CopyResult, before: dict[str, StoredObject]
    ) -> None:
        lines = lines_of(report)
        named = [line for line in lines if line["status"] != "not_listed"]
        seen, arrived = result.metrics, self.world.arrived()
        statuses = [line["status"] for line in named]
        assert len(named) == seen.total_files_found - seen.files_earlier
        assert (
            statuses.count("copied") == seen.files_copied_successfully - seen.files_copied_earlier
        )
        assert statuses.count("failed") == seen.files_failed
        unsure = set()
        for line in named:
            key = line["destination_key"]
            if line["status"] == "copied":
                self._check_copy(line["source_key"].removeprefix("in/"), arrived[key])
                assert arrived[key].etag == line["copy_etag"]
            elif line["status"] == "failed":
                unsure.add(key)  # S3 may have done it without our knowing
            else:
                assert arrived.get(key) == before.get(key)
        told = {line["destination_key"] for line in named}
        assert {key for key in arrived if arrived[key] != before.get(key)} <= told
        assert {key for key in before if key not in arrived} == set()
        for key in unsure & set(arrived):
            assert arrived[key] == before.get(key) or self._is_copy(key, arrived[key])

    def _is_copy(self, key: str, copy: StoredObject) -> bool:
        return copy.size == self.source[key.removeprefix("out/")].size

    def _check_copy(self, key: str, copy: StoredObject, *, loosely: bool = False) -> None:
        """Assert that ``copy`` is the source's object; ``loosely``: its content."""
        source = self.source[key]
        assert copy.size == source.size
        if source.size < LARGE:
            assert copy.etag == source.etag
        if not loosely:
            assert (copy.metadata, copy.tags) == (source.metadata, source.tags)

    def _check_uploads(self, result: CopyResult) -> None:
        """Nothing stays open but what is named; a stopped run's journal may not know all ids."""
        open_now = {upload.upload_id for upload in self.world.server.uploads(DST)}
        named = (*result.uploads_left_behind, *result.uploads_kept)
        unnamed = open_now - {left.upload_id for left in named}
        lost = sum(fault.hits for fault in self.id_losses)
        assert len(unnamed) <= (lost if result.resumable else 0)

    @invariant()
    def source_is_untouched(self) -> None:
        """A copy never writes to the source."""
        held = self.world.server.objects(SRC)
        assert held == {f"in/{key}": found for key, found in self.source.items()}


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=int(HISTORIES or 10),
    stateful_step_count=12,
    derandomize=HISTORIES is None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
