"""Listings as some services answer them, wrong or only unusual: each a fault for ``inject``.

Three ways to make one: the question is changed before it is answered, the document after that, or
a test says page by page which keys are listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote_plus

from tests.fault_server import documents, listing
from tests.fault_server.actions import Action, Pause, Rewrite
from tests.fault_server.faults import Fault
from tests.fault_server.stage import Stage
from tests.fault_server.wire import Answer, Request

Query = dict[str, str]
LIST = "ListObjectsV2"


def asked_otherwise(
    change: Callable[[Query], object], *, operation: str = LIST, **where: str
) -> Fault:
    """Answer a listing as if its query had been changed by ``change``."""

    def ask(request: Request) -> None:
        request.query = dict(request.query)
        change(request.query)

    return Fault.call(operation, ask, **where)  # type: ignore[arg-type] # a bucket, if any


def rewritten(change: Callable[[str], str], *, operation: str = LIST, **where: str) -> Fault:
    """Answer a listing with its document changed by ``change``; surrogates are sent as bytes."""

    def rewrite(_: Request, answer: Answer) -> Answer:
        body = change(answer.body.decode()).encode("utf-8", "surrogateescape")
        return replace(answer, body=body)

    return Fault.of(operation, Rewrite(rewrite), where)  # type: ignore[arg-type] # a bucket, if any


def with_field(name: str, value: str | None, *, entry: bool = False) -> Callable[[str], str]:
    """Return the change of a document in which each element ``name`` has other content.

    None removes it. What is missing is added: at the end of each entry, or of the document.
    """
    new = "" if value is None else f"<{name}>{value}</{name}>"
    end = "</Contents>" if entry else "</ListBucketResult>"

    def change(document: str) -> str:
        without = re.sub(f"<{name}>[^<]*</{name}>|<{name}/>", "", document)
        return without.replace(end, new + end)

    return change


def in_small_pages(keys: int = 2, **where: str) -> Fault:
    """List so many keys a page."""
    return asked_otherwise(lambda query: query.update({"max-keys": str(keys)}), **where)


# Services that make something else of a key or a prefix.
ODD_PREFIXES: dict[str, Callable[[], Fault]] = {
    "leading slash": lambda: asked_otherwise(lambda query: _to_prefix(query, str.lstrip, "/")),
    "joined slashes": lambda: asked_otherwise(
        lambda query: _to_prefix(query, str.replace, "//", "/")
    ),
    "no heed": lambda: asked_otherwise(lambda query: query.pop("prefix")),
    "lower case": lambda: asked_otherwise(lambda query: _to_prefix(query, str.lower)),
    "relative": lambda: rewritten(lambda text: re.sub(r"<Key>[^<]*/", "<Key>", text)),
    "encoded in secret": lambda: rewritten(with_field("EncodingType", None)),
    "not encoded": lambda: rewritten(
        lambda text: re.sub("<Key>([^<]*)<", lambda key: f"<Key>{unquote_plus(key[1])}<", text)
    ),
}


def _to_prefix(query: Query, change: Callable[..., str], *arguments: str) -> None:
    query["prefix"] = change(query["prefix"], *arguments)


@dataclass(slots=True)
class Pages(Action):
    """Lists the keys of ``pages(number)``, and goes on as long as that is not None.

    The first page has number 0, each token is that of the next one. ``token`` replaces all tokens.
    """

    stage: Stage
    bucket: str
    pages: Callable[[int], Sequence[str] | None]
    token: str = ""

    def before(self, request: Request, pause: Pause) -> Answer:
        """Answer instead of the server."""
        asked = request.query.get("continuation-token", "0")
        number = 1 if asked == self.token else int(asked)
        objects = self.stage.objects(self.bucket)
        keys = self.pages(number) or ()
        goes_on = self.pages(number + 1) is not None
        token = documents.text("NextContinuationToken", self.token or number + 1)
        return documents.ok(
            "ListBucketResult",
            documents.text("IsTruncated", goes_on),
            documents.text("EncodingType", "url"),
            token if goes_on else "",
            *(listing.contents(objects[key], request) for key in keys),
        )


def paged(
    stage: Stage,
    bucket: str,
    pages: Callable[[int], Sequence[str] | None],
    *,
    token: str = "",
) -> Fault:
    """List page by page what ``pages`` says."""
    return Fault.of(LIST, Pages(stage, bucket, pages, token), {"bucket": bucket})
