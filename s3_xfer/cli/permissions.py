"""The commands ``doctor`` and ``policy``: what is denied, and what to paste so that it is allowed.

The doctor writes nothing that stays. ``policy`` sends one request at
most, and only to ask STS who the copier is. Without a known principal no policy is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import operation_from
from s3_xfer.cli.json_result import give_json
from s3_xfer.cli.options import (
    PolicyFormat,
    doctor_options,
    policy_options,
)
from s3_xfer.cli.output import print_error, print_line
from s3_xfer.cli.params import command
from s3_xfer.cli.several_sources import LocationsCommand, OneSourceCommand
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass, ValidationError
from s3_xfer.options import Delete
from s3_xfer.text import printable

if TYPE_CHECKING:
    from s3_xfer.access.documents import PolicyDocument, Principal
    from s3_xfer.model import AccountContext

DOCTOR_HELP = """Try every step of a copy from SOURCE to DESTINATION, and say what is denied.

    Give the options of the copy: the doctor sends what the copy would send. Those that only say
    how fast, or what is printed, are accepted as well, and not listed here. An upload is
    opened, given one part and aborted; no object, version or event appears. Every denial comes
    with its causes, and with the statement that is missing if one can help. Ten seconds
    (--time-limit), once the credentials are there.

    \b
    Examples:
      s3-xfer doctor s3://from/data/a.csv s3://to/data/a.csv
      s3-xfer doctor --recursive --dest-profile us s3://from/data/ s3://to/data/
    """

DOCTOR_EXIT_HELP = """\b
Exit status:
    0  everything that the copy needs was proven
    3  the copy would be refused
    6  no check failed, but some could not be made"""

POLICY_HELP = """Print the policies that a copy from SOURCE to DESTINATION needs.

    Give the options of the copy: they decide what is needed. Those that decide nothing are
    accepted as well, and not listed here. Nothing is changed anywhere. The
    accounts of both buckets (--source-bucket-owner, --dest-bucket-owner) say who must write
    down what. A source bucket without one is taken for another account's, a destination bucket
    for the copier's own.

    \b
    Examples:
      All documents, with where each belongs:
        s3-xfer policy --recursive s3://from/data/ s3://to/data/ \\
            --source-bucket-owner 111111111111 \\
            --dest-role-arn arn:aws:iam::222222222222:role/copier
      One of them, ready to paste:
        s3-xfer policy ... --only source-bucket
      The commands that take everything back, a script for each account:
        s3-xfer policy ... --revert
    """


@command(
    DOCTOR_HELP,
    "Try every step of a copy and say what is denied.",
    doctor_options,
    epilog=DOCTOR_EXIT_HELP,
    cls=OneSourceCommand,
)
def doctor(source: str, destination: str, **values: Any) -> ExitCode:
    """Examine the copy, and print the report."""
    from s3_xfer.access.credentials import ask_for_mfa_codes  # noqa: PLC0415 - slow to import
    from s3_xfer.access.doctor import Conclusion, examine  # noqa: PLC0415
    from s3_xfer.render.doctor import doctor_text  # noqa: PLC0415

    operation = operation_from(
        source, destination, values, is_sync=values["delete"] is Delete.EXTRA
    )
    ask_for_mfa_codes(source=operation.source, destination=operation.destination)
    report = examine(operation, time_limit_s=values["time_limit"])
    give_json(COMMAND_LINE.say_all(report.to_dict()), on_stdout=values["json"])
    if not (values["json"] or values["quiet"]):
        print_line(doctor_text(report, wording=COMMAND_LINE))
        if any(finding.diagnosis for finding in report.findings):
            print_line("All that it needs, to paste: s3-xfer policy, with the same arguments")
            print_line(COMMAND_LINE.say(ErrorClass.ACCESS_DENIED.see))
    return {
        Conclusion.ALLOWED: ExitCode.OK,
        Conclusion.REFUSED: ExitCode.REFUSED,
        Conclusion.UNPROVEN: ExitCode.UNPROVEN,
    }[report.conclusion]


@command(
    POLICY_HELP,
    "Print the policies that a copy needs.",
    policy_options,
    cls=LocationsCommand,
)
def policy(source: str, destination: str, **values: Any) -> ExitCode:
    """Print what to paste."""
    documents = _documents(source, destination, values)
    print_line(_text(documents, values))
    for note in _notes(documents, values):
        print_error(f"note: {note}")
    return ExitCode.OK


def _documents(source: str, destination: str, values: Any) -> tuple[PolicyDocument, ...]:
    from s3_xfer.access.documents import Participants, Principal  # noqa: PLC0415 - slow to import
    from s3_xfer.access.policies import policies_for  # noqa: PLC0415

    operation = operation_from(
        source, destination, values, is_sync=values["delete"] is Delete.EXTRA
    )
    participants = Participants(
        copier=_copier(operation.destination, values["principal"]),
        trusted=Principal.parse(values["trusted"]) if values["trusted"] else None,
        source_keys=values["source_kms_key"],
        destination_keys=values["dest_kms_key"],
    )
    return policies_for(
        operation.key_maps(),
        operation.options,
        overwrite=operation.overwrite,
        participants=participants,
    )


def _copier(destination: AccountContext, given: str | None) -> Principal:
    """Return who makes the copy: as given, as configured, or as STS says.

    Raises:
        ValidationError: nothing tells who it is.
    """
    from s3_xfer.access import credentials  # noqa: PLC0415 - slow to import
    from s3_xfer.access.documents import Principal  # noqa: PLC0415

    if given or destination.role_arn:
        return Principal.parse(given or destination.role_arn or "")
    session = credentials.session_for(destination, side="destination")
    identity = credentials.caller_identity(session, destination)
    if not identity.arn:
        raise ValidationError(
            f"the principal that makes the copy is unknown: {identity.unknown_because}",
            remedy="give the ARN of the role or user with --principal",
        )
    return Principal.parse(identity.arn)


def _text(documents: tuple[PolicyDocument, ...], values: Any) -> str:
    from s3_xfer.render import policies, policy_terraform  # noqa: PLC0415

    if values["only"]:
        return policies.one_as_json(_for_target(documents, values["only"]))
    if values["revert"]:
        return policies.revert_commands(documents)
    writers = {
        PolicyFormat.JSON: policies.as_json,
        PolicyFormat.TERRAFORM: policy_terraform.as_terraform,
        PolicyFormat.CLOUDFORMATION: policies.as_cloudformation,
    }
    return writers[values["format"]](documents)


def _for_target(documents: tuple[PolicyDocument, ...], name: str) -> list[PolicyDocument]:
    chosen = [document for document in documents if document.target.value == name]
    if not chosen:
        targets = ", ".join(dict.fromkeys(document.target.value for document in documents))
        raise ValidationError(
            f"this copy needs no document for {name!r}",
            remedy=f"choose one of: {targets or 'none'}",
        )
    return chosen


def _notes(documents: tuple[PolicyDocument, ...], values: Any) -> list[str]:
    """Return what the documents do not say."""
    from s3_xfer.access.documents import EXTERNAL_ID, PolicyTarget  # noqa: PLC0415 - slow to import
    from s3_xfer.render.policies import size_notes  # noqa: PLC0415

    notes = []
    targets = {document.target for document in documents}
    if PolicyTarget.SOURCE_BUCKET in targets and not values["source_bucket_owner"]:
        notes.append(
            "the source bucket is assumed to belong to another account (--source-bucket-owner)"
        )
    if PolicyTarget.TRUST in targets and values["dest_external_id"]:
        notes.append(
            f"{EXTERNAL_ID} is a placeholder for the external id: replace it with envsubst"
        )
    notes += size_notes(documents)
    if not values["source_kms_key"]:
        notes.append("source objects under a KMS key need --source-kms-key as well")
    return [printable(note) for note in notes]
