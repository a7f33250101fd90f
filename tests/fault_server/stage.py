"""What a test sets up and looks at: accounts, buckets, rights, objects, credentials.

These methods go past every check that requests meet, so that a test can build any situation.
Refuses to know that there is a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from tests.fault_server.state import (
    DEFAULT_CONTENT_TYPE,
    DEFAULT_SSE,
    Bucket,
    Principal,
    Rule,
    StoredObject,
    Upload,
    World,
    fake_md5,
    now,
)


class Stage:
    """The world of a server. All methods may be called at any time from any thread."""

    def __init__(self) -> None:
        self._world = World()

    def add_account(self, account_id: str, *, access_key: str) -> None:
        """Make an account known, with a permanent access key (any secret will do)."""
        with self._world.lock:
            self._world.account_ids.add(account_id)
            arn = f"arn:aws:iam::{account_id}:user/tester"
            self._world.principals[access_key] = Principal(account_id=account_id, arn=arn)

    def create_bucket(
        self,
        name: str,
        *,
        owner: str,
        region: str = "us-east-1",
        versioned: bool = False,
        acls_enabled: bool = True,
        check_region: bool = False,
        sse: str = DEFAULT_SSE,
        kms_key_id: str = "",
    ) -> None:
        """Create an empty bucket.

        ``sse``, with ``kms_key_id``, is what its new objects get unless they ask otherwise.
        """
        bucket = Bucket(
            name=name,
            owner=owner,
            region=region,
            versioned=versioned,
            acls_enabled=acls_enabled,
            check_region=check_region,
            sse=sse,
            kms_key_id=kms_key_id,
            authority=self._world.authority,
        )
        with self._world.lock:
            self._world.buckets[name] = bucket

    def grant(self, bucket: str, *, to: str, actions: Iterable[str], prefix: str = "") -> None:
        """Let account ``to`` do ``actions`` (``*`` is a wildcard) below ``prefix``.

        An empty account stands for requests that are not signed.
        """
        self._add_rule(bucket, to, actions, prefix, allows=True)

    def deny(
        self, bucket: str, account_id: str, actions: Iterable[str], *, prefix: str = ""
    ) -> None:
        """Forbid ``actions``, even to the owner and against any grant."""
        self._add_rule(bucket, account_id, actions, prefix, allows=False)

    def revoke(self, bucket: str, account_id: str) -> None:
        """Take back every grant and denial of the account on the bucket."""
        with self._world.lock:
            found = self._world.buckets[bucket]
            found.rules = [rule for rule in found.rules if rule.account_id != account_id]

    def put(
        self,
        bucket: str,
        key: str,
        *,
        size: int = 0,
        etag: str | None = None,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        storage_class: str = "STANDARD",
        sse: str | None = None,
        kms_key_id: str = "",
        last_modified: datetime | None = None,
    ) -> StoredObject:
        """Store an object that claims ``size``, past all checks, and return it.

        Without ``etag`` it gets a new one each time, so that putting again means overwriting.
        """
        with self._world.lock:
            found = self._world.buckets[bucket]
            etag = etag or fake_md5(bucket, key, size, self._world.number())
            given = {name.lower(): value for name, value in (headers or {}).items()}
            item = StoredObject(
                key=key,
                size=size,
                etag=f'"{etag.strip(chr(34))}"',
                last_modified=last_modified or now(),
                owner=found.owner,
                metadata=dict(metadata or {}),
                headers={"content-type": DEFAULT_CONTENT_TYPE, **given},
                tags=dict(tags or {}),
                storage_class=storage_class,
                sse=sse or found.sse,
                kms_key_id=kms_key_id,
                version_id=self._world.version_id(found),
            )
            found.store(item)
        return item

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object, if it is there."""
        with self._world.lock:
            self._world.buckets[bucket].discard(key)

    def objects(self, bucket: str) -> dict[str, StoredObject]:
        """Return the objects of a bucket by key, in the order of a listing."""
        with self._world.lock:
            found = self._world.buckets[bucket]
            return {key: found.objects[key] for key in found.keys}

    def old_versions(self, bucket: str) -> list[StoredObject]:
        """Return what a versioned bucket keeps of replaced and deleted objects."""
        with self._world.lock:
            return list(self._world.buckets[bucket].old_versions)

    def markers(self, bucket: str) -> dict[str, list[str]]:
        """Return the ids of the delete markers by key, the oldest first."""
        with self._world.lock:
            markers = self._world.buckets[bucket].markers
            return {key: list(ids) for key, ids in markers.items()}

    def uploads(self, bucket: str) -> list[Upload]:
        """Return the open multipart uploads of a bucket, with their parts so far."""
        with self._world.lock:
            uploads = self._world.buckets[bucket].uploads.values()
            return [replace(upload, parts=dict(upload.parts)) for upload in uploads]

    @property
    def session_lifetime_s(self) -> float | None:
        """How long assumed roles last; None means as long as the request asks for."""
        return self._world.session_lifetime_s

    @session_lifetime_s.setter
    def session_lifetime_s(self, lifetime_s: float | None) -> None:
        self._world.session_lifetime_s = lifetime_s

    def require_external_id(self, role_arn: str, external_id: str) -> None:
        """Refuse to let anybody assume the role without this external id."""
        with self._world.lock:
            self._world.external_ids[role_arn] = external_id

    def expire(self, access_key: str) -> None:
        """Answer ExpiredToken to this access key from now on."""
        with self._world.lock:
            principals = self._world.principals
            principals[access_key] = replace(principals[access_key], expires_s=0.0)

    def _add_rule(
        self, bucket: str, account_id: str, actions: Iterable[str], prefix: str, *, allows: bool
    ) -> None:
        names = frozenset([actions] if isinstance(actions, str) else actions)
        rule = Rule(account_id=account_id, actions=names, prefix=prefix, allows=allows)
        with self._world.lock:
            self._world.buckets[bucket].rules.append(rule)
