"""The tour of one service: what the program does there, compared by another client.

Every stop returns what works, what works with an option, or what does not. A ``Broken`` stop is a
defect of the program: a wrong object, a wrong exit code, something left behind.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from s3_xfer.units import MIB, plural
from tests.contract.test_fidelity import ODD_KEYS
from tests.e2e.program import PROFILES, THEM, US, Done, end_of
from tests.services.stage import DST, HEADERS, IN_PARTS, METADATA, SRC, TAGS, WRONG, ServiceStage

_OK, _SOME_FAILED, _REFUSED = 0, 1, 3
_MANY = 400
_CHOICES = ((), ("--source-check", "head"), ("--tags", "skip"))
_ALL_CHOICES = (*_CHOICES, ("--tags", "skip", "--source-check", "head"))


class Broken(Exception):  # noqa: N818 - a verdict
    """The program did something wrong."""


@dataclass(slots=True)
class Findings:
    """What came of a tour, in the words of the table."""

    works: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def note(self, subject: str, options: Sequence[str]) -> None:
        """Note what works, with these options."""
        if options:
            self.options.append(f"{subject}: `{' '.join(options)}`")
        else:
            self.works.append(subject)


def tour(stage: ServiceStage) -> Findings:
    """Visit every stop."""
    findings = Findings()
    for stop in STOPS:
        try:
            stop(stage, findings)
        except Broken as broken:
            findings.broken.append(f"{stop.__name__}: {broken}")
    return findings


def odd_keys(stage: ServiceStage, findings: Findings) -> None:
    """Copy what the service itself stores of the odd keys."""
    harmless = [key for key in ODD_KEYS if key not in stage.broken_by]
    stored = [key for key in harmless if stage.put(f"odd/{key}", key.encode())]
    done, options = stage.copy_with_any("odd/", "o/", *_CHOICES)
    missing = _expect_contents(stage, done, "odd/", "o/")
    findings.note(f"{len(stored) - missing} of {len(ODD_KEYS)} odd keys", options)
    if missing:
        told = plural(missing, "odd key")
        findings.lacks.append(f"the service cannot copy {told} that it stores")
    if stage.broken_by:
        findings.lacks.append(f"{len(stage.broken_by)} odd keys break the service")


def metadata_and_tags(stage: ServiceStage, findings: Findings) -> None:
    """Copy small objects with all that they can have, with both engines."""
    for number in range(5):
        stage.put(f"small/{number}", b"x" * number, Metadata=METADATA, **HEADERS)
    has_tags = stage.put("small/tagged", b"tagged", Tagging="class=a&year=2026")
    has_tags = has_tags and (stage.look(SRC, "small/tagged") or {})["tags"] == TAGS
    for engine in ("crt", "managed"):
        done, options = stage.copy_with_any(
            "small/", f"{engine}/", ("--engine", engine), ("--engine", engine, "--tags", "skip")
        )
        _expect_contents(stage, done, "small/", f"{engine}/")
        findings.note(f"small objects ({engine})", options[2:])
    lost = Counter(kind for kind, _ in stage.differences("small/", "crt/"))
    for kind in ("metadata", "headers"):
        (findings.lacks if lost[kind] else findings.works).append(
            f"the service loses {kind} on copies" if lost[kind] else kind
        )
    if not has_tags:
        findings.lacks.append("no tags")
    else:
        (findings.lacks if lost["tags"] else findings.works).append(
            "the service loses tags on copies" if lost["tags"] else "tags"
        )


def parts(stage: ServiceStage, findings: Findings) -> None:
    """Copy large objects in parts, and objects that were uploaded in parts in one request."""
    stage.put("large/one", b"1" * 12 * MIB, Metadata=METADATA)
    stage.put("large/small", b"small")
    done, options = stage.copy_with_any("large/", "l/", *((*IN_PARTS, *c) for c in _ALL_CHOICES))
    _expect_contents(stage, done, "large/", "l/")
    if done.code == _OK:
        findings.note("copies in parts", options[len(IN_PARTS) :])
    else:
        findings.lacks.append("no copies in parts (objects up to 5 GiB need none)")
    if stage.put_in_parts("uploaded/in-parts", 11 * MIB):
        done, options = stage.copy_with_any("uploaded/", "u/", *_CHOICES)
        _expect_contents(stage, done, "uploaded/", "u/")
        findings.note("objects uploaded in parts", options)


def no_overwrite(stage: ServiceStage, findings: Findings) -> None:
    """Leave alone what exists, and copy the rest."""
    stage.us.put_object(Bucket=DST, Key="crt/1", Body=b"ours")
    stage.us.delete_object(Bucket=DST, Key="crt/2")
    done = stage.copy("small/", "crt/", "--no-overwrite")
    if done.code != _OK:
        raise Broken(f"exit {done.code}: {_reason(done)}")
    if (stage.look(DST, "crt/1") or {})["body"] != b"ours" or not stage.look(DST, "crt/2"):
        raise Broken("something was overwritten, or left out")
    atomic = "not atomic" not in " ".join(done.said.split())
    findings.works.append(f"`--no-overwrite`{'' if atomic else ' (not atomic)'}")
    stage.us.delete_object(Bucket=DST, Key="crt/1")
    stage.copy("small/", "crt/")


def skip_identical(stage: ServiceStage, findings: Findings) -> None:
    """Copy nothing that is there already."""
    done = stage.copy("small/", "crt/", "--skip-identical", "--json")
    if done.code != _OK:
        raise Broken(f"exit {done.code}: {_reason(done)}")
    copied = done.json()["files_copied_successfully"]
    found = done.json()["total_files_found"]
    if copied:
        findings.lacks.append(f"`--skip-identical` copies {copied} of {found} again")
    else:
        findings.works.append("`--skip-identical`")


def check(stage: ServiceStage, findings: Findings) -> None:
    """Compare both sides; what the other client sees as different must not be called the same."""
    lost = {kind for kind, _ in stage.differences("small/", "crt/")}
    done = stage.run("check", "small/", "crt/", "--metadata")
    if done.code == _OK and lost & {"missing", "body", "metadata", "headers"}:
        raise Broken(f"nothing was different, but {sorted(lost)} is")
    if done.code not in (_OK, _SOME_FAILED, 5):
        raise Broken(f"exit {done.code}: {_reason(done)}")
    findings.works.append("`check --metadata`")


def kill_and_resume(stage: ServiceStage, findings: Findings) -> None:
    """Kill a copy with a journal, and finish it."""
    for number in range(_MANY):
        stage.them.put_object(Bucket=SRC, Key=f"many/{number:03}", Body=b"%d" % number)
    journal = str(stage.program.directory / "j.db")
    child = stage.program.start(
        *("copy", f"s3://{SRC}/many/", f"s3://{DST}/m/", "--recursive", *PROFILES),
        *("--journal", journal, "--max-requests-per-second", "150", "--retry-delay", "0.05"),
    )
    _wait_for(lambda: len(stage.keys(DST, "m/")) > _MANY // 8, child)
    child.send_signal(signal.SIGKILL)
    end_of(child)
    done = stage.program.run("resume", journal)
    if done.code != _OK or list(stage.differences("many/", "m/")):
        raise Broken(f"after the resume, exit {done.code}: {_reason(done)}")
    findings.works.append("kill and resume")


def journal_in_s3(stage: ServiceStage, findings: Findings) -> None:
    """Keep a journal on the service itself."""
    done = stage.copy("small/", "js/", "--journal", f"s3://{DST}/journal.db")
    if done.code == _OK:
        findings.works.append("journal in S3")
    elif done.code == _REFUSED:
        findings.lacks.append("no journal in S3 (name a file)")
    else:
        raise Broken(f"exit {done.code}: {_reason(done)}")


def doctor(stage: ServiceStage, findings: Findings) -> None:
    """The doctor says what the copy does."""
    copies = stage.copy("small/", "d/").code == _OK
    done = stage.run("doctor", "small/", "d/")
    if (done.code == _OK) != copies:
        raise Broken(f"exit {done.code}, but a copy works is {copies}: {_reason(done)}")
    findings.works.append("doctor")


def uploads(stage: ServiceStage, findings: Findings) -> None:
    """Nothing of the tour is left open, and what another program left is aborted."""
    try:
        stage.us.create_multipart_upload(Bucket=DST, Key="left/over")
    except Exception:  # noqa: BLE001 - the service has no uploads
        findings.lacks.append("no uploads")
        return
    time.sleep(2)
    usual = ("uploads", f"s3://{DST}/left/", "--dest-profile", US, "--retry-delay", "0.05")
    for options in ((), ("--all", "--yes")):  # without STS all uploads are those of others
        done = stage.program.run(*usual, "--abort-older-than", "1s", *options)
        if done.code == _OK and not stage.uploads("left/"):
            findings.note("`uploads`", options[:1])
            return
    findings.lacks.append("no `uploads`: the service does not list or abort them")


def wrong_credentials(stage: ServiceStage, findings: Findings) -> None:
    """Refused as such before anything is copied."""
    places = (f"s3://{SRC}/small/", f"s3://{DST}/w/")
    profiles = ("--source-profile", THEM, "--dest-profile", WRONG)
    done = stage.program.run("copy", *places, "--recursive", *profiles, "--retry-delay", "0.05")
    if done.code == _OK:
        findings.lacks.append("the service takes any credentials")
    elif done.code == _REFUSED and re.search("credentials|access", done.said):
        findings.works.append("wrong credentials")
    else:
        raise Broken(f"exit {done.code}: {_reason(done)}")


STOPS: tuple[Callable[[ServiceStage, Findings], None], ...] = (
    odd_keys,
    metadata_and_tags,
    parts,
    no_overwrite,
    skip_identical,
    check,
    kill_and_resume,
    journal_in_s3,
    doctor,
    wrong_credentials,
    uploads,
)


def _expect_contents(stage: ServiceStage, done: Done, source: str, destination: str) -> int:
    """Return how many objects are missing; that and any wrong one must be in the exit code."""
    kinds = Counter(kind for kind, _ in stage.differences(source, destination))
    if kinds["body"]:
        raise Broken(f"{kinds['body']} objects have another content")
    if kinds["missing"] and done.code == _OK:
        raise Broken(f"{kinds['missing']} objects are missing after exit 0")
    if done.code not in (_OK, _SOME_FAILED, _REFUSED):
        raise Broken(f"exit {done.code}: {_reason(done)}")
    return kinds["missing"]


def _wait_for(condition: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    until_s = time.monotonic() + 60
    while not condition() and child.poll() is None and time.monotonic() < until_s:
        time.sleep(0.05)


def _reason(done: Done) -> str:
    """Return the line that says most, short enough for a message."""
    lines = [line.strip() for line in done.said.splitlines()]
    telling = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
    return (telling or lines or [""])[0][:200]
