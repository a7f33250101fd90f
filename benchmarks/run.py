"""Measures s3-xfer beside other copiers: ``python benchmarks/run.py``, or one question of it.

Prints Markdown that can go into docs/performance.md as it is: a heading, the command, the
conditions, the tables. Progress goes to stderr. See README.md beside this file for how to read it.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.copiers import COPIERS, PEERS, Copier
from benchmarks.measure import Measurement, Scenario, WrongRunError, measure
from benchmarks.questions.changes import CHANGES
from benchmarks.questions.fairness import FAIRNESS
from benchmarks.questions.faults import FAULTS
from benchmarks.questions.large import LARGE
from benchmarks.questions.memory import MEMORY
from benchmarks.questions.question import Question, Results, Wanted
from benchmarks.questions.short import SHORT
from benchmarks.questions.speed import SPEED
from benchmarks.questions.sync import SYNC
from benchmarks.questions.throttling import THROTTLING
from benchmarks.server import CountingServer, ServerUnavailableError

QUESTIONS = {
    question.name: question
    for question in (
        *(SPEED, SHORT, FAULTS, SYNC, LARGE),
        *(THROTTLING, CHANGES, FAIRNESS, MEMORY),
    )
}


def main() -> int:
    """Run the questions, print their tables, and return an exit code."""
    arguments = _arguments()
    _compile_everything()
    try:
        wanted = Wanted(
            copiers=_copiers(arguments.copiers), objects=arguments.objects, full=arguments.full
        )
        for question in arguments.questions or QUESTIONS.values():
            _ask(question, wanted, arguments.pairs)
    except (ServerUnavailableError, WrongRunError, _CannotRunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    names = ", ".join(copier.name for copier in COPIERS)
    parser = argparse.ArgumentParser(description="Measure copiers against a counting server.")
    parser.add_argument(
        "questions",
        nargs="*",
        type=_question,
        metavar="QUESTION",
        help=f"what to ask: {', '.join(QUESTIONS)}; default all",
    )
    parser.add_argument("--copiers", metavar="NAMES", help=f"with commas; default all of {names}")
    parser.add_argument("--pairs", type=int, metavar="N", help="how often each is run")
    parser.add_argument("--objects", type=int, metavar="N", help="instead of the usual number")
    parser.add_argument("--full", action="store_true", help="memory at 1,000,000 objects as well")
    return parser.parse_args()


def _question(name: str) -> Question:
    if name not in QUESTIONS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(QUESTIONS)}")
    return QUESTIONS[name]


def _compile_everything() -> None:
    """Write the bytecode of all programs in Python, as an installation by pip does.

    Without it, one that was installed another way would be compiled in each of its runs.
    """
    ours = Path(__file__).resolve().parent.parent / "s3_xfer"
    peers = PEERS.parent.glob("env/lib/python3*/site-packages")
    for folder in (ours, Path(sysconfig.get_path("purelib")), *peers):
        compileall.compile_dir(folder, quiet=2, workers=0)


class _CannotRunError(Exception):
    """A copier that was asked for is not there."""


def _copiers(names: str | None) -> tuple[Copier, ...]:
    """Return the copiers of those names; without names all that are there.

    Raises:
        _CannotRunError: one that was named is not known, or not there.
    """
    known = {copier.name: copier for copier in COPIERS}
    unknown = [name for name in names.split(",") if name not in known] if names else []
    if unknown:
        raise _CannotRunError(f"no copier {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = [known[name] for name in names.split(",")] if names else COPIERS
    missing = [f"{copier.name}: {copier.missing()}" for copier in wanted if copier.missing()]
    if missing and names:
        raise _CannotRunError("; ".join(missing))
    for reason in missing:
        print(f"left out: {reason}", file=sys.stderr)
    return tuple(copier for copier in wanted if not copier.missing())


# ------------------------------------------------------------------------- one question


def _ask(question: Question, wanted: Wanted, pairs: int | None) -> None:
    """Print heading, command, conditions and tables."""
    scenarios = question.scenarios(wanted)
    before = _load()
    results = interleaved(scenarios, pairs or question.rounds)
    print(f"## {question.heading}\n")
    print(f"`{_command(question.name)}`: {_conditions(wanted, before)}\n")
    print(f"{question.explains}\n\n{question.shows(results)}\n", flush=True)


def interleaved(scenarios: Sequence[Scenario], rounds: int) -> Results:
    """Measure all scenarios in turn, then all again, so that a disturbance affects all of them.

    Every other round goes backwards, so that none has always the same one before it.
    """
    results: dict[Scenario, list[Measurement]] = {scenario: [] for scenario in scenarios}
    with ExitStack() as stack:
        servers = {
            scenario: stack.enter_context(CountingServer(scenario)) for scenario in scenarios
        }
        for number in range(rounds):
            for scenario in scenarios if number % 2 == 0 else reversed(scenarios):
                run = measure(scenario, servers[scenario])
                results[scenario].append(run)
                _print_progress(f"{number + 1}/{rounds}", scenario, run)
    return results


def _print_progress(round_: str, scenario: Scenario, run: Measurement) -> None:
    result = f"{run.objects_per_s:,.0f}/s, {run.cpu_ms_per_object:.2f} ms CPU, {run.outcome}"
    print(
        f"{round_} {scenario.copier.name} ({scenario.objects:,} objects, {scenario.described}): "
        f"{result}",
        file=sys.stderr,
        flush=True,
    )


# --------------------------------------------------------------------------- conditions


def _command(question: str) -> str:
    options = [word for word in sys.argv[1:] if word not in QUESTIONS]
    return " ".join(["python benchmarks/run.py", question, *options])


def _conditions(wanted: Wanted, before: str) -> str:
    versions = dict.fromkeys(copier.version() for copier in wanted.copiers)
    return (
        f"Python {platform.python_version()}, {', '.join(versions)}; {os.cpu_count()} cores; "
        f"load averages {before} before and {_load()} after (1, 5, 15 minutes)."
    )


def _load() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
