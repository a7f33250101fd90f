"""Copy S3 objects between AWS accounts, server-side."""
