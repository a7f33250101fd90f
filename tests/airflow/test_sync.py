"""A sync, filters, lists and inventories through the operator, on real servers."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

import pytest

from airflow_plugin import S3CopyPermanentError
from tests.airflow.stage import Stage
from tests.world import DST, SOURCE_KEY, SRC, session

THERE = {"kept", "extra/1", "extra/2"}


def fill(stage: Stage) -> None:
    """Put four objects at the source; at the destination one of them, and two more."""
    for name in ("kept", "new", "x.tmp", "d/y"):
        stage.server.put(SRC, f"in/{name}", size=10)
    for name in THERE:
        stage.server.put(DST, f"out/{name}", size=10)


def write(stage: Stage, key: str, content: bytes) -> None:
    """Put a file into the source bucket, outside of the prefix."""
    client = session(SOURCE_KEY).client("s3", endpoint_url=stage.server.url)
    client.put_object(Bucket=SRC, Key=key, Body=content)
    client.close()


def names(stage: Stage) -> set[str]:
    """Return what is below the destination prefix."""
    return {key.removeprefix("out/") for key in stage.arrived() if key.startswith("out/")}


@pytest.mark.parametrize(
    "arguments",
    [{}, {"recursive": False}, {"identical": "skip"}, {"identical": "skip-on-retry"}],
    ids=str,
)
def test_a_sync_deletes_what_only_the_destination_has(
    stage: Stage, arguments: dict[str, Any]
) -> None:
    """``delete`` alone makes it a sync, in the first try as in any other."""
    fill(stage)

    result = stage.execute(delete="extra", max_delete="100%", **arguments)

    assert names(stage) == {"kept", "new", "x.tmp", "d/y"}
    assert result["files_deleted"] == 2
    assert stage.execute(delete="extra", try_number=2)["files_copied_successfully"] == 0


def test_a_sync_never_deletes_too_much(stage: Stage) -> None:
    """The task fails at once, everything is copied, nothing deleted."""
    fill(stage)

    with pytest.raises(S3CopyPermanentError, match="max_delete="):
        stage.execute(delete="extra", max_delete=1)

    assert names(stage) == THERE | {"new", "x.tmp", "d/y"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"identical": "copy"},
        {"from_report_path": "report.jsonl"},
        {"delete": "everything"},
    ],
    ids=str,
)
def test_a_sync_that_makes_no_sense_is_refused(stage: Stage, arguments: dict[str, Any]) -> None:
    """At once, with the argument's name, and without a request that writes."""
    fill(stage)

    with pytest.raises(S3CopyPermanentError, match=next(iter(arguments)).partition("_")[0]):
        stage.execute(**{"delete": "extra"} | arguments)

    assert names(stage) == THERE


def test_filters_choose(stage: Stage) -> None:
    """As on the command line: the first rule that matches decides; what is left out is counted."""
    fill(stage)

    result = stage.execute(filters=["- *.tmp", "+ **"], min_size_bytes="1")

    assert names(stage) == THERE | {"kept", "new", "d/y"}
    assert result["files_left_out"] == 1


def test_a_sync_spares_what_the_filters_leave_out(stage: Stage) -> None:
    """A delete is of what was chosen."""
    fill(stage)

    stage.execute(delete="extra", max_delete="100%", filters="- extra/1")

    assert names(stage) == {"kept", "new", "x.tmp", "d/y", "extra/1"}


def test_a_list_names_the_objects(stage: Stage) -> None:
    """A file in S3, read with the source's connection."""
    fill(stage)
    write(stage, "lists/keys.txt", b"in/new\nin/d/y\n")

    result = stage.execute(files_from=f"s3://{SRC}/lists/keys.txt")

    assert result["files_copied_successfully"] == 2
    assert names(stage) >= {"new", "d/y"}


def test_an_inventory_names_the_objects(stage: Stage) -> None:
    """The manifest of an S3 Inventory."""
    fill(stage)
    data = gzip.compress(f'"{SRC}","in/new","10"\n"{SRC}","in/d/y","10"\n'.encode())
    write(stage, "inv/data/a.csv.gz", data)
    manifest = {
        "sourceBucket": SRC,
        "destinationBucket": f"arn:aws:s3:::{SRC}",
        "version": "2016-11-30",
        "creationTimestamp": "1764201600000",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [
            {
                "key": "inv/data/a.csv.gz",
                "size": len(data),
                "MD5checksum": hashlib.md5(data).hexdigest(),
            }
        ],
    }
    written = json.dumps(manifest).encode()
    write(stage, "inv/manifest.json", written)
    write(stage, "inv/manifest.checksum", hashlib.md5(written).hexdigest().encode())

    result = stage.execute(inventory=f"s3://{SRC}/inv/manifest.json")

    assert result["files_copied_successfully"] == 2
