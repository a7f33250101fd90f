"""The options of ``uploads``: one place, and what is aborted there."""

from __future__ import annotations

from s3_xfer.cli.options.declaring import DESTINATION, REMOVING, flag, giving, option
from s3_xfer.cli.options.shared import CA_BUNDLE, JSON, RETRYING, side
from s3_xfer.cli.params import Duration

uploads_options = giving(
    *side("dest", DESTINATION),
    CA_BUNDLE,
    option(
        REMOVING,
        "--abort-older-than",
        type=Duration(),
        metavar="AGE",
        help="Abort those that these credentials began longer ago than 2d, 12h, ...",
    ),
    option(
        REMOVING,
        "--journal",
        metavar="FILE",
        multiple=True,
        help="Spare those that this journal means to go on with; several may be given.",
    ),
    flag(REMOVING, "--all", "Abort those of others too, after a question."),
    flag(REMOVING, "--yes", "Do not ask."),
    flag(REMOVING, "--no-sizes", "Do not add up the parts (one request for each upload)."),
    *RETRYING,
    JSON,
)
