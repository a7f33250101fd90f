"""Random histories of a sync, against plain dictionaries of both sides.

Objects come, change and go on both sides; a sync with any filter, any rule of comparing, with or
without deletes meets faults, strangers that write while it runs, and a stop; it is resumed from its
journal, or run again. Whatever happens: nothing beside the prefix and nothing that a filter leaves
out is touched; nothing is deleted that the source has, that changed after the listing, or before
everything was copied; report, numbers and buckets agree. Once a sync ends with 0 the destination is
what the model says.

A few histories in every test run, always the same; more, and other ones each time: ``make fuzz``,
or ``S3_XFER_HISTORIES=1000 .venv/bin/python -m pytest tests/contract/test_sync_histories.py``.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from s3_xfer import CompareBy, CopyResult, Engine, JournalUse, Preflight, ReportScope, RunMode
from s3_xfer.cli.exit_codes import ExitCode, exit_code
from s3_xfer.options import Delete, Identical
from s3_xfer.runs.copy import CopyRun
from tests.contract.conftest import CRT_IS_HERE
from tests.contract.test_sync import sync_of
from tests.fault_server import Fault, InjectedFault, StoredObject
from tests.fault_server.odd_listings import in_small_pages
from tests.fault_server.wire import Request
from tests.reports import lines_of
from tests.world import DESTINATION_ACCOUNT, DST, LARGE, SRC, World, check_accounts

HISTORIES = os.environ.get("S3_XFER_HISTORIES")
ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]
KEYS = ["", "a", "b", "b/", "c/d", "c/e", "c d%20", "é", "keep/x", "keep/y/z"]
SIZES = [0, 1, 2, 1000, LARGE]
OUTSIDE = ("out", "out-", "out0", "in/a", "other/a")
Objects = Mapping[str, StoredObject]  # by the key below the prefix


@dataclass(frozen=True)
class Filter:
    """A filter as it is given, and what it wants, said in another way."""

    options: Mapping[str, Any] = field(default_factory=dict)
    wants_key: Callable[[str], bool] = lambda _: True
    wants_size: Callable[[int], bool] = lambda _: True

    def wants(self, key: str, found: StoredObject) -> bool:
        """Whether it leaves the object in."""
        return self.wants_key(key) and self.wants_size(found.size)


FILTERS = {
    "none": Filter(),
    "exclude": Filter({"filters": ("- keep/**",)}, lambda key: not key.startswith("keep/")),
    "include": Filter({"filters": ("+ /c/**",)}, lambda key: key.startswith("c/")),
    "in order": Filter(
        {"filters": ("+ keep/x", "- keep/**", "+ *")},
        lambda key: key == "keep/x" or not key.startswith("keep/"),
    ),
    "size": Filter({"min_size_bytes": 2}, wants_size=lambda size: size > 1),
    "both": Filter(
        {"filters": ("- c/**",), "max_size_bytes": 1000},
        lambda key: not key.startswith("c/"),
        lambda size: size <= 1000,
    ),
}
WRITES = ("CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
OPERATIONS = (*WRITES, "ListObjectsV2", "HeadObject", "DeleteObject", "GetBucketVersioning")
FAULTS: dict[str, Callable[..., Fault]] = {
    "internal error": lambda op, **w: Fault.error(op, 500, "InternalError", **w),
    "slow down": lambda op, **w: Fault.error(op, 503, "SlowDown", **w),
    "denied": lambda op, **w: Fault.error(op, 403, "AccessDenied", **w),
    "expired": lambda op, **w: Fault.error(op, 400, "ExpiredToken", **w),
    "reset": Fault.reset,
    "lost answer": Fault.lost_response,
}
BROKEN = st.tuples(
    st.sampled_from(OPERATIONS),
    st.sampled_from(sorted(FAULTS)),
    st.integers(1, 6),  # times
    st.integers(0, 9),  # after so many others
)
CHANGES = st.tuples(
    st.sampled_from(["put", "put both", "delete", "stranger", "take from destination"]),
    st.sampled_from(KEYS),
    st.sampled_from(SIZES),
)
# Somebody else writes: which bucket, which key (or that of the request), before which request.
ITSELF = "*"
RACES = st.none() | st.tuples(
    st.sampled_from([SRC, DST]),
    st.sampled_from([ITSELF] * 8 + [*KEYS, "new"]),
    st.sampled_from(["CopyObject", "ListObjectsV2", "DeleteObject"]),
    st.integers(0, 4),
)
# --max-delete, and how many of so many objects at the destination that allows.
MOST_DELETES: dict[str | None, Callable[[int], int]] = {
    "1": lambda _: 1,
    "50%": lambda count: count // 2,
    None: lambda _: 1000,
}


@dataclass
class Before:
    """Both sides when a run began, and what strangers have written since.

    ``later`` are the keys at the destination that they wrote when both listings had ended.
    """

    source: Objects
    destination: Objects
    outside: Objects
    markers: Mapping[str, list[str]]
    raced: dict[tuple[str, str], StoredObject] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)


class SyncHistories(RuleBasedStateMachine):
    """One world and what happens in it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.source: dict[str, StoredObject] = {}

    @initialize(versioned=st.booleans())
    def begin(self, *, versioned: bool) -> None:
        """Start the server, with something of every kind at each side, and beside the prefix."""
        self.directory = tempfile.TemporaryDirectory()
        self.world.__enter__()
        server = self.world.server
        if versioned:
            server.create_bucket(DST, owner=DESTINATION_ACCOUNT, versioned=True)
        server.inject(in_small_pages(3))
        for key in OUTSIDE:
            server.put(DST, key, size=1)
        for number, key in enumerate(KEYS[1:]):
            self._put(key, SIZES[number % len(SIZES)])
        self._put_both("b", 1)
        for key, size in (("extra", 3), ("c/extra", 3), ("keep/extra", 3), ("1", 1), ("2", LARGE)):
            server.put(DST, f"out/{key}", size=size)

    def teardown(self) -> None:
        """Stop the server, which raises what went wrong inside it."""
        self.world.__exit__(None, None, None)
        self.directory.cleanup()

    # ------------------------------------------------------------------------ both sides

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=4))
    def change(self, changes: list[tuple[str, str, int]]) -> None:
        """Make, change and take away objects at both sides."""
        for what, key, size in changes:
            if what == "put":
                self._put(key, size)
            elif what == "put both":
                self._put_both(key, size)
            elif what == "delete":
                self.source.pop(key, None)
                self.world.server.delete(SRC, f"in/{key}")
            elif what == "stranger":
                self.world.server.put(DST, f"out/{key}", size=size)
            else:
                self.world.server.delete(DST, f"out/{key}")

    def _put(self, key: str, size: int) -> None:
        self.source[key] = self.world.server.put(SRC, f"in/{key}", size=size)

    def _put_both(self, key: str, size: int) -> None:
        self._put(key, size)
        self.world.server.put(DST, f"out/{key}", size=size, etag=self.source[key].etag)

    # ----------------------------------------------------------------------------- syncs

    @rule(
        options=st.fixed_dictionaries(
            {
                "engine": st.sampled_from(ENGINES),
                "delete": st.sampled_from([Delete.NOTHING, Delete.EXTRA, Delete.EXTRA]),
                "delete_excluded": st.booleans(),
                "compare_by": st.sampled_from(list(CompareBy)),
                "max_delete": st.sampled_from(list(MOST_DELETES)),
                "mode": st.sampled_from([RunMode.COPY] * 4 + [RunMode.DRY_RUN]),
                "concurrency": st.sampled_from([1, 4]),
                "listing_threads": st.sampled_from([1, 4]),
                "retries": st.sampled_from([0, 3]),
            }
        ),
        chosen=st.sampled_from(sorted(FILTERS)),
        stop_after=st.none() | st.integers(0, 30),
        by_journal=st.booleans(),
        broken=st.lists(BROKEN, max_size=4),
        race=RACES,
    )
    def sync(
        self,
        *,
        options: dict[str, Any],
        chosen: str,
        stop_after: int | None,
        by_journal: bool,
        broken: list[tuple[str, str, int, int]],
        race: tuple[str, str, str, int] | None,
    ) -> None:
        """Sync under faults, perhaps stop in the middle; go on without; then once more."""
        if options["delete"] is Delete.NOTHING:
            options = {**options, "delete_excluded": False}
        journal = Path(self.directory.name) / "journal"
        journal.unlink(missing_ok=True)
        if by_journal and options["mode"] is RunMode.COPY:
            options = {**options, "journal": str(journal)}
        faults = [
            FAULTS[name](operation, times=times, after=after)
            for operation, name, times, after in broken
        ]
        code, resumable, raced = self._run(chosen, options, faults, stop_after, race)
        if resumable:
            self._run(chosen, {**options, "journal_use": JournalUse.RESUME}, later=raced)
        if code is not ExitCode.OK or raced:
            options = {key: value for key, value in options.items() if key != "journal"}
            code, _, _ = self._run(chosen, options)
        assert self.world.server.uploads(DST) == []
        assert code in (ExitCode.OK, ExitCode.TOO_MANY_DELETES, ExitCode.ABORTED)

    def _run(
        self,
        chosen: str,
        options: dict[str, Any],
        faults: list[Fault] | None = None,
        stop_after: int | None = None,
        race: tuple[str, str, str, int] | None = None,
        *,
        later: Mapping[tuple[str, str], StoredObject] | None = None,
    ) -> tuple[ExitCode, bool, Mapping[tuple[str, str], StoredObject]]:
        """Run once, and check everything; ``later`` is what a run that is resumed has not seen."""
        report = Path(self.directory.name) / "report.jsonl"
        report.unlink(missing_ok=True)
        before = self._look()
        operation = sync_of(
            self.world,
            identical=Identical.SKIP,
            preflight=Preflight.SKIP,
            report_path=report,
            report_scope=ReportScope.ALL,
            batch_size=2,
            **FILTERS[chosen].options,
            **options,
        )
        run = CopyRun(operation, pass_time=lambda _: 0.0)
        acting = [self.world.server.inject(fault) for fault in faults or []]
        acting += self._disturb(run, before, stop_after, race)
        result = run.result()
        for fault in acting:
            fault.remove()
        check_accounts(result)
        trial = Trial(
            before, self._look(), FILTERS[chosen], options, result, lines_of(report), later or {}
        )
        trial.check()
        if exit_code(result) is ExitCode.OK and not faults:
            trial.check_in_step()
        return exit_code(result), result.resumable, before.raced

    def _disturb(
        self,
        run: CopyRun,
        before: Before,
        stop_after: int | None,
        race: tuple[str, str, str, int] | None,
    ) -> list[InjectedFault]:
        server = self.world.server
        acting = []
        if stop_after is not None:
            stop = Fault.call(None, lambda _: run.cancel("model"), after=stop_after, times=1)
            acting.append(server.inject(stop))
        if race:
            bucket, key, operation, after = race

            def write(request: Request) -> None:
                written_key = request.key.removeprefix("out/") if key == ITSELF else key
                prefix = "in/" if bucket == SRC else "out/"
                written = server.put(bucket, prefix + written_key, size=7)
                before.raced[bucket, written_key] = written
                if bucket == SRC:
                    self.source[written_key] = written
                elif operation == "DeleteObject":
                    before.later.add(written_key)

            acting.append(server.inject(Fault.call(operation, write, after=after, times=1)))
        return acting

    def _look(self) -> Before:
        arrived = self.world.arrived()
        return Before(
            source=dict(self.source),
            destination={
                key.removeprefix("out/"): found
                for key, found in arrived.items()
                if key.startswith("out/")
            },
            outside={key: found for key, found in arrived.items() if not key.startswith("out/")},
            markers=self.world.server.markers(DST),
        )

    @invariant()
    def source_is_untouched(self) -> None:
        """A sync never writes to the source."""
        held = self.world.server.objects(SRC)
        assert held == {f"in/{key}": found for key, found in self.source.items()}


