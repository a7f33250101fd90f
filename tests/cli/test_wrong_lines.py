"""Command lines that are wrong, and what is answered: the words of other tools, slips, values."""

from __future__ import annotations

import json

import pytest

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.main import answer, cli
from s3_xfer.cli.other_tools import OPTIONS
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.spelling import near_names, nearest

SRC, DST = "s3://src/data/", "s3://dst/data/"
COPY, SYNC, CHECK = (f"{name} {SRC} {DST}" for name in ("copy -r", "sync", "check -r"))
BOTH_PROFILES = "Use: --source-profile NAME or --dest-profile NAME."

# What cannot be read: exit code 2.
UNREADABLE = {
    f"cp {SRC} {DST}": "No such command 'cp'. Use: s3-xfer copy.",
    f"cp --recursive {SRC} {DST}": "Use: s3-xfer copy.",
    f"mv {SRC} {DST}": "Nothing is deleted at the source. Use: s3-xfer copy, then s3-xfer check",
    f"rm {SRC}": "Use: s3-xfer sync --delete.",
    "mb s3://new": "Use: aws s3 mb.",
    f"cat {SRC}a": "never through this machine. Use: aws s3.",
    f"rsync {SRC} {DST}": "Use: s3-xfer sync.",
    "run commands.txt": "Use: s3-xfer copy.",
    "retry copy.db": "Use: s3-xfer resume JOURNAL.",
    "configure": "Use: aws configure, aws sso login.",
    "verify a b": "Use: s3-xfer check.",
    f"cpoy {SRC} {DST}": "Did you mean copy?",
    f"{SRC} {DST}": "Did you mean: s3-xfer copy SOURCE DESTINATION?",
    "xyzzy": "There are: batch, check, copy,",
    f"--recursive copy {SRC} {DST}": "Options follow it: s3-xfer COMMAND OPTIONS.",
    f"{COPY} --profile us": f"Each side has its own. {BOTH_PROFILES}",
    f"uploads {DST} --profile us": "Use: --dest-profile NAME.",
    f"{COPY} --region eu-west-1": "Use: --source-region NAME or --dest-region NAME.",
    f"{COPY} --workers 50": "Use: --concurrency N.",
    f"{COPY} --numworkers=50": "No such option --numworkers. Use: --concurrency N.",
    f"{COPY} --transfers 8": "Use: --concurrency N.",
    f"{COPY} --dryrun": "Use: --dry-run.",
    f"{COPY} -n": "Use: --dry-run or --no-overwrite.",
    f"{COPY} --delete": "only at the destination. Use: s3-xfer sync --delete.",
    f"{SYNC} --size-only": "Use: s3-xfer sync --compare size.",
    f"{SYNC} --acess-key x": "Keys are not typed here: they come from profiles",
    f"{CHECK} --acl private": "No such option --acl. It is an option of copy,",
    f"{CHECK} --one-way": "Use: --ignore-extra.",
    f"uploads {DST} --quiet": "It is an option of check, copy,",
    f"{COPY} --bwlimit 10M": "requests can be limited. Use: --max-requests-per-second N.",
    f"{COPY} --no-verify-ssl": "Use: --ca-bundle FILE.",
    f"{COPY} --recursve": "Did you mean --recursive?",
    f"{COPY} --report_all": "Did you mean --report-all?",
    f"{COPY} --skip-ident": "Did you mean --skip-identical?",
    f"{COPY} --identical skip": "No such option --identical. Did you mean --skip-identical?",
    f"{COPY} --identical-skip": "Did you mean --skip-identical?",
    f"{COPY} --skip-identical-objects": "Did you mean --skip-identical?",
    f"{COPY} --exlude x": "Did you mean --exclude?",
    f"{COPY} --exclude-pattern x": "Did you mean --exclude?",
    f"{COPY} --max-request-per-sec 9": "Did you mean --max-requests-per-second?",
    f"{COPY} --requests-per-second 9": "Did you mean --max-requests-per-second?",
    f"{COPY} --src-profile us": "Did you mean --source-profile?",
    f"{COPY} --size 9": "Did you mean --batch-size or --max-size or --min-size or --part-size?",
    f"{COPY} --num-workers 9": "Use: --concurrency N.",
    f"{COPY} --s3-acl private": "Use: --acl ACL.",
    f"{COPY} --metadata a=b": "Metadata and headers are always copied as they are.",
    f"{COPY} --comparee size": "Did you mean --compare? It is an option of sync.",
    f"{COPY} --overwrite": "That is so unless --no-overwrite is given.",
    f"{COPY} --no-recursive": "That is so unless --recursive is given.",
    f"{COPY} --delete-source": "There is a list:",
    f"{COPY} -dry-run": "No such option -d. Did you mean --dry-run?",
    f"{COPY} -rv": "No such option -v. Use: --verbose.",
    f"uploads {DST} --older-abort 2d": "Did you mean --abort-older-than?",
    "check a b --extra": "Did you mean --ignore-extra?",
    "merge p --limit 9": "Did you mean --wait-limit?",
    "--versoin": "Did you mean --version?",
    "batch --hepl plan": "Did you mean --help?",
    "batch --out p plan": "Options follow it: s3-xfer batch COMMAND OPTIONS.",
    f"{COPY} --zzz": "No such option --zzz. There is a list: s3-xfer copy --help.",
    f"copy {SRC}": "Missing argument 'DESTINATION'.",
    f"{COPY} --part-size": "requires an argument",
    "runbook --section x": "There is a list: s3-xfer runbook --help.",
    "help cpoy": "Did you mean copy?",
}

