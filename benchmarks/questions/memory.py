"""Whether memory depends on the number of objects, with failures among them."""

from __future__ import annotations

from benchmarks.measure import Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, share, table, whole

OBJECTS = (10_000, 100_000)
OBJECTS_FULL = (*OBJECTS, 1_000_000)
DENIED = 0.01


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Only for fast programs: the others would take hours."""
    counts = (wanted.objects,) if wanted.objects else OBJECTS_FULL if wanted.full else OBJECTS
    return [
        Scenario(copier=copier, objects=objects, denied=DENIED)
        for objects in counts
        for copier in wanted.copiers
        if copier.slowness == 1
    ]


def _shows(results: Results) -> str:
    head = ("copier", "objects", "peak RSS MiB", "objects/s", "CPU ms/object", "outcome")
    rows = [
        (
            scenario.copier.name,
            f"{scenario.objects:,}",
            whole(max(run.peak_mib for run in runs)),
            whole(runs[0].objects_per_s),
            hundredths(runs[0].cpu_ms_per_object),
            runs[0].outcome,
        )
        for scenario, runs in results.items()
    ]
    return table(head, rows)


MEMORY = Question(
    name="memory",
    heading="How much memory?",
    explains=(
        f"No latency; the copies of {share(DENIED)} of the keys are denied, so that failures are "
        "among them: those objects should be lost."
    ),
    rounds=1,
    scenarios=_scenarios,
    shows=_shows,
)
