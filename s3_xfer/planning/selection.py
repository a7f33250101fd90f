"""Which of the objects that a source yields a run is about, by key, size, date and storage class.

What is left out is not found: it is counted by the rule that decided, and by nothing else. What is
only named (by a report, by a program) has no size, date or class yet: once a HEAD has told them, it
is skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from s3_xfer.model import S3Object
from s3_xfer.options import CopyOptions
from s3_xfer.options.filters import RuleEffect, parse_rules
from s3_xfer.options.moments import moment_before
from s3_xfer.units import exact_size

NO_RULE = "no rule includes it"
_Test: TypeAlias = Callable[[S3Object], bool]


class Selection:
    """The filters of one run that ``began`` at a moment with a time zone. For one thread.

    Rules are about what ``relative_key`` returns: what follows the prefix in the key of an object.
    ``left_out`` and ``left_out_bytes`` grow with what is asked about; ``on_left_out`` gets each
    with its rule.
    """

    def __init__(
        self,
        options: CopyOptions,
        *,
        relative_key: Callable[[S3Object], str],
        began: datetime,
        on_left_out: Callable[[S3Object, str], None] | None = None,
    ) -> None:
        self.left_out: Counter[str] = Counter()
        self.left_out_bytes = 0
        self._rules = parse_rules(options.filters)
        self._relative_key = relative_key
        self._tests = dict(_tests(options, began))
        self._asks_for_date = options.newer_than is not None or options.older_than is not None
        self._asks_for_class = bool(options.source_storage_class)
        self._matched: set[str] = set()
        self._on_left_out = on_left_out

    @property
    def is_everything(self) -> bool:
        """Whether nothing can be left out."""
        return not (self._rules.rules or self._tests)

    def wanted(self, objects: Sequence[S3Object]) -> Sequence[S3Object]:
        """Return the objects that are not left out; those that a HEAD has to tell about as such."""
        if self.is_everything:
            return objects
        return [self._known_enough(each) for each in objects if self.wants(each)]

    def wants(self, found: S3Object) -> bool:
        """Return whether ``found`` is not left out."""
        why = self._why_left_out(found)
        if why is None:
            return True
        self.left_out[why] += 1
        self.left_out_bytes += found.size
        if self._on_left_out:
            self._on_left_out(found, why)
        return False

    def wants_key(self, relative_key: str) -> bool:
        """Return whether the rules about keys leave one in; nothing is counted."""
        return self._rules.includes(relative_key)

    def notes(self) -> Iterator[str]:
        """Yield what the user should know once everything was asked about."""
        rules = (str(rule) for rule in self._rules.rules)
        unmatched = [rule for rule in rules if rule not in self._matched]
        if unmatched:
            yield f"no key was decided by the filter {' nor by '.join(map(repr, unmatched))}"

    def _known_enough(self, found: S3Object) -> S3Object:
        """Return the object; without its date or class, if a filter is about that, to look up."""
        lacks_date = self._asks_for_date and found.last_modified is None
        lacks_class = self._asks_for_class and not found.storage_class
        return replace(found, size_is_known=False) if lacks_date or lacks_class else found

    def _why_left_out(self, found: S3Object) -> str | None:
        rule = self._rules.deciding(self._relative_key(found))
        if rule is None and self._rules.needs_match:
            return NO_RULE
        if rule:
            self._matched.add(str(rule))
            if rule.effect is RuleEffect.EXCLUDE:
                return str(rule)
        return next((why for why, fails in self._tests.items() if fails(found)), None)


def judge_of_named(options: CopyOptions, *, began: datetime) -> Callable[[S3Object], bool] | None:
    """Return what says of an object that was only named, once it is known, whether it is wanted.

    None if nothing can be unwanted. What a report names was judged when it was listed.
    """
    tests = dict(_tests(options, began))
    if not tests or options.from_report_path:
        return None
    return lambda found: not any(fails(found) for fails in tests.values())


def _tests(options: CopyOptions, began: datetime) -> Iterator[tuple[str, _Test]]:
    """Yield, for each filter that is not about keys, its name and what it leaves out."""
    least, most = options.min_size_bytes, options.max_size_bytes
    if least is not None:
        yield f"smaller than {exact_size(least)}", partial(_is_smaller, least)
    if most is not None:
        yield f"larger than {exact_size(most)}", partial(_is_larger, most)
    if options.newer_than is not None:
        first = moment_before(options.newer_than, began)
        yield f"not newer than {options.newer_than}", partial(_is_not_newer, first)
    if options.older_than is not None:
        last = moment_before(options.older_than, began)
        yield f"not older than {options.older_than}", partial(_is_not_older, last)
    if options.source_storage_class:
        classes = frozenset(options.source_storage_class)
        yield f"not {' or '.join(sorted(classes))}", partial(_is_of_another_class, classes)


# What is only named is judged once a HEAD has told about it.


def _is_smaller(least: int, found: S3Object) -> bool:
    return not found.needs_lookup and found.size < least


def _is_larger(most: int, found: S3Object) -> bool:
    return not found.needs_lookup and found.size > most


def _is_not_newer(moment: datetime, found: S3Object) -> bool:
    return found.last_modified is not None and found.last_modified <= moment


def _is_not_older(moment: datetime, found: S3Object) -> bool:
    return found.last_modified is not None and found.last_modified >= moment


def _is_of_another_class(classes: frozenset[str], found: S3Object) -> bool:
    is_known = not found.needs_lookup and found.storage_class != ""
    return is_known and found.storage_class not in classes
