"""Many large objects: copies in parts, their requests, memory and time."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.copiers import Copier
from benchmarks.measure import Scenario
from benchmarks.questions.comparing import outcomes
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import hundredths, spread, table, whole

OBJECTS = 1_000
SIZE_BYTES = 8 * 1024**3
LATENCY_MS = 10
PARTS_MIB_PER_S = (2_000, 200)  # ten times what S3 may do, so that a run takes seconds; and that
FEWER = 50  # for the slow ones: aws-cli has a thousand parts for each object


def _scenarios(wanted: Wanted) -> list[Scenario]:
    return [
        Scenario(
            copier=copier,
            objects=_share(copier, wanted.objects or OBJECTS),
            size_bytes=SIZE_BYTES,
            latency_ms=LATENCY_MS,
            part_mib_per_s=mib_per_s,
        )
        for mib_per_s in PARTS_MIB_PER_S
        for copier in wanted.copiers
    ]


def _share(copier: Copier, objects: int) -> int:
    return objects if copier.slowness == 1 else max(1, objects // FEWER)


def _shows(results: Results) -> str:
    head = (
        *(
            "copier",
            "MiB/s of a part",
            "objects",
            "s per object",
            "first to last part s",
            "requests/object",
        ),
        *("$ per million objects", "CPU ms/object", "peak RSS MiB", "outcome"),
    )
    return table(head, (_row(results, scenario) for scenario in results))


def _row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    windows = [(run, run.stats.parts_window_s) for run in runs if run.stats.parts_window_s]
    return (
        scenario.copier.name,
        f"{scenario.part_mib_per_s:,}",
        f"{scenario.objects:,}",
        spread([window_s / run.copied for run, window_s in windows], hundredths),
        spread([window_s for _, window_s in windows], whole),
        spread([run.requests_per_object for run in runs], hundredths),
        spread([run.usd_per_million for run in runs], whole),
        spread([run.cpu_ms_per_object for run in runs], whole),
        whole(max(run.peak_mib for run in runs)),
        outcomes(runs),
    )


LARGE = Question(
    name="large",
    heading="What do large objects take?",
    explains=(
        f"Objects of 8 GiB, {LATENCY_MS} ms latency; besides, a part takes the time of its bytes: "
        "at 200 MiB/s, which S3 may do, and at ten times that. How many parts a program makes, and "
        "how many it copies at a time, is its own choice. A dash: it copies none in parts."
    ),
    rounds=1,
    scenarios=_scenarios,
    shows=_shows,
)
