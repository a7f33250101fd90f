"""The cost of a limit: S3 answers 503 SlowDown to requests above it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, share, spread, table, whole

LATENCY_MS = 20
LOW, HIGH = 300, 3_500
LIMITS = {HIGH: 35_000, LOW: 6_000}  # writes a second, and objects for ten to twenty seconds


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Under the low limit no copier is slow: all are given all objects."""
    return [
        Scenario(
            copier=copier,
            objects=(wanted.objects or objects) // (1 if limit == LOW else copier.slowness),
            latency_ms=LATENCY_MS,
            writes_per_s_max=limit,
        )
        for limit, objects in LIMITS.items()
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    head = (
        *("copier", "limit/s", "objects", "useful objects/s", "of the limit"),
        *("requests wasted", "requests/object", "outcome"),
    )
    return table(head, (_row(scenario, runs) for scenario, runs in results.items()))


def _row(scenario: Scenario, runs: Sequence[Measurement]) -> Sequence[str]:
    limit = scenario.writes_per_s_max
    return (
        scenario.copier.name,
        f"{limit:,}",
        f"{scenario.objects:,}",
        spread([run.useful_per_s for run in runs], whole),
        spread([run.useful_per_s / limit for run in runs], share),
        spread([run.wasted for run in runs], share),
        spread([run.requests_per_object for run in runs], hundredths),
        ", ".join(dict.fromkeys(run.outcome for run in runs)),
    )


THROTTLING = Question(
    name="throttling",
    heading="What does a limit do to it?",
    explains=(
        f"{LATENCY_MS} ms latency; copies above the limit are answered 503. Useful are objects "
        "copied, per second between the first copy's arrival and the last one's answer; wasted "
        "are requests answered 503. A program that is slower than the limit does not meet it."
    ),
    rounds=3,
    scenarios=_scenarios,
    shows=_shows,
)
