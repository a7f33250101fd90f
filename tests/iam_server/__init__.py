"""The fault server with AWS's policies: S3, STS and KMS that say why they deny, in AWS's words.

Identity, bucket, key, trust, service control, resource control, endpoint and session policies and
permissions boundaries are evaluated as the IAM User Guide describes it ("Policy evaluation logic").
Documents are the policy language as JSON reads it, so what the program prints can be pasted as it
is.

Nothing here was compared with a live AWS account.
"""

from tests.iam_server.server import IamServer
from tests.iam_server.state import Key, Role

__all__ = ["IamServer", "Key", "Role"]
