"""The ordered list of rules: what remains of the same keys, as rclone selects them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3_xfer.errors import ValidationError
from s3_xfer.operations import S3CheckOperation
from s3_xfer.options import CopyOptions
from s3_xfer.options.filters import parse_rules, read_rules

KEYS = ("a.txt", "xa.txt", "d.txt", "d/a.txt", "d/e/a.txt", "d/b.bin", "D/A.TXT")
SELECTED = [
    (("- *.txt",), {"d/b.bin", "D/A.TXT"}),
    (("- a.txt",), {"xa.txt", "d.txt", "d/b.bin", "D/A.TXT"}),
    (("- /a.txt",), {*KEYS} - {"a.txt"}),
    (("- d/*",), {*KEYS} - {"d/a.txt", "d/b.bin"}),
    (("- d/**",), {"a.txt", "xa.txt", "d.txt", "D/A.TXT"}),
    (("- **/a.txt",), {*KEYS} - {"d/a.txt", "d/e/a.txt"}),
    (("- ?.txt",), {"xa.txt", "d/b.bin", "D/A.TXT"}),
    (("- d/",), {"a.txt", "xa.txt", "d.txt", "D/A.TXT"}),
    (("- d",), {*KEYS}),
    (("+ *.txt",), {"a.txt", "xa.txt", "d.txt", "d/a.txt", "d/e/a.txt"}),
    (("+ d/*", "- d/e/*"), {"d/a.txt", "d/b.bin"}),
    (("- d/e/*", "+ d/**"), {"d/a.txt", "d/b.bin"}),
    (("+ d/**", "- *"), {"d/a.txt", "d/b.bin", "d/e/a.txt"}),
    ((), {*KEYS}),
]


@pytest.mark.parametrize(("texts", "expected"), SELECTED, ids=["; ".join(r[0]) for r in SELECTED])
def test_rules_select_what_rclone_selects(texts: tuple[str, ...], expected: set[str]) -> None:
    """The first rule that matches decides; what none matches is in, unless a rule includes."""
    rules = parse_rules(texts)

    assert {key for key in KEYS if rules.includes(key)} == expected


@pytest.mark.parametrize(
    ("texts", "prefix"),
    [
        (("+ /d/e/**", "+ /d/b*"), "d/"),
        (("+ /d/e/**",), "d/e/"),
        (("+ /da", "+ /dab"), "da"),
        (("+ /d/**", "+ *.txt"), ""),
        (("- x", "+ /d/**"), "d/"),
        (("- /d/**",), ""),
    ],
)
def test_only_what_can_be_included_is_listed(texts: tuple[str, ...], prefix: str) -> None:
    """The longest text that all includes begin with."""
    assert parse_rules(texts).prefix == prefix


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"filters": ["- *", "+ d/*"]}, "leaves out everything"),
        ({"filters": ["- **", "- x", "+ d/*"]}, "leaves out everything"),
        ({"filters": ["- {a"]}, "a { is not closed"),
        ({"filters": ["a"]}, "is not a filter rule"),
        ({"filters": ["+a"]}, "is not a filter rule"),
        ({"filters": "+ a"}, "filters is '\\+ a'; it must be a list of texts"),
        ({"filters": [""]}, "it must be a list of texts"),
        ({"min_size_bytes": 2, "max_size_bytes": 1}, "nothing has at least 2 and at most 1"),
        ({"newer_than": "1d", "older_than": "2d"}, "nothing is both newer than"),
        ({"older_than": "2026-01-01"}, "has no time zone"),
        ({"if_tag": ["a"]}, "'a' is not a tag"),
        ({"if_tag": ["=a"]}, "'=a' is not a tag"),
    ],
)
def test_filters_that_cannot_be_meant_are_refused(fields: dict[str, Any], said: str) -> None:
    """When the options are made, with what is accepted."""
    with pytest.raises(ValidationError, match=said):
        CopyOptions(**fields)


def test_unreadable_filter_files_are_refused(tmp_path: Path) -> None:
    """Missing, a folder, or not UTF-8."""
    (tmp_path / "latin").write_bytes(b"+ \xe4\n")

    for name, said in (("missing", "cannot be read"), (".", "cannot be read"), ("latin", "UTF-8")):
        with pytest.raises(ValidationError, match=said):
            list(read_rules(tmp_path / name))


def test_a_check_does_not_ignore_tags_in_silence() -> None:
    """It would compare objects that the copy has left alone."""
    with pytest.raises(ValidationError, match="does not choose objects by their tags"):
        S3CheckOperation(
            source_bucket="src-bucket",
            source_key="a/",
            destination_bucket="dst-bucket",
            destination_key="b/",
            recursive=True,
            options=CopyOptions(if_tag=("team=blue",)),
        )
