"""The command ``uploads``: what unfinished uploads there are, and their end on request.

Refuses to abort anything without ``--abort-older-than``, what others began without an answer to a
question or ``--yes``, and what a journal that was named has open: if it cannot be read, nothing is
aborted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli import building
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.options.uploads import uploads_options
from s3_xfer.cli.params import SectionedCommand
from s3_xfer.cli.streams import say, say_json, tell
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.uploads.janitor import AbortResult, Janitor
    from s3_xfer.uploads.listing import UnfinishedUpload

UPLOADS_HELP = """List unfinished multipart uploads to DESTINATION, s3://BUCKET or s3://BUCKET/PREFIX.

    Their parts cost money and are in no listing of objects. "Ours" are those that the same user
    or role began, with whatever program. S3 does not tell whether somebody is still at work on
    one: choose an age that no upload of yours takes. Nor does it know of journals: name those of
    copies that you mean to resume with --journal, or their large objects begin anew.

    \b
    Exit status: 0, or 1 if an upload could not be aborted; else as copy.

    \b
    Examples:
      s3-xfer uploads --dest-profile backup s3://to/data/
      s3-xfer uploads --dest-profile backup --abort-older-than 7d s3://to/
      s3-xfer uploads --abort-older-than 7d --journal copy.db s3://to/
      s3-xfer uploads --dest-profile backup --abort-older-than 7d --all s3://to/
    """


@click.command(
    cls=SectionedCommand, help=UPLOADS_HELP, short_help="List unfinished uploads, and abort them."
)
@click.argument("destination")
@uploads_options
def uploads(destination: str, **values: Any) -> ExitCode:
    """List, and abort what was asked for."""
    from s3_xfer.uploads.janitor import Janitor  # noqa: PLC0415 - boto3 is slow to import

    _check_usage(values)
    location = S3Location.parse(destination, account=building.account(values, "dest"))
    spared = {name: _open_in(name, location.account) for name in values["journal"]}
    janitor = Janitor(
        location,
        CopyOptions(
            retries=values["retries"],
            retry_delay_s=values["retry_delay"],
            read_timeout_s=values["read_timeout"],
        ),
    )
    unfinished = list(janitor.find(sizes=not values["no_sizes"]))
    now = datetime.now(UTC)
    notes = _notes(janitor)
    for note in notes:
        tell(f"note: {note}")
    if values["abort_older_than"] is None:
        _show(unfinished, now, notes, as_json=values["json"])
        return ExitCode.OK
    return _abort(janitor, _without(spared, _chosen(unfinished, now, values)), now, values)


def _check_usage(values: building.Values) -> None:
    if values["abort_older_than"] is None and (values["all"] or values["yes"]):
        raise click.UsageError("--all and --yes say what to abort: give --abort-older-than too.")
    if values["abort_older_than"] is None and values["journal"]:
        raise click.UsageError("--journal says what to spare: give --abort-older-than too.")
    if values["all"] and not (values["yes"] or sys.stdin.isatty()):
        raise click.UsageError("Nobody can be asked here (no terminal). Give --yes.")


def _chosen(
    uploads: Sequence[UnfinishedUpload], now: datetime, values: building.Values
) -> list[UnfinishedUpload]:
    return [
        upload
        for upload in uploads
        if upload.age_s(now) > values["abort_older_than"] and (values["all"] or upload.is_ours)
    ]


def _open_in(journal: str, account: AccountContext) -> frozenset[str]:
    """Return the ids of the uploads that ``journal`` has open."""
    from s3_xfer.access.journals import journal_place  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.ledger.journal.opening import read_upload_ids  # noqa: PLC0415

    return read_upload_ids(journal_place(journal, account, wait=time.sleep))


def _without(
    spared: Mapping[str, frozenset[str]], chosen: Sequence[UnfinishedUpload]
) -> list[UnfinishedUpload]:
    """Return those that no journal has open, and tell how many each has."""
    for journal, upload_ids in spared.items():
        count = sum(item.upload.upload_id in upload_ids for item in chosen)
        tell(f"spared {count:,} that the journal {printable(journal)} means to go on with")
    all_spared = frozenset().union(*spared.values())
    return [item for item in chosen if item.upload.upload_id not in all_spared]


def _notes(janitor: Janitor) -> list[str]:
    unknown = janitor.unknown_because
    note = f"none counts as ours: who these credentials are is not known ({unknown})"
    return [*janitor.warnings, *([note] if unknown else [])]


def _show(
    uploads: Sequence[UnfinishedUpload], now: datetime, notes: Sequence[str], *, as_json: bool
) -> None:
    from s3_xfer.render.uploads import totals, upload_lines, upload_table  # noqa: PLC0415

    if as_json:
        rows = [upload.to_dict(now) for upload in uploads]
        say_json({"uploads": rows, "notes": list(notes)})
        return
    lines = upload_table if sys.stdout.isatty() else upload_lines
    for line in lines(uploads, now) if uploads else ():
        say(line)
    if sys.stdout.isatty() or not uploads:
        say(totals(uploads) if uploads else "no unfinished uploads")


def _abort(
    janitor: Janitor, chosen: Sequence[UnfinishedUpload], now: datetime, values: building.Values
) -> ExitCode:
    from s3_xfer.render.uploads import question, upload_table  # noqa: PLC0415 - slow to import

    if values["all"] and not values["yes"] and chosen:
        for line in upload_table(chosen, now):
            tell(line)
        if not click.confirm(question(chosen), err=True):
            tell("nothing was aborted")
            return ExitCode.OK
    results = list(janitor.abort(chosen))
    _tell_results(results, now, as_json=values["json"])
    return ExitCode.FAILED_OBJECTS if any(result.error for result in results) else ExitCode.OK


def _tell_results(results: Sequence[AbortResult], now: datetime, *, as_json: bool) -> None:
    from s3_xfer.ledger.metrics import info_text  # noqa: PLC0415
    from s3_xfer.render.uploads import totals, upload_text  # noqa: PLC0415 - slow to import

    for result in results:
        name = upload_text(result.unfinished)
        if result.error:
            tell(f"not aborted: {name} -> {info_text(result.error.info)}")
        elif not result.is_proven:
            tell(f"note: aborted, but S3 does not let us see that it is gone: {name}")
    if as_json:
        say_json({"uploads": [_as_dict(result, now) for result in results]})
        return
    gone = [result.unfinished for result in results if not result.error]
    left = len(results) - len(gone)
    say(f"aborted {totals(gone)}{f'; {left:,} could not be aborted' if left else ''}")


def _as_dict(result: AbortResult, now: datetime) -> dict[str, Any]:
    error = result.error.info if result.error else None
    return {
        **result.unfinished.to_dict(now),
        "aborted": not result.error,
        "proven": result.is_proven and not result.error,
        "error_class": error.error_class.value if error else None,
        "code": error.code if error else None,
        "message": error.message if error else None,
    }
