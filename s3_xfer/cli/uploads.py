"""The command ``uploads``: list unfinished multipart uploads, and abort them on request.

Nothing is aborted without ``--abort-older-than``. Uploads of others are aborted only after a
question or with ``--yes``. Uploads that a named journal has open are spared; if that journal cannot
be read, nothing is aborted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import Values, account_from, options_from
from s3_xfer.cli.json_result import give_json
from s3_xfer.cli.options import uploads_options
from s3_xfer.cli.output import can_ask, discard_input, print_error, print_line
from s3_xfer.cli.params import command
from s3_xfer.model import S3Location
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.uploads import AbortResult, Janitor, UnfinishedUpload

UPLOADS_HELP = """List unfinished multipart uploads to DESTINATION, s3://BUCKET or s3://BUCKET/PREFIX.

    Their parts cost money and are in no listing of objects. "Ours" are those that the same user
    or role began, with any program. S3 does not tell whether an upload is still in progress:
    choose an age that no upload of yours reaches. Nor does it know journals: give those of copies
    that you will resume with --journal, or their large objects start again from the first part.

    \b
    Exit status: 0, or 1 if an upload could not be aborted; else as copy.

    \b
    Examples:
      s3-xfer uploads --dest-profile backup s3://to/data/
      s3-xfer uploads --dest-profile backup --abort-older-than 7d s3://to/
      s3-xfer uploads --abort-older-than 7d --journal copy.db s3://to/
      s3-xfer uploads --dest-profile backup --abort-older-than 7d --all s3://to/
    """


@command(
    UPLOADS_HELP,
    "List unfinished uploads, and abort them.",
    uploads_options,
    arguments=("destination",),
)
def uploads(destination: str, **values: Any) -> ExitCode:
    """List the uploads, or abort those that the options choose."""
    from s3_xfer.access.journal_storage import journal_storage  # noqa: PLC0415 - slow to import
    from s3_xfer.ledger.journal.session import read_journal  # noqa: PLC0415
    from s3_xfer.uploads import Janitor  # noqa: PLC0415

    _check_usage(values)
    location = S3Location.parse(destination, account=account_from(values, "dest"))
    spared = {
        name: read_journal(journal_storage(name, location.account))[1]
        for name in values["journals"]
    }
    janitor = Janitor(location, options_from(values))
    unfinished = list(janitor.find(sizes=not values["no_sizes"]))
    now = datetime.now(UTC)
    notes = list(janitor.warnings)
    if unknown := janitor.identity.unknown_because:
        notes.append(
            "no upload counts as ours, because it is not known whose credentials these are "
            f"({unknown})"
        )
    for note in notes:
        print_error(f"note: {note}")
    if values["abort_older_than"] is None:
        _print_list(unfinished, now, notes, as_json=values["json"])
        return ExitCode.OK
    return _abort(janitor, _without(spared, _chosen(unfinished, now, values)), now, values)


def _check_usage(values: Values) -> None:
    if values["abort_older_than"] is None and (values["all"] or values["yes"]):
        raise click.UsageError("--all and --yes say what to abort: give --abort-older-than too.")
    if values["abort_older_than"] is None and values["journals"]:
        raise click.UsageError("--journal says what to spare: give --abort-older-than too.")
    if values["all"] and not (values["yes"] or can_ask()):
        raise click.UsageError("There is no terminal to ask on. Give --yes.")


def _chosen(
    unfinished: Sequence[UnfinishedUpload], now: datetime, values: Values
) -> list[UnfinishedUpload]:
    """Return those that are old enough; one whose age is not known is not."""
    return [
        upload
        for upload in unfinished
        if (upload.age_s(now) or 0) > values["abort_older_than"]
        and (values["all"] or upload.is_ours)
    ]


def _without(
    spared: Mapping[str, frozenset[str]], chosen: Sequence[UnfinishedUpload]
) -> list[UnfinishedUpload]:
    """Return the uploads that no journal has open, and print how many each has."""
    for journal, upload_ids in spared.items():
        count = sum(upload.upload.upload_id in upload_ids for upload in chosen)
        print_error(f"spared {count:,} that the journal {printable(journal)} will resume")
    all_spared = frozenset().union(*spared.values())
    return [upload for upload in chosen if upload.upload.upload_id not in all_spared]


def _print_list(
    unfinished: Sequence[UnfinishedUpload], now: datetime, notes: Sequence[str], *, as_json: bool
) -> None:
    from s3_xfer.render.uploads import totals, upload_lines, upload_table  # noqa: PLC0415

    uploads_json = [upload.to_dict(now) for upload in unfinished]
    give_json({"uploads": uploads_json, "notes": list(notes)}, on_stdout=as_json)
    if as_json:
        return
    lines = upload_table if sys.stdout.isatty() else upload_lines
    for line in lines(unfinished, now) if unfinished else ():
        print_line(line)
    if sys.stdout.isatty() or not unfinished:
        print_line(totals(unfinished) if unfinished else "no unfinished uploads")


def _abort(
    janitor: Janitor, chosen: Sequence[UnfinishedUpload], now: datetime, values: Values
) -> ExitCode:
    from s3_xfer.render.uploads import question, upload_table  # noqa: PLC0415 - slow to import

    if values["all"] and not values["yes"] and chosen:
        for line in upload_table(chosen, now):
            print_error(line)
        discard_input()
        if not click.confirm(question(chosen), err=True):
            print_error("nothing was aborted")
            return ExitCode.OK
    aborted = list(janitor.abort(chosen))
    _print_aborted(aborted, now, as_json=values["json"])
    return ExitCode.FAILED_OBJECTS if any(upload.error for upload in aborted) else ExitCode.OK


def _print_aborted(aborted: Sequence[AbortResult], now: datetime, *, as_json: bool) -> None:
    from s3_xfer.ledger.metrics import info_text  # noqa: PLC0415
    from s3_xfer.render.uploads import totals, upload_text  # noqa: PLC0415 - slow to import

    for upload in aborted:
        location = upload_text(upload.unfinished)
        if upload.error:
            print_error(f"not aborted: {location} -> {info_text(upload.error.info)}")
        elif not upload.is_proven:
            print_error(f"note: aborted, but S3 does not let us see that it is gone: {location}")
    give_json({"uploads": [_as_dict(upload, now) for upload in aborted]}, on_stdout=as_json)
    if as_json:
        return
    gone = [upload.unfinished for upload in aborted if not upload.error]
    left = len(aborted) - len(gone)
    print_line(f"aborted {totals(gone)}{f'; {left:,} could not be aborted' if left else ''}")


def _as_dict(upload: AbortResult, now: datetime) -> dict[str, Any]:
    error = upload.error.info if upload.error else None
    return {
        **upload.unfinished.to_dict(now),
        "aborted": not upload.error,
        "proven": upload.is_proven and not upload.error,
        "error_class": error.error_class.value if error else None,
        "code": error.code if error else None,
        "message": error.message if error else None,
    }
