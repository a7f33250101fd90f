"""What the fake S3 remembers: accounts, buckets, objects, uploads and who may do what.

An object has no content, only the size and the ETag that it claims; that is all that a
server-side copy ever sees, and so an object of 5 TB costs nothing.

Refuses: to know HTTP, and to give back old versions: a versioned bucket hands out version ids and
leaves markers, but only the current version can be asked for. What it keeps, tests look at.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Protocol

from tests.fault_server.wire import Request

DEFAULT_CONTENT_TYPE = "binary/octet-stream"
DEFAULT_SSE = "AES256"  # S3 encrypts everything with SSE-S3 since January 2023


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object. ``etag`` has the quotes that S3 puts around it; header names are lower-case."""

    key: str
    size: int
    etag: str
    last_modified: datetime
    owner: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"
    sse: str = DEFAULT_SSE
    kms_key_id: str = ""
    version_id: str = ""
    content: bytes | None = None  # of what was put by request

    @property
    def is_archived(self) -> bool:
        """Whether it must be restored before anybody can read it."""
        restored = 'ongoing-request="false"' in self.headers.get("x-amz-restore", "")
        return self.storage_class in ("GLACIER", "DEEP_ARCHIVE") and not restored

    @property
    def has_md5_etag(self) -> bool:
        """Whether the ETag is the MD5 of the content: never under KMS, never for multipart."""
        return "-" not in self.etag and not self.sse.startswith("aws:kms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an upload."""

    number: int
    size: int
    etag: str
    last_modified: datetime


@dataclass(slots=True, kw_only=True)
class Upload:
    """A multipart upload in progress. ``template`` is the object to be, without size and ETag."""

    upload_id: str
    key: str
    initiator: str
    initiated: datetime
    template: StoredObject
    initiator_arn: str = ""
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An account may, or may not, do these actions below a prefix. Actions may hold ``*``."""

    account_id: str
    actions: frozenset[str]
    prefix: str
    allows: bool

    def covers(self, account_id: str, action: str, resource: str) -> bool:
        """Whether the rule speaks about this action on this key (or listed prefix)."""
        return (
            self.account_id == account_id
            and resource.startswith(self.prefix)
            and any(fnmatchcase(action, pattern) for pattern in self.actions)
        )


class Authority(Protocol):
    """Decides about requests in place of a bucket's rules, see :mod:`tests.iam_server`.

    Both methods raise :class:`~tests.fault_server.refusals.Refusal`.
    """

    def require(self, bucket: Bucket, request: Request, action: str, resource: str) -> None:
        """Refuse ``action`` on a key, or on the bucket itself, unless policies allow it."""

    def require_key(self, request: Request, key_arn: str, action: str) -> None:
        """Refuse the use of a KMS key unless policies, and its state, allow it."""


@dataclass(slots=True, kw_only=True)
class Bucket:
    """A bucket with its objects, its open uploads and its rules, or an authority instead."""

    name: str
    owner: str
    region: str = "us-east-1"
    versioned: bool = False
    acls_enabled: bool = True
    check_region: bool = False
    sse: str = DEFAULT_SSE
    kms_key_id: str = ""  # of the default encryption
    authority: Authority | None = None
    objects: dict[str, StoredObject] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)  # sorted; code points sort as UTF-8 bytes do
    uploads: dict[str, Upload] = field(default_factory=dict)
    # What CompleteMultipartUpload was asked and made: S3 answers a repetition with success.
    completed: dict[str, tuple[tuple[tuple[int, str], ...], StoredObject]] = field(
        default_factory=dict
    )
    rules: list[Rule] = field(default_factory=list)
    # Of a versioned bucket: what was replaced or deleted, and the markers' ids by key.
    old_versions: list[StoredObject] = field(default_factory=list)
    markers: dict[str, list[str]] = field(default_factory=dict)

    def store(self, item: StoredObject) -> None:
        """Put ``item`` in place of what has its key."""
        if item.key not in self.objects:
            bisect.insort(self.keys, item.key)
        else:
            self._keep_version(item.key)
        self.objects[item.key] = item

    def discard(self, key: str) -> None:
        """Remove the object, if it is there."""
        if key in self.objects:
            self._keep_version(key)
            del self.objects[key]
            del self.keys[bisect.bisect_left(self.keys, key)]

    def mark(self, key: str, version_id: str) -> None:
        """Leave a delete marker, as a versioned bucket does."""
        self.markers.setdefault(key, []).append(version_id)

    def _keep_version(self, key: str) -> None:
        if self.versioned:
            self.old_versions.append(self.objects[key])

    def allows(self, account_id: str, action: str, resource: str) -> bool:
        """Whether the account may: a denial wins, the owner may all, others what is granted."""
        if self.denies(account_id, action, resource):
            return False
        return account_id == self.owner or self._rules_say(account_id, action, resource)

    def denies(self, account_id: str, action: str, resource: str) -> bool:
        """Whether a rule forbids it, whoever would otherwise allow it."""
        return self._rules_say(account_id, action, resource, allows=False)

    def _rules_say(
        self, account_id: str, action: str, resource: str, *, allows: bool = True
    ) -> bool:
        return any(
            rule.allows is allows and rule.covers(account_id, action, resource)
            for rule in self.rules
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whom an access key stands for. ``expires_s`` is on ``time.time``'s clock."""

    account_id: str
    arn: str
    expires_s: float = float("inf")

    @property
    def is_expired(self) -> bool:
        """Whether S3 would answer ExpiredToken."""
        return time.time() >= self.expires_s


class World:
    """Everything the server remembers, behind one lock that each operation holds while it works."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.account_ids: set[str] = set()
        self.principals: dict[str, Principal] = {}  # by access key
        self.buckets: dict[str, Bucket] = {}
        self.external_ids: dict[str, str] = {}  # by role ARN
        self.session_lifetime_s: float | None = None
        self.authority: Authority | None = None
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """Return a number never returned before."""
        return next(self._numbers)

    def version_id(self, bucket: Bucket) -> str:
        """Return the version id of a new object, empty in an unversioned bucket."""
        return f"v{self.number():08d}" if bucket.versioned else ""


def fake_md5(*facts: object) -> str:
    """Return 32 hex digits that look like an MD5 and depend on ``facts`` alone."""
    return hashlib.md5(repr(facts).encode(), usedforsecurity=False).hexdigest()


def now() -> datetime:
    """Return the time as S3 keeps it: UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
