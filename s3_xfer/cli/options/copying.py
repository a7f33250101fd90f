"""The options of a copy, and which of them may differ when it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from s3_xfer.cli.options.declaring import (
    DESTINATION,
    FIDELITY,
    LIMITS,
    OUTPUT,
    SOURCE,
    SPEED,
    WHAT,
    choice,
    file,
    flag,
    giving,
    option,
    size,
)
from s3_xfer.cli.options.shared import (
    HOLDING_BACK,
    JSON,
    PLACES,
    REQUEST_PAYER,
    RETRYING,
    TALKING,
    concurrency,
)
from s3_xfer.cli.params import Size
from s3_xfer.options import (
    BATCH_SIZE_MAX,
    LISTING_THREADS_MAX,
    MAX_IN_FLIGHT,
    THREADS,
    CannedAcl,
    ChecksumAlgorithm,
    CopyOptions,
    Encryption,
    Engine,
    StorageClass,
    TagPolicy,
)

_Callback = TypeVar("_Callback", bound=Callable[..., Any])

copy_options = giving(
    *PLACES,
    flag(WHAT, "--recursive", "Copy everything under the prefix SOURCE."),
    flag(
        WHAT, "--no-overwrite", "Leave objects alone that exist at the destination (atomic on AWS)."
    ),
    flag(
        WHAT,
        "--skip-identical",
        "Leave objects alone whose content is there already (one HEAD for each).",
    ),
    file(WHAT, "--from-report", "Copy only what this report of an earlier run says is missing."),
    flag(WHAT, "--dry-run", "List, count and show; write nothing."),
    flag(WHAT, "--no-preflight", "Do not check access first; the first objects will tell."),
    choice(
        FIDELITY,
        "--tags",
        TagPolicy,
        "Copy object tags, or leave them behind.",
        default=CopyOptions.tags.value,
        show_default=True,
    ),
    choice(
        FIDELITY,
        "--storage-class",
        StorageClass,
        "Storage class of the copies, STANDARD unless given",
        metavar="CLASS",
    ),
    choice(FIDELITY, "--acl", CannedAcl, "Canned ACL of the copies", metavar="ACL"),
    choice(
        FIDELITY, "--sse", Encryption, "Encryption; otherwise the bucket's default", metavar="MODE"
    ),
    option(FIDELITY, "--sse-kms-key-id", metavar="KEY", help="KMS key, best as a full ARN."),
    flag(FIDELITY, "--bucket-key", "Use an S3 Bucket Key (fewer KMS requests)."),
    choice(
        FIDELITY,
        "--checksum-algorithm",
        ChecksumAlgorithm,
        "Checksum that S3 stores with the copies",
        metavar="NAME",
    ),
    REQUEST_PAYER,
    concurrency(
        "Copies under way at the same time, at most.  [default: as many as make it faster, "
        f"up to {MAX_IN_FLIGHT} (crt); {THREADS} (managed)]",
    ),
    choice(
        SPEED,
        "--engine",
        Engine,
        "What sends the copies: awscrt where it can be used, or boto3's transfer manager",
        metavar="NAME",
        default=CopyOptions.engine.value,
        show_default=True,
    ),
    option(
        SPEED,
        "--batch-size",
        type=click.IntRange(1, BATCH_SIZE_MAX),
        metavar="N",
        default=100,
        show_default=True,
        help="Objects handed to the workers at once.",
    ),
    option(
        SPEED,
        "--listing-threads",
        type=click.IntRange(1, LISTING_THREADS_MAX),
        metavar="N",
        default=CopyOptions.listing_threads,
        show_default=True,
        help="Pages of the listing asked for at once, at most; more than one only if copies wait.",
    ),
    size(
        SPEED,
        "--multipart-threshold",
        CopyOptions.multipart_threshold_bytes,
        "Objects of this size or more are copied in parts.",
    ),
    option(
        SPEED,
        "--part-size",
        type=Size(),
        metavar="SIZE",
        help="Size of a part; chosen by the object's size (128 to 512 MiB) unless given.",
    ),
    *RETRYING,
    option(
        LIMITS,
        "--max-failures",
        type=click.IntRange(0),
        metavar="N",
        help="End the run once more than N objects have failed.",
    ),
    option(
        LIMITS,
        "--max-error-rate",
        type=click.FloatRange(0, 100, max_open=True),
        metavar="PERCENT",
        help="End it once more than this share failed of the last 1,000 tried (at least 100).",
    ),
    *HOLDING_BACK,
    file(OUTPUT, "--report", "Write one JSON line for each object that was not copied."),
    flag(OUTPUT, "--report-all", "Write a line for every object into the report."),
    option(
        OUTPUT,
        "--journal",
        metavar="FILE",
        help="Keep what is done here (or in s3://BUCKET/KEY), for s3-xfer resume.",
    ),
    file(OUTPUT, "--prices", "Prices for the estimated bill, instead of AWS's list prices."),
    JSON,
    *TALKING,
    flag(OUTPUT, "--verbose", "Print every failure that is kept, with tracebacks."),
)


interactive_options = giving(
    flag(OUTPUT, "--yes", "Do not ask for confirmation; everything must be given."),
    copy_options,
)

# What a resumed copy may do differently: how it gets there, not what it copies.
_MAY_CHANGE = frozenset(
    {
        *("endpoint_url", "ca_bundle", "concurrency", "engine", "batch_size", "listing_threads"),
        *("retries", "retry_delay", "read_timeout", "no_preflight", "skip_identical"),
        *("report", "report_all", "prices", "json", "progress", "quiet", "verbose"),
    }
)
_MAY_CHANGE_ALL_OF = (SOURCE, DESTINATION, LIMITS)


def resume_options(command: _Callback) -> _Callback:
    """Give ``command`` every option of a copy that may differ when the copy goes on."""

    def probe() -> None:
        """Take the options of a copy, to choose from."""

    params: list[click.Parameter] = vars(copy_options(probe))["__click_params__"]
    chosen = [
        param
        for param in params
        if param.name in _MAY_CHANGE or getattr(param, "section", "") in _MAY_CHANGE_ALL_OF
    ]
    vars(command)["__click_params__"] = [*vars(command).get("__click_params__", []), *chosen]
    return command
