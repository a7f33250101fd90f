"""Experiments with the objects beside a denied one, which tell what kind of denial it is.

If some can be read, neither the whole bucket nor the whole identity is denied: a prefix is, or what
one object has and others have not (tags, an owner).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from s3_xfer.access.denial_context import DenialContext
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.probe import answer
from s3_xfer.listing.pages import as_object
from s3_xfer.model import S3Object
from s3_xfer.s3_client import S3Client
from s3_xfer.text import s3_url

_SIBLINGS_MAX = 3  # objects beside a denied one that are tried


class SiblingExperiments:
    """Looks at the objects beside the one with ``key``, which was denied."""

    def __init__(self, experiments: Experiments, denial: DenialContext, key: str) -> None:
        self._experiments = experiments
        self._denial = denial
        self._source = experiments.keys.source
        self._key = key

    def scope(self) -> str:
        """Say which other objects may be read, which tells a condition or a prefix from the rest.

        Empty if none may, or none is known.
        """
        client, prefix = self._experiments.copier, self._prefix
        if self._source.key == self._key:
            return ""
        if self._readable(client, self._siblings(prefix), below=prefix):
            return (
                "objects beside it may be read: look for a condition on the object, such as its "
                "tags (s3:ExistingObjectTag), or for its key"
            )
        if self._readable(client, self._siblings(self._source.key), outside=prefix):
            below = s3_url(self._source.bucket, prefix)
            return f"only some prefixes may be read: nothing below {below}, but other objects"
        return ""

    def examine(self, client: S3Client) -> bool:
        """Return whether other objects can be read, which says what kind of denial it is."""
        denial, prefix = self._denial, self._prefix
        beside = self._readable(client, self._siblings(prefix), below=prefix)
        if beside:
            self._blame_object(beside)
            return True
        if not self._readable(client, self._siblings(self._source.key), outside=prefix):
            return False
        below = s3_url(self._source.bucket, prefix)
        denial.suspect(
            f"only some prefixes are granted, or this one is denied: nothing below {below} may be "
            "read, other objects may"
        )
        return True

    def _blame_object(self, sibling: S3Object) -> None:
        """Tell what this object has that its sibling has not."""
        denial = self._denial
        owners = self._owners((self._key, sibling.key))
        causes = [
            "a condition on the object, such as its tags (s3:ExistingObjectTag): objects beside it "
            "may be read",
            "the object belongs to another account than those beside it (written with an ACL), for "
            "which bucket policies do not speak: its owner must grant it, or copy it onto itself",
        ]
        if len(owners) > 1:
            denial.evidence.append("by the listing, the two objects have different owners")
            causes.reverse()
        denial.suspect(*causes, grants_help=False)

    def _owners(self, keys: Iterable[str]) -> set[str]:
        found = set()
        for key in keys:
            try:
                page = self._experiments.reader.list_objects_v2(
                    Bucket=self._source.bucket, Prefix=key, MaxKeys=1, FetchOwner=True
                )
            except Exception:  # noqa: BLE001 - then the owners stay unknown
                return set()
            found |= {each["Owner"]["ID"] for each in page.get("Contents", []) if "Owner" in each}
        return found

    @property
    def _prefix(self) -> str:
        return self._key[: self._key.rfind("/") + 1]

    def _siblings(self, prefix: str) -> Sequence[S3Object]:
        return self.listed_by(self._experiments.reader, prefix, count=1000) or ()

    def _readable(
        self,
        client: S3Client,
        items: Iterable[S3Object],
        *,
        below: str = "",
        outside: str | None = None,
    ) -> S3Object | None:
        """Return one of the first few objects, other than the denied one, that may be read."""
        others = (
            item
            for item in items
            if item.key != self._key
            and item.key.startswith(below)
            and (outside is None or not item.key.startswith(outside))
        )
        for item in islice(others, _SIBLINGS_MAX):
            arguments = {"Bucket": item.bucket, "Key": item.key}
            if not answer(client.head_object, self._experiments.with_payer(arguments)):
                self._denial.evidence.append(f"HEAD of {item.url}: allowed")
                return item
        return None

    def listed_by(
        self, client: S3Client, prefix: str, *, count: int = 1
    ) -> Sequence[S3Object] | None:
        """Return the first objects below a prefix; None if they may not be listed."""
        bucket = self._source.bucket
        listing = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": count}
        try:
            page = client.list_objects_v2(**self._experiments.with_payer(listing))
        except Exception:  # noqa: BLE001 - what cannot be listed tells nothing
            return None
        return [as_object(bucket, entry) for entry in page.get("Contents", [])]
