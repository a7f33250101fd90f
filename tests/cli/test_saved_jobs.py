"""Saved jobs: a file says what a command line would, and is refused in the same words."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.cli.main import answer, cli
from s3_xfer.cli.params import EnumChoice, SectionOption
from s3_xfer.cli.saved_jobs import JobCommand
from s3_xfer.cli.unknown_words import commands_of
from s3_xfer.declarations import Kind
from s3_xfer.testing.two_accounts import (
    DESTINATION_ACCOUNT,
    DESTINATION_PROFILE,
    SOURCE_ACCOUNT,
    TwoAccounts,
)
from tests.cli.program import fake

COMMANDS = {name: command for name, command in commands_of(cli) if isinstance(command, JobCommand)}
PLACES = 'source = "s3://src-bucket/data/"\ndestination = "s3://dst-bucket/data/"\n'
URLS = ("s3://src-bucket/data/", "s3://dst-bucket/data/")
SAMPLES = {
    Kind.SIZE: "64MiB",
    Kind.DURATION: "90s",
    Kind.WHOLE: 7,
    Kind.NUMBER: 2.5,
    Kind.MOMENT: "2h",
}
OWN_SAMPLES = {"time_limit": "5s", "on_end_limit": "5s", "shards": "3", "parallelism": 3}
# Secrets, what takes the place of a job, and what names the file of jobs itself.
NOT_SAVED = {"source_external_id", "dest_external_id", "plan", "shard", "config"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and no configuration of the user."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return here


def save(text: str, path: Path = Path("s3_xfer.toml")) -> Path:
    """Write a file of jobs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def values(name: str, *args: str) -> dict[str, Any]:
    """Return the values that a command line gives the command ``name``."""
    root = click.Context(cli, info_name="s3-xfer")
    return COMMANDS[name].make_context(name, list(args), parent=root).params


