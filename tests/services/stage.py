"""One service under test: its buckets, an independent client, and the program as a process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3_xfer.units import MIB
from tests.e2e.program import PROFILES, THEM, US, Done, Program, environment
from tests.services.service import Key, Running

SRC, DST = "src-bucket", "dst-bucket"
PART = 5 * MIB
IN_PARTS = ("--multipart-threshold", "5MiB", "--part-size", "5MiB")
WRONG = "wrong"  # the profile with a key that nobody has
HEADERS = {
    "ContentType": "text/csv",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a.csv"',
    "ContentLanguage": "de",
    "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
}
METADATA = {"owner": "team-a", "note": "a b"}
TAGS = {"class": "a", "year": "2026"}
_PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:ListBucket", "s3:GetObject", "s3:GetObjectTagging"],
            "Resource": [f"arn:aws:s3:::{SRC}", f"arn:aws:s3:::{SRC}/*"],
        }
    ],
}
Thing = Mapping[str, Any]


class ServiceStage:
    """Buckets with objects on a service. What the service does not store is left out."""

    def __init__(self, running: Running, directory: Path, *, broken_by: Sequence[str] = ()) -> None:
        self.broken_by = broken_by
        self.url = running.url
        self.them, self.us = self._client(running.them), self._client(running.us)
        keys = {THEM: running.them, US: running.us, WRONG: Key("AKIANOBODY", "x" * 20)}
        config = "".join(
            f"[profile {name}]\nregion=us-east-1\nendpoint_url={self.url}\n" for name in keys
        )
        secrets = "".join(
            f"[{name}]\naws_access_key_id={key.access_key}\naws_secret_access_key={key.secret}\n"
            for name, key in keys.items()
        )
        self.program = Program(environment(directory / "home", config, secrets), directory)
        self.them.create_bucket(Bucket=SRC)
        self.us.create_bucket(Bucket=DST)
        with suppress(ClientError, BotoCoreError):  # most have no accounts to open it to
            self.them.put_bucket_policy(Bucket=SRC, Policy=json.dumps(_PUBLIC))

    def _client(self, key: Key) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret,
            region_name="us-east-1",
            config=Config(
                retries={"total_max_attempts": 4},
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                read_timeout=30,
                proxies={},
            ),
        )

    # --------------------------------------------------------------------------- objects

    def put(self, key: str, body: bytes, **settings: Any) -> bool:
        """Store a source object; return whether the service lists it under exactly that key."""
        try:
            self.them.put_object(Bucket=SRC, Key=key, Body=body, **settings)
            return key in self.keys(SRC, key)
        except (ClientError, BotoCoreError):
            return False

    def put_in_parts(self, key: str, size: int) -> bool:
        """Store a source object in parts of 5 MiB; return whether the service does that."""
        target = {"Bucket": SRC, "Key": key}
        try:
            upload = self.them.create_multipart_upload(**target, Metadata=METADATA)["UploadId"]
            parts = []
            for number, start in enumerate(range(0, size, PART), start=1):
                body = bytes([number]) * min(PART, size - start)
                answer = self.them.upload_part(
                    **target, UploadId=upload, PartNumber=number, Body=body
                )
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self.them.complete_multipart_upload(
                **target, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except (ClientError, BotoCoreError):
            return False
        return True

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        client = self.them if bucket == SRC else self.us
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def look(self, bucket: str, key: str) -> Thing | None:
        """Return body, metadata, headers and tags of an object; None if it is not there."""
        client = self.them if bucket == SRC else self.us
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError):
            return None
        try:
            tags = client.get_object_tagging(Bucket=bucket, Key=key).get("TagSet", [])
        except (ClientError, BotoCoreError):
            tags = []
        headers = {name: str(answer.get(name, "")) for name in HEADERS}
        return {
            "body": answer["Body"].read(),
            "metadata": {name.lower(): value for name, value in answer["Metadata"].items()},
            "headers": headers,
            "tags": {tag["Key"]: tag["Value"] for tag in tags},
        }

    def differences(self, source: str, destination: str) -> Iterator[tuple[str, str]]:
        """Yield what is different (``missing``, ``body``, ``tags``, …), and the source's key."""
        for key in self.keys(SRC, source):
            one = self.look(SRC, key)
            other = self.look(DST, destination + key.removeprefix(source))
            if other is None or one is None:
                yield "missing", key
                continue
            yield from ((name, key) for name in one if one[name] != other[name])

    def uploads(self, prefix: str = "") -> int:
        """Return how many uploads are open at the destination, 0 where the service hides them."""
        try:
            found = self.us.list_multipart_uploads(Bucket=DST, Prefix=prefix).get("Uploads", [])
        except (ClientError, BotoCoreError):
            return 0
        return len(found)

    # --------------------------------------------------------------------------- program

    def run(self, command: str, source: str, destination: str, *more: str) -> Done:
        """Run a command on two prefixes."""
        places = (f"s3://{SRC}/{source}", f"s3://{DST}/{destination}")
        return self.program.run(command, *places, "--recursive", *PROFILES, *more)

    def copy(self, source: str, destination: str, *more: str) -> Done:
        """Copy a prefix; repetitions do not wait long."""
        return self.run("copy", source, destination, "--retry-delay", "0.05", *more)

    def copy_with_any(
        self, source: str, destination: str, *choices: Iterable[str]
    ) -> tuple[Done, tuple[str, ...]]:
        """Copy with the first of several sets of options that succeeds, or else with the first."""
        for choice in choices:
            tried = tuple(choice)
            done = self.copy(source, destination, *tried)
            if done.code == 0:
                return done, tried
        first = tuple(next(iter(choices)))
        return self.copy(source, destination, *first), first
