"""The last stage of a sync that deletes: what only the destination has.

It begins when everything was copied. Both sides are listed anew, to their end, before the first
object is deleted, so that nothing is deleted by what a listing had before the copies, or did not
get to. Any error, any doubt and any stop leaves everything as it is.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from s3_xfer.access.clients import Clients
from s3_xfer.comparison import Pair
from s3_xfer.copying.deleter import Deleter
from s3_xfer.errors import ErrorClass, RunAborted, translate
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.listing.parallel import Listing
from s3_xfer.listing.whole import every_object, listing_of
from s3_xfer.model import (
    DeleteTask,
    NotAttempted,
    OpenUpload,
    S3Location,
    S3Object,
    Skipped,
    SkipReason,
)
from s3_xfer.options import RunMode
from s3_xfer.options.delete_limit import most_deletes
from s3_xfer.pipeline.executor import Executor, Processor
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.delete_plan import EXAMPLES_MAX, DeletePlan
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.planning.selection import Selection
from s3_xfer.runs.backups import Backups
from s3_xfer.runs.execution import Execution
from s3_xfer.s3_client import S3Client
from s3_xfer.sources.paired import pair_up
from s3_xfer.sources.source import Batch, Source
from s3_xfer.spec import CopySpec
from s3_xfer.units import plural
from s3_xfer.wording import message

_BATCH = 100
_CHANNEL_BATCHES = 20


NOTHING_DELETED = "nothing was deleted: that begins when everything was copied"


def notes_of_dry_run(plan: DeletePlan) -> Iterator[str]:
    """Yield what a real run would not delete, and why."""
    if plan.is_too_much:
        yield message(
            "a real run would delete nothing: {objects} of {all} would go, and {allowed} may "
            "({max_delete})",
            objects=plural(plan.count, "object"),
            all=f"{plan.of_objects:,}",
            allowed=f"{plan.allowed:,}",
        )


def is_all_copied(metrics: TransferMetrics) -> bool:
    """Return whether everything was listed, and nothing failed."""
    is_done = metrics.files_done == metrics.total_files_found
    return metrics.listing_complete and is_done and not metrics.files_failed


class DeletionStage:
    """The deletes of one run. For one thread.

    ``began`` is when the sync began, for filters by age.
    """

    def __init__(
        self,
        spec: CopySpec,
        keys: KeyMap,
        clients: Clients,
        *,
        ledger: Ledger,
        stop: StopFlag,
        began: datetime,
    ) -> None:
        self._spec = spec
        self._keys = keys
        self._clients = clients
        self._ledger = ledger
        self._stop = stop
        self._of_source = Selection(spec.options, relative_key=keys.relative_key, began=began)
        self._of_destination = Selection(
            spec.options, relative_key=keys.relative_key_of_copy, began=began
        )
        self._listings: list[Listing] = []
        self.notes: list[str] = []
        self.uploads_left_behind: tuple[OpenUpload, ...] = ()

    def run(self) -> tuple[DeletePlan | None, bool]:
        """Find what is to be deleted, and delete it; return the plan, and whether all has ended.

        Does not raise: an error ends the run.
        """
        try:
            with _Spilled(self._keys.destination.bucket) as extras:
                plan = self._find(extras)
                return plan, self._carry_out(plan, extras)
        except Exception as error:  # noqa: BLE001 - the run's reason to end
            self._ledger.abort(error, "looking for what is to be deleted")
            return None, all(listing.join(0.0) for listing in self._listings)
        finally:
            for listing in self._listings:
                listing.close()

    # ------------------------------------------------------------------------- the plan

    def _find(self, extras: _Spilled) -> DeletePlan:
        """Return the plan, with its objects in ``extras``.

        Raises:
            RunAborted: a listing failed or is not in order, or the source has nothing.
        """
        clients, keys = self._clients, self._keys
        pairs = pair_up(
            self._listed(clients.source, keys.source),
            self._listed(clients.destination, keys.destination),
            keys,
        )
        of_objects = wanted = 0
        for pair in pairs:
            of_objects += pair.destination is not None
            wanted += pair.source is not None and self._of_source.wants(pair.source)
            if pair.destination and self._is_extra(pair):
                extras.add(pair.destination)
        if not wanted:
            raise RunAborted(
                f"{keys.source.url} has nothing to keep the destination in step with, so nothing "
                "was deleted",
                remedy="check the prefix and the filters",
                error_class=ErrorClass.NOTHING_TO_COPY,
            )
        is_versioned = self._is_versioned() if len(extras) else None
        allowed = most_deletes(self._spec.options.max_delete, of_objects)
        backup = self._spec.backup
        return extras.plan(
            of_objects,
            allowed=allowed,
            is_versioned=is_versioned,
            backup=backup.url if backup else "",
        )

    def _is_extra(self, pair: Pair) -> bool:
        """Return whether the destination's object of a pair is to be deleted.

        The empty object that marks the destination's prefix is not.
        """
        assert pair.destination  # noqa: S101 - the caller has looked
        relative_key = self._keys.relative_key_of_copy(pair.destination)
        if not relative_key:
            return False
        if not self._of_destination.wants_key(relative_key):
            return self._spec.options.delete_excluded
        if pair.source is not None:
            return False
        return self._of_destination.wants(pair.destination)

    def _listed(self, client: S3Client, location: S3Location) -> Iterator[S3Object]:
        """Return every object of one side; reading raises if the run is stopped."""
        listing = listing_of(client, location)
        self._listings.append(listing)
        return every_object(listing, self._stop)

    def _is_versioned(self) -> bool | None:
        """Return whether the bucket keeps what is deleted; None if that cannot be seen."""
        bucket = self._keys.destination.bucket
        try:
            answer = self._clients.destination.get_bucket_versioning(Bucket=bucket)
        except Exception as error:
            if translate(error).error_class is ErrorClass.INTERRUPTED:
                raise
            return None
        return answer.get("Status") == "Enabled"

    # ---------------------------------------------------------------------- carrying it out

    def _carry_out(self, plan: DeletePlan, extras: _Spilled) -> bool:
        """Delete what is planned, or say why not; return whether all threads have ended."""
        self._ledger.found_extra(plan.count)
        if self._spec.options.mode is RunMode.DRY_RUN:
            for task in extras.tasks():
                self._ledger.record_late(Skipped(task, SkipReason.WOULD_DELETE))
            return True
        refusal = self._refusal(plan)
        if refusal:
            self._ledger.abort(refusal)
        return self._delete(extras) if plan.count else True

    def _refusal(self, plan: DeletePlan) -> RunAborted | None:
        confirmed = self._spec.confirmed_deletes
        if plan.is_too_much:
            return RunAborted(
                f"{plural(plan.count, 'object')} of {plan.of_objects:,} would be deleted, and "
                f"{plan.allowed:,} may be: nothing was deleted",
                remedy=message(
                    "look at them with {mode=dry-run} and {report_path=...}; if they are right, "
                    "raise {max_delete}"
                ),
                error_class=ErrorClass.TOO_MANY_DELETES,
            )
        if confirmed and plan.fingerprint != confirmed:
            return RunAborted(
                "what would be deleted is no longer what was confirmed: nothing was deleted",
                remedy="run it again",
                error_class=ErrorClass.TOO_MANY_DELETES,
            )
        return None

    def _delete(self, extras: _Spilled) -> bool:
        options, ledger = self._spec.options, self._ledger
        clients = self._clients
        deleter = Deleter(
            clients.destination,
            clients.destination_hooks,
            looks_first=not clients.destination_is_aws,
        )
        backup = self._spec.backup
        backups = Backups(self._spec, self._keys, clients, backup) if backup else None

        def process(task: DeleteTask) -> None:
            if ledger.begin(task):
                ready = backups.make(task) if backups else task
                ended = deleter.delete(ready) if isinstance(ready, DeleteTask) else ready
                ledger.end(task, ended)

        execution = Execution(
            _ExtraSource(extras),
            Executor(capacity=_CHANNEL_BATCHES, stop=self._stop, on_error=ledger.abort),
            plan=lambda batch: batch.items,
            not_attempted=lambda task: ledger.record_late(NotAttempted(task)),
            ledger=ledger,
            stop=self._stop,
            batch_size=_BATCH,
        )
        processor = _DeleteProcessor(process, ledger, threads=options.threads)
        all_ended = execution.run(processor, grace_s=options.stop_grace_s)
        if backups:
            self.uploads_left_behind, notes = backups.close(all_ended=all_ended)
            self.notes += notes
        return all_ended


class _DeleteProcessor(Processor[DeleteTask]):
    def __init__(self, process: Any, ledger: Ledger, *, threads: int) -> None:
        super().__init__(process, threads=threads)
        self._ledger = ledger

    def give_up(self) -> None:
        """Record as interrupted what S3 has not answered."""
        self._ledger.give_up_in_flight()


class _ExtraSource(Source[DeleteTask]):
    """Yields what is to be deleted; all of it is on this machine."""

    is_local = True

    def __init__(self, extras: _Spilled) -> None:
        self._extras = extras

    def batches(self) -> Iterator[Batch[DeleteTask]]:
        """Yield the deletions."""
        tasks = self._extras.tasks()
        while batch := list(islice(tasks, _BATCH)):
            yield Batch(batch)
        self.is_local = False


class _Spilled:
    """Objects in a temporary file, in the order of their keys: memory does not grow with them."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        self._count = self._size_bytes = 0
        self._examples: list[str] = []
        self._digest = hashlib.sha256()

    def __enter__(self) -> _Spilled:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def add(self, found: S3Object) -> None:
        line = json.dumps([found.key, found.size, found.etag]) + "\n"
        self._file.write(line)
        self._digest.update(line.encode())
        self._count += 1
        self._size_bytes += found.size
        if len(self._examples) < EXAMPLES_MAX:
            self._examples.append(found.key)

    def plan(
        self, of_objects: int, *, allowed: int, is_versioned: bool | None, backup: str
    ) -> DeletePlan:
        return DeletePlan(
            count=self._count,
            size_bytes=self._size_bytes,
            of_objects=of_objects,
            allowed=allowed,
            examples=tuple(self._examples),
            fingerprint=self._digest.hexdigest(),
            is_versioned=is_versioned,
            backup=backup,
        )

    def tasks(self) -> Iterator[DeleteTask]:
        """Return the deletion of each object."""
        self._file.seek(0)
        for line in self._file:
            key, size, etag = json.loads(line)
            yield DeleteTask.of(S3Object(bucket=self._bucket, key=key, size=size, etag=etag))