@dataclass
class Trial:
    """One run: both sides before and after, and what it says of itself.

    ``written_earlier`` is what strangers wrote while the run lasted that this one resumes: its
    listing goes on where that one ended.
    """

    before: Before
    after: Before
    filter: Filter
    options: Mapping[str, Any]
    result: CopyResult
    report: list[dict[str, Any]]
    written_earlier: Mapping[tuple[str, str], StoredObject]

    def __post_init__(self) -> None:
        self.raced_there = {
            key: found for (bucket, key), found in self.before.raced.items() if bucket == DST
        }
        there = set(self.before.destination) | set(self.raced_there)
        self.gone = there - set(self.after.destination)
        self.unseen = {key for _, key in (*self.written_earlier, *self.before.raced)}

    def check(self) -> None:
        """Assert what holds of every run, however it ended."""
        assert self.after.outside == self.before.outside
        assert set(OUTSIDE) == set(self.after.outside)
        self._check_report()
        self._check_left_out()
        for key in self.before.later:
            assert self.after.destination[key] == self.raced_there[key]
        if self.gone:
            self._check_deletes()

    def check_in_step(self) -> None:
        """Assert that the destination is what an undisturbed sync has to make of it."""
        if self.options["mode"] is RunMode.DRY_RUN:
            assert self.after.destination == {**self.before.destination, **self.raced_there}
            return
        for key, found in self.before.source.items():
            if self.filter.wants(key, found) and key not in self.unseen:
                self._check_same(found, self.after.destination[key])
        if self.options["delete"] is Delete.EXTRA:
            extra = {key for key in self.before.destination if self._is_extra(key)}
            assert self.gone - self.unseen == extra - self.unseen
        else:
            assert not self.gone

    # ------------------------------------------------------------------------- one by one

    def _check_report(self) -> None:
        seen = self.result.metrics
        statuses = Counter(line["status"] for line in self.report)
        assert statuses["deleted"] == seen.files_deleted
        assert statuses["copied"] == seen.files_copied_successfully - seen.files_copied_earlier
        named = {
            line["destination_key"].removeprefix("out/"): line
            for line in self.report
            if "destination_key" in line
        }
        without_copy = statuses["not_listed"] + statuses["left_out"]
        assert sum(statuses.values()) - without_copy == len(named), "a line for each key"
        assert self.gone <= {
            key for key, line in named.items() if line["status"] in ("deleted", "not_deleted")
        }
        changed = {
            key
            for key, found in self.after.destination.items()
            if found not in (self.before.destination.get(key), self.raced_there.get(key))
        }
        assert changed <= {
            key for key, line in named.items() if line["status"] in ("copied", "failed")
        }
        for key, line in named.items():
            if line["status"] == "copied" and key not in self.raced_there:
                assert self.after.destination[key].etag == line["copy_etag"]
            if line["status"] == "deleted":
                assert key in self.gone or key in self.raced_there
                if line["version_id"]:
                    assert line["version_id"] in self.after.markers[f"out/{key}"]

    def _check_left_out(self) -> None:
        """What a filter leaves out is what it was; only what was asked for goes nevertheless."""
        for key, found in self.before.destination.items():
            in_source = self.before.source.get(key)
            is_copied = in_source is not None and self.filter.wants(key, in_source)
            if is_copied or key in self.raced_there or (SRC, key) in self.before.raced:
                continue
            if not (self.options["delete"] is Delete.EXTRA and self._is_extra(key)):
                assert self.after.destination[key] == found

    def _check_deletes(self) -> None:
        """Deletes follow a complete copy, keep to their limit, and spare what came later."""
        assert self.options["delete"] is Delete.EXTRA
        assert self.options["mode"] is RunMode.COPY
        for key in self.gone - set(self.raced_there):
            assert self._is_extra(key)
        for key, found in self.before.source.items():
            if self.filter.wants(key, found) and key not in self.unseen:
                assert key in self.after.destination
        assert not any(
            line["status"] in ("failed", "not_attempted", "not_listed") for line in self.report
        )
        allowed = MOST_DELETES[self.options["max_delete"]]
        assert len(self.gone) <= allowed(
            len(set(self.before.destination) | set(self.before.source) | set(self.raced_there))
        )

    def _is_extra(self, key: str) -> bool:
        """Whether a sync that deletes is to delete it."""
        if not key:
            return False
        if not self.filter.wants_key(key):
            return bool(self.options["delete_excluded"])
        found = self.before.destination[key]
        return key not in self.before.source and self.filter.wants(key, found)

    def _check_same(self, source: StoredObject, copy: StoredObject) -> None:
        by = self.options["compare_by"]
        if by is CompareBy.NEWER and copy.last_modified >= source.last_modified:
            return
        assert copy.size == source.size
        if 0 < source.size < LARGE and by is not CompareBy.SIZE:
            assert copy.etag == source.etag


TestSyncHistories = SyncHistories.TestCase
TestSyncHistories.settings = settings(
    max_examples=int(HISTORIES or 5),
    stateful_step_count=10,
    derandomize=HISTORIES is None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