def refusal(line: str, capsys: pytest.CaptureFixture[str], code: int = ExitCode.REFUSED) -> str:
    """Return what a command line is refused with."""
    assert answer(shlex.split(line)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    return err


# ------------------------------------------------------------------------------------ the values


def _sample(param: SectionOption) -> Any:
    """Return a value that an option takes, as a file has it."""
    declaration = param.declaration
    if param.is_flag or (declaration and declaration.word):
        return True
    if isinstance(param.type, EnumChoice):
        return param.type.choices[-1]
    if declaration and declaration.must_exist:
        return os.devnull
    if param.multiple:
        return ["a=1", "b=2"]
    by_kind = SAMPLES.get(declaration.kind, "text") if declaration else "text"
    return OWN_SAMPLES.get(str(param.name), by_kind)


def _typed(param: SectionOption, value: Any) -> list[str]:
    flag = param.opts[0]
    if value is True:
        word = param.declaration.word if param.declaration else ""
        return [flag, word] if word else [flag]
    return [
        word
        for each in (value if isinstance(value, list) else [value])
        for word in (flag, str(each))
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_can_be_saved(name: str) -> None:
    """By its name with underscores; the value becomes what the typed one does."""
    saved, typed = [], list[str]()
    for param in COMMANDS[name].params:
        if isinstance(param, SectionOption) and param.name not in NOT_SAVED:
            sample = _sample(param)
            key = param.opts[0].removeprefix("--").replace("-", "_")
            saved.append(f"{key} = {json.dumps(sample)}")
            typed += _typed(param, sample)
    save("\n".join(["[jobs.one]", PLACES, *saved]))

    assert values(name, "@one") == values(name, *URLS, *typed)


def test_what_is_said_nearer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line before the environment, before the job, before the defaults."""
    save(
        "[defaults]\nconcurrency = 1\non_end = 'defaults'\nretries = 1\nno_overwrite = true\n"
        f"[jobs.one]\n{PLACES}concurrency = 2\non_end = 'job'\nno_overwrite = false\n"
    )
    monkeypatch.setenv("S3_XFER_ON_END", "environment")

    of_job = values("copy", "@one")
    typed = values("copy", "@one", "--concurrency", "3", "--on-end", "typed")

    assert (of_job["concurrency"], of_job["on_end"], of_job["retries"]) == (2, "environment", 1)
    assert of_job["overwrite"] is True
    assert (typed["concurrency"], typed["on_end"], typed["retries"]) == (3, "typed", 1)


@pytest.mark.parametrize(
    ("defaults", "job", "typed", "rules"),
    [
        ("", "exclude = '*.tmp'\ninclude = ['a*', 'b*']", "", "-*.tmp +a* +b*"),
        ("", "include = ['a*', 'b*']\nexclude = '*.tmp'", "", "+a* +b* -*.tmp"),
        ("exclude = '*.log'", "", "", "-*.log"),
        ("exclude = '*.log'", "include = 'a*'", "", "+a*"),
        ("exclude = '*.log'", "include = 'a*'\nexclude = 'b*'", "", "+a* -b*"),
        ("exclude = '*.log'", "include = 'a*'", "--exclude c --include d", "-c +d"),
    ],
)
def test_filters_are_one_list_that_is_replaced_whole(
    defaults: str, job: str, typed: str, rules: str
) -> None:
    """In the order in which they are written."""
    save(f"[defaults]\n{defaults}\n[jobs.one]\n{PLACES}{job}\n")
    signs = {"--include": "+", "--exclude": "-"}

    filters = values("copy", "@one", *typed.split())["filters"]

    assert " ".join(f"{signs[flag]}{pattern}" for flag, pattern in filters) == rules


@pytest.mark.parametrize(
    "line",
    ["@one --acl private", "--acl private @one", "--principal @one @one --acl private", "-- @one"],
)
def test_the_job_may_stand_anywhere(line: str) -> None:
    """Where an argument may; the same word as an option's value is that."""
    save(f"[jobs.one]\n{PLACES}")

    taken = values("copy", *line.split())

    assert (taken["source"], taken["destination"]) == URLS
    assert taken["principal"] == ("@one" if "--principal" in line else None)


@pytest.mark.parametrize(
    ("name", "applies"),
    [("copy", False), ("sync", True), ("doctor", True), ("check", False)],
)
def test_a_job_serves_several_commands(
    name: str, applies: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a command has no option for is said, and what it does anyway is not."""
    job = f"{PLACES}recursive = true\ndelete = true\n"
    save(f"[defaults]\nstorage_class = 'GLACIER'\n[jobs.one]\n{job}")

    values(name, "@one")

    err = capsys.readouterr().err
    assert err.splitlines()[0] == "job one: s3_xfer.toml"
    assert (f"note: {name} has no use for these keys: delete" in err) is not applies
    assert "recursive" not in err
    assert "storage_class" not in err


def test_a_key_of_another_kind_belongs_to_another_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--tags of a copy takes a word, that of a check takes none."""
    save(f"[jobs.one]\n{PLACES}tags = 'skip'\n")

    assert values("check", "@one")["compare_tags"] is False
    assert "check has no use for these keys: tags" in capsys.readouterr().err


# ------------------------------------------------------------------------------------- the files


def test_the_folder_comes_before_the_users_configuration(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job counts from the first file that has it, with that file's defaults."""
    home = tmp_path / "home" / ".config" / "s3_xfer" / "s3_xfer.toml"
    save(f"[defaults]\nretries = 1\n[jobs.both]\n{PLACES}")
    save(f"[defaults]\nretries = 2\n[jobs.both]\n{PLACES}[jobs.home]\n{PLACES}", home)
    other = save(f"[defaults]\nretries = 4\n[jobs.both]\n{PLACES}", folder / "other.toml")

    assert values("copy", "@both")["retries"] == 1
    assert values("copy", "@home")["retries"] == 2
    assert values("copy", "@both", "--config", str(other))["retries"] == 4
    assert values("copy", *URLS, "--config", str(other))["retries"] == 4
    assert values("copy", *URLS)["retries"] == 3  # nothing was named

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    save(
        f"[defaults]\nretries = 5\n[jobs.home]\n{PLACES}",
        tmp_path / "xdg" / "s3_xfer" / "s3_xfer.toml",
    )
    assert values("copy", "@home")["retries"] == 5


def test_a_list_of_sources_is_several(capsys: pytest.CaptureFixture[str]) -> None:
    """For the commands that take several; a typed source is the only one."""
    save(
        "[defaults]\nsource = ['s3://aa/1', 's3://bb/2']\n"
        "[jobs.all]\nsource = ['s3://aaa/x/', 's3://bbb/y/', 's3://ccc']\ndestination = 's3://d'\n"
    )
    for command in ("copy", "check", "sync", "policy"):
        found = values(command, "@all")
        assert (found["source"], found["more_sources"]) == (
            "s3://aaa/x/",
            ("s3://bbb/y/", "s3://ccc"),
        )
    assert values("copy", *URLS, "--config", "s3_xfer.toml")["more_sources"] == ()

    assert answer(["sync", "@all", "--delete"]) == ExitCode.REFUSED
    assert "the job has 3 sources, and a sync that deletes takes one" in capsys.readouterr().err


def test_jobs_are_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each once, with what it copies where and the file."""
    home = tmp_path / "home" / ".config" / "s3_xfer" / "s3_xfer.toml"
    save(f"[jobs.one]\n{PLACES}")
    save(f"[jobs.one]\n{PLACES}[jobs.two]\nsource = ['s3://b', 's3://c']\n", home)

    assert answer(["jobs"]) == ExitCode.OK

    assert capsys.readouterr().out.splitlines() == [
        f"@one  {' -> '.join(URLS)}  (s3_xfer.toml)",
        f"@two  s3://b, s3://c -> ?  ({home})",
    ]


# ----------------------------------------------------------------------------------- refusals

WRONG_FILES = {
    "part_size = '5x'": "[jobs.one] part_size: --part-size is '5x'; it must be a whole number",
    "part_size = 1": "part_size: --part-size is 1 B; it must be between 5.0 MiB and 5.0 GiB",
    "storage_class = 'COLD'": "[jobs.one] storage_class: --storage-class is 'COLD'; it must be",
    "progress = 'fancy'": "progress: --progress: 'fancy' is not one of",
    "report = ''": "report: --report is empty",
    "shards = 'many'": "[jobs.one] shards: --shards: 'many' is not a number of shards",
    "report = true": "[jobs.one] report is true; it must be text or a number",
    "recursive = 'yes'": "[jobs.one] recursive is 'yes'; it must be true or false",
    "recursive = 1": "[jobs.one] recursive is 1; it must be true or false",
    "include = [1]": "[jobs.one] include is a list of other things; it must be text, or a list",
    "report = ['a']": "[jobs.one] report is a list; it must be text or a number",
    "dest = {profile = 'us'}": "[jobs.one]: 'dest' is no option",
    "part-size = '8MiB'": "'part-size' is no option\nNext: write part_size",
    "part_size_bytes = 1": "'part_size_bytes' is no option\nNext: write part_size",
    "recursve = true": "'recursve' is no option\nNext: write recursive",
    "zzz = 1": "'zzz' is no option\nNext: write options without dashes",
    "config = 'x'": "'config' is no option",
    "help = true": "'help' is no option",
    "aws_secret_access_key = 'x'": "is no option; credentials do not belong in this file",
    "session_token = 'x'": "is no option; credentials do not belong in this file",
    "source_external_id = 'x'": "is a secret, and does not belong in a file\n"
    "Next: give it in the variable S3_XFER_SOURCE_EXTERNAL_ID",
    "retries = ": "are not TOML: Invalid value (at line 4, column 11)",
    "retries = 1\nretries = 2": "are not TOML: Cannot overwrite a value (at line 5",
}


@pytest.mark.parametrize("text", WRONG_FILES, ids=str)
def test_a_wrong_file_is_told_with_its_key(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The file, the table, the key and what it takes; exit code 3."""
    save(f"[jobs.one]\n{PLACES}{text}\n")
    line = "plan @one --out p" if text.startswith("shards") else "copy @one"

    err = refusal(line, capsys)

    assert WRONG_FILES[text] in err
    assert "s3_xfer.toml" in err


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[jobs.one]\nsource = 's3://a/'", "copy @one", "[jobs.one] has no destination\nNext: add"),
        (None, "copy @one", "there are no saved jobs: neither s3_xfer.toml in this folder nor "),
        ("", "copy @one", "there is no job 'one' in s3_xfer.toml\nNext: there are: none"),
        ("[jobs.b]\n[jobs.a]", "copy @x", "Next: there are: @a, @b"),
        ("[jobs.nightly]", "copy @nigthly", "Next: write @nightly; there are: @nightly"),
        ("[jobs.nightly]", "copy @", "there is no job ''"),
        ("[job.one]", "copy @one", "has 'job' outside of [defaults] and [jobs.NAME]"),
        ("retries = 1", "copy @one", "has 'retries' outside of [defaults] and [jobs.NAME]"),
        ("[jobs]\none = 1", "copy @one", "[jobs]: 'one' is not a table"),
        ("jobs = 1", "copy @one", "'jobs' is not a table"),
        ("[jobs.one]\nsource = []", "copy @one", "source is a list; it must be"),
        ("[jobs.one]\nsource = ['s3://a', 's3://b']", "plan @one", "source is a list; it must be"),
        ("[jobs.one]", "check --config none.toml @one", "the saved jobs none.toml cannot be read"),
        ("[jobs.one]", "sync --config . @one", "the saved jobs . cannot be read: Is a directory"),
        (
            "[defaults]\nzzz = 1",
            "copy --config s3_xfer.toml s3://a/b s3://c/d",
            "[defaults]: 'zzz'",
        ),
        ("[jobs.one]", "copy --config '' @one", "--config is empty"),
    ],
)
def test_a_job_that_cannot_be_had_is_refused(
    text: str | None, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the jobs that there are, or where a file may be."""
    if text is not None:
        save(text)

    assert told in refusal(line, capsys)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("copy @one s3://elsewhere/", "@one stands for SOURCE and DESTINATION: leave out s3://"),
        ("copy s3://elsewhere/ @one", "@one stands for SOURCE and DESTINATION: leave out s3://"),
        ("sync @one @two", "@one stands for SOURCE and DESTINATION: leave out @two"),
    ],
)
def test_a_job_says_both_places(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither more nor less; such a command line cannot be read."""
    save(f"[jobs.one]\n{PLACES}[jobs.two]\n{PLACES}")

    assert told in refusal(line, capsys, ExitCode.USAGE)


def test_a_file_that_is_no_text_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes of another encoding."""
    Path("s3_xfer.toml").write_bytes(b"[jobs.one]\nsource = '\xff'\n")

    assert "s3_xfer.toml are not TOML" in refusal("copy @one", capsys)


def test_refusals_are_json_where_the_job_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """As with --json."""
    save(f"[jobs.one]\n{PLACES}json = true\nretries = 'many'\n")

    assert answer(["copy", "@one"]) == ExitCode.REFUSED

    assert "retries" in json.loads(capsys.readouterr().out)["errors"][0]


# ------------------------------------------------------------------------------------- real runs


@pytest.fixture(scope="module")
def accounts() -> Iterator[TwoAccounts]:
    """Two accounts with three objects at the source."""
    with TwoAccounts() as both:
        for name, account in (
            ("their-bucket", SOURCE_ACCOUNT),
            ("our-bucket", DESTINATION_ACCOUNT),
        ):
            both.client("s3", account).create_bucket(Bucket=name)
        both.store("their-bucket", [("data/a.csv", b"a"), ("data/b.tmp", b"b"), ("x", b"x")])
        yield both


def test_one_job_is_copied_and_checked(
    accounts: TwoAccounts,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the file says is done; the lines for later runs need no file."""
    for name, value in accounts.write_aws_config(folder).items():
        monkeypatch.setenv(name, value)
    save(
        f"[defaults]\ndest_profile = '{DESTINATION_PROFILE}'\n"
        "[jobs.nightly]\nrecursive = true\nexclude = '*.tmp'\n"
        "source = 's3://their-bucket/data/'\ndestination = 's3://our-bucket/jobs/'\n"
    )

    assert answer(["copy", "@nightly"]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert answer(["check", "@nightly"]) == ExitCode.OK

    copied = accounts.client("s3", DESTINATION_ACCOUNT).list_objects_v2(
        Bucket="our-bucket", Prefix="jobs/"
    )
    assert [each["Key"] for each in copied["Contents"]] == ["jobs/a.csv"]
    assert "@nightly" not in printed


def test_the_lines_for_later_runs_say_what_the_job_says(folder: Path) -> None:
    """A re-run reads no file: every value of job and defaults is in its line."""
    save(
        "[defaults]\nmax_failures = 9\n[jobs.nightly]\nrecursive = true\nreport = 'r.jsonl'\n"
        "exclude = ['*.tmp']\nsource = 's3://src/data/'\ndestination = 's3://dst/data/'\n"
    )
    config = str(folder / "s3_xfer.toml")

    done = fake("fails", "copy", "@nightly", "--config", config, "--retries", "1")

    (line,) = [each.strip() for each in done.stdout.splitlines() if "--from-report" in each]
    assert line == (
        "s3-xfer copy s3://src/data/ s3://dst/data/ --exclude '*.tmp' --recursive --retries 1 "
        "--max-failures 9 --from-report r.jsonl --report r-2.jsonl"
    )
