"""The preflight of a copy: the probes before the first object, with the run's own clients.

Before the first copy leaves, two answers are waited for: both sides are asked at the same time, and
what needs an object and an open upload follows. Of the failed findings the first is raised, in the
order of the probes; a denial is diagnosed on request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_reading_client
from s3_xfer.access.probe import DESTINATION, SOURCE, Finding, Probe, ProbeContext, Verdict
from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.listing.pages import RememberingReader
from s3_xfer.model import S3Object
from s3_xfer.options import Preflight, RunMode
from s3_xfer.planning.mapping import KeyMap, KeyMaps
from s3_xfer.spec import CopySpec
from s3_xfer.wording import message

_THREADS = "s3-xfer-preflight"
_NOT_PROVEN = {SOURCE: "reading the source", DESTINATION: "writing to the destination"}
_WRITING = (probes.backup, probes.open_upload)
_NOTED = frozenset(probe.name for probe in (*_WRITING, probes.read_for_copy))


class SourcePreflight:
    """The preflight of one source of a run, in two stages. For one thread.

    ``named`` are the first objects of a list, which takes the place of the listing; None: the
    source is listed.
    """

    def __init__(
        self,
        clients: Clients,
        keys: KeyMap,
        spec: CopySpec,
        *,
        named: Sequence[S3Object] | None = None,
    ) -> None:
        self._named = named
        self._context = ProbeContext(clients, keys, spec.options)
        self._spec = spec
        if spec.options.principal:
            from s3_xfer.access.documents import Principal  # noqa: PLC0415 - few runs name one

            Principal.parse(spec.options.principal)  # wrong ones are refused before any request
        self._is_skipped = spec.options.preflight is Preflight.SKIP
        self._refusal: PreflightError | None = None
        self.answer_s = 0.0  # how long answers were waited for, where that was shortest
        self._aborting: threading.Thread | None = None

    def examine_sides(self, *, opens_upload: bool) -> tuple[str, ...]:
        """Try, at the same time, what needs no other answer; return notes for the user.

        That includes the upload that shows whether the destination can be written, if it
        ``opens_upload``; :meth:`examine_copying` opens it otherwise. The HEAD of a single object
        is sent in any case: the copy needs its size and ETag.

        Raises:
            PreflightError: the copy would be refused.
        """
        if self._named is not None:
            self._context.sample = self._named
        writing = _WRITING if opens_upload and not self._is_dry_run else ()
        self._examine(*self._reading(), *(() if self._is_skipped else writing))
        if self._is_skipped:
            return (message("access was not checked before the copy ({preflight=skip})"),)
        return ()

    def examine_copying(self) -> tuple[str, ...]:
        """Try what needs an object of the source, and an upload; return notes for the user.

        The upload is to be aborted by :meth:`clean_up`.

        Raises:
            PreflightError: the copy would be refused.
        """
        if self._is_skipped:
            return ()
        if self._is_dry_run:
            return (self._examine_dry_run(),)
        findings: list[Finding] = []
        if self._context.upload is None:  # not tried, or in vain: what that means depends on sizes
            findings += self._examine(*_WRITING)
        findings += self._examine(probes.tags_always_read, probes.read_for_copy)
        return tuple(
            message(
                "{step} could not be checked: {evidence}",
                step=_NOT_PROVEN[finding.side],
                evidence=finding.evidence,
            )
            for finding in findings
            if finding.verdict is Verdict.UNPROVEN and finding.probe in _NOTED
        )

    def clean_up(self) -> None:
        """Send the abort of the open upload; :meth:`wait` waits for its answer.

        One that stays is among the hooks' open uploads.
        """
        context = self._context
        if not context.upload:
            return

        def abort() -> None:
            try:
                context.abort_upload()
            finally:
                sent.set()

        with _asking_destination(context.clients, "AbortMultipartUpload") as sent:
            self._aborting = threading.Thread(target=abort, name=_THREADS, daemon=True)
            self._aborting.start()
            sent.wait()  # and counted, among the requests of the checks

    def wait(self) -> None:
        """Wait until nothing of the preflight is under way."""
        if self._aborting:
            self._aborting.join()

    @property
    def single(self) -> S3Object | None:
        """The object, if the source is one, as soon as it was seen."""
        is_of_prefix = self._context.keys.is_of_prefix
        return None if is_of_prefix else next(iter(self._context.sample), None)

    @property
    def has_looked(self) -> bool:
        """Whether the object was looked up, if the source is one; also if the run was stopped."""
        return self._context.keys.is_of_prefix or bool(self._context.sample)

    @property
    def first_objects(self) -> Sequence[S3Object]:
        """The objects that were seen: those of a page, the single one, or the first of a list."""
        return self._context.sample

    @property
    def source_pages(self) -> RememberingReader | None:
        """The listing of the source, whose first page is known; None if it was not listed."""
        return self._context.source_pages

    @property
    def _is_dry_run(self) -> bool:
        return self._spec.options.mode is RunMode.DRY_RUN

    def _reading(self) -> Iterator[Probe]:
        """Yield what shows that both sides can be read, in the order of their importance."""
        spec = self._spec
        is_of_prefix = self._context.keys.is_of_prefix
        if not is_of_prefix:
            yield probes.head
        if self._is_skipped:
            return
        if self._named is not None:
            yield probes.head_of_named
        elif is_of_prefix:
            yield probes.list_source
        if spec.source.bucket_owner:
            yield probes.source_bucket
        yield from (probes.destination_bucket, probes.look_for_delete)
        if not spec.overwrite and not self._context.clients.destination_is_aws:
            yield probes.existing

    def _examine_dry_run(self) -> str:
        """Try what a dry run can show of reading for the copy; return what it cannot show."""
        context = self._context
        context.source_by_copier = open_reading_client(context.clients, self._spec)
        findings = self._examine(probes.tags_always_read, probes.head_by_copier)
        by_copier = findings[-1]
        unchecked = "a dry run writes nothing: write access was not checked, nor was reading"
        if by_copier.verdict is Verdict.UNPROVEN:
            return message(
                "{unchecked} with the destination's credentials ({evidence})",
                unchecked=unchecked,
                evidence=by_copier.evidence,
            )
        return (
            f"{unchecked} for a copy, except for one HEAD with the destination's credentials: "
            "tags and KMS keys may still be denied"
        )

    def diagnose(self, error: BaseException) -> None:
        """Attach to ``error`` what the denial means, if this preflight raised it. Never raises."""
        context, refusal = self._context, self._refusal
        if not refusal or error is not refusal:
            return
        from s3_xfer.access import diagnosis  # noqa: PLC0415 - large, and most runs have none

        refusal.diagnosis = diagnosis.diagnosis_or_none(
            lambda: diagnosis.diagnose_refusal(
                refusal,
                context.subject,
                diagnosis.diagnoser_of(context.clients, context.keys, self._spec),
            ),
            log=context.clients.requests.log,
        )

    def _examine(self, *chosen: Probe) -> list[Finding]:
        """Run the probes at the same time; return the findings in the order of the probes.

        Raises:
            PreflightError: that of the first failed finding. All have ended, and the upload was
                aborted.
        """
        began_s = time.monotonic()
        with ThreadPoolExecutor(max(1, len(chosen)), thread_name_prefix=_THREADS) as pool:
            ended = [pool.submit(probe.run, self._context) for probe in chosen]
        if chosen:
            took_s = time.monotonic() - began_s
            self.answer_s = min(took_s, self.answer_s or took_s)
        try:
            findings = [self._passed(one.result()) for one in ended]
        except BaseException:
            self._context.abort_upload()
            raise
        return [finding for finding in findings if finding]

    def _passed(self, finding: Finding | None) -> Finding | None:
        """Return ``finding``, unless the run is refused because of it."""
        if finding and finding.verdict is Verdict.FAILED and finding.refusal:
            self._refusal = finding.refusal
            raise finding.refusal
        return finding


@contextmanager
def _asking_destination(clients: Clients, operation: str = "") -> Iterator[threading.Event]:
    """Give an event that is set when a request (of ``operation``) is sent there, or at the end."""
    asked, events = threading.Event(), clients.destination.meta.events

    def note(event_name: str, **_: object) -> None:
        if event_name.endswith(operation):
            asked.set()

    events.register_last("before-send.s3", note)
    try:
        yield asked
    finally:
        events.unregister("before-send.s3", note)
        asked.set()


class AccessPreflight:
    """The preflights of all sources of a run, one after the other. For one thread.

    ``samples`` say of each source, by its number, which objects of it are named one by one, at
    least the first ones; None: it is listed, or looked up. Sources that are not in it have nothing
    left to copy.
    """

    def __init__(
        self,
        clients: Clients,
        keys: KeyMaps,
        spec: CopySpec,
        samples: Mapping[int, Sequence[S3Object] | None],
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._samples = samples
        self._of_sources = {
            number: SourcePreflight(clients, keys[number], spec, named=named)
            for number, named in samples.items()
        }

    @property
    def has_looked(self) -> bool:
        """Whether each source that is one object was looked up."""
        return all(one.has_looked for one in self._of_sources.values())

    @property
    def singles(self) -> list[S3Object]:
        """The sources that are one object; all of them once it ``has_looked``."""
        return [one.single for one in self._of_sources.values() if one.single]

    @property
    def first_objects(self) -> Sequence[S3Object]:
        """What was seen of all sources, in their order."""
        return [item for one in self._of_sources.values() for item in one.first_objects]

    @property
    def answer_s(self) -> float:
        """How long answers were waited for, where that was shortest; 0 if nothing was asked."""
        return min((one.answer_s for one in self._of_sources.values() if one.answer_s), default=0.0)

    def source_pages(self, number: int) -> RememberingReader | None:
        """Return the listing of a source, whose first page is known; None if it was not listed."""
        return self._of_sources[number].source_pages if number in self._of_sources else None

    def examine_sides(self, *, opens_upload: bool) -> tuple[str, ...]:
        """Do what :meth:`SourcePreflight.examine_sides` does, for each source.

        Raises:
            PreflightError: the copy would be refused.
        """
        notes: list[str] = []
        for number, source in list(self._of_sources.items()):
            try:
                notes += source.examine_sides(
                    opens_upload=opens_upload and number in self._tried_by_writing()
                )
            except PreflightError as refusal:
                is_nothing = refusal.error_class is ErrorClass.NOTHING_TO_COPY
                if not is_nothing or not self._may_lack(number):
                    raise
                if len(self._of_sources) > 1:  # one is left to try the destination with
                    del self._of_sources[number]
        return tuple(dict.fromkeys(notes))

    def examine_copying(self, meanwhile: Callable[[], object] | None) -> tuple[str, ...]:
        """Do what :meth:`SourcePreflight.examine_copying` does, where that is worth a try.

        ``meanwhile`` is called in another thread, as soon as the first request was sent.

        Raises:
            PreflightError: the copy would be refused.
            S3XferError: what ``meanwhile`` raises, if the copy would not be.
        """
        notes: list[str] = []

        def work() -> None:
            is_asked.wait()
            if meanwhile:
                meanwhile()

        with ThreadPoolExecutor(1, thread_name_prefix=_THREADS) as beside:
            with _asking_destination(self._clients) as is_asked:
                begun = beside.submit(work)
                for number in self._tried_by_writing():
                    notes += self._of_sources[number].examine_copying()
            begun.result()
        return tuple(dict.fromkeys(notes))

    def clean_up(self) -> None:
        """Send the aborts of the open uploads; :meth:`wait` waits for the answers."""
        for source in self._of_sources.values():
            source.clean_up()

    def wait(self) -> None:
        """Wait until nothing of the preflight is under way."""
        for source in self._of_sources.values():
            source.wait()

    def diagnose(self, error: BaseException) -> None:
        """Attach to ``error`` what the denial means, if this preflight raised it. Never raises."""
        for source in self._of_sources.values():
            source.diagnose(error)

    def _may_lack(self, number: int) -> bool:
        """Return whether the partner of a source has something, or was copied by an earlier run."""
        partner = self._keys[number].partner
        return partner is not None and (partner in self._of_sources or partner not in self._samples)

    def _tried_by_writing(self) -> Sequence[int]:
        """Return what stands for the others: each prefix, and one object of each bucket."""
        chosen: dict[tuple[str, str], int] = {}
        for number in self._of_sources:
            source, is_of_prefix = self._keys[number].source, self._keys[number].is_of_prefix
            place = (source.bucket, source.key if is_of_prefix else "one object")
            chosen.setdefault(place, number)
        return list(chosen.values())
