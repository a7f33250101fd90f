"""What questions have in common: runs beside those of the reference, as ratios.

A ratio is of speed: 2 is twice as fast as the reference in the same round, 0.5 half as fast. Under
the same conditions, with the same work: a slow program may have been given fewer objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.copiers import S5CMD
from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Results
from benchmarks.tables import hundredths, spread

REFERENCE = S5CMD
RATIO = f"speed : {REFERENCE.name}"
RATIO_OF_CPU = f"CPU : {REFERENCE.name}"
EXPLAINED = (
    f"**{RATIO}** is the ratio of the rates, above 1 is faster than {REFERENCE.name}, below 1 is "
    f"slower; {RATIO_OF_CPU} is that of the processor time per object, below 1 is cheaper. Ratios "
    "are those of the runs of one round; medians, extremes in parentheses."
)


def ratios(results: Results, scenario: Scenario) -> tuple[str, str]:
    """Return the cells of both ratios; dashes if the reference was not measured."""
    pairs = list(_pairs(results, scenario))
    speed = [run.objects_per_s / peer.objects_per_s for run, peer in pairs]
    costs = [run.cpu_ms_per_object / peer.cpu_ms_per_object for run, peer in pairs]
    return f"**{spread(speed, hundredths)}**", spread(costs, hundredths)


def undisturbed(results: Results, scenario: Scenario) -> Sequence[Measurement]:
    """Return the runs of the same program and number of objects without faults, if there are."""
    return next(
        (
            runs
            for other, runs in results.items()
            if (other.copier, other.objects, other.latency_ms)
            == (scenario.copier, scenario.objects, scenario.latency_ms)
            and not other.faults
        ),
        (),
    )


def outcomes(runs: Sequence[Measurement]) -> str:
    """Return what became of the objects, each outcome once."""
    return ", ".join(dict.fromkeys(run.outcome for run in runs))


def _pairs(results: Results, scenario: Scenario) -> Iterator[tuple[Measurement, Measurement]]:
    for other, peers in results.items():
        if (
            other.copier is REFERENCE
            and (other.described, other.work) == (scenario.described, scenario.work)
            and scenario.objects in (other.objects, scenario.copier.share(other.objects))
        ):
            yield from zip(results[scenario], peers, strict=True)
            return
