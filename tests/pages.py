"""A page as a browser reads it: strictly parsed, and asserted to need nothing else."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset({"meta"})
# Elements and attributes that neither load nor run anything.
_HARMLESS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "footer"),
    *("h1", "h2", "h3", "p", "div", "span", "pre", "ul", "li", "svg", "path"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    *("charset", "http-equiv", "content", "name", "lang", "class", "scope", "colspan", "style"),
    *("viewbox", "preserveaspectratio", "role", "d"),
}


class Page(HTMLParser):
    """The elements of a page. ``text`` is what is read, ``headings`` those of its sections."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.markup = markup
        self.text = self.headline = self.title = ""
        self.headings: list[str] = []
        self._open: list[str] = []
        assert markup.startswith("<!doctype html>")
        assert markup.isprintable() or all(char.isprintable() or char == "\n" for char in markup), (
            "control characters"
        )
        self.feed(markup)
        self.close()
        assert self._open == [], "not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element that cannot load or run anything."""
        assert tag in _HARMLESS, tag
        names = {name for name, _ in attrs}
        assert names <= _ATTRIBUTES, (tag, attrs)
        assert len(names) == len(attrs)
        for name, value in attrs:
            if name == "style":
                assert value is not None
                assert value.startswith("width: ")
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave the element that was entered last."""
        assert self._open.pop() == tag
        self.text += "\n" if tag in ("p", "tr", "pre", "li", "h1", "h2", "h3") else " "

    def handle_data(self, data: str) -> None:
        """Take what is read."""
        inner = self._open[-1] if self._open else ""
        if inner == "style":
            assert "url(" not in data
            assert "@import" not in data
            return
        self.text += data
        if inner == "h1":
            self.headline += data
        elif inner == "title" and "svg" not in self._open:
            self.title += data
        elif inner == "h2":
            self.headings[-1] += data

    def handle_comment(self, data: str) -> None:
        """Refuse comments: there are none."""
        raise AssertionError(data)
