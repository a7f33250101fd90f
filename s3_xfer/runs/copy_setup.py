"""What a copy opens before it begins, and closes at its end: journal, report, clients, source.

In the order in which things fail, so that what is read on this machine is refused before S3 is
asked. What was opened when a step fails is still here, for the run to close.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from s3_xfer.access.before_run import AccessPreflight
from s3_xfer.access.clients import Clients
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.copying.upload_registry import UploadTracker
from s3_xfer.errors import ErrorClass, PreflightError, S3XferError
from s3_xfer.ledger.ledger import Ledger
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.ledger.prices import AWS_PRICES, read_prices
from s3_xfer.listing.pages import PageReader
from s3_xfer.listing.parallel import Listing, Read
from s3_xfer.listing.segments import OrderNeed
from s3_xfer.model import OpenUpload, S3Object
from s3_xfer.options import Delete, RunMode
from s3_xfer.options.filters import parse_rules
from s3_xfer.planning.mapping import KeyMap, KeyMaps
from s3_xfer.planning.ranges import EVERYTHING, KeyRange
from s3_xfer.runs.run_inputs import RunInputs
from s3_xfer.sources.chosen import ChosenSource
from s3_xfer.sources.counterparts import Counterparts
from s3_xfer.sources.prefix import PrefixSource
from s3_xfer.sources.source import Source
from s3_xfer.spec import CopySpec
from s3_xfer.text import s3_url

if TYPE_CHECKING:
    from s3_xfer.ledger.journal.journal import Journal
    from s3_xfer.ledger.journal.session import JournalSession

_SAMPLE = 3  # objects of a list that the preflight looks at, until it finds one


class CopySetup:
    """Prepares one copy. ``notes`` grow with what the user should know.

    ``is_starved`` tells the listing that the workers wait for objects. ``is_planning``: nothing is
    copied, and the destination's objects are not looked at.
    """

    def __init__(
        self,
        spec: CopySpec,
        keys: KeyMaps,
        *,
        ledger: Ledger,
        requests: RequestPolicy,
        notes: list[str],
        is_starved: Callable[[], bool],
        is_planning: bool = False,
    ) -> None:
        self.is_planning = is_planning
        self.prices = AWS_PRICES
        self.clients: Clients | None = None
        self.opened: JournalSession | None = None
        self.preflight: AccessPreflight | None = None
        self._spec = spec
        self._keys = keys
        self._ledger = ledger
        self._requests = requests
        self._notes = notes
        self._is_starved = is_starved
        self._inputs = RunInputs(
            spec, keys, requests=requests, notes=notes, is_planning=is_planning
        )

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be written."""
        return self._spec.options.mode is RunMode.DRY_RUN

    def read_files(self) -> bool:
        """Read what says what to do; return False if by the journal nothing is left to do.

        Raises:
            S3XferError: one of them cannot be used.
        """
        options = self._spec.options
        if options.prices_path:
            self.prices = read_prices(options.prices_path)
        self._inputs.read_list()
        if options.journal and not self._open_journal(options.journal):
            return False
        if not self._ledger.journal:
            self._inputs.read_others()
        return True

    def _open_journal(self, name: str) -> bool:
        """Open the journal; return False if it says that nothing is left to do."""
        if self.is_dry_run:
            self._notes.append("a dry run copies nothing, so it keeps no journal")
            return True
        from s3_xfer.access.journal_storage import journal_storage  # noqa: PLC0415 - few have one
        from s3_xfer.ledger.journal.session import JournalSession  # noqa: PLC0415

        key_list = self._inputs.key_list
        self.opened = JournalSession(
            journal_storage(name, self._spec.destination, requests=self._requests),
            self._spec,
            list_digest=key_list.digest if key_list else None,
        )
        journal = self.opened.journal
        if journal is None:
            return True
        self._ledger.go_on_from(journal)
        deletes = self._spec.options.delete is Delete.EXTRA and not journal.has_deleted
        if not journal.is_complete or deletes:
            self._notes.append(f"resuming from the journal {self.opened.name}")
            return True
        if journal.uploads.may_be_open:  # killed between the last object and the end
            self._notes.append(
                f"according to the journal {self.opened.name} only unfinished uploads are "
                "left, to be aborted"
            )
            return True
        self._ledger.listing_completed()
        self._notes.append(
            f"nothing is left to do: according to the journal {self.opened.name} this copy is "
            "complete"
        )
        return False

    def examine_access(
        self, clients: Clients, meanwhile: Callable[[AccessPreflight], object] | None = None
    ) -> None:
        """Run the preflight; begin the journal, if there is one, before anything is opened.

        ``meanwhile`` is called while the last answers are waited for, with what the first ones
        have shown.

        Raises:
            S3XferError: the copy would be refused, or the journal cannot be written.
        """
        self.clients = clients
        samples = self._samples()
        preflight = self.preflight = AccessPreflight(clients, self._keys, self._spec, samples)
        self._notes += preflight.examine_sides(opens_upload=not self.opened)
        self._begin_journal(clients)
        work = partial(meanwhile, preflight) if meanwhile else None
        self._notes += preflight.examine_copying(work)
        preflight.clean_up()
        if self.is_planning:
            preflight.wait()

    def _samples(self) -> Mapping[int, Sequence[S3Object] | None]:
        """Return, of each source that has something left, the first objects that are named.

        None: the source is listed or looked up.

        Raises:
            PreflightError: an inventory has nothing under the source.
        """
        if self._ledger.journal:
            return self._samples_of_journal(self._ledger.journal)
        inventory = self._inputs.inventory
        source = self.source() if self._inputs.key_list or inventory else None
        if not source:
            return dict.fromkeys(range(len(self._keys)))
        sample = list(islice(source.named(), _SAMPLE))
        if inventory and not sample:
            url = self._keys[0].source.url
            raise PreflightError(
                f"the inventory has nothing under {url}", error_class=ErrorClass.NOTHING_TO_COPY
            )
        return {0: sample}

    def _samples_of_journal(self, journal: Journal) -> Mapping[int, Sequence[S3Object] | None]:
        listed = {keys.source for keys in journal.pending_ranges}
        samples: dict[int, Sequence[S3Object] | None] = {}
        for keys in self._keys:
            named = journal.pending_objects(source=keys.number)
            sample = list(islice(chain.from_iterable(named), _SAMPLE))
            is_asked = keys.number in listed or not keys.is_of_prefix
            if sample or keys.number in listed:
                samples[keys.number] = None if is_asked else sample
        return samples or {0: ()}

    def _begin_journal(self, clients: Clients) -> None:
        """Note in the journal what is to be done, and all uploads from now on."""
        if not self.opened:
            return
        source = self.source()
        assert source  # noqa: S101 - everything that says what there is has been read
        ranges = () if self._inputs.inventory else source.remaining()  # its rows are named
        journal = self.opened.begin(ranges=ranges, objects=source.named())
        self._ledger.journal = journal
        clients.destination_hooks.uploads.registry = journal.uploads

    def source(self) -> Source[S3Object] | None:
        """Return what is left to copy; None if what says so was not read yet."""
        journal, singles = self._ledger.journal, self._singles
        if self._spec.objects is not None:
            return ChosenSource(self._spec.objects, self._keys[0].source)
        if journal:
            from s3_xfer.sources.journal import JournalSource  # noqa: PLC0415

            return JournalSource(journal, self._open_listing, singles)
        return self._inputs.source(self._open_listing, singles) or self._of_locations()

    def _of_locations(self) -> Source[S3Object] | None:
        """Return the single objects and the listings, if nothing else says what there is."""
        keeps_journal = self._spec.options.journal and not self.is_dry_run
        is_unread = self._inputs.are_given or (keeps_journal and not self.opened)
        prefixes = [each.number for each in self._keys if each.is_of_prefix]
        is_seen = self.preflight is not None and self.preflight.has_looked
        if is_unread or not (is_seen or len(prefixes) == len(self._keys)):
            return None
        ranges = [replace(keys, source=each) for each in prefixes for keys in self._spec.key_ranges]
        singles = self._singles
        named = (lambda: [singles]) if singles else None
        return PrefixSource(self._open_listing, ranges, named=named)

    @property
    def _singles(self) -> Sequence[S3Object]:
        """The sources that are one object, once the preflight has looked them up."""
        return self.preflight.singles if self.preflight else ()

    def _open_listing(self, ranges: Sequence[KeyRange]) -> Listing:
        assert self.clients  # noqa: S101 - a run without them is stopped, and lists nothing
        keys = self._keys[ranges[0].source]
        source = keys.source
        prefix = source.key + parse_rules(self._spec.options.filters).prefix
        if self.is_dry_run and prefix != source.key:
            url = s3_url(source.bucket, prefix)
            self._notes.append(f"only {url}… is listed: the filters include nothing else")
        return Listing(
            self._page_reader(keys, prefix),
            prefix=prefix,
            ranges=ranges,
            needs_order=self._order_need(),
            threads=self._spec.options.listing_threads,
            is_starved=self._is_starved,
            counterparts=self._counterparts(keys),
        )

    def _page_reader(self, keys: KeyMap, prefix: str) -> Read:
        """Return what reads the listing; the preflight has read its first page, as a rule."""
        known = self.preflight.source_pages(keys.number) if self.preflight else None
        assert self.clients  # noqa: S101 - the caller has looked
        if known and known.prefix == prefix:
            return known
        return PageReader(self.clients.source, bucket=keys.source.bucket, prefix=prefix)

    def _order_need(self) -> OrderNeed | None:
        """Return why keys have to be listed in order, if they do."""
        if self.is_planning or self._spec.key_ranges != EVERYTHING:
            return OrderNeed.PLAN
        return OrderNeed.JOURNAL if self._ledger.journal else None

    def _counterparts(self, keys: KeyMap) -> Counterparts | None:
        """Return what looks objects up in the destination's listing; None if none are looked up.

        Keys that a program has named are in no order.
        """
        spec, clients = self._spec, self.clients
        assert clients  # noqa: S101 - the caller has looked
        looks_first = self.is_dry_run or not clients.destination_is_aws
        looks = spec.compare_by if spec.overwrite else looks_first
        if not looks or spec.rename or self.is_planning:
            return None
        destination = keys.destination
        reader = PageReader(clients.destination, destination.bucket, destination.key)
        return Counterparts(reader, keys, self._note_once)

    def _note_once(self, note: str) -> None:
        """Add a note that each source may have."""
        if note not in self._notes:
            self._notes.append(note)

    def service_notes(self) -> tuple[str, ...]:
        """Return what the user should know about how the service took the copies."""
        return self.clients.destination_hooks.optional.notes() if self.clients else ()

    def is_first_copy_elsewhere(self, metrics: TransferMetrics) -> bool:
        """Return whether objects were copied on a service that is not AWS, from a new listing."""
        clients = self.clients
        if not clients or clients.destination_is_aws or self._inputs.are_given:
            return False
        return metrics.files_copied_successfully > 0 == metrics.files_copied_earlier

    def open_uploads(self) -> tuple[OpenUpload, ...]:
        """Return the uploads of this run that were neither completed nor aborted."""
        return self._uploads().open_uploads() if self.clients else ()

    def _uploads(self) -> UploadTracker:
        """Return the uploads of the run, once it is known what became of the preflight's."""
        assert self.clients  # noqa: S101 - the callers have looked
        if self.preflight:
            self.preflight.wait()
        return self.clients.destination_hooks.uploads

    def sweep_uploads(self, *, is_stopped: bool) -> tuple[OpenUpload, ...]:
        """Abort once more the uploads that are still open; return those whose abort was refused.

        Notes tell of lost ones that S3 did not let us look for. A stopped run with a journal
        leaves its uploads to the next one.
        """
        assert self.clients  # noqa: S101 - validated
        journal, uploads = self._ledger.journal, self._uploads()
        if journal and is_stopped:
            return ()
        try:
            self._notes += uploads.sweep(
                self.clients.destination,
                self._keys.destination.bucket,
                journal.uploads if journal else None,
            )
        except S3XferError as error:  # of the journal
            self._ledger.abort(error)
        return uploads.open_uploads()

    def sweep_tests(self) -> tuple[str, ...]:
        """Abort what the tests of a refused run have opened; return a line for each that may stay.

        What a journal keeps of an earlier run is left alone.
        """
        if not self.clients:
            return ()
        uploads = self._uploads()
        bucket = self._keys.destination.bucket
        unresolved = uploads.sweep(self.clients.destination, bucket, None)
        refused = (
            f"The preflight's own upload {upload.upload_id} to {s3_url(bucket, upload.key)} could "
            "not be aborted"
            for upload in uploads.open_uploads()
        )
        return (*refused, *unresolved)

    def mark_deleted(self) -> None:
        """Note in the journal that everything was deleted. Does not raise."""
        if self._ledger.journal:
            try:
                self._ledger.journal.mark_deleted()
            except S3XferError as error:
                self._ledger.fail_late(error, "journal")

    def close_journal(self) -> tuple[tuple[OpenUpload, ...], bool]:
        """Close the journal; return the uploads it keeps open, and whether something is left."""
        if not self.opened:
            return (), False
        journal, bucket = self.opened.journal, self._keys.destination.bucket
        deletes = self._spec.options.delete is Delete.EXTRA
        is_left = journal is not None and (
            not journal.is_complete or (deletes and not journal.has_deleted)
        )
        kept: tuple[OpenUpload, ...] = ()
        try:
            uploads = journal.uploads.resumable() if journal else ()
            kept = tuple(OpenUpload(bucket, upload.key, upload.upload_id) for upload in uploads)
            self.opened.close()
        except S3XferError as error:
            self._ledger.fail_late(error, "journal")
        return kept, is_left
