"""UnfinishedUpload uploads in words: a table, lines for logs, totals and a question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3_xfer.model import OpenUpload
from s3_xfer.render.uploads import question, totals, upload_lines, upload_table, upload_text
from s3_xfer.uploads import UnfinishedUpload

NOW = datetime(2026, 1, 4, tzinfo=UTC)


def upload(key: str = "in/k", **changed: Any) -> UnfinishedUpload:
    """Return an upload of 30 bytes in 3 parts that was begun three days ago."""
    info: dict[str, Any] = {
        "upload": OpenUpload("dst", key, "u-1"),
        "initiated": NOW - timedelta(days=3),
        "initiator": "arn:aws:iam::1:user/we",
        "storage_class": "STANDARD",
        "is_ours": True,
        "parts": 3,
        "size_bytes": 30,
    }
    return UnfinishedUpload(**(info | changed))


UNKNOWN = upload("in/unknown", parts=None, size_bytes=None)
THEIRS = upload("in/theirs", is_ours=False)


def test_a_table_is_aligned_and_says_what_is_not_known() -> None:
    """Numbers are on the right, names on the left, and the key comes last."""
    assert list(upload_table([upload(parts=1200), UNKNOWN, THEIRS], NOW)) == [
        "    age  size  parts  class     ours  key",
        "3 d 0 h  30 B  1,200  STANDARD  yes   in/k",
        "3 d 0 h     ?      ?  STANDARD  yes   in/unknown",
        "3 d 0 h  30 B      3  STANDARD  no    in/theirs",
    ]


def test_a_log_line_has_every_fact_and_no_control_character() -> None:
    """The key comes last, since it may hold spaces; nobody's name is a dash."""
    known, unknown = upload_lines([upload("a b\n"), upload(initiator="", is_ours=False)], NOW)

    assert known == (
        "initiated=2026-01-01T00:00:00Z age=259200s size=30 parts=3 class=STANDARD ours=yes "
        "initiator=arn:aws:iam::1:user/we upload_id=u-1 key=a b\\n"
    )
    assert " ours=no initiator=- upload_id=" in unknown


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], "0 uploads, 0 B"),
        ([upload()], "1 upload, 30 B"),
        ([upload(), upload()], "2 uploads, 60 B"),
        ([upload(), UNKNOWN], "2 uploads, 30 B and more"),
        ([UNKNOWN], "1 upload, size unknown"),
        ([upload(size_bytes=0)], "1 upload, 0 B"),
    ],
)
def test_totals_are_what_is_known(found: list[UnfinishedUpload], text: str) -> None:
    """What was not measured is named, and never counted as nothing."""
    assert totals(found) == text


def test_the_question_says_how_many_are_not_ours() -> None:
    """A person who answers knows whose uploads they are."""
    assert question([upload()]) == "Abort 1 upload, 30 B, all ours?"
    assert question([upload(), THEIRS]) == (
        "Abort 2 uploads, 60 B, 1 of them not begun by these credentials?"
    )


def test_an_upload_is_named_by_its_url_and_its_id() -> None:
    """URL and id are safe to print."""
    assert upload_text(upload("a\n")) == "s3://dst/a\\n (upload u-1)"
