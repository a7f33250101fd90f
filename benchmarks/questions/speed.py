"""How fast, at what cost, and what is asked of S3: many small objects, undisturbed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.copiers import S5CMD
from benchmarks.measure import Measurement, Scenario
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.tables import dollars, hundredths, per_object, spread, table, whole

OBJECTS = 20_000
LATENCIES_MS = (0, 50)


def _scenarios(wanted: Wanted) -> list[Scenario]:
    objects = wanted.objects or OBJECTS
    return [
        Scenario(copier=copier, objects=copier.share(objects), latency_ms=latency_ms)
        for latency_ms in LATENCIES_MS
        for copier in wanted.copiers
    ]


def _shows(results: Results) -> str:
    return "\n\n".join(
        (_speed(results), "What S3 is asked for, and what that costs:", _bill(results))
    )


def _speed(results: Results) -> str:
    head = (
        *("copier", "objects", "latency ms", "objects/s", f"ratio to {S5CMD.name}"),
        *("CPU ms/object", "ratio", "peak RSS MiB", "outcome"),
    )
    return table(head, (_speed_row(results, scenario) for scenario in results))


def _speed_row(results: Results, scenario: Scenario) -> Sequence[str]:
    runs = results[scenario]
    pairs = list(_pairs(results, scenario))
    rates = [run.objects_per_s / peer.objects_per_s for run, peer in pairs]
    costs = [run.cpu_ms_per_object / peer.cpu_ms_per_object for run, peer in pairs]
    return (
        scenario.copier.name,
        f"{scenario.objects:,}",
        str(scenario.latency_ms),
        spread([run.objects_per_s for run in runs], whole),
        spread(rates, hundredths),
        spread([run.cpu_ms_per_object for run in runs], hundredths),
        spread(costs, hundredths),
        whole(max(run.peak_mib for run in runs)),
        ", ".join(dict.fromkeys(run.outcome for run in runs)),
    )


def _pairs(results: Results, scenario: Scenario) -> Iterator[tuple[Measurement, Measurement]]:
    """Yield each run with s5cmd's of the same round; nothing if s5cmd was not measured."""
    for other, peers in results.items():
        if other.copier is S5CMD and other.latency_ms == scenario.latency_ms:
            yield from zip(results[scenario], peers, strict=True)


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
    explains=(
        "Whole processes, start-up included. Medians, extremes in parentheses; ratios are those "
        f"of the runs of one round to {S5CMD.name}'s in the same round."
    ),
    rounds=5,
    scenarios=_scenarios,
    shows=_shows,
)
