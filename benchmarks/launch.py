"""Runs one program and writes down what it used. A program of its own, started by ``measure``.

Exists because of ``ru_maxrss``: Linux counts into it what the process was before it became
another program, so a child of a large process (a test runner, say) looks as large as its parent.
This one imports next to nothing. Usage: ``launch.py RESULT_FILE PROGRAM ARGUMENT...``
"""

from __future__ import annotations

import os
import sys
import time


def main(result_file: str, *command: str) -> int:
    """Run ``command`` and return its exit code; wall s, CPU s and peak KiB go to the file."""
    started_s = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, used = os.wait4(process, 0)
    wall_s = time.monotonic() - started_s
    with open(result_file, "w", encoding="ascii") as result:
        result.write(f"{wall_s} {used.ru_utime + used.ru_stime} {used.ru_maxrss}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
