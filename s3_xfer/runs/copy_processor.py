"""What processes the tasks of a copy: an engine, what dispatches to it, and the ledger.

The engine is chosen once per run. With the CRT engine one worker is enough: it holds no thread
while S3 is at work. With the managed engine every copy holds a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from s3_xfer.access.clients import Clients
from s3_xfer.copying.context import CopyContext
from s3_xfer.copying.copier import ObjectCopier
from s3_xfer.copying.dispatcher import AsyncDispatcher
from s3_xfer.copying.engine_selection import select_engine
from s3_xfer.copying.managed_when_needed import ManagedWhenNeeded
from s3_xfer.copying.multipart_uploader import MultipartUploader
from s3_xfer.copying.part_copiers import ClientPartCopier, CrtPartCopier
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.pipeline.executor import Processor
from s3_xfer.pipeline.slots import INITIAL_SLOTS_MAX
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.spec import CopySpec

if TYPE_CHECKING:
    from s3_xfer.copying.crt import CrtCopyClient  # awscrt is optional

_DISPATCHING_THREADS = 1  # of an engine that holds no thread; a second one only slows it down


class CopyProcessor(Processor[CopyTask]):
    """Copies tasks, and records in ``ledger`` how each ended. Thread-safe.

    ``left`` returns how many tasks are still to come, or None while that is not known.

    Raises:
        PreflightError: the CRT engine was asked for and cannot be used.
    """

    def __init__(
        self,
        spec: CopySpec,
        keys: KeyMaps,
        clients: Clients,
        *,
        ledger: Ledger,
        left: Callable[[], int | None],
        judge: Callable[[S3Object], bool] | None = None,
    ) -> None:
        options = spec.options
        context = CopyContext(
            source=clients.source,
            destination=clients.destination,
            hooks=clients.destination_hooks,
            options=options,
            overwrite=spec.overwrite,
            looks_first=not clients.destination_is_aws,
            compare=spec.compare_by,
            judge=judge,
        )
        engine = select_engine(
            context,
            ca_bundle=clients.destination_ca_bundle,
            destination_bucket=keys.destination.bucket,
        )
        self.why_managed = engine if isinstance(engine, str) else ""
        threads = options.threads if self.why_managed else _DISPATCHING_THREADS
        super().__init__(self._begin, threads=threads)
        self._keys = keys
        self._left = left
        context.hooks.pacer.expect_end(self._requests_left)
        self._ledger = ledger
        self._engine = ManagedWhenNeeded(clients.destination, options)
        context.hooks.keeps_uploads_when_stopped = ledger.journal is not None
        connections = clients.requests.connections.budget.limit
        self._uploader = self._uploader_of(context, engine, connections=connections)
        self._copier = ObjectCopier(context, self._engine, self._uploader)
        self._dispatcher: AsyncDispatcher | None = None
        if not isinstance(engine, str):
            limit = min(options.max_in_flight, connections)
            self._dispatcher = AsyncDispatcher(
                self._copier, engine, limit=limit, on_crash=ledger.abort
            )

    def _uploader_of(
        self, context: CopyContext, engine: CrtCopyClient | str, *, connections: int
    ) -> MultipartUploader | None:
        """Return what copies in parts; None if it is the transfer manager alone."""
        journal = self._ledger.journal
        registry = journal.uploads if journal else None
        if not isinstance(engine, str):
            limit = min(context.options.max_in_flight, connections // 2)  # others for small ones
            part_copier = CrtPartCopier(engine, context, limit=limit, on_crash=self._ledger.abort)
            return MultipartUploader(context, part_copier, registry=registry, creates_uploads=True)
        if registry is None:
            return None
        return MultipartUploader(
            context, ClientPartCopier(context), registry=registry, creates_uploads=False
        )

    def expect(self, answer_s: float) -> None:
        """Begin with as many copies at a time as suit answers that take ``answer_s``."""
        if self._dispatcher:
            self._dispatcher.expect(answer_s)

    def preconnect(self, objects: Sequence[S3Object]) -> None:
        """Open connections for the copies of the first ``objects``; the checks are under way.

        Those that are renamed are not counted: the function that does it is called once for each.
        """
        if not self._dispatcher or self._keys[0].rename:
            return
        tasks = self._keys.tasks(objects[:INITIAL_SLOTS_MAX])
        self._dispatcher.preconnect(sum(map(self._copier.is_ready, tasks)))

    def _requests_left(self) -> int | None:
        """Return how many objects wait to be copied, or None while more may come."""
        left = self._left()
        if left is None or self._dispatcher is None:
            return left
        return left + self._dispatcher.waiting

    def _begin(self, task: CopyTask) -> None:
        """Begin the copy of a task, unless the run is stopped."""
        if not self._ledger.begin(task):
            return
        if self._dispatcher:
            self._dispatcher.start(task, self._ledger.end)
        else:
            self._ledger.end(task, self._copier.copy(task))

    def drain(self, timeout_s: float) -> bool:
        """Wait until every copy that was begun has ended."""
        return self._dispatcher is None or self._dispatcher.drain(timeout_s)

    def give_up(self) -> None:
        """Record as interrupted what S3 has not answered."""
        self._ledger.give_up_in_flight()

    def close(self, *, all_ended: bool) -> None:
        """Release connections and threads; those of the engine only if no copy is in flight."""
        if self._dispatcher:
            self._dispatcher.close()
        if self._uploader:
            self._uploader.close()
        if all_ended:
            self._engine.close()
