"""Headers that a copy can do without, where a service refuses them.

AWS takes them all, and none is left out there. Other services may refuse a header as not
implemented (OpenStack Swift 2.30: ``If-None-Match``; Cloudflare R2: ``x-amz-tagging-directive``).
The first refusal decides for the rest of the run: the request is sent again without the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping

from s3_xfer.errors import ErrorClass, ErrorInfo

IF_NONE_MATCH = "if-none-match"
TAGGING_DIRECTIVE = "x-amz-tagging-directive"
SOURCE_CONDITION = "x-amz-copy-source-if-match"

# How a refusal names the header.
_NAMES: Mapping[str, re.Pattern[str]] = {
    IF_NONE_MATCH: re.compile(r"if.?none.?match|condition", re.IGNORECASE),
    TAGGING_DIRECTIVE: re.compile(r"tagging|tags", re.IGNORECASE),
}
_NOTES: Mapping[str, str] = {
    IF_NONE_MATCH: (
        "this service refuses If-None-Match: every object was looked for before its copy instead, "
        "which is not atomic: what appeared in between was overwritten"
    ),
    TAGGING_DIRECTIVE: (
        "this service refuses x-amz-tagging-directive: small objects were copied without it, "
        "with tags if the service copies them by itself"
    ),
}
_REFUSALS = (ErrorClass.NOT_SUPPORTED, ErrorClass.TAGS_NOT_SUPPORTED, ErrorClass.INVALID_REQUEST)


class OptionalHeaders:
    """Which headers the service of one run refuses. Thread-safe: a set is replaced at once.

    ``offered`` are those that may be left out once they are refused, ``left_out`` those that are
    never sent; both in lower case.
    """

    def __init__(self, offered: Iterable[str] = (), *, left_out: Iterable[str] = ()) -> None:
        self.offered = frozenset(offered)
        self.left_out = frozenset(left_out)

    def notes(self) -> tuple[str, ...]:
        """Return what a person must know about what was left out."""
        return tuple(_NOTES[name] for name in sorted(self.left_out & self.offered))

    def refused(self, info: ErrorInfo, sent: Iterable[str]) -> bool:
        """Leave out from now on what ``info`` refuses of the ``sent`` headers, if anything.

        An error that names no header refuses all that are optional if it says "not implemented",
        and none otherwise.
        """
        if info.error_class not in _REFUSALS:
            return False
        optional = self.offered & {name.lower() for name in sent}
        text = f"{info.code} {info.message}"
        refused = {name for name in optional if _NAMES[name].search(text)}
        if not refused and info.error_class is ErrorClass.NOT_SUPPORTED:
            refused = set(optional)
        self.left_out |= refused
        return bool(refused)

    def leave_out(self, name: str) -> bool:
        """Leave out ``name`` from now on; return False if it cannot be left out."""
        if name in self.offered:
            self.left_out |= {name}
        return name in self.offered

    def strip(self, headers: MutableMapping[str, object]) -> None:
        """Remove from ``headers``, whatever their case, what is left out."""
        if self.left_out:
            for name in [name for name in headers if name.lower() in self.left_out]:
                del headers[name]
