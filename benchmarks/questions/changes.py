"""How soon another limit is found: S3 changes its own while a long run lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.limits import USEFUL_MIN, WASTED_MAX, Change
from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import share, spread, table

LATENCY_MS = 20
AFTER_S = 6
HIGH, LOW = 3_500, 500
OBJECTS = {(HIGH, LOW): 30_000, (LOW, HIGH): 35_000}


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Only for programs that are fast enough to notice the high limit."""
    return [
        Scenario(
            copier=copier,
            objects=wanted.objects or objects,
            latency_ms=LATENCY_MS,
            writes_per_s_max=before,
            changes=(Change(after_s=AFTER_S, writes_per_s_max=after),),
        )
        for (before, after), objects in OBJECTS.items()
        for copier in wanted.copiers
        if copier.slowness == 1
    ]


def _shows(results: Results) -> str:
    head = (
        *("copier", "limit/s", "objects", "found after s", "of the new limit"),
        *("requests wasted", "outcome"),
    )
    return table(head, (_row(scenario, runs) for scenario, runs in results.items()))


def _row(scenario: Scenario, runs: Sequence[Measurement]) -> Sequence[str]:
    (change,) = scenario.changes
    return (
        scenario.copier.name,
        f"{scenario.writes_per_s_max:,}, then {change.writes_per_s_max:,}",
        f"{scenario.objects:,}",
        ", ".join(found for run in runs for found in _found(run)),
        spread(list(_useful(runs)), share),
        spread([run.wasted for run in runs], share),
        ", ".join(dict.fromkeys(run.outcome for run in runs)),
    )


def _found(run: Measurement) -> Iterator[str]:
    if not run.changed:
        yield "ended before"
    for changed in run.changed:
        after_s = changed.found_after_s(run.stats)
        yield "never" if after_s is None else f"{after_s:.1f}"


def _useful(runs: Sequence[Measurement]) -> Iterator[float]:
    for run in runs:
        for changed in run.changed:
            useful = changed.useful_share(run.stats)
            if useful is not None:
                yield useful


CHANGES = Question(
    name="changes",
    heading="How soon does it find another limit?",
    explains=(
        f"{LATENCY_MS} ms latency; the limit changes {AFTER_S} s after the first copy. It is found "
        f"when two seconds in a row bring {USEFUL_MIN:.0%} of it in objects and waste at most "
        f"{WASTED_MAX:.0%} of the requests; the share of it in objects is that of the median "
        "second. A program, or a machine, that is slower than a limit never finds it."
    ),
    rounds=3,
    scenarios=_scenarios,
    shows=_shows,
)
