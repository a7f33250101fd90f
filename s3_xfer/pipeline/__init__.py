"""Many objects: a bounded channel and a pool of workers. Knows nothing of S3."""
