"""``--help`` and ``--version``: complete, ordered, quick."""

from __future__ import annotations

import resource

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.main import cli
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.declarations import Section, declarations_of
from s3_xfer.options import CannedAcl, ChecksumAlgorithm, CopyOptions, StorageClass
from s3_xfer.spec import CopySpec
from tests.cli.program import real

SIDE = ("profile", "role-arn", "external-id", "region", "endpoint-url", "bucket-owner")
SECTIONS = {
    "Source": [f"--source-{name}" for name in (*SIDE, "no-sign-request")],
    "Destination": [f"--dest-{name}" for name in SIDE],
    "Both sides": ["--endpoint-url", "--ca-bundle"],
    "What to copy": [
        "--include",
        "--exclude",
        "--filter-from",
        "--recursive",
        "--no-overwrite",
        "--skip-identical",
        "--from-report",
        "--dry-run",
        "--no-preflight",
    ],
    "Fidelity": [
        "--tags",
        "--storage-class",
        "--acl",
        "--sse",
        "--sse-kms-key-id",
        "--bucket-key",
        "--checksum-algorithm",
        "--request-payer",
    ],
    "Speed and retries": [
        "--concurrency",
        "--engine",
        "--batch-size",
        "--listing-threads",
        "--multipart-threshold",
        "--part-size",
        "--retries",
        "--retry-delay",
        "--read-timeout",
    ],
    "Limits": [
        "--max-failures",
        "--max-error-rate",
        "--max-requests-per-second",
        "--deadline",
    ],
    "Output": [
        "--report",
        "--report-all",
        "--journal",
        "--prices",
        "--json",
        "--json-file",
        "--progress",
        "--quiet",
        "--html",
        "--on-end",
        "--on-end-limit",
        "--metrics-file",
        "--verbose",
    ],
}

FILTERS = {"--include", "--exclude", "--filter-from"}  # which stand for one field
# Options that are declared and not in the lists above yet.
NEW = {
    section.value: {
        option.flag
        for cls in (CopySpec, CopyOptions)
        for option in declarations_of(cls).values()
        if option.flag and option.section is section
    }.difference(SECTIONS.get(section.value, ()))
    for section in Section
}


def _sections(text: str) -> dict[str, list[str]]:
    """Return the options under each heading of a help text."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            heading = line[:-1]
        elif line.startswith("  -"):
            found.setdefault(heading, []).append(
                line.replace("  -h, ", "").replace("-r, ", "").split()[0]
            )
    return found


def test_copy_shows_every_option_under_its_heading() -> None:
    """The stable option names stand in --help, grouped, in a fixed order."""
    shown = _sections(real("copy", "--help").stdout)

    assert shown.pop("Other") == ["--help"]
    assert shown.pop("Plan and shards") == ["--plan", "--shard"]
    assert shown.pop("Saved job") == ["--config"]
    assert list(shown) == list(SECTIONS)
    for heading, stable in SECTIONS.items():
        assert [name for name in shown[heading] if name in stable] == stable
        assert set(shown[heading]) - set(stable) - FILTERS == NEW.get(heading, set())


def test_interactive_takes_what_copy_takes_and_yes() -> None:
    """Both commands share one declaration; only --yes is added."""
    sections, of_copy = (_sections(real(name, "--help").stdout) for name in ("interactive", "copy"))

    assert sections["Output"].pop(0) == "--yes"
    assert of_copy.pop("Plan and shards") == ["--plan", "--shard"]
    assert sections == of_copy


def test_check_takes_the_places_of_a_copy_and_no_option_that_writes() -> None:
    """Whoever has the command line of a copy has that of its check."""
    sections = _sections(real("check", "--help").stdout)

    for side in ("Source", "Destination", "Both sides"):
        assert sections[side] == SECTIONS[side]
    assert sections["What to compare"] == [
        "--recursive",
        "--files-from",
        "--files-from-format",
        "--files-from-relative",
        "--inventory",
        "--checksums",
        "--metadata",
        "--tags",
        "--ignore-extra",
        "--fail-on",
    ]
    assert sections["Limits"] == ["--max-requests-per-second", "--deadline"]


def test_uploads_are_about_one_side() -> None:
    """The destination's, as everything that is written."""
    sections = _sections(real("uploads", "--help").stdout)

    assert "Source" not in sections
    assert sections["Destination"] == SECTIONS["Destination"]
    assert sections["What to list and abort"] == [
        "--abort-older-than",
        "--journal",
        "--all",
        "--yes",
        "--no-sizes",
    ]


@pytest.mark.one_in(3)
@pytest.mark.parametrize("args", [(), *(tuple(name.split()) for name, _ in commands_of(cli))])
def test_examples_come_before_options(args: tuple[str, ...]) -> None:
    """Whoever asks for help sees an example first."""
    text = real(*args, "--help").stdout
    assert 0 < text.index("Examples:") < text.index(":\n  -")


def test_choices_come_from_the_enums() -> None:
    """Every value that the library knows is named in the help."""
    text = "".join(real("copy", "--help").stdout.split())
    for kind in (StorageClass, CannedAcl, ChecksumAlgorithm):
        assert ",".join(member.value for member in kind) in text


def test_exit_codes_are_documented() -> None:
    """Each exit code stands in the help of copy with its meaning."""
    text = real("copy", "--help").stdout
    for code in ExitCode:
        assert f"{code.value:>3}  {code.meaning}" in text


@pytest.mark.parametrize(
    "args", [("--help",), ("--version",), ("copy", "--help"), ("uploads", "--help")]
)
def test_answers_cost_less_than_a_second(args: tuple[str, ...]) -> None:
    """Help and version take under a second of CPU, because nothing heavy is imported."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = real(*args, PYTHONPROFILEIMPORTTIME="1")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "s3_xfer.cli.main" in imported
    assert not {"boto3", "botocore.parsers", "urllib3", "awscrt", "rich"} & imported
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_commands_are_listed_whole() -> None:
    """The list of commands has all of them, and cuts no purpose short."""
    listed = real("--help").stdout.partition("Commands:\n")[2].splitlines()

    assert [line.split()[0] for line in listed] == sorted(cli.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_click_completes_for_every_shell(shell: str) -> None:
    """The script that a shell sources is printed, and that is no failure."""
    done = real(_S3_XFER_COMPLETE=f"{shell}_source")
    if shell == "bash" and "not supported" in done.stderr:
        pytest.skip("this machine's bash is too old for click")

    assert (done.returncode, done.stderr) == (0, "")
    assert "_S3_XFER_COMPLETE" in done.stdout


def test_options_are_completed() -> None:
    """What is half typed is completed by the program itself."""
    done = real(
        _S3_XFER_COMPLETE="bash_complete", COMP_WORDS="s3-xfer copy --report-", COMP_CWORD="2"
    )

    assert (done.returncode, done.stdout) == (0, "plain,--report-all\n")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("command", ["batch", *dict(commands_of(cli))])
@pytest.mark.parametrize("columns", [52, 80, 200])
def test_help_fits_its_terminal(command: str, columns: int) -> None:
    """Everything keeps to the width, apart from what may not be broken, which fits into 80."""
    text = real(*command.split(), "--help", COLUMNS=str(columns)).stdout
    for paragraph in text.split("\n\n"):
        fixed = paragraph.lstrip().startswith(("Examples:", "Exit status:", "Usage:"))
        for line in paragraph.splitlines():
            assert len(line) <= (80 if fixed else columns), line
