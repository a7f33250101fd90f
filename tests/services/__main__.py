"""``make test-services``: the tour of each service, and the table of it in the documents.

Without names it visits all services; with names it visits those and leaves the other rows alone.
Exit status: 1 if the program did something wrong on a service, or if one could not be visited.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.services.service import Service
from tests.services.services import SERVICES
from tests.services.stage import ServiceStage
from tests.services.tour import Findings, tour

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "other-services.md"
_HEAD = "| service | works | with an option | does not |\n| --- | --- | --- | --- |\n"
_TABLE = re.compile(rf"{re.escape(_HEAD)}(?:\|.*\n)*")


def main() -> int:
    """Visit the services."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="where the programs are kept")
    parser.add_argument("names", nargs="*", help=", ".join(one.name for one in SERVICES))
    given = parser.parse_args()
    chosen = [one for one in SERVICES if not given.names or one.name in given.names]
    is_sound = bool(chosen)
    for service in chosen:
        began_s = time.monotonic()
        try:
            findings = _visit(service, given.root.resolve())
        except Exception as error:  # noqa: BLE001 - the other services are still visited
            _say(f"{service.title}: not visited: {error!r}")
            is_sound = False
            continue
        row = _row(service.title, findings)
        _write(service.title, row)
        is_sound &= not findings.broken
        _say(f"{row} ({time.monotonic() - began_s:.0f} s)")
        for broken in findings.broken:
            _say(f"  BROKEN: {broken}")
    return 0 if is_sound else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _visit(service: Service, root: Path) -> Findings:
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        with service.run(root, place / "state") as running:
            (place / "work").mkdir()
            return tour(ServiceStage(running, place / "work", broken_by=service.broken_by))


def _row(title: str, findings: Findings) -> str:
    cells = (findings.works, findings.options, findings.lacks)
    return f"| {' | '.join([title, *('; '.join(cell) or '-' for cell in cells)])} |"


def _write(title: str, row: str) -> None:
    """Put the row of a service into the table, which is in the order of ``SERVICES``."""
    page = PAGE.read_text(encoding="utf-8")
    table = _TABLE.search(page)
    assert table, f"{PAGE} has lost its table"
    rows = {line.split("|")[1].strip(): line for line in table[0].splitlines()[2:]} | {title: row}
    body = "".join(f"{rows[one.title]}\n" for one in SERVICES if one.title in rows)
    PAGE.write_text(page.replace(table[0], _HEAD + body), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
