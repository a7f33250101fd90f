"""Wrong command lines: which exit code, which words, and nothing sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3_xfer.cli.copy import copy
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.factory import Values, account_from, options_from, rerun_command
from s3_xfer.options import (
    CannedAcl,
    CopyOptions,
    Encryption,
    Engine,
    Identical,
    Preflight,
    RunMode,
    TagPolicy,
)
from tests.cli.program import COPY, fake, real

URLS = ("s3://src/a", "s3://dst/b")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("cpoy", *URLS), "Did you mean copy?"),
        (URLS, "Did you mean: s3-xfer copy"),
        (
            ("xyzzy",),
            "There are: batch, check, copy, doctor, du, filter, help, interactive, jobs, ls, "
            "merge, plan, policy, resume, runbook,",
        ),
        (("copy", "--recursve", *URLS), "--recursive"),
        (("copy", "s3://only/one"), "Missing argument 'DESTINATION'"),
        (("interactive",), "Give --yes, or use copy."),
        (("interactive", "--yes"), "SOURCE and DESTINATION must be given"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_right(args: tuple[str, ...], words: str) -> None:
    """A command line that cannot be read is answered on stderr with the way out."""
    done = real(*args)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("args", "problem", "remedy"),
    [
        (("http://src/a", "s3://dst/b"), "'http://src/a' is not an S3 URL", "s3://BUCKET/KEY"),
        (("s3://Bad_Name/a", "s3://dst/b"), "'Bad_Name' is not a bucket name", "lower-case"),
        (
            (*URLS, "--part-size", "1MiB"),
            "--part-size is 1.0 MiB; it must be between",
            "correct the value",
        ),
        ((*URLS, "--sse-kms-key-id", "k"), "a KMS key was given without", "add --sse aws:kms"),
        ((*URLS, "--report-all"), "a report of all objects needs a file", "add --report FILE"),
        ((*URLS, "--dest-role-arn", "x"), "'x' is not the ARN of a role", "arn:aws:iam::"),
    ],
)
def test_input_that_makes_no_sense_exits_3(
    args: tuple[str, ...], problem: str, remedy: str
) -> None:
    """Values that contradict the rules are refused with problem and next step, before S3."""
    done = fake("ok", "copy", *args)
    assert (done.returncode, done.stdout) == (ExitCode.REFUSED, "")
    assert done.stderr.startswith(f"error: {problem}")
    assert remedy in done.stderr
    assert "\nSee docs/runbook.md#invalid-input (s3-xfer runbook invalid-input)" in done.stderr


def test_a_forged_line_in_an_error_is_spelled_out() -> None:
    """What was typed is quoted safely."""
    done = fake("ok", "copy", "http://x\n\x1b[31mok", "s3://dst/b")
    assert done.stderr.splitlines()[0] == r"error: 'http://x\n\x1b[31mok' is not an S3 URL"


def test_the_external_id_is_never_repeated() -> None:
    """Neither an error, nor the summary, nor the command for a re-run shows it."""
    side = ("--dest-external-id", "hush-hush")
    refused = fake("ok", *COPY, *side)
    assert refused.returncode == ExitCode.REFUSED
    role = ("--dest-role-arn", "arn:aws:iam::123456789012:role/r")
    copied = fake("fails", *COPY, *side, *role, "--verbose")
    assert '--dest-external-id "$S3_XFER_DEST_EXTERNAL_ID"' in copied.stdout
    for done in (refused, copied, fake("bug", *COPY, *side, *role)):
        assert "hush" not in done.stdout + done.stderr


def _values(*args: str) -> Values:
    """Return what click makes of a command line."""
    context = copy.make_context("copy", [*args, "s3://src/a", "s3://dst/b"])
    return context.params


def test_without_options_the_library_decides() -> None:
    """The command line's defaults are the library's."""
    assert options_from(_values()) == CopyOptions()


def test_every_option_reaches_the_operation() -> None:
    """Each option sets the field of its name, in the library's types."""
    typed = """
        --concurrency 7 --engine crt --listing-threads 3 --multipart-threshold 6MiB --part-size 5MiB
        --retries 1 --retry-delay 0.5 --tags skip --acl private --sse AWS:KMS --sse-kms-key-id k
        --bucket-key --no-preflight --request-payer requester --dry-run
        --report r.jsonl --from-report f.jsonl --skip-identical
    """
    values = _values(*typed.split())
    assert options_from(values) == CopyOptions(
        concurrency=7,
        engine=Engine.CRT,
        listing_threads=3,
        multipart_threshold_bytes=6 * 1024**2,
        part_size_bytes=5 * 1024**2,
        retries=1,
        retry_delay_s=0.5,
        tags=TagPolicy.SKIP,
        acl=CannedAcl.PRIVATE,
        sse=Encryption.KMS,
        sse_kms_key_id="k",
        bucket_key=True,
        request_payer=True,
        identical=Identical.SKIP,
        mode=RunMode.DRY_RUN,
        preflight=Preflight.SKIP,
        report_path=Path("r.jsonl"),
        from_report_path=Path("f.jsonl"),
    )


