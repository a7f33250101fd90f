"""The frame of every page, and the elements that pages are made of.

A page is one file: its style is in it, its pictures are SVG, and its content security policy keeps
a browser from loading anything. It reads in light and dark, on a phone and on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from s3_xfer.html import Html, element, joined
from s3_xfer.render.summary import UNBROKEN, Row, Tone
from s3_xfer.version import VERSION

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = Html("""
:root { color-scheme: light dark; --ink: #1c2128; --dim: #59636e; --page: #fff; --box: #f6f8fa;
  --line: #d1d9e0; --good: #1a7f37; --mixed: #9a6700; --bad: #cf222e; --mark: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --page: #0d1117;
  --box: #151b23; --line: #3d444d; --good: #3fb950; --mixed: #d29922; --bad: #f85149;
  --mark: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .4rem 0; }
.kind, .dim, footer { color: var(--dim); }
.good { color: var(--good); } .mixed { color: var(--mixed); } .bad { color: var(--bad); }
header { border-left: .35rem solid currentColor; padding-left: .9rem; }
header > * { color: var(--ink); } header .kind { color: var(--dim); }
header.good h1 { color: var(--good); } header.mixed h1 { color: var(--mixed); }
header.bad h1 { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid var(--line); font-weight: normal; }
th { color: var(--dim); white-space: nowrap; }
thead th:not(:first-child) { text-align: right; }
.scroll + .scroll { margin-top: 1rem; }
td.number { text-align: right; white-space: nowrap; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: .6rem;
  white-space: pre-wrap; font-size: .85rem; margin: .4rem 0; }
ul { padding-left: 1.2rem; margin: .4rem 0; }
svg { display: block; width: 100%; height: 7rem; background: var(--box);
  border-bottom: 1px solid var(--line); }
svg.low { height: 3.5rem; }
svg .area { fill: var(--mark); fill-opacity: .35; stroke: var(--mark); stroke-width: 1.5;
  vector-effect: non-scaling-stroke; }
svg.low .area { fill: var(--bad); stroke: var(--bad); }
.axis { display: flex; justify-content: space-between; color: var(--dim); font-size: .8rem; }
.bar { display: inline-block; height: .7rem; min-width: 1px; background: var(--mark);
  print-color-adjust: exact; }
td.barred { width: 35%; }
footer { margin-top: 2.5rem; font-size: .85rem; }
@media (max-width: 40rem) { body { font-size: 15px; } td.barred, th.barred { display: none; }
  tr:has(td.detail) { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--line); }
  tr:has(td.detail) > * { border: 0; } tr > td.detail { flex: 1 0 100%; }
  tr:has(td.detail) > th { flex: 1; } tr > td.detail:empty { display: none; } }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  section { break-inside: avoid; } pre { break-inside: avoid; } }
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything on a page. ``kind`` says what ran; ``sections`` without content are left out."""

    kind: str
    tone: Tone
    headline: str
    next_step: str
    route: str
    sections: Sequence[Section | None]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what is below it."""

    heading: str
    content: Html


def document(page: Page) -> str:
    """Return the whole file."""
    title = f"s3-xfer {page.kind}: {page.headline}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", _STYLE),
    )
    header = element(
        "header",
        element("p", page.kind, class_="kind"),
        element("h1", page.headline),
        element("p", page.route, class_="dim"),
        element("p", f"Next: {page.next_step}.") if page.next_step else None,
        class_=page.tone.value,
    )
    sections = (
        element("section", element("h2", section.heading), section.content)
        for section in page.sections
        if section and section.content
    )
    footer = element("footer", f"Written by s3-xfer {VERSION}. Times are UTC.")
    body = element("body", header, element("main", *sections), footer)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


# ------------------------------------------------------------------------------------- elements


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Return names beside their values."""
    rows = [
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in pairs
        if value
    ]
    return table(rows) if rows else Html()


def row_table(rows: Iterable[Row]) -> Html:
    """Return the numbers of a summary."""
    return table([_row(row) for row in rows])


def _row(row: Row) -> Html:
    return element(
        "tr",
        element("th", row.label.strip(), scope="row"),
        element("td", row.value, class_="number"),
        element("td", row.size, class_="number"),
        element("td", row.detail.replace(UNBROKEN, " "), class_="detail"),
        class_=row.tone.value if row.tone else None,
    )


def table(rows: Sequence[Html], *, head: Sequence[str] = ()) -> Html:
    """Return a table that scrolls by itself where it is wider than the page."""
    heading = element("tr", *(element("th", name, scope="col") for name in head)) if head else None
    body = element("tbody", *rows)
    whole = element("table", element("thead", heading), body) if head else element("table", body)
    return element("div", whole, class_="scroll")


def paragraphs(texts: Iterable[str]) -> Html:
    """Return each text as a paragraph."""
    return joined(*(element("p", text) for text in texts))


def bullets(texts: Iterable[str]) -> Html:
    """Return texts as a list; nothing of none."""
    items = [element("li", text) for text in texts]
    return element("ul", *items) if items else Html()


def preformatted(lines: Iterable[str]) -> Html:
    """Return lines as they are, in a box; nothing of none."""
    text = "\n".join(lines)
    return element("pre", text) if text else Html()


def commands(titled: Iterable[tuple[str, Sequence[str]]]) -> Html:
    """Return command lines in boxes, each below what it is for."""
    return joined(*_commands(titled))


def _commands(titled: Iterable[tuple[str, Sequence[str]]]) -> Iterator[Html]:
    for title, lines in titled:
        if lines:
            yield element("p", title)
            yield preformatted(lines)


def time_text(moment: datetime | None) -> str:
    """Return a moment as people read it; empty if there is none."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""
