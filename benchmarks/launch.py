"""Runs one program and records the resources it used; ``measure`` starts it as a process.

Linux counts into ``ru_maxrss`` the memory of a process before it executed another program, so a
child of a large process (such as a test runner) looks as large as its parent. This one imports
next to nothing. Usage: ``launch.py RESULT_FILE PROGRAM ARGUMENT...``
"""

from __future__ import annotations

import os
import sys
import time


def main(result_file: str, *command: str) -> int:
    """Run ``command`` and return its exit code; wall s, CPU s and peak KiB go to the file."""
    started_s = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.monotonic() - started_s
    with open(result_file, "w", encoding="ascii") as result:
        result.write(f"{wall_s} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