# What can be read, and is wrong: exit code 3, wherever it is found.
WRONG_VALUES = {
    f"{COPY} --part-size 5x": "--part-size is '5x'; it must be a whole number of bytes, or a size",
    f"{COPY} --part-size 1MiB": "--part-size is 1.0 MiB; it must be between 5.0 MiB and 5.0 GiB",
    f"{COPY} --concurrency many": "--concurrency is 'many'; it must be a whole number",
    f"{COPY} --batch-size 1001": "--batch-size is 1001; it must be between 1 and 1000",
    f"{COPY} --max-error-rate nan": "--max-error-rate is nan",
    f"{COPY} --retry-delay soon": "--retry-delay is 'soon'; it must be a number",
    f"{COPY} --tags maybe": "--tags is 'maybe'; it must be one of copy, skip",
    f"{COPY} --storage-class COLD": "--storage-class is 'COLD'; it must be one of STANDARD",
    f"{COPY} --progress fancy": "--progress: 'fancy' is not one of",
    f"{COPY} --ca-bundle missing.pem": "--ca-bundle: File 'missing.pem' does not exist",
    f"{COPY} --deadline yesterday": "deadline",
    f"{COPY} --newer-than then": "'then'",
    f"uploads {DST} --abort-older-than 2": "--abort-older-than: '2' is not a duration",
    f"plan {SRC} {DST} --out p --shards x": "--shards: 'x' is not a number of shards",
    f"{COPY} --dest-role-arn x": "'x' is not the ARN of a role",
    f"copy data/ {DST}": "'data/' is not an S3 URL",
    f"copy {SRC} {DST}": f"{SRC} is a prefix\nNext: add --recursive for everything under it.",
    f"check {SRC} {DST}": f"{SRC} is a prefix\nNext: add --recursive for everything under it.",
    f"{COPY} --sse-kms-key-id k": "a KMS key was given without KMS encryption",
}


