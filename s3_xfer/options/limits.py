"""What S3 and this program allow at most, and what they take without a value."""

from s3_xfer.units import GIB, MIB

SINGLE_COPY_MAX_BYTES = 5 * GIB  # API reference, CopyObject: "up to 5 GB in a single operation"
PART_MIN_BYTES = 5 * MIB  # S3 User Guide, "Amazon S3 multipart upload limits"
PART_MAX_BYTES = 5 * GIB
PARTS_MAX = 10_000
BATCH_SIZE_MAX = 1000
CONCURRENCY_MAX = 1000
LISTING_THREADS_MAX = 32
THREADS = 64  # more make boto3 slower
MAX_IN_FLIGHT = 1000
RETRIES_MAX = 10
WAIT_MAX_S = 3600
OUTAGE_LIMIT_MAX_S = 7 * 24 * 3600
