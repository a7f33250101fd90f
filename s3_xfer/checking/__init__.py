"""Comparing two places that a copy has made alike. Writes nothing to S3."""
