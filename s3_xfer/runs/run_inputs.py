"""What says which objects a run is about, where the listing does not: list, inventory, report.

At most one of them is given. Each is read, and refused, before anything is written. Most runs have
none, so what reads it is imported where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from s3_xfer.access.input_files import InputFiles
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.model import S3Object
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.sources.source import OpenListing, Source
from s3_xfer.spec import TransferSpec

if TYPE_CHECKING:
    from s3_xfer.sources.batch_report import BatchReport
    from s3_xfer.sources.inventory import Folder, Inventory
    from s3_xfer.sources.key_list import KeyList
    from s3_xfer.sources.report import ReportFile


class RunInputs:
    """The input of one run. ``notes`` grow with what the user should know.

    ``is_planning``: it only says what there is, and is not copied.

    Methods that read raise S3XferError if the input cannot be used.
    """

    def __init__(
        self,
        spec: TransferSpec,
        keys: KeyMaps,
        *,
        requests: RequestPolicy,
        notes: list[str],
        is_planning: bool = False,
    ) -> None:
        self._is_planning = is_planning
        self._spec = spec
        self._keys = keys
        self._source = keys[0].source  # of a list or an inventory, which are about one
        self._requests = requests
        self._notes = notes
        self._files = InputFiles(spec, requests)
        self.key_list: KeyList | None = None
        self.inventory: Inventory | None = None
        self.report: ReportFile | BatchReport | None = None

    @property
    def are_given(self) -> bool:
        """Whether something else than the listing says what there is."""
        options = self._spec.options
        return bool(options.from_report_path or options.files_from or options.inventory)

    def read_list(self) -> None:
        """Read the list, if there is one: a journal has to know whether it is the same."""
        options = self._spec.options
        if not options.files_from:
            return
        from s3_xfer.sources.key_list import KeyList  # noqa: PLC0415

        self.key_list = KeyList(
            options,
            self._source,
            open_remote=self._files.open,
            is_stopped=self._requests.stop.is_set,
        )
        if not self.key_list.object_count:
            self._notes.append("the list names nothing")

    def read_others(self) -> None:
        """Read what a journal makes superfluous, if this run goes on from one."""
        path = self._spec.options.from_report_path
        if path:
            self.report = self._report_of(path)
        self.read_inventory()

    def _report_of(self, path: Path) -> ReportFile | BatchReport:
        from s3_xfer.sources.batch_report import BatchReport, is_batch_report  # noqa: PLC0415
        from s3_xfer.sources.report import ReportFile  # noqa: PLC0415

        if is_batch_report(path):
            return BatchReport(path, self._source)
        return ReportFile(path, self._keys)

    def read_inventory(self) -> None:
        """Read the manifest of the inventory, if there is one."""
        name = self._spec.options.inventory
        if not name:
            return
        from s3_xfer.sources.inventory import Inventory, LocalFolder, RemoteFolder  # noqa: PLC0415

        is_remote = name.startswith("s3://")
        folder: Folder = (
            RemoteFolder(self._files.open, self._files.folders) if is_remote else LocalFolder()
        )
        inventory = self.inventory = Inventory(
            name, self._source, folder, is_stopped=self._requests.stop.is_set
        )
        written = f"the inventory is of {inventory.created_at:%Y-%m-%d %H:%M} UTC"
        if self._is_planning:
            self._notes.append(f"{written}, and so are the counts; shards list what is there then")
            return
        self._notes.append(f"{written}: what came later is left out")
        if not inventory.has_etags:
            self._notes.append(
                "the inventory has no ETags: objects are looked up, and taken as they are now"
            )

    def source(
        self, open_listing: OpenListing, known: Iterable[S3Object] = ()
    ) -> Source[S3Object] | None:
        """Return what the input names; None without one, or if it was not read.

        What a report names is taken as it is ``known`` by now.
        """
        if self.key_list:
            from s3_xfer.sources.key_list import ListSource  # noqa: PLC0415

            return ListSource(self.key_list, open_listing)
        if self.inventory:
            from s3_xfer.sources.inventory import InventorySource  # noqa: PLC0415

            return InventorySource(self.inventory)
        if self.report:
            from s3_xfer.sources.report import ReportSource  # noqa: PLC0415

            return ReportSource(self.report, open_listing, known)
        return None