def test_one_endpoint_serves_both_sides_unless_a_side_has_its_own() -> None:
    """--endpoint-url is the default of --source-endpoint-url and --dest-endpoint-url."""
    values = _values("--endpoint-url", "http://both:1", "--dest-endpoint-url", "http://dest:2")
    assert account_from(values, "source").endpoint_url == "http://both:1"
    assert account_from(values, "dest").endpoint_url == "http://dest:2"


def test_the_re_run_repeats_what_describes_the_copy() -> None:
    """Options that are not defaults come back, except output; the report becomes the input."""
    typed = """
        --recursive --part-size 6MiB --tags skip --dest-profile to --retries 3
        --report r-2.jsonl --from-report r.jsonl --json --progress plain
    """
    values = _values(*typed.split())
    line = rerun_command(copy, "s3://src/a b", "s3://dst/", values)
    assert line == (
        "s3-xfer copy 's3://src/a b' s3://dst/ --dest-profile to --recursive --tags skip"
        " --part-size 6MiB --from-report r-2.jsonl --report r-3.jsonl"
    )


def test_the_re_run_can_be_typed() -> None:
    """The command that is shown means the same options again."""
    values = _values("--recursive", "--sse", "aws:kms", "--bucket-key", "--report", "a.jsonl")
    words = rerun_command(copy, "s3://src/a", "s3://dst/b", values).split()
    again = copy.make_context("copy", words[2:]).params
    changed = {name for name in values if values[name] != again[name]}
    assert changed == {"report_path", "from_report_path"}


def test_json_is_the_only_thing_on_stdout() -> None:
    """With --json stdout is one object with the mission's names."""
    done = fake("fails", *COPY, "--json")
    metrics = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (done.returncode, metrics["state"]) == (ExitCode.FAILED_OBJECTS, "COPY_FAILED")
    assert metrics["files_copied_successfully"] + metrics["files_failed"] == 400
    assert "failed: s3://src/data/000007.bin" in done.stderr


def test_refused_runs_print_the_refusal_as_json_too() -> None:
    """The one object on stdout is for machines; the same is on stderr in words."""
    done = fake("refused", *COPY, "--json")
    assert done.returncode == ExitCode.REFUSED
    refusal = json.loads(done.stdout)
    assert refusal["errors"] == ["s3://nowhere does not exist"]
    assert refusal["error_class"] == "BucketMissing"
    assert "error: s3://nowhere does not exist\nNext: " in done.stderr
    assert "\nSee docs/runbook.md#bucket-missing (s3-xfer runbook bucket-missing)\n" in done.stderr


def test_quiet_says_nothing_when_all_is_well() -> None:
    """With --quiet a clean run prints nothing at all."""
    done = fake("ok", *COPY, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quiet_still_explains_failures() -> None:
    """With --quiet failures are explained on stderr, and only they."""
    done = fake("fails", *COPY, "--quiet")
    assert (done.returncode, done.stdout) == (ExitCode.FAILED_OBJECTS, "")
    assert done.stderr.startswith("Copied 390 of 400 objects, 10 failed\nAccessDenied: 5 objects")
    assert "duration" not in done.stderr


@pytest.mark.parametrize("scenario", ["ok", "fails", "aborted", "refused"])
def test_pipes_get_no_control_characters(scenario: str) -> None:
    """In a log or a pipe there is no escape sequence and no carriage return."""
    done = fake(scenario, *COPY, FORCE_COLOR="1", CLICOLOR_FORCE="1", TERM="xterm")
    text = (done.stdout + done.stderr).replace("\n", "")
    assert text
    assert text.isprintable()


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("ok", ExitCode.OK),
        ("fails", ExitCode.FAILED_OBJECTS),
        ("refused", ExitCode.REFUSED),
        ("aborted", ExitCode.ABORTED),
        ("bug", ExitCode.INTERNAL),
    ],
)
def test_the_exit_code_tells_how_it_ended(scenario: str, code: ExitCode) -> None:
    """Each kind of end has its exit code, also in a real process."""
    assert fake(scenario, *COPY).returncode == code


def test_an_unexpected_error_shows_its_traceback_and_asks_for_a_report() -> None:
    """A bug is not hidden: traceback and request to report it on stderr, exit 70."""
    done = fake("bug", *COPY)
    assert "ZeroDivisionError: a bug" in done.stderr
    assert done.stderr.endswith(
        "Please report it with the traceback above and the command line.\n"
        "See docs/runbook.md#unexpected (s3-xfer runbook unexpected)\n"
    )


def test_a_key_in_another_encoding_than_the_locale_s_is_refused() -> None:
    """Instead of being called an unexpected error when it is about to be sent."""
    done = real("copy", "s3://src/K\udce4se", "s3://dst/b")

    assert done.returncode == ExitCode.REFUSED
    assert done.stderr.startswith("error: the key of s3://src/K\\udce4se is not UTF-8")
    assert "PYTHONUTF8=1" in done.stderr


def test_an_ascii_terminal_gets_ascii() -> None:
    """Where the terminal has no more than ASCII, other characters of a name are spelled out."""
    done = real("copy", "s3://src/Käse/", "s3://dst/", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.returncode == ExitCode.REFUSED
    assert done.stderr.startswith("error: s3://src/K\\xe4se/ is a prefix\n")
