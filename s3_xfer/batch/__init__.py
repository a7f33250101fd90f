"""S3 Batch Operations: plan a job, submit it, watch it, and turn its report into ours."""
