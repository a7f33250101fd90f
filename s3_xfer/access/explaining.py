"""What the denials of a run mean, asked for once, when it has ended or is refused.

Refuses to stand in the way: the refusal or the result counts, explained or not. An explanation
that fails is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from s3_xfer.access.diagnosis import DENIALS, Investigator
from s3_xfer.errors import PreflightError
from s3_xfer.findings import Diagnosis
from s3_xfer.model import Failed, S3Object

_log = logging.getLogger("s3_xfer")


def explain_refusal(
    refusal: PreflightError, investigator: Callable[[], Investigator], sample: S3Object | None
) -> None:
    """Attach to a denial what it means. ``sample`` is an object that the checks looked at."""
    step, facts = refusal.step, refusal.facts
    if step and facts and refusal.error_class in DENIALS:
        refusal.diagnosis = _tried(lambda: investigator().explain(step, facts, sample))


def explain_failures(
    failures: Iterable[Failed], investigator: Callable[[], Investigator]
) -> Diagnosis | None:
    """Return what the first denial among ``failures`` means; one, however many there are."""
    first = next((one for one in failures if one.error.facts.error_class in DENIALS), None)
    return _tried(lambda: investigator().explain_object(first)) if first else None


def _tried(explain: Callable[[], Diagnosis]) -> Diagnosis | None:
    try:
        return explain()
    except Exception:  # noqa: BLE001 - the end stands, explained or not
        _log.exception("the denial could not be explained")
        return None
