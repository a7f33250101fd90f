"""The command ``undo``: bring back what a sync has deleted, by its report.

Nothing is written before it was confirmed: on a terminal by a question, elsewhere by ``--yes``.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import account_from, options_from
from s3_xfer.cli.json_result import give_json
from s3_xfer.cli.options import undo_options
from s3_xfer.cli.output import Output, can_ask, discard_input, print_error, print_line
from s3_xfer.cli.params import command
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.ledger.report import RESTORED
from s3_xfer.options import RunMode
from s3_xfer.render.progress import Phase, ProgressView
from s3_xfer.text import printable
from s3_xfer.units import plural

if TYPE_CHECKING:
    from s3_xfer.sources.deleted_rows import DeletedObjects
    from s3_xfer.undelete import Undo, UndoOutcome, UndoResult

_WORK = "restoring"
_SHOWN_EVERY_S = 0.2
UNDO_HELP = """Bring back what `sync --delete` has deleted whose report is REPORT.

    In a versioned bucket the delete markers that the report names are removed, each only while it
    is the newest and what was deleted is right below it. Elsewhere the copies come back that
    --backup-prefix has made. An object that is there now is never overwritten, no version of an
    object is deleted, and done again it does nothing more.

    \b
    Exit status: 0, or 1 if an object could not be brought back; else as copy.

    \b
    Examples:
      s3-xfer undo --dest-profile us --dry-run sync.jsonl
      s3-xfer undo --dest-profile us --yes --report undo.jsonl sync.jsonl
    """


@command(
    UNDO_HELP,
    "Bring back what a sync has deleted.",
    undo_options,
    arguments=("report",),
)
def undo(report: str, *, yes: bool, **values: Any) -> ExitCode:
    """Undo the deletes; ask before anything is written."""
    from s3_xfer.sources.deleted_rows import DeletedObjects  # noqa: PLC0415 - slow to import
    from s3_xfer.undelete import Undo  # noqa: PLC0415

    output = Output(**{name: values[name] for name in ("progress", "json", "quiet")})
    options = options_from(values)
    items = DeletedObjects(Path(report))
    if options.mode is not RunMode.DRY_RUN and not (yes or _confirm(items)):
        print_error("nothing was written")
        return ExitCode.OK
    with Undo(account_from(values, "dest"), options) as undoing:
        for note in undoing.warnings:
            print_error(f"note: {note}")
        result = _followed(undoing, items, output)
    _print(result, output)
    return ExitCode.OK if result.is_complete else ExitCode.FAILED_OBJECTS


def _confirm(items: DeletedObjects) -> bool:
    """Ask whether to bring back what the report names."""
    if not can_ask():
        raise click.UsageError(
            "There is no terminal to confirm it on. Give --yes, or look with --dry-run first."
        )
    discard_input()
    places = " and ".join(f"s3://{bucket}" for bucket in items.buckets)
    try:
        return click.confirm(f"Bring back {plural(items.count, 'object')} in {places}?", err=True)
    except click.Abort as abort:
        raise click.Abort("nothing was written") from abort


def _followed(undoing: Undo, items: DeletedObjects, output: Output) -> UndoResult:
    """Bring ``items`` back, and show how many are.

    Raises:
        Abort: stopped by a signal; with how far it came.
    """
    from s3_xfer.render.objects import objects_frame, objects_line  # noqa: PLC0415 - slow to import

    line, draw = partial(objects_line, copying=_WORK), partial(objects_frame, copying=_WORK)
    with output.view(line=line, draw=draw) as view:
        shown = _Shown(items.count, view)
        try:
            shown.show(Phase.COPYING)
            return undoing.run(items, on_outcome=shown.count)
        except KeyboardInterrupt as stop:
            done = f"{shown.restored:,} of {plural(items.count, 'object')} restored"
            raise click.Abort(f"{done}; run it again for the rest") from stop
        finally:
            shown.show(Phase.ENDED)


class _Shown:
    """What ``view`` shows of an undo of ``total`` objects."""

    def __init__(self, total: int, view: ProgressView) -> None:
        from s3_xfer.ledger.rate import RateMeter  # noqa: PLC0415 - slow to import

        self.restored = 0
        self._total, self._view = total, view
        self._done = self._missing = 0
        self._clock, self._meter = MetricsCollector("undo"), RateMeter()
        self._shown_s = 0.0

    def count(self, outcome: UndoOutcome) -> None:
        """Take one object into account."""
        self._done += 1
        self._missing += outcome.is_missing
        self.restored += outcome.status.value == RESTORED
        if time.monotonic() - self._shown_s >= _SHOWN_EVERY_S:
            self.show(Phase.COPYING)

    def show(self, phase: Phase) -> None:
        """Show the numbers of now."""
        self._shown_s = time.monotonic()
        now = replace(
            self._clock.snapshot(),
            total_files_found=self._total,
            files_copied_successfully=self._done - self._missing,
            files_failed=self._missing,
            listing_complete=True,
        )
        self._view.update(phase, now, self._meter.observe(now))


def _print(result: UndoResult, output: Output) -> None:
    give_json(result.to_dict(), on_stdout=output.json)
    if output.json:
        return
    for line in result.errors:
        print_error(f"not restored: {line}")
    counts = {
        "restored": result.restored,
        "would be restored": result.would_restore,
        "there already": result.there_already,
        "not restored": result.not_restored,
    }
    if output.quiet and result.is_complete:
        return
    said = [f"{count:,} {what}" for what, count in counts.items() if count]
    print_line(", ".join(said))
    if result.report_path:
        print_line(f"Report: {printable(str(result.report_path))}")
