"""How often doctor and copy are right: ``python -m tests.access.score``.

Prints the table of docs/access.md. Exit code 1 if anything was wrong.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

from s3_xfer import Diagnosis, PreflightError
from s3_xfer.access.doctor import examine
from s3_xfer.cli.wording import COMMAND_LINE
from tests.access.situations import SITUATIONS, Situation, Stage, kinds_of
from tests.iam_server import IamServer


@dataclass(slots=True)
class Score:
    """Counts of one command over all situations."""

    right: int = 0
    wrong: int = 0
    certain: int = 0
    certain_and_wrong: int = 0
    useless: int = 0  # statements where no grant helps

    def add(self, found: Diagnosis | None, situation: Situation) -> None:
        """Count one diagnosis."""
        is_right = found is not None and (
            (found.side, found.action) == (situation.side, situation.action)
            and situation.cause in COMMAND_LINE.say(found.causes[0])
        )
        self.right += is_right
        self.wrong += not is_right
        if found:
            self.certain += found.certain
            self.certain_and_wrong += found.certain and not is_right
            self.useless += bool(kinds_of(found)) and not (situation.pasted and situation.cures)


def by_doctor(stage: Stage) -> Diagnosis | None:
    """Return the doctor's first diagnosis."""
    return next(
        (one.diagnosis for one in examine(stage.operation()).findings if one.diagnosis), None
    )


def by_copy(stage: Stage) -> Diagnosis | None:
    """Return the first diagnosis of a run."""
    try:
        return stage.operation().run().diagnosis
    except PreflightError as refusal:
        return refusal.diagnosis


def score(diagnose: Callable[[Stage], Diagnosis | None]) -> Score:
    """Return the score of one command."""
    counts = Score()
    for situation in SITUATIONS.values():
        with IamServer() as server:
            stage = Stage(server)
            situation.build(stage)
            counts.add(diagnose(stage), situation)
    return counts


def main() -> int:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    scores = {"doctor": score(by_doctor), "copy": score(by_copy)}
    lines = [
        "| | situations | side, action and cause right | certain | certain and wrong | useless |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in scores.items():
        percent = round(100 * one.right / len(SITUATIONS))
        lines.append(
            f"| `{name}` | {len(SITUATIONS)} | {one.right} ({percent} %) | {one.certain} "
            f"| {one.certain_and_wrong} | {one.useless} |"
        )
    sys.stdout.write("\n".join(lines) + "\n")
    return int(any(one.wrong for one in scores.values()))


if __name__ == "__main__":
    sys.exit(main())
