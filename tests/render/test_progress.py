"""Progress of one instant, as bars and as log lines."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from s3_xfer.ledger.metrics import MetricsCollector, ObjectInParts
from s3_xfer.ledger.rate import Rates
from s3_xfer.ledger.result import RunState
from s3_xfer.model import Copied, CopyTask, S3Object, SkipReason
from s3_xfer.render.live import (
    ASCII,
    UNICODE,
    LiveView,
    count_frame,
    frame,
    glyphs_for,
    route_line,
)
from s3_xfer.render.progress import Phase, PlainView, phase_of, progress_line
from s3_xfer.units import GIB
from tests.render.samples import RATES, metrics


def _bars(phase: Phase = Phase.COPYING, *, width: int = 80, **changed: Any) -> str:
    return frame(phase, metrics(**changed), RATES, width=width).plain


def test_bars_at_60_columns() -> None:
    """At 60 columns both bars fit, and the most important part of the status."""
    assert _bars(width=60).splitlines() == [
        "objects ━━━───────────   24%    12,323 / 50,000        612/s",
        "bytes   ━━━───────────   24%  1.2 GiB / 5.0 GiB   61.2 MiB/s",
        "⠋ ETA 1 m 02 s · 3 failed · 20 skipped",
    ]


def test_bars_at_120_columns() -> None:
    """With room, bars stay short enough to read and the status is complete."""
    assert _bars(width=120).splitlines() == [
        "objects ━━━━━━━━━━━" + "─" * 37 + "   24%    12,323 / 50,000        612/s",
        "bytes   ━━━━━━━━━━━" + "─" * 37 + "   24%  1.2 GiB / 5.0 GiB   61.2 MiB/s",
        "⠋ ETA 1 m 02 s · 3 failed · 20 skipped · 5 retries (2 throttled) · elapsed 1 m 23 s",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("total", [1, 999_999_999])
def test_no_line_is_wider_than_the_terminal(width: int, total: int) -> None:
    """A wrapped line would not be erased at the next redraw."""
    lines = _bars(width=width, total_files_found=total, files_copied_successfully=1).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 3


def test_no_eta_while_the_total_grows() -> None:
    """Until the listing is complete, "listing" stands where the ETA would be."""
    assert _bars(Phase.LISTING).splitlines()[2].startswith("⠋ listing… · 3 failed")
    assert "ETA" not in _bars(Phase.LISTING)


def test_preflight_is_one_line_that_moves() -> None:
    """Before anything is listed there are no bars; time and requests show that it goes on."""
    sent = {"HeadObject": 1}
    begun = _bars(Phase.PREFLIGHT, duration_s=0.3, requests=sent)
    assert begun == "⠹ checking access… 0.3 s · 1 request"
    assert _bars(Phase.PREFLIGHT, duration_s=0.5, requests=sent)[0] == "⠼"


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.LISTING, Phase.COPYING, Phase.STOPPING])
def test_a_run_that_gets_no_answer_says_so(phase: Phase) -> None:
    """Once no number has changed for five seconds; the first such moment is no reason to worry."""
    waiting = replace(RATES, still_s=42.0)
    text = frame(phase, metrics(), waiting, width=80).plain
    assert "no answer for 42 s" in text
    assert "no answer" not in _bars(phase)
    assert "no answer" not in frame(Phase.ENDED, metrics(), waiting, width=80).plain


def test_totals_that_grow_have_a_plus() -> None:
    """Until the listing is complete nobody knows how much there is."""
    lines = _bars(Phase.LISTING, listing_complete=False).splitlines()
    assert "12,323 / 50,000+" in lines[0]
    assert "1.2 GiB / 5.0 GiB+" in lines[1]
    assert "+" not in _bars()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_large_objects_say_what_they_are_at(width: int) -> None:
    """A line for each of the largest, its key shortened in the middle; one escape is no escape."""
    key = "data/\x1b[2J" + "very-long-name/" * 8 + "2026.parquet"
    large = ObjectInParts(key, 20 * GIB, 9 * GIB)
    line = _bars(width=width, in_parts=(large,)).splitlines()[2]
    assert len(line) <= width
    assert "\x1b" not in line
    if width >= 40:
        assert line.startswith("  data/")
        assert line.endswith("parquet   45% of 20.0 GiB")


def test_the_largest_objects_in_parts_are_in_a_snapshot() -> None:
    """Three of them, each until it has ended."""
    collector = MetricsCollector("op")
    tasks = [
        CopyTask(S3Object(bucket="src", key=f"k{size}", size=size), "dst", f"k{size}")
        for size in (10, 40, 30, 20)
    ]
    for task in tasks:
        collector.parts_finished(task, 5)
    assert [each.key for each in collector.snapshot().in_parts] == ["k40", "k30", "k20"]
    collector.record(Copied(tasks[1], 40, '"e"'))
    assert [each.key for each in collector.snapshot().in_parts] == ["k30", "k20", "k10"]


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("name", ["a", "long-name/" * 12])
def test_the_route_fits_its_line(width: int, name: str) -> None:
    """Both names are there, shortened in the middle where they have to be."""
    line = route_line(f"s3://src/{name}", "s3://dst/out/", width, UNICODE).plain
    assert len(line) <= width
    assert line.startswith("s3")
    assert " → " in line
    assert line.endswith("/")
    if width >= 40:
        assert line.endswith(" → s3://dst/out/")


def test_lines_above_the_bars_break_between_words() -> None:
    """The word that matters is red, and a key that is too long loses its middle."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=40)
    with LiveView(console) as view:
        view.print_line(
            f"failed: s3://src/{'long-name/' * 12}end.csv -> AccessDenied: Access Denied"
        )
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).splitlines()
    assert "\x1b[1;31mfailed:\x1b[0m" in stream.getvalue()
    assert all(len(line) <= 40 for line in lines)
    assert any(
        line.endswith("/long-name/end.csv") and "..." in line for line in map(str.rstrip, lines)
    )
    assert {"AccessDenied:", "Access", "Denied"} <= set(" ".join(lines).split())


