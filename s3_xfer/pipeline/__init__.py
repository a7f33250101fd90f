"""Many objects at once: queues, worker threads and limits. Contains nothing about S3."""
