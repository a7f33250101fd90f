"""One object, from task to outcome.

:meth:`ObjectCopier.prepare` resolves what is not known and decides whether anything is to be
copied; the managed engine or the CRT engine copies; an answer that leaves something open is settled
by :mod:`s3_xfer.copying.settlement`. Every failure becomes one :class:`~s3_xfer.model.Failed` with
its facts; nothing is raised. An object counts as copied only if an answer of S3 proves it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import botocore.exceptions as bc

from s3_xfer.copying import lookup
from s3_xfer.copying.counterpart import compared_counterpart, existing_counterpart
from s3_xfer.copying.counting import TransferCounter
from s3_xfer.copying.engine import CopyEngine
from s3_xfer.copying.hooks import RequestHooks
from s3_xfer.copying.managed_copy import ManagedCopier
from s3_xfer.copying.multipart_resumer import MultipartResumer
from s3_xfer.copying.request_state import TransferState
from s3_xfer.copying.settlement import OutcomeSettler
from s3_xfer.errors import ErrorClass, ObjectError, translate
from s3_xfer.model import (
    Copied,
    CopyTask,
    Outcome,
    SkipReason,
)
from s3_xfer.options import CopyOptions
from s3_xfer.planning.decisions import Copy, Counterpart, Skip, decide, outcome_of
from s3_xfer.planning.steps import counterpart_steps

UNSEEN = (
    "what is at the destination may not be looked at (s3:GetObject and s3:ListBucket), and this "
    "service may ignore the condition not to overwrite it"
)


class ObjectCopier:
    """Copies single objects for the workers of one run; thread-safe.

    ``source`` reads metadata and tags, ``destination`` writes; ``hooks`` are those attached to
    ``destination``. Without ``overwrite`` every copy carries ``If-None-Match``; ``looks_first``
    sends a HEAD for the key besides, where the service may ignore the condition. ``resumer`` knows
    the uploads of earlier runs.
    """

    def __init__(
        self,
        *,
        engine: CopyEngine,
        source: Any,
        destination: Any,
        hooks: RequestHooks,
        metrics: TransferCounter,
        options: CopyOptions,
        overwrite: bool,
        looks_first: bool,
        resumer: MultipartResumer | None = None,
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._steps = counterpart_steps(options, overwrite=overwrite)
        self._overwrite = overwrite
        self._looks_first = looks_first
        self._settler = OutcomeSettler(
            source,
            destination,
            overwrite=overwrite,
            threshold_bytes=options.multipart_threshold_bytes,
        )
        self._managed = ManagedCopier(
            engine=engine,
            source=source,
            destination=destination,
            transfers=hooks.transfers,
            settler=self._settler,
            counter=metrics,
            options=options,
            resumer=resumer,
        )

    def copy(self, task: CopyTask) -> Outcome:
        """Return how the copy of ``task`` ended. Never raises."""
        ready = self.prepare(task)
        return self.copy_prepared(ready) if isinstance(ready, CopyTask) else ready

    def is_ready(self, task: CopyTask) -> bool:
        """Return whether one request copies ``task``, with nothing to be asked before."""
        return bool(task.source.etag) and self.is_single(task) and not self._asks(task)

    def is_single(self, task: CopyTask) -> bool:
        """Return whether ``task`` is small enough for a single request."""
        return task.source.size < self._options.multipart_threshold_bytes

    def prepare(self, task: CopyTask) -> CopyTask | Outcome:
        """Find out what the copy needs to know, or return how it ended. Never raises."""
        try:
            if not task.source.etag:
                resolved, _ = lookup.head(self._source, task.source)
                task = CopyTask(resolved, task.destination_bucket, task.destination_key)
            if not self._asks(task):
                return task
            decision = decide(self._steps, task, self._counterpart(task))
            if isinstance(decision, Copy):
                return task
            if decision == Skip(SkipReason.IDENTICAL) and not self.is_single(task):
                self._managed.repeat_late_tags(task)
            return outcome_of(decision, task)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._settler.failed(task, error)

    def copy_prepared(self, task: CopyTask) -> Outcome:
        """Return how the copy of a prepared ``task`` by the managed engine ended. Never raises."""
        return self._managed.copy(task)

    def conclude(self, task: CopyTask, transfer: TransferState, error: Exception) -> Outcome:
        """Return how a single request ended whose last answer was ``error``. Never raises."""
        try:
            return self._settler.settle(task, transfer, error) or self._settler.failed(task, error)
        except Exception as another:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._settler.failed(task, another)

    def verified(self, task: CopyTask, etag: str, *, by: str) -> Outcome:
        """Return how a single request ended whose ``etag`` contradicts the source's.

        ``by`` is the engine. Never raises.
        """
        try:
            self._settler.check_contradiction(task.source, etag)
        except Exception as error:  # noqa: BLE001 - an object's failure, kept with its traceback
            return self._settler.failed(task, error)
        return Copied(task, task.source.size, etag, engine=by)

    def _asks(self, task: CopyTask) -> bool:
        """Return whether the steps need the counterpart of ``task``.

        Without overwriting, the condition on the copy decides; but some services ignore it, and
        for a large object it decides only after all parts.
        """
        if not self._steps:
            return False
        return self._overwrite or self._looks_first or not self.is_single(task)

    def _counterpart(self, task: CopyTask) -> Counterpart | None:
        if self._overwrite:
            return compared_counterpart(self._source, self._destination, task)
        try:
            return existing_counterpart(self._destination, task)
        except bc.ClientError as error:
            info = translate(error)
            if info.error_class is not ErrorClass.ACCESS_DENIED:
                raise
            if self._looks_first:
                raise ObjectError(replace(info, message=UNSEEN)) from error
            return None  # the condition on the copy decides
