"""The printed policies on a real S3: with all of them a copy succeeds, without one it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from s3_xfer import AccountContext, CopyOptions, ErrorClass, PreflightError, S3CopyOperation
from s3_xfer.access.documents import EXTERNAL_ID
from s3_xfer.cli.permissions import policy
from s3_xfer.units import MIB
from tests.ceph.cluster import CephCluster
from tests.ceph.iam import (
    COPIER,
    DST,
    ROOTS,
    SCHEDULER,
    SOURCE,
    SRC,
    Document,
    IamWorld,
    without,
)
from tests.ceph.world import client_of
from tests.e2e.program import Done, Program, environment

US = ("--dest-profile", "us", "--dest-role-arn", COPIER)
PREFIX = (f"s3://{SRC}/in/", f"s3://{DST}/out/", "--recursive")
ROUTE = (*PREFIX, "--multipart-threshold", "5MiB", "--part-size", "5MiB")
MANY_TAGS = {f"key-{number}": "v" * 250 for number in range(10)}  # too long for a header
STATEMENTS = {
    "source-bucket": ["List", "Read", "ReadTags"],
    "copier": ["List", "Read", "ReadTags", "Write", "WriteTags"],
}


@pytest.fixture(scope="session")
def accounts(ceph: CephCluster) -> Iterator[IamWorld]:
    """Two accounts with IAM."""
    with IamWorld(ceph) as world:
        yield world


@dataclass(frozen=True, slots=True)
class Desk:
    """The accounts, and the program with the profile of a scheduler who assumes the role."""

    accounts: IamWorld
    program: Program

    def printed(self, place: str, *options: str) -> Document:
        """Return a document as the command prints it (in this process: it asks nobody)."""
        done = CliRunner().invoke(policy, [*(options or ROUTE), *US, "--only", place])
        assert done.exit_code == 0, done.output
        document: Document = json.loads(done.stdout)
        return document

    def copy(self, *options: str) -> Done:
        """Run the copy."""
        return self.program.run("copy", *(options or ROUTE), *US)

    def copy_in_process(self, *, overwrite: bool = True) -> ErrorClass | None:
        """Copy, and return what was wrong, if anything."""
        key, secret = self.accounts.scheduler
        operation = S3CopyOperation(
            source_bucket=SRC,
            source_key="in/",
            destination_bucket=DST,
            destination_key="out/",
            recursive=True,
            overwrite=overwrite,
            destination=AccountContext(
                session=boto3.Session(key, secret, region_name="us-east-1"),
                role_arn=COPIER,
                endpoint_url=self.accounts.url,
            ),
            source=AccountContext(endpoint_url=self.accounts.url),
            options=CopyOptions(multipart_threshold_bytes=5 * MIB, part_size_bytes=5 * MIB),
        )
        try:
            failures = operation.run().failures
        except PreflightError as error:
            return error.error_class
        return failures[0].error.error_class if failures else None


@pytest.fixture
def desk(accounts: IamWorld, tmp_path: Path) -> Desk:
    """Empty buckets, no rights, and a program."""
    accounts.empty()
    return _desk(accounts, tmp_path)


def _desk(accounts: IamWorld, directory: Path) -> Desk:
    key, secret = accounts.scheduler
    config = f"[profile us]\nregion=us-east-1\nendpoint_url={accounts.url}\n"
    secrets = f"[us]\naws_access_key_id={key}\naws_secret_access_key={secret}\n"
    env = {
        **environment(directory / "home", config, secrets),
        "AWS_ENDPOINT_URL_STS": accounts.url,
    }
    return Desk(accounts, Program(env, directory))


@pytest.fixture(scope="session")
def documents(
    accounts: IamWorld, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Document]:
    """What the program prints for both sides."""
    desk = _desk(accounts, tmp_path_factory.mktemp("printed"))
    done = desk.program.run("policy", *ROUTE, *US)
    assert done.code == 0, done.said
    printed = {entry["place"]: entry["document"] for entry in json.loads(done.out)["documents"]}
    assert printed == {place: desk.printed(place) for place in STATEMENTS}
    return printed


def put(accounts: IamWorld, key: str, size: int, tags: Mapping[str, str] | None = None) -> None:
    """Store an object in the source."""
    accounts.source.put_object(Bucket=SRC, Key=key, Body=bytes(size))
    if tags:
        tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
        accounts.source.put_object_tagging(Bucket=SRC, Key=key, Tagging={"TagSet": tag_set})


def fill(accounts: IamWorld) -> None:
    """Store what makes a run ask for every right: small, large, and tags that come late."""
    put(accounts, "in/a-large", 6 * MIB, MANY_TAGS)
    put(accounts, "in/small", 10, {"a": "b"})


def paste(accounts: IamWorld, documents: Mapping[str, Document]) -> None:
    """Put both documents where they belong."""
    accounts.put_source_policy(documents["source-bucket"])
    accounts.put_copier_policy(documents["copier"])


def names(document: Document) -> list[str]:
    """Return the names of the statements, without what makes them unique."""
    return [one["Sid"].removeprefix("S3Xfer")[:-8] for one in document["Statement"]]


def test_with_the_printed_policies_the_copy_succeeds_and_without_them_it_does_not(
    desk: Desk, documents: Mapping[str, Document]
) -> None:
    """Both documents together open the way, neither does alone."""
    fill(desk.accounts)
    assert {place: names(document) for place, document in documents.items()} == STATEMENTS

    assert desk.copy().code == 3
    desk.accounts.put_source_policy(documents["source-bucket"])
    assert desk.copy().code == 3
    desk.accounts.put_copier_policy(documents["copier"])
    done = desk.copy()

    assert done.code == 0, done.said
    assert desk.accounts.arrived() == {"out/a-large", "out/small"}


@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, names in STATEMENTS.items() for name in names]
)
def test_without_any_single_statement_the_copy_is_denied(
    desk: Desk, documents: Mapping[str, Document], place: str, name: str
) -> None:
    """Each statement is needed: none is there for good measure."""
    fill(desk.accounts)
    sid = documents[place]["Statement"][names(documents[place]).index(name)]["Sid"]
    paste(desk.accounts, {**documents, place: without(documents[place], sid)})

    wrong = desk.copy_in_process()

    late = (place, name) == ("copier", "WriteTags")  # found out when the object is there
    assert wrong is (ErrorClass.TAGS_NOT_COPIED if late else ErrorClass.ACCESS_DENIED)


def test_without_the_right_to_abort_an_upload_stays_and_is_named(
    desk: Desk, documents: Mapping[str, Document]
) -> None:
    """The statement for writing holds two rights; the second is missed at the end."""
    fill(desk.accounts)
    paste(desk.accounts, documents)
    copier = json.loads(json.dumps(documents["copier"]))
    copier["Statement"][names(copier).index("Write")]["Action"].remove("s3:AbortMultipartUpload")
    desk.accounts.put_copier_policy(copier)

    done = desk.copy()

    (upload,) = desk.accounts.watcher.list_multipart_uploads(Bucket=DST)["Uploads"]
    assert upload["UploadId"] in done.out
    assert "abort-multipart-upload" in done.out
    desk.accounts.watcher.abort_multipart_upload(
        Bucket=DST, Key=upload["Key"], UploadId=upload["UploadId"]
    )


def test_policies_of_one_object_open_that_object(desk: Desk) -> None:
    """Without --recursive nothing is listed, and nothing beside the object can be copied."""
    put(desk.accounts, "in/x", 10)
    put(desk.accounts, "in/xy", 10)
    one = (f"s3://{SRC}/in/x", f"s3://{DST}/out/x")
    paste(desk.accounts, {place: desk.printed(place, *one) for place in STATEMENTS})

    assert desk.copy(*one).code == 0
    assert desk.copy(f"s3://{SRC}/in/xy", one[1]).code == 3
    assert desk.copy(one[0], f"s3://{DST}/out/xy").code == 3
    assert desk.accounts.arrived() == {"out/x"}


def test_key_with_wildcards_opens_that_key(desk: Desk) -> None:
    """What looks like a wildcard in a key is none in its policy."""
    put(desk.accounts, "in/*", 10)
    put(desk.accounts, "in/secret", 10)
    one = (f"s3://{SRC}/in/*", f"s3://{DST}/out/x")
    paste(desk.accounts, {place: desk.printed(place, *one) for place in STATEMENTS})

    assert desk.copy(f"s3://{SRC}/in/secret", one[1]).code == 3


def test_printed_trust_policy_lets_one_user_assume_the_role(desk: Desk) -> None:
    """Whoever is named may, nobody else; another account's root, for one, may not."""
    sts = client_of(desk.accounts.url, ROOTS[SOURCE], "sts")
    assume = {"RoleArn": COPIER, "RoleSessionName": "test"}

    for trusted in (f"arn:aws:iam::{SOURCE}:user/other", SCHEDULER):
        desk.accounts.put_trust(desk.printed("trust", *ROUTE, "--trusted", trusted))
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(**assume)
        allowed = desk.copy_in_process() is not ErrorClass.CREDENTIALS_REFUSED
        assert allowed is (trusted == SCHEDULER)


def test_role_with_an_external_id_cannot_be_assumed_here(desk: Desk) -> None:
    """A difference to AWS: Ceph's gateway refuses such a role, the right id or not."""
    sts = boto3.client(
        "sts",
        endpoint_url=desk.accounts.url,
        aws_access_key_id=desk.accounts.scheduler[0],
        aws_secret_access_key=desk.accounts.scheduler[1],
        region_name="us-east-1",
    )
    options = (*ROUTE, "--trusted", SCHEDULER, "--dest-external-id", "agreed")
    printed = json.dumps(desk.printed("trust", *options))
    assert "agreed" not in printed
    desk.accounts.put_trust(json.loads(printed.replace(EXTERNAL_ID, "agreed")))

    try:
        for external_id in ({}, {"ExternalId": "agreed"}):
            with pytest.raises(ClientError, match="AccessDenied"):
                sts.assume_role(RoleArn=COPIER, RoleSessionName="test", **external_id)
    finally:
        desk.accounts.put_trust(desk.printed("trust", *ROUTE, "--trusted", SCHEDULER))