def test_counts_of_zero_are_not_shown() -> None:
    """Failures, skips and retries appear only when there are any."""
    status = _bars(files_failed=0, files_skipped=0, retries=0).splitlines()[2]
    assert status == "⠋ ETA 1 m 02 s · elapsed 1 m 23 s"


def test_a_terminal_without_unicode_gets_ascii() -> None:
    """Without a UTF encoding everything drawn is ASCII."""
    glyphs = glyphs_for("ISO-8859-1")
    text = frame(Phase.LISTING, metrics(), RATES, width=80, glyphs=glyphs)
    assert glyphs is ASCII
    assert text.plain.isascii()
    assert "####" in text.plain
    assert glyphs_for("utf-8") is UNICODE


def test_empty_objects_fill_both_bars() -> None:
    """Where there are no bytes, the bytes' bar follows the objects."""
    none = {"bytes_skipped": 0, "bytes_failed": 0, "total_bytes_transferred": 0}
    numbers = metrics(total_bytes_found=0, **none)
    lines = frame(Phase.COPYING, numbers, RATES, width=80).plain.splitlines()
    assert lines[0].count("━") == lines[1].count("━") == 8


def test_a_dry_run_shows_a_count() -> None:
    """The display of a dry run is a growing count, and what it would skip."""
    planned = metrics(files_skipped=45, skips_by_reason={SkipReason.DRY_RUN.value: 45})
    text = count_frame(Phase.LISTING, planned, RATES, width=80).plain
    assert text == "⠋ listing… 50,000 objects, 5.0 GiB"
    planned = replace(planned, files_skipped=65)
    text = count_frame(Phase.LISTING, planned, RATES, width=80).plain
    assert text == "⠋ listing… 50,000 objects, 5.0 GiB: 45 to copy, 20 to skip"


def test_the_line_of_a_dry_run_calls_nothing_skipped_that_would_be_copied() -> None:
    """What would be copied has a count of its own, at the end."""
    planned = metrics(files_skipped=65, skips_by_reason={SkipReason.DRY_RUN.value: 45})
    line = progress_line(Phase.COPYING, planned, RATES)
    assert " skipped=20 " in line
    assert line.endswith(" would_copy=45")
    assert "would_copy" not in progress_line(Phase.COPYING, metrics(), RATES)


def test_deletes_are_shown_once_there_are_any() -> None:
    """Else a sync that deletes for an hour seems to stand still."""
    assert progress_line(Phase.COPYING, metrics(files_deleted=7), RATES).endswith(" deleted=7")
    assert "deleted" not in progress_line(Phase.COPYING, metrics(), RATES)


