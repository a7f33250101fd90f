"""Pages: what they say, and that nothing from outside becomes markup in them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.files import check_replaceable, replace_file
from s3_xfer.html import Html, element, joined
from s3_xfer.ledger.history import RunHistory
from s3_xfer.ledger.timeline import Interval, Timeline
from s3_xfer.model import AccountContext, OpenUpload
from s3_xfer.options import CopyOptions, Encryption, StorageClass, TagPolicy
from s3_xfer.render.html.copies import copy_page, refusal_page, result_html
from s3_xfer.render.html.fidelity import not_carried_over
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable
from tests.pages import Page
from tests.render import samples

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></style></title><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "&lt;b&gt; &amp; &#60;",
    "a\u202egnp.exe",
    "\x00\x1b[2J\x7f\x85\r\n",
    "]]><!-- --><![CDATA[",
    "\udc80 lone",
    "javascript:alert(1)",
    "\u2028\ufeff\u200b",
]
SPEC = CopySpec(
    source_bucket="src-bucket",
    source_key="data/",
    destination_bucket="dst-bucket",
    destination_key="data/",
    recursive=True,
    source=AccountContext(
        role_arn="arn:aws:iam::111111111111:role/reader", external_id="ext-secret-1"
    ),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text_wherever_it_is_shown(text: str) -> None:
    """In keys, messages, codes, request ids, notes, upload ids, names of buckets' prefixes."""
    failed = samples.failed(f"data/{text}", message=f"m {text}", code=f"c{text}")
    result = samples.result(
        failures=(failed,),
        notes=(text,),
        cancelled_by=text,
        journal=text,
        resumable=True,
        uploads_left_behind=(OpenUpload("dst", f"k{text}", f"u{text}"),),
        report_path=Path("r"),
        why_managed=text,
    )
    context = replace(samples.CONTEXT, source_url=text, rerun=text)

    key = text.encode("utf-8", "replace").decode()  # which every key is
    page = Page(copy_page(result, replace(SPEC, source_key=f"{key}/"), context))

    assert f"s3://src/data/{printable(text)}" in page.text
    assert page.headline.startswith(f"Stopped ({printable(text)}): copied 49,977 of 50,000")


@pytest.mark.parametrize(
    ("children", "markup"),
    [
        (["a<b"], "<p>a&lt;b</p>"),
        ([element("b", "x")], "<p><b>x</b></p>"),
        ([Html("<i>") + "<u>"], "<p>&lt;i&gt;&lt;u&gt;</p>"),  # a sum is text again
        ([None, ""], "<p></p>"),
        ([joined("&", element("b", '"'))], "<p>&amp;<b>&quot;</b></p>"),
        (["one\ntwo\r"], "<p>one\ntwo\\r</p>"),
    ],
)
def test_only_elements_are_markup(children: list[str | None], markup: str) -> None:
    """Whatever is a plain text is escaped."""
    assert element("p", *children) == markup


def test_attributes_are_escaped_too() -> None:
    """A quote does not end one."""
    assert element("td", class_="a\"b'<", colspan=2, title=None) == (
        '<td class="a&quot;b&#x27;&lt;" colspan="2"></td>'
    )


def test_a_page_says_what_who_when_and_how_to_go_on() -> None:
    """Every section of a copy that has failures, and no secret."""
    timeline = Timeline(intervals=(Interval(objects=4, failed=1, retries=2),))
    result = samples.result(
        history=RunHistory(timeline=timeline),
        uploads_left_behind=(OpenUpload("dst", "left", "1"),),
    )

    page = Page(copy_page(result, SPEC, samples.CONTEXT))

    assert page.headline in page.title
    assert page.headings == [
        "How to go on",
        "Totals",
        "Failures",
        "Over time",
        "Requests and bill",
        "What, who, when",
        "Not carried over",
    ]
    for text in (
        "s3-xfer copy s3://src/data/ s3://dst/data/ --recursive --from-report r.jsonl",
        "aws s3api abort-multipart-upload --bucket dst --key left --upload-id 1",
        "AccessDenied: 2 objects failed",
        "Next: compare source bucket policy",
        "$250.28, estimated: requests only, at AWS list prices of 1999 (here)",
        "role arn:aws:iam::111111111111:role/reader, with external id",
        "2026-01-02 03:04:05 UTC",
        "Objects that failed: 1",
        "Requests sent again: 2",
        "--recursive",
    ):
        assert text in page.text, text
    assert "ext-secret-1" not in page.markup


def test_a_clean_run_has_neither_failures_nor_advice() -> None:
    """What there was not has no heading."""
    page = Page(result_html(samples.clean(), SPEC))

    assert page.headline == "Copied all 50,000 objects"
    assert not {"How to go on", "Failures", "Notes"} & set(page.headings)


def test_a_refused_run_has_a_page_that_says_why() -> None:
    """So that a page of yesterday is not taken for today's."""
    refusal = PreflightError(
        "s3://src/<b> cannot be listed\nmore", error_class=ErrorClass.ACCESS_DENIED
    )

    page = Page(refusal_page(refusal, kind="Copy", route="a -> b", wording=COMMAND_LINE))

    assert page.headline == "Refused: s3://src/<b> cannot be listed"
    assert "nothing was written" in page.text
    assert "s3-xfer runbook access-denied" in page.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Storage class: the copies are in STANDARD."),
        ({"storage_class": StorageClass.GLACIER_IR}, "the copies are in GLACIER_IR."),
        ({"tags": TagPolicy.SKIP}, "Tags: left out, as asked for."),
        ({"sse": Encryption.KMS}, "encrypted as asked for (aws:kms)."),
        ({"multipart_threshold_bytes": 16 * 1024**2}, "ETags and annotations of objects of 16.0"),
    ],
)
def test_what_is_not_carried_over_follows_from_the_options(
    options: dict[str, object], sentence: str
) -> None:
    """An option changes its sentence."""
    assert sentence in " ".join(not_carried_over(CopyOptions(**options)))  # type: ignore[arg-type]


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """Nothing is left beside it; a link stays a link; new files have the usual rights."""
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    link.symlink_to(real)
    mask = os.umask(0o022)
    try:
        replace_file(link, "one")
    finally:
        os.umask(mask)
    replace_file(link, "two")
    (tmp_path / "folder").mkdir()

    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "folder", "three")
    with pytest.raises(OSError, match="not a regular file"):
        check_replaceable(tmp_path / "folder")
    with pytest.raises(OSError, match="No such file"):
        check_replaceable(tmp_path / "none" / "x.html")
    check_replaceable(link)

    assert link.is_symlink()
    assert real.read_text() == "two"
    assert real.stat().st_mode & 0o777 == 0o644
    assert {path.name for path in tmp_path.iterdir()} == {"real.html", "link.html", "folder"}
