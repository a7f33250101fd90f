"""What ``policy`` and ``doctor`` take besides the options of the copy."""

from __future__ import annotations

import enum

from s3_xfer.cli.options.declaring import PAPER, PARTIES, choice, flag, giving, option


class PolicyFormat(enum.Enum):
    """What the policies are written as."""

    JSON = "json"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


_PRINCIPAL = option(
    PARTIES,
    "--principal",
    metavar="ARN",
    help="Role or user that makes the copy; --dest-role-arn, or what STS answers, unless given.",
)

policy_options = giving(
    _PRINCIPAL,
    option(
        PARTIES, "--trusted", metavar="ARN", help="Role or user that assumes the role that copies."
    ),
    option(
        PARTIES,
        "--source-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of source objects; can be repeated.",
    ),
    option(
        PARTIES,
        "--dest-kms-key",
        metavar="ARN",
        multiple=True,
        help="KMS key of the destination bucket's default encryption; can be repeated.",
    ),
    choice(
        PAPER,
        "--format",
        PolicyFormat,
        "What to write them as.",
        default=PolicyFormat.JSON.value,
        show_default=True,
    ),
    option(PAPER, "--only", metavar="PLACE", help="Print this document alone, as JSON."),
    flag(PAPER, "--revert", "Print the commands that take everything back."),
)


doctor_options = giving(_PRINCIPAL)
