"""The cost of faults: some requests are answered 503, at any rate."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, share, spread, table, whole

OBJECTS = 20_000
LATENCY_MS = 10
ANSWERED_503 = 0.05


def _scenarios(wanted: Wanted) -> list[Scenario]:
    return [
        Scenario(
            copier=copier,
            objects=copier.share(wanted.objects or OBJECTS),
            latency_ms=LATENCY_MS,
            answered_503=ANSWERED_503,
        )
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    head = ("copier", "objects", "objects/s", "CPU ms/object", "requests/object", "outcome")
    return table(head, (_row(scenario, runs) for scenario, runs in results.items()))


def _row(scenario: Scenario, runs: Sequence[Measurement]) -> Sequence[str]:
    return (
        scenario.copier.name,
        f"{scenario.objects:,}",
        spread([run.objects_per_s for run in runs], whole),
        spread([run.cpu_ms_per_object for run in runs], hundredths),
        spread([run.requests_per_object for run in runs], hundredths),
        ", ".join(dict.fromkeys(run.outcome for run in runs)),
    )


FAULTS = Question(
    name="faults",
    heading="What do faults do to it?",
    explains=(
        f"{LATENCY_MS} ms latency; {share(ANSWERED_503)} of the copies are answered 503, at "
        "random. Whole processes, start-up included."
    ),
    rounds=3,
    scenarios=_scenarios,
    shows=_shows,
)
