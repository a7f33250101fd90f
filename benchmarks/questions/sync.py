"""What a sync costs: nothing has changed, or everything is new."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.copiers import S3_XFER_SKIPPING, Work
from benchmarks.measure import Scenario
from benchmarks.questions.comparing import EXPLAINED, RATIO, RATIO_OF_CPU, outcomes, ratios
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import per_object, spread, table, whole

OBJECTS = 1_000_000
LATENCY_MS = 20
_US_PER_MS = 1000


def _scenarios(wanted: Wanted) -> list[Scenario]:
    """Unchanged for all; new objects only for those that do not take hours to copy them."""
    objects = wanted.objects or OBJECTS
    copiers = [copier for copier in wanted.copiers if Work.SYNC in copier.commands]
    if any(copier.name == "s3-xfer" for copier in copiers):
        copiers.append(S3_XFER_SKIPPING)
    unchanged = [
        Scenario(
            copier=copier,
            work=Work.SYNC,
            objects=copier.share(objects),
            latency_ms=LATENCY_MS,
            present=1,
        )
        for copier in copiers
    ]
    new = [
        Scenario(copier=copier, work=Work.SYNC, objects=objects, latency_ms=LATENCY_MS)
        for copier in wanted.copiers
        if Work.SYNC in copier.commands and copier.slowness == 1
    ]
    return [*unchanged, *new]


def _shows(results: Results) -> str:
    head = (
        *("copier", "objects", "of which new", RATIO, RATIO_OF_CPU, "requests/object", "s"),
        *("CPU \N{MICRO SIGN}s/object", "peak RSS MiB", "copied in vain", "outcome"),
    )
    return table(head, (_row(results, scenario) for scenario in results))


def _row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    return (
        scenario.copier.name,
        f"{scenario.objects:,}",
        "none" if scenario.present else "all",
        *ratios(results, scenario),
        spread([run.requests_per_object for run in runs], per_object),
        spread([run.wall_s for run in runs], whole),
        spread([run.cpu_ms_per_object * _US_PER_MS for run in runs], whole),
        whole(max(run.peak_mib for run in runs)),
        spread([run.stats.copies_done - run.stats.unique_copied for run in runs], whole),
        outcomes(runs),
    )


SYNC = Question(
    name="sync",
    heading="What does a sync take?",
    explains=(
        f"Both sides list with {LATENCY_MS} ms latency. Where nothing is new, the destination has "
        f"every object with the same size, ETag and date. {EXPLAINED}"
    ),
    rounds=1,
    scenarios=_scenarios,
    shows=_shows,
)
