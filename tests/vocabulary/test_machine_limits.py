"""What a process says that may open no more files, wherever it notices."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from s3_xfer import CopyOptions, ErrorClass, S3CopyOperation
from s3_xfer.errors import S3XferError, translate
from s3_xfer.ledger.report import ReportWriter
from s3_xfer.options import ReportScope
from tests.world import SOURCE_KEY, session

_FILES = 64  # more than those that are open already


@contextmanager
def no_file_left() -> Iterator[None]:
    """Use up all files that this process may open; a few are not needed to be.

    What earlier tests have left is closed before, so that no number becomes free meanwhile.
    """
    gc.collect()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    taken = [lowest]
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + _FILES, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def _head(url: str) -> Callable[[], object]:
    config = Config(retries={"total_max_attempts": 1})
    client = session(SOURCE_KEY).client("s3", endpoint_url=url, config=config)
    return lambda: client.head_bucket(Bucket="bucket")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9", "https://127.0.0.1:9"])
def test_connections(url: str) -> None:
    """Sockets and names: what resolves them does not say why it cannot."""
    head = _head(url)
    with pytest.raises(BotoCoreError) as away:
        head()
    assert translate(away.value).error_class is ErrorClass.NETWORK
    found: ErrorClass | None = None
    for _ in range(3):  # a thread of an earlier test may close a file just then
        with no_file_left():
            with pytest.raises(BotoCoreError) as caught:
                head()
            found = translate(caught.value).error_class
        if found is ErrorClass.MACHINE_LIMIT:
            break
    assert found is ErrorClass.MACHINE_LIMIT


def _run(**options: Any) -> Callable[[], object]:
    return S3CopyOperation(
        source_bucket="source-bucket",
        source_key="in/",
        destination_bucket="target-bucket",
        destination_key="out/",
        recursive=True,
        options=CopyOptions(**options),
    ).run


FILES: Mapping[str, Callable[[Path], Callable[[], object]]] = {
    "credentials": lambda _: _run(),
    "list": lambda path: _run(files_from=path),
    "report that is read": lambda path: _run(from_report_path=path),
    "report that is written": lambda path: partial(ReportWriter, path, ReportScope.ALL),
    "journal": lambda path: partial(S3CopyOperation.resume, path),
    "prices": lambda path: _run(prices_path=path),
}


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path: Path, name: str) -> None:
    """What is read or written on this machine: the remedy is the limit, not another file."""
    path = tmp_path / "file"
    path.write_text("anything")
    action = FILES[name](path)
    with no_file_left(), pytest.raises(S3XferError) as caught:
        action()
    assert caught.value.error_class is ErrorClass.MACHINE_LIMIT
    assert "ulimit -n" in str(caught.value)
