"""S3 servers for tests and demonstrations, on loopback only.

Nothing else in the package imports this. It needs the extra ``s3-xfer[testing]``.
"""