def test_no_color_leaves_no_colour_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR the bars are drawn without a colour; without it they have one."""

    def drawn() -> str:
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, color_system="standard", width=80)
        with LiveView(console, keep=True) as view:
            view.update(Phase.COPYING, metrics(), RATES)
        return stream.getvalue()

    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])[0-9;]*m")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colour.search(drawn())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "objects" in drawn()
    assert not colour.search(drawn())


def test_the_cursor_comes_back_after_an_error() -> None:
    """Bars hide the cursor; leaving them by an exception shows it again."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)

    def broken() -> None:
        with LiveView(console) as view:
            view.update(Phase.COPYING, metrics(), RATES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    written = stream.getvalue()
    assert "\x1b[?25l" in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_a_log_line_has_every_field_in_one_order() -> None:
    """One line: time, phase, then name=value fields, without control characters."""
    assert progress_line(Phase.COPYING, metrics(), RATES) == (
        "2026-01-02T03:05:28Z copying objects=12323/50000 bytes=1.2GiB/5.0GiB"
        " rate=612/s,61.2MiB/s failed=3 skipped=20 retries=5 throttled=2 eta=1m02s"
    )


def test_a_log_line_marks_totals_that_still_grow() -> None:
    """While listing, totals carry a plus and there is no ETA."""
    line = progress_line(Phase.LISTING, metrics(listing_complete=False), RATES)
    assert "objects=12323/50000+ " in line
    assert "bytes=1.2GiB/5.0GiB+ " in line
    assert line.endswith("eta=-")


def test_an_unknown_eta_is_not_invented() -> None:
    """Without a rate there is no remaining time, neither in a log nor on a terminal."""
    still = Rates(objects_per_s=0, bytes_per_s=0, eta_s=None)
    assert progress_line(Phase.COPYING, metrics(), still).endswith("eta=-")
    text = frame(Phase.COPYING, metrics(), still, width=80).plain
    assert "ETA unknown" in text


def test_log_lines_come_every_few_seconds_and_at_changes() -> None:
    """A line is due after the interval, and at once when the phase changes."""
    stream = io.StringIO()
    view = PlainView(stream, interval_s=5)
    for phase, at_s in (
        (Phase.LISTING, 0.0),
        (Phase.LISTING, 4.9),
        (Phase.LISTING, 5.0),
        (Phase.COPYING, 5.1),
        (Phase.COPYING, 10.0),
        (Phase.COPYING, 10.2),
    ):
        view.update(phase, metrics(duration_s=at_s), RATES)
    times = [line[17:29] for line in stream.getvalue().splitlines()]
    assert times == ["05Z listing ", "10Z listing ", "10Z copying ", "15Z copying "]


@pytest.mark.parametrize(
    ("state", "complete", "stopping", "phase"),
    [
        (RunState.INITIALIZED, False, False, Phase.PREFLIGHT),
        (RunState.VALIDATING, False, False, Phase.PREFLIGHT),
        (RunState.VALIDATING, False, True, Phase.STOPPING),
        (RunState.COPYING, False, False, Phase.LISTING),
        (RunState.COPYING, True, False, Phase.COPYING),
        (RunState.COPYING, True, True, Phase.STOPPING),
        (RunState.COMPLETED, True, True, Phase.ENDED),
        (RunState.COPY_FAILED, True, False, Phase.ENDED),
    ],
)
def test_the_phase_follows_state_and_listing(
    state: RunState,
    complete: bool,
    stopping: bool,
    phase: Phase,
) -> None:
    """What is shown follows from the state, the listing and whether a stop was asked for."""
    assert phase_of(state, metrics(listing_complete=complete), stopping=stopping) is phase


@pytest.mark.parametrize(("room", "has_bar"), [(5, False), (6, True)])
def test_a_bar_is_drawn_only_where_there_is_room_for_one(room: int, has_bar: bool) -> None:
    """Six columns are a bar; with fewer there are only the numbers."""
    numbers = len("   24%  1.2 GiB / 5.0 GiB   61.2 MiB/s")
    first = _bars(width=len("objects ") + room + numbers).splitlines()[0]

    assert ("─" in first) is has_bar
    assert first.endswith("612/s")


def test_a_bar_never_says_more_than_all() -> None:
    """An object that has grown since it was listed has more bytes than were found."""
    line = _bars(width=80, total_bytes_found=1, total_bytes_transferred=1000).splitlines()[1]

    assert "━" in line
    assert "─" not in line
    assert line.endswith(" 61.2 MiB/s")


class _Buffer(io.StringIO):
    """Counts how often what was written is sent on."""

    flushed = 0

    def flush(self) -> None:
        self.flushed += 1
        super().flush()


def test_a_log_line_is_not_held_back() -> None:
    """Each line reaches a pipe when it is written, not when a buffer is full."""
    stream = _Buffer()
    view = PlainView(stream, interval_s=5)

    view.update(Phase.LISTING, metrics(duration_s=0.0), RATES)
    view.print_line("a note")

    assert stream.flushed == 2
