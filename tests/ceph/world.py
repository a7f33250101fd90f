"""The world of the contract tests, on Ceph instead of the fault server.

:class:`CephStage` sets up and looks at the same things as the fault server's stage, by the same
names, so that a test marked ``on_ceph`` runs on both unchanged. Objects have contents here.
Refuses faults, requests seen, and whatever else only a fake server can offer: a test that needs
them is not marked.

Accounts are plain users of the gateway whose ids are the twelve digits of the fault server's
accounts: buckets have one namespace, belong to whom made them, and are closed to everybody else
until a policy says otherwise. (The gateway's own "accounts" resemble AWS's more closely, but let
CopyObject read what their policies deny; :mod:`tests.ceph.iam` knows where they serve.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, urlencode

import boto3
from botocore.config import Config

from s3_xfer import Engine
from s3_xfer.units import MIB
from tests.ceph.cluster import CephCluster
from tests.fault_server import FaultServer, StoredObject, Upload
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    READ,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    SRC,
    World,
)

ACCOUNTS = {SOURCE_ACCOUNT: SOURCE_KEY, DESTINATION_ACCOUNT: DESTINATION_KEY}
SECRET = "secret"  # of every key, as in tests.world
WATCHER = "AKIAWATCHER"  # may look at everything, whatever a policy says
SIZE_MAX = 64 * MIB
_BUCKET_ACTIONS = ("s3:ListBucket", "s3:ListBucketMultipartUploads")
_HEADERS = ("content-type", "content-encoding", "content-language", "content-disposition")
_MORE_HEADERS = ("cache-control", "expires")


def add_accounts(cluster: CephCluster) -> None:
    """Create the two accounts, and one that sees everything."""
    for account, access_key in ACCOUNTS.items():
        add_user(cluster, account, access_key)
    add_user(cluster, "watcher", WATCHER, "--admin")


def add_user(cluster: CephCluster, user: str, access_key: str, *more: str) -> None:
    """Create a user with a permanent key."""
    keys = ("--access-key", access_key, "--secret-key", SECRET)
    cluster.admin("user", "create", "--uid", user, "--display-name", user, *keys, *more)


def client_of(url: str, access_key: str, service: str = "s3") -> Any:
    """Return a client with the permanent key of a user."""
    return boto3.client(
        cast(Any, service),
        endpoint_url=url,
        aws_access_key_id=access_key,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def user_arn(account: str) -> str:
    """Return how a policy names a plain user: without an account."""
    return f"arn:aws:iam:::user/{account}"


@dataclass(frozen=True, slots=True)
class _Rule:
    account: str
    actions: tuple[str, ...]
    prefix: str
    effect: str


class CephStage:
    """What a test sets up and looks at; the methods mean what the fault server's mean."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients = {account: client_of(url, key) for account, key in ACCOUNTS.items()}
        self._watcher = client_of(url, WATCHER)
        self._owners: dict[str, str] = {}
        self._rules: dict[str, list[_Rule]] = {}

    def close(self) -> None:
        """Remove every bucket with all that is in it."""
        for bucket in self._owners:
            self._empty(bucket)
            self._watcher.delete_bucket(Bucket=bucket)
        for client in (*self.clients.values(), self._watcher):
            client.close()

    def create_bucket(self, name: str, *, owner: str) -> None:
        """Create an empty bucket."""
        self.clients[owner].create_bucket(Bucket=name)
        self._owners[name] = owner
        self._rules[name] = []

    def grant(self, bucket: str, *, to: str, actions: Iterable[str], prefix: str = "") -> None:
        """Let an account do ``actions`` below ``prefix``."""
        self._add_rule(bucket, _Rule(to, tuple(actions), prefix, "Allow"))

    def deny(
        self, bucket: str, account_id: str, actions: Iterable[str], *, prefix: str = ""
    ) -> None:
        """Forbid ``actions``, even to the owner and against any grant."""
        self._add_rule(bucket, _Rule(account_id, tuple(actions), prefix, "Deny"))

    def revoke(self, bucket: str, account_id: str) -> None:
        """Take back every grant and denial of the account on the bucket."""
        rules = self._rules[bucket]
        self._rules[bucket] = [rule for rule in rules if rule.account != account_id]
        self._write_policy(bucket)

    def put(
        self,
        bucket: str,
        key: str,
        *,
        size: int = 0,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        storage_class: str = "STANDARD",
    ) -> StoredObject:
        """Store an object of ``size`` zeros."""
        assert size <= SIZE_MAX, "the memory of the gateway is this machine's"
        answer = self._owner(bucket).put_object(
            Bucket=bucket,
            Key=key,
            Body=bytes(size),
            Metadata=dict(metadata or {}),
            StorageClass=storage_class,
            Tagging=_tag_header(tags or {}),
            **_as_parameters(headers or {}),
        )
        assert answer["ETag"]
        return self._stored(bucket, key)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object."""
        self._owner(bucket).delete_object(Bucket=bucket, Key=key)

    def objects(self, bucket: str) -> dict[str, StoredObject]:
        """Return the objects of a bucket by key, in the order of a listing."""
        pages = self._watcher.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: self._stored(bucket, key) for key in keys}

    def uploads(self, bucket: str) -> list[Upload]:
        """Return the open multipart uploads of a bucket, by id and key alone."""
        found = self._watcher.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [
            Upload(
                upload_id=entry["UploadId"],
                key=entry["Key"],
                initiator="",
                initiated=entry["Initiated"],
                template=cast(StoredObject, None),
            )
            for entry in found
        ]

    # ------------------------------------------------------------------------- policies

    def set_policy(self, bucket: str, document: Mapping[str, Any] | None) -> None:
        """Replace the policy of a bucket; None removes it."""
        if document is None:
            self._owner(bucket).delete_bucket_policy(Bucket=bucket)
        else:
            self._owner(bucket).put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))

    def _add_rule(self, bucket: str, rule: _Rule) -> None:
        self._rules[bucket].append(rule)
        self._write_policy(bucket)

    def _write_policy(self, bucket: str) -> None:
        statements = [part for rule in self._rules[bucket] for part in _statements(bucket, rule)]
        document = {"Version": "2012-10-17", "Statement": statements}
        self.set_policy(bucket, document if statements else None)

    # -------------------------------------------------------------------------- looking

    def _owner(self, bucket: str) -> Any:
        return self.clients[self._owners[bucket]]

    def _stored(self, bucket: str, key: str) -> StoredObject:
        head = self._watcher.head_object(Bucket=bucket, Key=key)
        tags = self._watcher.get_object_tagging(Bucket=bucket, Key=key).get("TagSet", [])
        sent = {
            name.lower(): value for name, value in head["ResponseMetadata"]["HTTPHeaders"].items()
        }
        return StoredObject(
            key=key,
            size=head["ContentLength"],
            etag=head["ETag"],
            last_modified=head["LastModified"],
            owner=self._owners[bucket],
            metadata=head["Metadata"],
            headers={name: sent[name] for name in (*_HEADERS, *_MORE_HEADERS) if name in sent},
            tags={tag["Key"]: tag["Value"] for tag in tags},
            storage_class=head.get("StorageClass", "STANDARD"),
            sse=head.get("ServerSideEncryption", ""),
        )

    def _empty(self, bucket: str) -> None:
        self._owner(bucket).delete_bucket_policy(Bucket=bucket)
        for upload in self.uploads(bucket):
            self._watcher.abort_multipart_upload(
                Bucket=bucket, Key=upload.key, UploadId=upload.upload_id
            )
        for page in self._watcher.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", ()):
                self._watcher.delete_object(Bucket=bucket, Key=entry["Key"])


def _statements(bucket: str, rule: _Rule) -> Iterable[dict[str, Any]]:
    who = {"Effect": rule.effect, "Principal": {"AWS": user_arn(rule.account)}}
    on_bucket = [action for action in rule.actions if action in _BUCKET_ACTIONS]
    on_objects = [action for action in rule.actions if action not in _BUCKET_ACTIONS]
    if on_bucket:
        near = {"StringLike": {"s3:prefix": f"{rule.prefix}*"}} if rule.prefix else {}
        yield {
            **who,
            "Action": on_bucket,
            "Resource": f"arn:aws:s3:::{bucket}",
            **({"Condition": near} if near else {}),
        }
    if on_objects:
        yield {**who, "Action": on_objects, "Resource": f"arn:aws:s3:::{bucket}/{rule.prefix}*"}


def _tag_header(tags: Mapping[str, str]) -> str:
    return urlencode(tags, quote_via=quote, safe="")


def _as_parameters(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as boto3 calls them."""
    return {name.title().replace("-", ""): value for name, value in headers.items()}


class CephWorld(World):
    """Two accounts with a bucket each, and the access that a copy needs, on Ceph."""

    def __init__(self, cluster: CephCluster) -> None:
        self.engine = Engine.AUTO
        self.stage = CephStage(cluster.url)
        # A marked test uses of the server only what the stage has as well.
        self.server = cast(FaultServer, self.stage)

    def __enter__(self) -> Self:
        self.stage.create_bucket(SRC, owner=SOURCE_ACCOUNT)
        self.stage.create_bucket(DST, owner=DESTINATION_ACCOUNT)
        self.stage.grant(SRC, to=DESTINATION_ACCOUNT, actions=READ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stage.close()

    def assert_untouched(self) -> None:
        """Assert that the destination is as it was: no object, no upload."""
        assert self.arrived() == {}
        assert self.stage.uploads(DST) == []
