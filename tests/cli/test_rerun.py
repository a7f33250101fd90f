"""The command for a re-run, and what is told while a run lasts, by the program itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import COPY, fake, in_terminal


def rerun_of(text: str) -> str:
    """Return the one command that a summary has."""
    (command,) = [line.strip() for line in text.splitlines() if line.startswith("  s3-xfer copy ")]
    return command


def test_what_holds_for_one_run_alone_is_not_repeated(tmp_path: Path) -> None:
    """A deadline has passed by then; prices and the scope of the report are for every run."""
    prices = tmp_path / "prices.toml"
    prices.write_text("get = 1\n")
    typed = ("--deadline", "2h", "--report-all", "--prices", str(prices), "--max-failures", "9")

    done = fake("fails", *COPY, *typed, "--report", "r.jsonl")

    assert rerun_of(done.stdout) == (
        "s3-xfer copy s3://src/data/ s3://dst/data/ --recursive --max-failures 9 --report-all "
        f"--prices {prices} --from-report r.jsonl --report r-2.jsonl"
    )


@pytest.mark.parametrize(
    ("report", "following"),
    [("r-9.jsonl", "r-10.jsonl"), ("r-x.jsonl", "r-x-2.jsonl"), ("r", "r-2")],
)
def test_the_next_report_has_the_next_number(report: str, following: str) -> None:
    """A number at the end of the name is counted up; without one it begins with two."""
    done = fake("fails", *COPY, "--report", report)

    assert rerun_of(done.stdout).endswith(f" --from-report {report} --report {following}")


def test_five_failures_are_told_while_the_run_lasts() -> None:
    """The others are only counted, and one line says so."""
    told = fake("fails", *COPY).stderr

    assert told.count("failed: s3://src/data/") == 5
    assert told.count("further failures are only counted here") == 1


def test_verbose_tells_every_failure_that_is_kept() -> None:
    """With --verbose nothing is only counted."""
    told = fake("fails", *COPY, "--verbose").stderr

    assert told.count("failed: s3://src/data/") == 10
    assert "further failures" not in told


@pytest.mark.parametrize("source", ["s3://src", "s3://src/data/"])
def test_everything_under_a_prefix_is_asked_for(source: str) -> None:
    """A bucket without a key is everything in it, so it takes the same yes as a prefix."""
    with in_terminal(
        "ok", "interactive", source, "s3://dst/data/", "--dest-profile", "x", columns=100
    ) as terminal:
        terminal.until(f"Copy everything under {source}?")
        assert terminal.interrupt() == 130
