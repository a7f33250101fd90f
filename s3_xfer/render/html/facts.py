"""What ran, as whom, when and with which options: the facts at the top of a page.

External ids, sessions and whatever else is secret are never among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from s3_xfer.declarations import Kind, declarations_of
from s3_xfer.html import Html, joined
from s3_xfer.ledger.metrics import TransferMetrics
from s3_xfer.options import CopyOptions
from s3_xfer.render.html.page import Section, bullets, facts, time_text
from s3_xfer.render.plan import credentials_text
from s3_xfer.spec import CheckSpec, CopySpec, TransferSpec
from s3_xfer.text import printable
from s3_xfer.units import format_duration
from s3_xfer.wording import Wording

_DESTINATIONS = "the destination's credentials"


def facts_section(spec: TransferSpec, metrics: TransferMetrics, wording: Wording) -> Section:
    """Return the section of what, who and when."""
    keys = spec.key_maps()
    pairs = [
        *(("from", source.url) for source in keys.sources),
        ("read by", credentials_text(spec.source, _DESTINATIONS)),
        ("to", keys.destination.url),
        ("written by", credentials_text(spec.destination, "default credentials")),
        ("principal", spec.options.principal or ""),
        *times(metrics),
        ("run", metrics.operation_id),
    ]
    return Section("What, who, when", joined(facts(pairs), _options(spec, wording)))


def times(metrics: TransferMetrics) -> Iterator[tuple[str, str]]:
    """Yield when a run began and ended, and how long it took."""
    yield "started", time_text(metrics.start_time)
    yield "ended", time_text(metrics.end_time)
    yield "duration", format_duration(metrics.duration_s)


def _options(spec: TransferSpec, wording: Wording) -> Html:
    return bullets(printable(text) for text in _given(spec, wording))


def _given(spec: TransferSpec, wording: Wording) -> Iterator[str]:
    """Yield every option that is not at its default, as it is written."""
    of_spec = CheckSpec if isinstance(spec, CheckSpec) else CopySpec
    yield from _differing(of_spec, spec, wording)
    yield from _differing(CopyOptions, spec.options, wording)


def _differing(cls: type, values: Any, wording: Wording) -> Iterator[str]:
    for name, option in declarations_of(cls).items():
        value = getattr(values, name)
        if value in (option.default, None) or option.is_secret or option.kind is Kind.INSTANCE:
            continue
        if option.kind is Kind.MEMBERS:
            words = (wording.option(name, one, side="") for one in option.to_json(value))
            yield " ".join(words)
        elif option.flag:
            yield wording.option(name, option.to_text(value), side="")
