"""How fast, at what cost, and what is asked of S3: many small objects, undisturbed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.comparing import EXPLAINED, RATIO, RATIO_OF_CPU, outcomes, ratios
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.server import Conditions
from benchmarks.tables import dollars, hundredths, per_object, spread, table, whole

OBJECTS, OBJECTS_OVER_TLS = 20_000, 10_000
CONDITIONS = (
    Conditions(objects=OBJECTS),
    Conditions(objects=OBJECTS, latency_ms=50),
    Conditions(objects=OBJECTS, latency_ms=25, jitter_ms=50),
    Conditions(objects=OBJECTS_OVER_TLS, latency_ms=50, tls=True),
)


def _scenarios(wanted: Wanted) -> list[Scenario]:
    return [
        Scenario.under(conditions, copier, objects=wanted.objects)
        for conditions in CONDITIONS
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    return "\n\n".join(
        (_speed(results), "What S3 is asked for, and what that costs:", _bill(results))
    )


def _speed(results: Results) -> str:
    head = (
        *("copier", "conditions", "objects", RATIO, RATIO_OF_CPU),
        *("objects/s", "CPU ms/object", "peak RSS MiB", "connections", "handshakes", "outcome"),
    )
    return table(head, (_speed_row(results, scenario) for scenario in results))


def _speed_row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    return (
        scenario.copier.name,
        scenario.described,
        f"{scenario.objects:,}",
        *ratios(results, scenario),
        spread([run.objects_per_s for run in runs], whole),
        spread([run.cpu_ms_per_object for run in runs], hundredths),
        whole(max(run.peak_mib for run in runs)),
        spread([run.stats.connections for run in runs], whole),
        _handshakes(runs) if scenario.tls else "",
        outcomes(runs),
    )


def _handshakes(runs: Sequence[Measurement]) -> str:
    full = spread([run.stats.handshakes[0] for run in runs], whole)
    return f"{full}; {spread([run.stats.handshakes[1] for run in runs], whole)} resumed"


def _bill(results: Results) -> str:
    """Latency does not change it, so the first run of each copier will do."""
    head = (
        *("copier", "PUT, COPY, POST, LIST", "GET, HEAD", "free", "requests/object"),
        *("$ per million objects", "operations"),
    )
    first: dict[str, Measurement] = {}
    for scenario, runs in results.items():
        first.setdefault(scenario.copier.name, runs[0])
    return table(head, (_bill_row(name, run) for name, run in first.items()))


def _bill_row(name: str, run: Measurement) -> Sequence[str]:
    classes = (run.stats.by_class.get(each, 0) for each in ("A", "B", "free"))
    operations = run.stats.by_operation.items()
    return (
        name,
        *(per_object(count / run.copied) for count in classes),
        f"**{per_object(run.requests_per_object)}**",
        dollars(run.usd_per_million),
        ", ".join(f"{operation} {count:,}" for operation, count in operations),
    )


SPEED = Question(
    name="speed",
    heading="How fast, and at what cost?",
    explains=f"Whole processes, start-up included. {EXPLAINED}",
    rounds=5,
    scenarios=_scenarios,
    shows=_shows,
)
