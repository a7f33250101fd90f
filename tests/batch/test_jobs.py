"""A copy as a job of S3 Batch Operations, from the plan to the last object."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.batch.conftest import FROM, ROLE, TO, Desk
from tests.e2e.program import PROFILES, US, end_of
from tests.reports import lines_of
from tests.world import DST, SRC

ODD = ("a b", "ü/日本", "a+b", "a%20b", 'q"u,o', "new\nline", "p?q#r")
OBJECTS = {f"data/{name}": name.encode() for name in (*ODD, "plain", "empty/")}
DENIED = "(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: R1)"
ARRIVED = {f"copies/{key}": body for key, body in OBJECTS.items()}


def test_job_copies_everything_from_plan_to_report(desk: Desk) -> None:
    """Keys of all kinds arrive, and each is reported as copied once it was compared."""
    desk.shop.fill(OBJECTS)

    codes = [desk.plan().code, desk.run("submit").code, desk.run("watch").code]
    collected = desk.run("collect", "--json")

    assert (codes, collected.code) == ([0, 0, 0], 0), collected.said
    assert desk.copies() == ARRIVED
    assert {line["status"] for line in lines_of(desk.report)} == {"copied"}
    said = collected.json()
    assert (said["files_copied_successfully"], said["total_files_found"]) == (9, 9)
    assert said["total_bytes_transferred"] == sum(map(len, OBJECTS.values()))
    assert (said["operation_id"], said["duration_seconds"]) == ("job-number-0", 7.0)


def test_plan_says_what_the_job_is_told(desk: Desk) -> None:
    """The request has prefix, role, token and report; the policies name this job's places alone."""
    desk.shop.fill(OBJECTS)

    done = desk.plan("--storage-class", "STANDARD_IA", "--tags", "skip")
    request = json.loads((desk.folder / "plan.json").read_text())["request"]
    policies = {
        path.stem: json.loads(path.read_text()) for path in (desk.folder / "policies").iterdir()
    }

    assert done.code == 0, done.said
    assert "$0.25 job" in done.out
    assert request["Operation"]["S3PutObjectCopy"] == {
        "TargetResource": f"arn:aws:s3:::{DST}",
        "TargetKeyPrefix": "copies",
        "MetadataDirective": "COPY",
        "AnnotationDirective": "COPY",
        "StorageClass": "STANDARD_IA",
        "NewObjectTagging": [],
    }
    assert (request["AccountId"], request["RoleArn"]) == ("222222222222", ROLE)
    assert len(request["ClientRequestToken"]) <= 64
    (trust,) = policies["role-trust"]["Statement"]
    assert trust["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "222222222222"},
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:us-east-1:222222222222:job/*"},
    }
    resources = {
        statement["Sid"]: statement["Resource"] for statement in policies["role"]["Statement"]
    }
    assert resources["WriteCopies"] == [f"arn:aws:s3:::{DST}/copies/data/*"]
    assert resources["ReadSource"] == [f"arn:aws:s3:::{SRC}/data/*"]
    assert all(
        statement["Principal"] == {"AWS": ROLE}
        for statement in policies["source-bucket"]["Statement"]
    )
    actions = [action for each in policies["role"]["Statement"] for action in each["Action"]]
    assert not [action for action in actions if "Tagging" in action or "*" in action]
    assert desk.api.requests == []
    assert desk.shop.arrived() == {}


@pytest.mark.parametrize(
    ("source", "to", "folder"),
    [
        (f"s3://{SRC}/data/", f"s3://{DST}/data/", None),
        (f"s3://{SRC}/data", f"s3://{DST}/x/y/data", "x/y"),
        (f"s3://{SRC}/", f"s3://{DST}/", None),
        (f"s3://{SRC}/", f"s3://{DST}/x/", "x"),
    ],
)
def test_destination_that_keeps_the_key_can_be_planned(
    desk: Desk, source: str, to: str, folder: str | None
) -> None:
    """The folder is what comes before the whole source key."""
    desk.shop.fill(OBJECTS)

    done = desk.plan(source=source, to=to)

    assert done.code == 0, done.said
    request = json.loads((desk.folder / "plan.json").read_text())["request"]
    assert request["Operation"]["S3PutObjectCopy"].get("TargetKeyPrefix") == folder


@pytest.mark.parametrize(
    ("options", "to", "says"),
    [
        (("--no-overwrite",), TO, "cannot express --no-overwrite"),
        (("--skip-identical",), TO, "cannot express --skip-identical"),
        (("--journal", "j.db"), TO, "cannot express --journal"),
        (("--if-tag", "a=b"), TO, "cannot express --if-tag"),
        (("--storage-class", "REDUCED_REDUNDANCY"), TO, "REDUCED_REDUNDANCY"),
        (("--sse", "aws:kms:dsse"), TO, "cannot express --sse aws:kms:dsse"),
        (("--sse", "aws:kms"), TO, "without --sse-kms-key-id"),
        (("--sse", "AES256"), TO, "without replacing metadata"),
        ((), f"s3://{DST}/copies/", "keeps the whole source key"),
        ((), f"s3://{DST}/", "keeps the whole source key"),
        ((), f"s3://{DST}/xdata/", "keeps the whole source key"),
        ((), f"s3://{DST}/x//data/", "keeps the whole source key"),
        ((), f"s3://{DST}//data/", "keeps the whole source key"),
    ],
)
def test_what_a_job_cannot_express_is_refused(
    desk: Desk, options: tuple[str, ...], to: str, says: str
) -> None:
    """With exit code 3 and the reason, before anything is written."""
    desk.shop.fill(OBJECTS)

    done = desk.plan(*options, to=to)

    assert done.code == 3, done.said
    assert says in done.err
    assert not desk.folder.exists()


def test_filters_choose_what_the_job_copies(desk: Desk) -> None:
    """As those of a copy do; what they leave out is neither in the job nor in the rest."""
    desk.shop.fill(OBJECTS)
    planned = desk.plan("--exclude", "p*", "--min-size", "1", "--json").json()
    codes = [desk.run(name).code for name in ("submit", "watch", "collect")]

    assert (planned["objects"], planned["rest"], codes) == (7, {}, [0, 0, 0])
    assert len(desk.copies()) == len(lines_of(desk.report)) == 7


def test_empty_prefix_and_second_plan_are_refused(desk: Desk) -> None:
    """A folder without objects has no plan; one with a plan keeps it."""
    nothing = desk.plan()
    desk.shop.fill(OBJECTS)
    first, second = desk.plan(), desk.plan()

    assert (nothing.code, first.code, second.code) == (3, 0, 3)
    assert "there is a plan in" in second.err


def test_rest_is_copied_from_the_report(desk: Desk) -> None:
    """What a job cannot copy, did not try, failed at or lied about is copied by one command."""
    desk.shop.fill(OBJECTS)
    desk.shop.source.put_object(Bucket=SRC, Key="data/cold", Body=b"cold", StorageClass="GLACIER")
    desk.end(
        failures={
            "data/plain": ("PermanentFailure", "200", DENIED),
        },
        untried={"data/a b"},
        lies={"data/a%20b"},
        stages=["Active", "Failed"],
    )

    watched = desk.run("watch")
    collected = desk.run("collect")
    by_key = {line["source_key"]: line for line in lines_of(desk.report)}
    desk.shop.fill({"data/cold": b"cold"})  # as restored
    copied = desk.shop.program.run(
        "copy", "--recursive", FROM, TO, *PROFILES, "--from-report", str(desk.report), "--json"
    )

    assert (watched.code, collected.code) == (4, 1), collected.said
    assert "Threshold: too many" in watched.err
    assert by_key["data/plain"]["error_class"] == "AccessDenied"
    assert {key: by_key[key]["status"] for key in ("data/a b", "data/a%20b", "data/cold")} == {
        "data/a b": "not_attempted",
        "data/a%20b": "missing",
        "data/cold": "not_attempted",
    }
    assert "archived" in by_key["data/cold"]["reason"]
    assert copied.code == 0, copied.said
    assert copied.json()["files_copied_successfully"] == 4
    assert desk.copies() == ARRIVED | {"copies/data/cold": b"cold"}


def test_copy_that_only_the_job_vouches_for_is_not_copied(desk: Desk) -> None:
    """What is there has another content, another size, or was there before."""
    desk.shop.fill(OBJECTS)
    lies = {"data/plain", "data/a b"}
    desk.shop.destination.put_object(Bucket=DST, Key="copies/data/plain", Body=b"other")
    desk.shop.destination.put_object(Bucket=DST, Key="copies/data/a b", Body=b"longer")
    desk.end(lies=lies)

    watched, collected = desk.run("watch"), desk.run("collect")

    assert (watched.code, collected.code) == (0, 1), collected.said
    bad = {line["source_key"]: line for line in lines_of(desk.report) if line["status"] != "copied"}
    assert {key: bad[key]["status"] for key in bad} == dict.fromkeys(lies, "different")


@pytest.mark.parametrize(
    "settings",
    [
        {"report_name": "report.json"},
        {"status_first": False},
        {"status_first": False, "failures": {"data/plain": ("AccessDenied", "403", "no")}},
        {"failures": {"data/plain": ("AccessDenied", "403", 'a "quoted", long\ntext')}},
        {"failures": {"data/plain": ("SlowDown", "503", "")}},
    ],
)
def test_report_is_read_in_every_form(desk: Desk, settings: dict[str, Any]) -> None:
    """Under either name, with its columns in either order."""
    desk.shop.fill(OBJECTS)
    desk.end(**settings)

    desk.run("watch")
    done = desk.run("collect")

    failures = settings.get("failures", {})
    assert done.code == (1 if failures else 0), done.said
    failed = [line for line in lines_of(desk.report) if line["status"] == "failed"]
    assert [(line["code"], line["http_status"]) for line in failed] == [
        (code, int(status)) for code, status, _ in failures.values()
    ]


def test_job_is_submitted_once(desk: Desk) -> None:
    """A second submit sends nothing; without the note of the first, S3 gives the same job."""
    desk.shop.fill(OBJECTS)
    desk.end()

    again = desk.run("submit", "--json").json()
    sent = len(desk.api.requests)
    (desk.folder / "job.json").unlink()
    elsewhere = desk.run("submit", "--json").json()

    assert (again["job_id"], again["is_new"], sent) == ("job-number-0", False, 1)
    assert elsewhere["job_id"] == "job-number-0"
    assert len(desk.api.jobs) == 1


def test_commands_in_the_wrong_order_are_refused(desk: Desk) -> None:
    """Each says what comes before it."""
    desk.shop.fill(OBJECTS)
    without_plan = desk.run("submit")
    desk.plan()
    without_job = desk.run("watch")
    desk.api.stages = ["Active"]
    desk.run("submit")
    under_way = desk.run("collect")

    assert [done.code for done in (without_plan, without_job, under_way)] == [3, 3, 3]
    assert "has no plan of a job" in without_plan.err
    assert "has no job yet" in without_job.err
    assert "still under way (Active)" in under_way.err


def test_denied_job_says_what_to_allow(desk: Desk) -> None:
    """With S3's words, and the file that has the statement."""
    desk.shop.fill(OBJECTS)
    desk.plan()
    desk.api.refusal = (403, "AccessDenied", "not authorized to perform: iam:PassRole")

    done = desk.run("submit")

    assert done.code == 3, done.said
    assert "iam:PassRole" in done.err
    assert "caller.json" in done.err
    assert not (desk.folder / "job.json").exists()


def test_manifest_that_was_changed_is_not_submitted(desk: Desk) -> None:
    """An object that was not planned would be copied."""
    desk.shop.fill(OBJECTS)
    desk.plan()
    with (desk.folder / "manifest.csv").open("a") as file:
        file.write(f"{SRC},other\n")

    done = desk.run("submit")

    assert done.code == 3, done.said
    assert desk.api.requests == []


def test_report_that_was_damaged_is_refused(desk: Desk) -> None:
    """Its MD5 does not fit, so nothing of it is believed."""
    desk.shop.fill(OBJECTS)
    desk.end(damage=True)
    desk.run("watch")

    done = desk.run("collect")

    assert done.code == 3, done.said
    assert "its MD5 is another" in done.err
    assert not desk.report.exists()


def test_cancelled_job_without_a_report_leaves_everything(desk: Desk) -> None:
    """S3 writes none if nothing was tried."""
    desk.shop.fill(OBJECTS)
    desk.end(untried=set(OBJECTS), stages=["Cancelled"])

    watched, collected = desk.run("watch"), desk.run("collect")

    assert (watched.code, collected.code) == (4, 1), collected.said
    assert {line["status"] for line in lines_of(desk.report)} == {"not_attempted"}


def test_complete_does_not_mean_copied(desk: Desk) -> None:
    """The counters decide the exit code."""
    desk.shop.fill(OBJECTS)
    desk.end(untried=set(OBJECTS), stages=["Complete"])

    assert desk.run("watch").code == 1


def test_ctrl_c_leaves_the_job(desk: Desk) -> None:
    """Nothing is cancelled, and the command that would is shown; so is what it waits for."""
    desk.shop.fill(OBJECTS)
    desk.end(stages=["Suspended"])
    child = desk.shop.program.start(
        *("batch", "watch", str(desk.folder), "--dest-profile", US),
        *("--control-endpoint", desk.api.url, "--progress", "plain"),
    )
    assert child.stderr
    first = [child.stderr.readline() for _ in range(3)]

    child.send_signal(signal.SIGINT)
    done = end_of(child)

    assert done.code == 130, done.said
    assert any("Suspended" in line for line in first)
    assert any("it waits for a confirmation" in line for line in first)
    assert "--requested-job-status Cancelled" in done.err
    assert {request.split()[0] for request in desk.api.requests[1:]} == {"GET"}
