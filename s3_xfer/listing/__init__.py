"""What there is: pages of a bucket, or lines of a report, as S3Objects."""