def _answered(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = answer(line.split())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.lower().count("error:") == 1
    assert err.endswith("See docs/runbook.md#invalid-input (s3-xfer runbook invalid-input)\n")
    return code, err


@pytest.mark.parametrize("line", UNREADABLE, ids=str)
def test_a_line_that_cannot_be_read_is_answered(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to type instead, how the command is written, and exit code 2."""
    code, err = _answered(line, capsys)

    assert code == ExitCode.USAGE
    assert UNREADABLE[line] in err
    assert "\nUsage: s3-xfer" in err


@pytest.mark.parametrize("line", WRONG_VALUES, ids=str)
def test_a_wrong_value_is_answered_in_one_form(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option, what is wrong and what it takes, what to do next; exit code 3."""
    code, err = _answered(line, capsys)

    assert code == ExitCode.REFUSED
    assert WRONG_VALUES[line] in err
    assert "\nNext: " in err
    assert "Usage:" not in err


def test_a_wrong_value_is_json_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The one object on stdout, as of every refusal."""
    assert answer([*COPY.split(), "--part-size", "5x", "--json"]) == ExitCode.REFUSED

    refusal = json.loads(capsys.readouterr().out)
    assert refusal["error_class"] == "InvalidInput"
    assert refusal["errors"][0].startswith("--part-size is '5x'")


def test_every_answer_names_what_there_is() -> None:
    """Options and commands that the table of other tools' words points to exist."""
    commands = dict(commands_of(cli))
    flags = {flag for each in commands.values() for param in each.params for flag in param.opts}
    for word, advice in OPTIONS.items():
        for ours in advice.ours:
            name, _, rest = ours.partition(" ")
            command = commands.get(name)
            known = {flag for param in command.params for flag in param.opts} if command else flags
            assert (rest.split()[0] if command else name) in known, (word, ours)


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("--delete", ["--deadline", "--dest-region"], None),
        ("--include", ["--ca-bundle"], None),
        ("rm", ["resume", "merge"], None),
        ("acl", ["all"], None),
        ("cpoy", ["copy", "check"], "copy"),
        ("--RECURSIVE", ["--recursive"], "--recursive"),
        ("--ReportAl", ["--report", "--report-all"], "--report-all"),
        ("--rep", ["--report", "--report-all"], None),
        ("--recu", ["--recursive", "--retries"], "--recursive"),
        ("", ["copy"], None),
        ("x", [], None),
    ],
)
def test_a_suggestion_is_near_or_none(word: str, known: list[str], meant: str | None) -> None:
    """A slip or two in a long word, none in a short one; or the beginning of one alone."""
    assert nearest(word, known) == meant


def test_every_option_is_found_by_its_words_in_another_order() -> None:
    """And by all but the first of them, unless that is "no", which means the opposite."""
    for command in dict(commands_of(cli)).values():
        flags = {flag for param in command.params for flag in param.opts if flag.startswith("--")}
        for flag in flags:
            first, *rest = flag.removeprefix("--").split("-")
            if rest:
                assert flag in near_names("--" + "-".join([*rest, first]), flags)
            shortened = "--" + "-".join(rest)
            if len(rest) > 1 and first != "no" and shortened not in flags:
                assert flag in near_names(shortened, flags)


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("--identical", ["--skip-identical", "--skip-preflight"], ["--skip-identical"]),
        ("--overwrite", ["--no-overwrite"], []),
        ("--delete-source", ["--delete", "--source-profile"], []),
        ("--report-file", ["--report", "--report-all"], ["--report"]),
        ("--no-tags", ["--tags"], []),
        ("--nooverwrite", ["--no-overwrite"], ["--no-overwrite"]),
        ("--size", ["--max-size", "--min-size"], ["--max-size", "--min-size"]),
        ("--size", [f"--{letter}xyz-size" for letter in "abcde"], []),
        ("--kms", ["--sse-kms-key-id"], []),
        ("max_of_requests", ["max_requests"], ["max_requests"]),
        ("--", ["--all"], []),
        ("--x", [], []),
    ],
)
def test_a_name_is_near_by_its_words_or_none_is(
    name: str, known: list[str], near: list[str]
) -> None:
    """Half of its words are enough, or one too many; what means the opposite is not near."""
    assert near_names(name, known) == near


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("help", "--help"),
        ("-h", "--help"),
        ("copy -h", "copy --help"),
        ("help copy", "copy --help"),
        ("help batch plan", "batch plan --help"),
        ("version", "--version"),
    ],
)
def test_help_and_version_are_answered_as_words_too(
    line: str, same: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same text on stdout, and exit code 0."""
    printed = []
    for each in (line, same):
        assert answer(each.split()) == ExitCode.OK
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1] != ""


@pytest.mark.parametrize("command", ["doctor", "policy"])
def test_help_lists_only_what_means_something(command: str) -> None:
    """What decides about access is shown; what else describes a copy is taken all the same."""
    commands = dict(commands_of(cli))
    params = {flag: each for each in commands[command].params for flag in each.opts}

    for flag in ("--concurrency", "--report", "--progress", "--min-size", "--include"):
        assert getattr(params[flag], "hidden", None) is True
    for flag in ("--recursive", "--acl", "--journal", "--source-profile", "--delete"):
        assert getattr(params[flag], "hidden", None) is False
    of_copy = {
        flag
        for each in commands["copy"].params
        if getattr(each, "declaration", None)
        for flag in each.opts
    }
    assert of_copy <= set(params)
