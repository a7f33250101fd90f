"""Short runs: start-up, checks and the first round trips weigh most."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Scenario
from benchmarks.questions.comparing import EXPLAINED, RATIO, RATIO_OF_CPU, outcomes, ratios
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, spread, table, whole

OBJECTS = (1, 100, 1_000)
LATENCIES_MS = (0, 30, 100)


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Every program is given all objects."""
    return [
        Scenario(copier=copier, objects=objects, latency_ms=latency_ms)
        for objects in ((wanted.objects,) if wanted.objects else OBJECTS)
        for latency_ms in LATENCIES_MS
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    head = (
        *("copier", "conditions", "objects", RATIO, RATIO_OF_CPU, "s", "CPU s"),
        *("round trips before the first copy", "peak RSS MiB", "outcome"),
    )
    return table(head, (_row(results, scenario) for scenario in results))


def _row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    return (
        scenario.copier.name,
        scenario.described,
        f"{scenario.objects:,}",
        *ratios(results, scenario),
        spread([run.wall_s for run in runs], hundredths),
        spread([run.cpu_s for run in runs], hundredths),
        spread([run.stats.round_trips_to_copy for run in runs], whole),
        whole(max(run.peak_mib for run in runs)),
        outcomes(runs),
    )


SHORT = Question(
    name="short",
    heading="How long does a small job take?",
    explains=(
        f"Whole processes, start-up and checks included. {EXPLAINED} Round trips are requests that "
        "were answered one after the other; those that open connections are not among them."
    ),
    rounds=5,
    scenarios=_scenarios,
    shows=_shows,
)
