"""Whether small objects have to wait for the parts of a large one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, spread, table, whole

OBJECTS = 1_000
LATENCY_MS = 50
LARGE_BYTES = 5 * 1024**4
PART_LATENCY_MS = 1_000  # S3 copies some hundred MiB in a second


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Only for ours: of the peers some cannot copy such an object, others need hours."""
    objects = wanted.objects or OBJECTS
    return [
        Scenario(
            copier=copier,
            objects=objects + bool(large_bytes),
            latency_ms=LATENCY_MS,
            first_size_bytes=large_bytes,
            part_latency_ms=PART_LATENCY_MS,
        )
        for copier in wanted.copiers
        if copier.name.startswith("s3-xfer")
        for large_bytes in (0, LARGE_BYTES)
    ]


def _shows(results: Results) -> str:
    head = ("copier", "objects", "small ones done after s", "ratio", "all done after s", "outcome")
    return table(head, (_row(results, scenario) for scenario in results))


def _row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    alone = next(
        others
        for other, others in results.items()
        if other.copier is scenario.copier and not other.first_size_bytes
    )
    small = scenario.objects - bool(scenario.first_size_bytes)
    return (
        scenario.copier.name,
        f"{small:,} small" + (", one of 5 TiB" if scenario.first_size_bytes else ""),
        spread([run.stats.singles_done_s for run in runs], hundredths),
        spread(_ratios(runs, alone), hundredths),
        spread([run.wall_s for run in runs], whole),
        ", ".join(dict.fromkeys(run.outcome for run in runs)),
    )


def _ratios(runs: Sequence[Measurement], alone: Sequence[Measurement]) -> list[float]:
    return [
        run.stats.singles_done_s / other.stats.singles_done_s
        for run, other in zip(runs, alone, strict=True)
    ]


FAIRNESS = Question(
    name="fairness",
    heading="Do small objects wait for a large one?",
    explains=(
        f"{LATENCY_MS} ms latency, {PART_LATENCY_MS:,} ms for a part. The large object is the "
        "first that is listed. From the first request to the answer of the last small copy; "
        "ratios to the same round's run without the large object."
    ),
    rounds=3,
    scenarios=_scenarios,
    shows=_shows,
)
