"""A large object whose upload an earlier run has left: only its missing parts are copied.

S3 is asked which parts there are. The upload is used if it was made from the same content, with the
same metadata and tags; otherwise it is aborted, and the engine starts anew. It goes on in parts of
the size that it began with, whatever this run would choose: the missing parts must fit between
those that are there. The engine itself cannot do this: s3transfer only knows uploads that it has
created.

Refuses to decide about errors, and to send or start again: that is the same for every copy, in
:mod:`.hooks` and :mod:`.copier`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from s3_xfer.copying.hooks import Trail
from s3_xfer.copying.uploads import LeftUpload, MadeOf, UploadBook, abort
from s3_xfer.errors import ErrorClass, translate
from s3_xfer.model import CopyTask
from s3_xfer.pipeline.stop import StopFlag

OnBytes = Callable[[int], None]
Part = Mapping[str, Any]


class Continuing:
    """Finishes what the ``book`` says is left, with ``client``. Thread-safe.

    ``part_size`` tells the size of the parts in which the engine copies an object that it begins.
    """

    def __init__(
        self,
        client: Any,
        book: UploadBook,
        *,
        part_size: Callable[[int], int],
        threads: int,
        stop: StopFlag,
    ) -> None:
        self._client = client
        self._book = book
        self._part_size = part_size
        self._stop = stop
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="s3-xfer-missing-part")

    def go_on(self, task: CopyTask, trail: Trail, on_bytes: OnBytes) -> bool:
        """Return whether the object was finished; if not, its new upload is announced.

        Raises:
            Exception: whatever the client raises; the upload is aborted then, unless the run is
                stopped.
        """
        made_of = MadeOf(
            etag=task.source.etag,
            size=task.source.size,
            part_size=self._part_size(task.source.size),
            headers=_digest(trail.create_headers),
        )
        for left in self._book.left_for(task.destination_key):
            if left.made_of.is_of_same(made_of) and self._finish(task, left, trail, on_bytes):
                return True
            self._abort(task, left)
        self._book.plans(task.destination_key, made_of)
        return False

    def close(self) -> None:
        """Release the threads."""
        self._pool.shutdown(wait=False)

    def _finish(self, task: CopyTask, left: LeftUpload, trail: Trail, on_bytes: OnBytes) -> bool:
        """Return False if S3 does not know the upload any more, or does not show its parts."""
        try:
            parts = self._parts(task, left)
        except Exception as error:
            if translate(error).error_class in (ErrorClass.UPLOAD_LOST, ErrorClass.ACCESS_DENIED):
                return False
            raise
        try:
            self._copy_missing(task, left, parts, on_bytes)
            trail.part_etags.update({number: part["ETag"] for number, part in parts.items()})
            self._client.complete_multipart_upload(
                **_place(task, left),
                MultipartUpload={
                    "Parts": [_named(number, parts[number]) for number in sorted(parts)]
                },
            )
        except Exception:
            self._abort(task, left)
            raise
        return True

    def _parts(self, task: CopyTask, left: LeftUpload) -> dict[int, Part]:
        """Return the parts that S3 has, as far as they are what they should be."""
        pages = self._client.get_paginator("list_parts").paginate(**_place(task, left))
        found = {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        sizes = _sizes(left.made_of)
        return {number: part for number, part in found.items() if sizes.get(number) == part["Size"]}

    def _copy_missing(
        self, task: CopyTask, left: LeftUpload, parts: dict[int, Part], on_bytes: OnBytes
    ) -> None:
        """Add the missing parts to ``parts``."""
        sizes = _sizes(left.made_of)
        lock = threading.Lock()

        def copy(number: int) -> None:
            first = (number - 1) * left.made_of.part_size
            answer = self._client.upload_part_copy(
                **_place(task, left),
                PartNumber=number,
                CopySource={"Bucket": task.source.bucket, "Key": task.source.key},
                CopySourceIfMatch=task.source.etag,
                CopySourceRange=f"bytes={first}-{first + sizes[number] - 1}",
            )
            with lock:
                parts[number] = answer["CopyPartResult"]
                on_bytes(sum(sizes[each] for each in parts))

        on_bytes(sum(sizes[each] for each in parts))
        copies = [self._pool.submit(copy, number) for number in sizes if number not in parts]
        try:
            wait(copies, return_when=FIRST_EXCEPTION)
        finally:
            for each in copies:
                each.cancel()
        wait(copies)
        for each in copies:
            if not each.cancelled():
                each.result()

    def _abort(self, task: CopyTask, left: LeftUpload) -> None:
        """Throw away the parts; a stopped run leaves them to the next one."""
        if not self._stop.is_set():
            abort(self._client, task.destination_bucket, left.key, left.upload_id)


def _place(task: CopyTask, left: LeftUpload) -> dict[str, str]:
    return {"Bucket": task.destination_bucket, "Key": left.key, "UploadId": left.upload_id}


def _sizes(made_of: MadeOf) -> dict[int, int]:
    """Return the size of each part by its number."""
    starts = range(0, made_of.size, made_of.part_size)
    return {
        number: min(made_of.part_size, made_of.size - start)
        for number, start in enumerate(starts, start=1)
    }


def _named(number: int, part: Part) -> dict[str, Any]:
    """Return a part as CompleteMultipartUpload wants it: with its checksum, if it has one."""
    kept = {name: value for name, value in part.items() if name.startswith("Checksum")}
    return {"PartNumber": number, "ETag": part["ETag"], **kept}


def _digest(headers: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(headers.items())).encode()).hexdigest()
