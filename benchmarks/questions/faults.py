"""The cost of random errors: a share of the copies fails, at any rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.measure import Scenario
from benchmarks.questions.comparing import (
    EXPLAINED,
    RATIO,
    RATIO_OF_CPU,
    outcomes,
    ratios,
    undisturbed,
)
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.server import Conditions
from benchmarks.tables import hundredths, spread, table, whole

FEW, MANY = 3_000, 20_000
SHARES = (0.01, 0.05)
KINDS = ("answered_503", "answered_500", "reset")
UNDISTURBED = (
    Conditions(objects=FEW, latency_ms=10),
    Conditions(objects=MANY, latency_ms=50),
)
ERRORS: tuple[dict[str, Any], ...] = (
    {},
    *({kind: share} for share in SHARES for kind in KINDS),
)
CONDITIONS = [replace(quiet, **errors) for quiet in UNDISTURBED for errors in ERRORS]


def _scenarios(wanted: Wanted) -> list[Scenario]:
    return [
        Scenario.under(conditions, copier, objects=wanted.objects)
        for conditions in CONDITIONS
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    head = (
        *("copier", "conditions", "objects", RATIO, RATIO_OF_CPU, "time : without faults"),
        *("95 % done : without", "waits end s", "last copy s", "objects/s", "requests/object"),
        "outcome",
    )
    return table(head, (_row(results, scenario) for scenario in results))


def _row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs, quiet = results[scenario], undisturbed(results, scenario)
    pairs = list(zip(runs, quiet, strict=False))
    return (
        scenario.copier.name,
        scenario.described,
        f"{scenario.objects:,}",
        *ratios(results, scenario),
        spread([run.wall_s / other.wall_s for run, other in pairs], hundredths),
        spread(
            [
                run.stats.most_done_s / other.stats.most_done_s
                for run, other in pairs
                if run.stats.most_done_s and other.stats.most_done_s
            ],
            hundredths,
        ),
        spread([run.stats.backed_off_s for run in runs], hundredths),
        spread([run.stats.singles_done_s for run in runs], hundredths),
        spread([run.objects_per_s for run in runs], whole),
        spread([run.requests_per_object for run in runs], hundredths),
        outcomes(runs),
    )


FAULTS = Question(
    name="faults",
    heading="What do random errors do to it?",
    explains=(
        "A share of the copies is answered 503 or 500, or its connection is reset, at random. "
        f"Whole processes, start-up included. {EXPLAINED} The times beside are ratios to the same "
        "program's run of the same round without faults: of the whole process, and from its first "
        "request to the copy with which 95 % of the objects were done. **waits end s** is when a "
        "program could be done at the earliest that waits 1, 2 and 4 s before it repeats a copy, "
        "and repeats one at once whose connection was reset: the server follows each object's "
        "faults. **last copy s** is when it was done. Both are seconds from the first request."
    ),
    rounds=3,
    scenarios=_scenarios,
    shows=_shows,
)
