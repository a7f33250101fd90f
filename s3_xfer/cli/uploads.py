"""The command ``uploads``: what unfinished uploads there are, and their end on request.

Refuses to abort anything without ``--abort-older-than``, what others began without an answer to a
question or ``--yes``, and what a journal that was named has open: if it cannot be read, nothing is
aborted.
"""

from __future__ import annotations

import sys
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
    from s3_xfer.uploads.finding import Unfinished
    from s3_xfer.uploads.janitor import Aborted, Janitor

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
    place = S3Location.parse(destination, account=building.account(values, "dest"))
    spared = {name: _open_in(name, place.account) for name in values["journal"]}
    janitor = Janitor(
        place,
        CopyOptions(
            retries=values["retries"],
            retry_delay_s=values["retry_delay"],
            read_timeout_s=values["read_timeout"],
        ),
    )
    found = list(janitor.find(sizes=not values["no_sizes"]))
    now = datetime.now(UTC)
    notes = _notes(janitor)
    for note in notes:
        tell(f"note: {note}")
    if values["abort_older_than"] is None:
        _show(found, now, notes, as_json=values["json"])
        return ExitCode.OK
    return _abort(janitor, _without(spared, _chosen(found, now, values)), now, values)


def _check_usage(values: building.Values) -> None:
    if values["abort_older_than"] is None and (values["all"] or values["yes"]):
        raise click.UsageError("--all and --yes say what to abort: give --abort-older-than too.")
    if values["abort_older_than"] is None and values["journal"]:
        raise click.UsageError("--journal says what to spare: give --abort-older-than too.")
    if values["all"] and not (values["yes"] or sys.stdin.isatty()):
        raise click.UsageError("Nobody can be asked here (no terminal). Give --yes.")


def _chosen(
    found: Sequence[Unfinished], now: datetime, values: building.Values
) -> list[Unfinished]:
    return [
        one
        for one in found
        if one.age_s(now) > values["abort_older_than"] and (values["all"] or one.is_ours)
    ]


def _open_in(journal: str, account: AccountContext) -> frozenset[str]:
    """Return the ids of the uploads that ``journal`` has open."""
    from s3_xfer.access.journals import journal_storage  # noqa: PLC0415 - boto3 is slow to import
    from s3_xfer.ledger.journal.opening import read_upload_ids  # noqa: PLC0415

    return read_upload_ids(journal_storage(journal, account))


def _without(
    spared: Mapping[str, frozenset[str]], chosen: Sequence[Unfinished]
) -> list[Unfinished]:
    """Return those that no journal has open, and tell how many each has."""
    for journal, upload_ids in spared.items():
        count = sum(one.upload.upload_id in upload_ids for one in chosen)
        tell(f"spared {count:,} that the journal {printable(journal)} means to go on with")
    all_spared = frozenset().union(*spared.values())
    return [one for one in chosen if one.upload.upload_id not in all_spared]


def _notes(janitor: Janitor) -> list[str]:
    unknown = janitor.unknown_because
    nobody = f"none counts as ours: who these credentials are is not known ({unknown})"
    return [*janitor.warnings, *([nobody] if unknown else [])]


def _show(
    found: Sequence[Unfinished], now: datetime, notes: Sequence[str], *, as_json: bool
) -> None:
    from s3_xfer.render.uploads import totals, upload_lines, upload_table  # noqa: PLC0415

    if as_json:
        listed = [one.to_dict(now) for one in found]
        say_json({"uploads": listed, "notes": list(notes)})
        return
    lines = upload_table if sys.stdout.isatty() else upload_lines
    for line in lines(found, now) if found else ():
        say(line)
    if sys.stdout.isatty() or not found:
        say(totals(found) if found else "no unfinished uploads")


def _abort(
    janitor: Janitor, chosen: Sequence[Unfinished], now: datetime, values: building.Values
) -> ExitCode:
    from s3_xfer.render.uploads import question, upload_table  # noqa: PLC0415 - slow to import

    if values["all"] and not values["yes"] and chosen:
        for line in upload_table(chosen, now):
            tell(line)
        if not click.confirm(question(chosen), err=True):
            tell("nothing was aborted")
            return ExitCode.OK
    ended = list(janitor.abort(chosen))
    _tell_ends(ended, now, as_json=values["json"])
    return ExitCode.FAILED_OBJECTS if any(one.error for one in ended) else ExitCode.OK


def _tell_ends(ended: Sequence[Aborted], now: datetime, *, as_json: bool) -> None:
    from s3_xfer.ledger.metrics import info_text  # noqa: PLC0415
    from s3_xfer.render.uploads import place_of, totals  # noqa: PLC0415 - slow to import

    for one in ended:
        if one.error:
            tell(f"not aborted: {place_of(one.found)} -> {info_text(one.error.info)}")
        elif not one.is_proven:
            tell(
                f"note: aborted, but S3 does not let us see that it is gone: {place_of(one.found)}"
            )
    if as_json:
        say_json({"uploads": [_as_dict(one, now) for one in ended]})
        return
    gone = [one.found for one in ended if not one.error]
    left = len(ended) - len(gone)
    say(f"aborted {totals(gone)}{f'; {left:,} could not be aborted' if left else ''}")


def _as_dict(one: Aborted, now: datetime) -> dict[str, Any]:
    error = one.error.info if one.error else None
    return {
        **one.found.to_dict(now),
        "aborted": not one.error,
        "proven": one.is_proven and not one.error,
        "error_class": error.error_class.value if error else None,
        "code": error.code if error else None,
        "message": error.message if error else None,
    }
