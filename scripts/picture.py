"""The picture of a run in README and on the site's first page: docs/images/copy.svg.

Runs the real program in a terminal of its own, between two embedded accounts, and draws what that
terminal shows: once in the middle of the copy, and once at its end. The numbers differ a little
from one picture to the next, nothing else does.

    python -m scripts.picture [FILE]
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pyte
from rich.console import Console
from rich.text import Text

from s3_xfer.testing.two_accounts import (
    DESTINATION_ACCOUNT,
    DESTINATION_PROFILE,
    SOURCE_ACCOUNT,
    SOURCE_PROFILE,
    TwoAccounts,
)

PICTURE = Path("docs/images/copy.svg")
COLUMNS, LINES = 96, 40
OBJECTS = 2000
_FROM, _TO = "s3://their-bucket/data/", "s3://our-bucket/from-them/"
_PROFILES = {SOURCE_PROFILE: "them", DESTINATION_PROFILE: "us"}  # as the documents call them
_OPTIONS = ("--recursive", "--source-profile", "them", "--dest-profile", "us")
_HINT = "Not every service"  # what only other services than AWS are told
_HALFWAY = re.compile(r"objects ━.*?\b([4-7]\d)%")
_PROMPT = Text("$ ", "green")
_FONT = re.compile(r"@font-face \{.*?\}", re.S)  # from the network: the reader's own will do


def main(arguments: Sequence[str]) -> int:
    """Make the picture, and say where it is."""
    path = Path(arguments[0]) if arguments else PICTURE
    with tempfile.TemporaryDirectory() as folder, TwoAccounts() as accounts:
        _fill(accounts)
        halfway, end = _screens(_environment(accounts, Path(folder)))
    path.write_text(_svg([*halfway, Text(), *end]), encoding="utf-8")
    print(path)
    return 0


def _fill(accounts: TwoAccounts) -> None:
    for account, bucket in ((SOURCE_ACCOUNT, "their-bucket"), (DESTINATION_ACCOUNT, "our-bucket")):
        client = accounts.client("s3", account)
        client.create_bucket(Bucket=bucket)
        client.close()
    small = [(f"data/2026/{number:05}.parquet", b"x" * 20_000) for number in range(OBJECTS)]
    accounts.store("their-bucket", small)


def _environment(accounts: TwoAccounts, folder: Path) -> dict[str, str]:
    environment = accounts.write_aws_config(folder)
    for file in folder.iterdir():
        text = file.read_text()
        for name, shown in _PROFILES.items():
            text = text.replace(name, shown)
        file.write_text(text)
    return environment


def _screens(environment: Mapping[str, str]) -> tuple[list[Text], list[Text]]:
    """Run the copy; return what its terminal showed in the middle, and at the end."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream, halfway = pyte.ByteStream(screen), list[Text]()
    for data in _output_of(environment):
        stream.feed(data)
        if not halfway and _HALFWAY.search("\n".join(screen.display)):
            halfway = _texts(screen)
    if not halfway:
        raise RuntimeError("the copy was too fast to be seen halfway")
    end = _texts(screen)
    hint = next((at for at, line in enumerate(end) if line.plain.startswith(_HINT)), len(end))
    return halfway, end[:hint]


def _output_of(environment: Mapping[str, str]) -> Iterator[bytes]:
    process_id, terminal = pty.fork()
    if process_id == 0:
        words = [sys.executable, "-m", "s3_xfer.cli", "copy", _FROM, _TO, *_OPTIONS]
        os.execve(words[0], words, {**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"})  # noqa: S606 - our own program
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        while True:
            select.select([terminal], [], [])
            yield os.read(terminal, 65536)
    except OSError:  # the program has ended
        os.close(terminal)
        os.waitpid(process_id, 0)


def _texts(screen: pyte.Screen) -> list[Text]:
    """Return the lines of a screen with their colours, without empty ones at its end."""
    lines = []
    for number in range(screen.lines):
        row, line = screen.buffer[number], Text()
        for column in range(screen.columns):
            line.append(row[column].data, _style(row[column]))
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _style(char: pyte.screens.Char) -> str:
    colour = char.fg.replace("bright", "bright_").replace("brown", "yellow")
    parts = ["bold" if char.bold else "", "" if colour == "default" else colour]
    if re.fullmatch(r"[0-9a-f]{6}", colour):
        parts[1] = f"#{colour}"
    return " ".join(parts).strip()


def _svg(lines: Sequence[Text]) -> str:
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    typed = f"s3-xfer copy {_FROM} {_TO} \\\n    {' '.join(_OPTIONS)}"
    console.print(Text.assemble(_PROMPT, typed))
    for line in lines:
        console.print(line)
    svg = console.export_svg(title="s3-xfer", unique_id="run")
    return _FONT.sub("", svg)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
