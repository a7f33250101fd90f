"""Two accounts of Ceph's gateway with IAM: a role that copies, and policies that are enforced.

Here, as on AWS, reading another account's bucket takes a statement on both sides. CopyObject is
the exception (it reads what neither allows); UploadPartCopy, which the check before a run sends,
listing and reading are right. So what these tests show of a missing statement on the source's
side they show through those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from tests.ceph.cluster import CephCluster
from tests.ceph.world import SECRET, WATCHER, client_of

SRC, DST = "iam-src-bucket", "iam-dst-bucket"  # they exist as long as the gateway does
SOURCE = "RGW11111111111111111"
DESTINATION = "RGW22222222222222222"
ROOTS = {SOURCE: "AKIASOURCEROOT", DESTINATION: "AKIADESTINATIONROOT"}
COPIER = f"arn:aws:iam::{DESTINATION}:role/copier"
SCHEDULER = f"arn:aws:iam::{DESTINATION}:user/scheduler"
_POLICY = "s3-xfer"

Document = Mapping[str, Any]


class IamWorld:
    """A context manager: a bucket in each account, and a role without any right."""

    def __init__(self, cluster: CephCluster) -> None:
        self._cluster = cluster
        self.url = cluster.url

    def __enter__(self) -> Self:
        for account, key in ROOTS.items():
            self._cluster.admin(
                *("account", "create", "--account-name", account, "--account-id", account)
            )
            self._cluster.admin(
                *("user", "create", "--uid", f"{account}-root", "--display-name", account),
                *("--account-id", account, "--account-root"),
                *("--access-key", key, "--secret-key", SECRET),
            )
        self.source = client_of(self.url, ROOTS[SOURCE])
        self.destination = client_of(self.url, ROOTS[DESTINATION])
        self.iam = client_of(self.url, ROOTS[DESTINATION], "iam")
        self.watcher = client_of(self.url, WATCHER)
        self.source.create_bucket(Bucket=SRC)
        self.destination.create_bucket(Bucket=DST)
        self._add_scheduler()
        self.iam.create_role(
            RoleName="copier", AssumeRolePolicyDocument=json.dumps(_trusting(SCHEDULER))
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in (self.source, self.destination, self.iam, self.watcher):
            client.close()

    def _add_scheduler(self) -> None:
        """Create the user who may do nothing but assume the role."""
        self.iam.create_user(UserName="scheduler")
        key = self.iam.create_access_key(UserName="scheduler")["AccessKey"]
        self.scheduler = (key["AccessKeyId"], key["SecretAccessKey"])
        allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": COPIER}
        self.iam.put_user_policy(
            UserName="scheduler",
            PolicyName="assume",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )

    def empty(self) -> None:
        """Remove all objects and all rights."""
        for bucket in (SRC, DST):
            for entry in self.watcher.list_objects_v2(Bucket=bucket).get("Contents", ()):
                self.watcher.delete_object(Bucket=bucket, Key=entry["Key"])
            uploads = self.watcher.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
            assert not uploads, "a test left uploads behind"
        self.put_source_policy(None)
        self.put_copier_policy(None)

    def arrived(self) -> set[str]:
        """Return the keys at the destination."""
        listing = self.watcher.list_objects_v2(Bucket=DST)
        return {entry["Key"] for entry in listing.get("Contents", ())}

    def put_source_policy(self, document: Document | None) -> None:
        """Replace the source bucket's policy."""
        if document and document["Statement"]:
            self.source.put_bucket_policy(Bucket=SRC, Policy=json.dumps(document))
        else:
            self.source.delete_bucket_policy(Bucket=SRC)

    def put_copier_policy(self, document: Document | None) -> None:
        """Replace the role's own policy."""
        names = self.iam.list_role_policies(RoleName="copier")["PolicyNames"]
        if document and document["Statement"]:
            self.iam.put_role_policy(
                RoleName="copier", PolicyName=_POLICY, PolicyDocument=json.dumps(document)
            )
        elif _POLICY in names:
            self.iam.delete_role_policy(RoleName="copier", PolicyName=_POLICY)

    def put_trust(self, document: Document) -> None:
        """Replace the role's trust policy."""
        self.iam.update_assume_role_policy(RoleName="copier", PolicyDocument=json.dumps(document))


def _trusting(principal: str) -> Document:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": ["sts:AssumeRole"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def without(document: Document, sid: str) -> Document:
    """Return ``document`` without one of its statements."""
    left: Sequence[Any] = [one for one in document["Statement"] if one["Sid"] != sid]
    assert len(left) == len(document["Statement"]) - 1, sid
    return {**document, "Statement": left}
