"""The options of a check."""

from __future__ import annotations

from s3_xfer.cli.options.declaring import COMPARED, OUTPUT, file, flag, giving
from s3_xfer.cli.options.shared import (
    HOLDING_BACK,
    JSON,
    PLACES,
    REQUEST_PAYER,
    RETRYING,
    TALKING,
    concurrency,
)
from s3_xfer.options import THREADS

check_options = giving(
    *PLACES,
    flag(COMPARED, "--recursive", "Compare everything under the prefix SOURCE."),
    flag(
        COMPARED,
        "--checksums",
        "Compare stored checksums where ETags prove nothing (two HEADs for each object).",
    ),
    flag(COMPARED, "--metadata", "Compare metadata and headers (two HEADs for each object)."),
    flag(COMPARED, "--tags", "Compare tags (two requests for each object)."),
    flag(COMPARED, "--ignore-extra", "Leave out objects that only the destination has."),
    REQUEST_PAYER,
    concurrency(
        f"Objects that S3 is asked about at the same time.  [default: {THREADS}]",
    ),
    *RETRYING,
    *HOLDING_BACK,
    file(OUTPUT, "--report", "Write one JSON line for each difference, for copy --from-report."),
    JSON,
    *TALKING,
    flag(OUTPUT, "--verbose", "Print up to a hundred differences."),
)
