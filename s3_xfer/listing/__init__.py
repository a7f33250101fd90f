"""List the objects of a bucket, page by page, as S3Objects."""
