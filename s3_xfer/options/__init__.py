"""How a copy is done: the options, the words that they choose from, and their limits."""

from s3_xfer.options.copy_options import CopyOptions
from s3_xfer.options.enums import (
    CannedAcl,
    ChecksumAlgorithm,
    Encryption,
    Engine,
    Identical,
    JournalUse,
    Preflight,
    ReportScope,
    RunMode,
    StorageClass,
    TagPolicy,
)
from s3_xfer.options.limits import (
    BATCH_SIZE_MAX,
    PART_MAX_BYTES,
    PART_MIN_BYTES,
    PARTS_MAX,
    SINGLE_COPY_MAX_BYTES,
    THREADS,
)

__all__ = [
    "BATCH_SIZE_MAX",
    "PARTS_MAX",
    "PART_MAX_BYTES",
    "PART_MIN_BYTES",
    "SINGLE_COPY_MAX_BYTES",
    "THREADS",
    "CannedAcl",
    "ChecksumAlgorithm",
    "CopyOptions",
    "Encryption",
    "Engine",
    "Identical",
    "JournalUse",
    "Preflight",
    "ReportScope",
    "RunMode",
    "StorageClass",
    "TagPolicy",
]
