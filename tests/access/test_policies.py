"""The policies for a run: what follows from its options, and in every form that can be pasted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
from cfnlint import lint
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_xfer import CopyOptions, S3CopyOperation, ValidationError
from s3_xfer.access.documents import Participants, PolicyDocument, PolicyTarget, Principal, literal
from s3_xfer.access.policies import policies_for
from s3_xfer.cli.exit_codes import ExitCode
from s3_xfer.model import AccountContext
from s3_xfer.options import CannedAcl, Delete, Encryption, Identical, RunMode, TagPolicy
from s3_xfer.render.policies import as_cloudformation, revert_commands, size_notes
from s3_xfer.render.policy_terraform import as_terraform
from tests.cli.program import real
from tests.iam_server.language import is_like

THEIRS, OURS = "111111111111", "222222222222"
COPIER = f"arn:aws:iam::{OURS}:role/team/copier"
OUR_KEY = f"arn:aws:kms:eu-central-1:{OURS}:key/1234-abcd"
THEIR_KEY = f"arn:aws:kms:eu-central-1:{THEIRS}:key/5678-abcd"
THIRD_KEY = "arn:aws:kms:eu-central-1:333333333333:key/9999-abcd"
ID = "an-id-that-is-agreed-upon"


def documents(
    *,
    source_key: str = "data/",
    destination_key: str = "in/",
    recursive: bool = True,
    overwrite: bool = True,
    source: AccountContext | None = None,
    destination: AccountContext | None = None,
    options: CopyOptions | None = None,
    **participants: Any,
) -> dict[str, PolicyDocument]:
    """Return the documents of a run by their places."""
    operation = S3CopyOperation(
        source_bucket="their-bucket",
        source_key=source_key,
        destination_bucket="our-bucket",
        destination_key=destination_key,
        recursive=recursive,
        source=source or AccountContext(bucket_owner=THEIRS),
        destination=destination or AccountContext(bucket_owner=OURS),
        options=options or CopyOptions(),
    )
    found = policies_for(
        operation.key_maps(),
        operation.options,
        overwrite=overwrite,
        participants=Participants(copier=Principal.parse(COPIER), **participants),
    )
    return {one.target.value: one for one in found}


def everything() -> list[PolicyDocument]:
    """Return every kind of document there is."""
    return list(
        documents(
            overwrite=False,
            source=AccountContext(bucket_owner=THEIRS, role_arn=f"arn:aws:iam::{THEIRS}:role/r"),
            destination=AccountContext(
                bucket_owner="333333333333", role_arn=COPIER, external_id=ID
            ),
            options=CopyOptions(
                acl=CannedAcl.BUCKET_OWNER_FULL_CONTROL,
                sse=Encryption.KMS,
                sse_kms_key_id=OUR_KEY,
            ),
            source_keys=(THEIR_KEY,),
            destination_keys=(THIRD_KEY,),
            trusted=Principal.parse("arn:aws:iam::444444444444:role/scheduler"),
        ).values()
    )


def actions(document: PolicyDocument) -> set[str]:
    """Return all actions of a document."""
    return {action for one in document.statements for action in one.actions}


READ = {"s3:ListBucket", "s3:GetObject", "s3:GetObjectTagging"}
WRITE = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectTagging"}


def test_ordinary_copy_needs_two_documents() -> None:
    """The source's bucket lets the copier read; the copier may read there and write here."""
    found = documents()

    assert set(found) == {"source-bucket", "copier"}
    assert actions(found["source-bucket"]) == READ
    assert actions(found["copier"]) == READ | WRITE
    assert {one.principal.arn for one in found["source-bucket"].statements if one.principal} == {
        COPIER
    }
    assert {one.principal for one in found["copier"].statements} == {None}
    resources = {r for one in found["copier"].statements for r in one.resources}
    assert resources == {
        "arn:aws:s3:::their-bucket",
        "arn:aws:s3:::their-bucket/data/*",
        "arn:aws:s3:::our-bucket/in/*",
    }
    assert found["copier"].statements[0].condition == {"StringLike": {"s3:prefix": "data/*"}}


# options, what the copier may do in addition, what it may no longer do
CHANGES: dict[str, tuple[Mapping[str, Any], set[str], set[str]]] = {
    "no tags": (
        {"options": CopyOptions(tags=TagPolicy.SKIP)},
        set(),
        {"s3:GetObjectTagging", "s3:PutObjectTagging"},
    ),
    "ACL": ({"options": CopyOptions(acl=CannedAcl.PRIVATE)}, {"s3:PutObjectAcl"}, set()),
    "a key": (
        {"options": CopyOptions(sse=Encryption.KMS, sse_kms_key_id=OUR_KEY)},
        {"kms:GenerateDataKey", "kms:Decrypt"},
        set(),
    ),
    "AWS's own key": ({"options": CopyOptions(sse=Encryption.KMS)}, set(), set()),
    "the bucket's key": (
        {"destination_keys": (OUR_KEY,)},
        {"kms:GenerateDataKey", "kms:Decrypt"},
        set(),
    ),
    "the source's key": ({"source_keys": (THEIR_KEY,)}, {"kms:Decrypt"}, set()),
    "requester pays": ({"options": CopyOptions(request_payer=True)}, set(), set()),
    "one object": (
        {"recursive": False, "source_key": "data/x", "destination_key": "in/x"},
        set(),
        {"s3:ListBucket"},
    ),
    "dry run": (
        {"options": CopyOptions(mode=RunMode.DRY_RUN)},
        set(),
        WRITE,
    ),
    "source with credentials of its own": (
        {"source": AccountContext(bucket_owner=THEIRS, profile="them")},
        set(),
        {"s3:ListBucket"},
    ),
}


@pytest.mark.parametrize(("changes", "more", "less"), CHANGES.values(), ids=CHANGES)
def test_options_decide_what_is_needed(
    changes: Mapping[str, Any], more: set[str], less: set[str]
) -> None:
    """Nothing is asked for that this run does not do."""
    assert actions(documents(**changes)["copier"]) == (READ | WRITE | more) - less


def test_not_overwriting_looks_at_the_destination_and_nowhere_else() -> None:
    """``--no-overwrite`` and ``--skip-identical`` read what exists at the destination."""
    plain, careful = documents()["copier"], documents(overwrite=False)["copier"]
    assert documents(options=CopyOptions(identical=Identical.SKIP))["copier"] == careful

    (look, look_for) = (one for one in careful.statements if one not in plain.statements)
    assert (look.actions, look.resources) == (("s3:GetObject",), ("arn:aws:s3:::our-bucket/in/*",))
    assert look_for.resources == ("arn:aws:s3:::our-bucket",)


def test_backups_are_written_below_their_prefix_and_read_from_what_is_deleted() -> None:
    """Without them a sync that deletes asks for none of it."""
    deletes: dict[str, Any] = {"identical": Identical.SKIP, "delete": Delete.EXTRA}
    options = CopyOptions(**deletes, backup_prefix="s3://our-safe/gone/")
    plain = documents(options=CopyOptions(**deletes))["copier"]

    backed_up = documents(options=options)["copier"].statements
    more = [each for each in backed_up if each not in plain.statements]

    assert {(each.actions, each.resources) for each in more} == {
        (
            ("s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"),
            ("arn:aws:s3:::our-safe/gone/*",),
        ),
        (("s3:ListBucket",), ("arn:aws:s3:::our-safe",)),
        (("s3:PutObjectTagging",), ("arn:aws:s3:::our-safe/gone/*",)),
        (("s3:GetObjectTagging",), ("arn:aws:s3:::our-bucket/in/*",)),
    }


def test_one_account_needs_no_bucket_policy() -> None:
    """Where both buckets are the copier's own account's, its identity policy is enough."""
    assert set(documents(source=AccountContext(bucket_owner=OURS))) == {"copier"}


def test_unknown_owner_is_taken_for_a_stranger() -> None:
    """Who does not say whose the source is gets the document that another account needs."""
    assert "source-bucket" in documents(source=AccountContext())


def test_keys_of_other_accounts_get_statements_of_their_own() -> None:
    """A key's policy has to name the copier only if the key is another account's."""
    found = documents(source_keys=(THEIR_KEY,), destination_keys=(OUR_KEY,))

    assert set(found) == {"source-bucket", "source-key", "copier"}
    assert (found["source-key"].account, found["source-key"].resource) == (THEIRS, THEIR_KEY)
    assert documents(destination_keys=(THIRD_KEY,))["destination-key"].account == "333333333333"


def test_other_partitions_are_named_so() -> None:
    """The ARNs of the buckets are of the copier's partition."""
    operation = S3CopyOperation(
        source_bucket="theirs",
        source_key="",
        destination_bucket="ours",
        destination_key="",
        recursive=True,
    )
    participants = Participants(copier=Principal.parse(f"arn:aws-cn:iam::{OURS}:user/u"))
    found = policies_for(
        operation.key_maps(), CopyOptions(), overwrite=True, participants=participants
    )

    resources = [r for one in found for s in one.statements for r in s.resources]
    assert resources
    assert all(resource.startswith("arn:aws-cn:s3:::") for resource in resources)


@given(st.text(min_size=1, max_size=30))
@settings(deadline=None)
def test_nothing_in_a_key_is_taken_for_a_wildcard_or_a_variable(key: str) -> None:
    """Whatever a key is called, its policy names it and nothing else."""
    written = literal(key)

    unescaped = re.sub(r"\$\{([*?$])\}", "", written)
    assert not set("*?$") & set(unescaped)
    assert re.sub(r"\$\{([*?$])\}", r"\1", written) == key


@pytest.mark.parametrize(
    "arn",
    ["*", "arn:aws:iam::222222222222:root", "222222222222", "arn:aws:iam::222222222222:role/*"],
)
def test_wildcards_and_whole_accounts_are_no_principals(arn: str) -> None:
    """A policy names one role or one user."""
    with pytest.raises(ValidationError, match="not the ARN of one role or user"):
        Principal.parse(arn)


def test_session_stands_for_its_role() -> None:
    """What STS answers is a session; what a policy names is the role."""
    session = f"arn:aws:sts::{OURS}:assumed-role/copier/s3-xfer"

    assert Principal.parse(session).arn == f"arn:aws:iam::{OURS}:role/copier"


@pytest.mark.parametrize("key", ["alias/x", "1234-abcd", "arn:aws:kms:eu-central-1:1:alias/x"])
def test_keys_are_given_by_their_arns(key: str) -> None:
    """An alias means another key in every account."""
    with pytest.raises(ValidationError, match="not the ARN of a KMS key"):
        documents(source_keys=(key,))


@pytest.mark.parametrize("alias", ["point-abc-s3alias", "lambda-abc--ol-s3"])
def test_alias_of_an_access_point_is_refused(alias: str) -> None:
    """A policy with an alias for a bucket would look right and allow nothing."""
    operation = S3CopyOperation(
        source_bucket=alias,
        source_key="data/",
        destination_bucket="our-bucket",
        destination_key="",
        recursive=True,
    )
    with pytest.raises(ValidationError, match="alias of an access point"):
        policies_for(
            operation.key_maps(),
            CopyOptions(),
            overwrite=True,
            participants=Participants(copier=Principal.parse(COPIER)),
        )


# ------------------------------------------------------------------------------ the forms


def test_every_place_is_covered_by_the_examples_here() -> None:
    """What follows is about all kinds of documents."""
    assert {one.target for one in everything()} == set(PolicyTarget)


def test_no_form_has_a_wildcard_for_a_principal_or_an_action() -> None:
    """Nothing is ever opened to everybody, and no right is given by a pattern."""
    for document in everything():
        for statement in document.to_dict()["Statement"]:
            assert statement.get("Principal", {"AWS": COPIER})["AWS"].startswith("arn:aws:iam::")
            assert all(re.fullmatch(r"(s3|kms|sts):[A-Za-z]+", one) for one in statement["Action"])
            assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])


def test_no_form_holds_the_external_id() -> None:
    """An external id in a policy would end up in a repository."""
    found = everything()
    for text in (as_terraform(found), as_cloudformation(found), revert_commands(found)):
        assert ID not in text
    assert ID not in repr(found)


def test_terraform_is_read_by_its_parser() -> None:
    """Every document is there, with the same statements, and attached where that is possible."""
    module = hcl2.loads(as_terraform(everything()))

    blocks = [next(iter(one.values())) for one in module["data"]]
    assert len(blocks) == len(everything())
    for document, block in zip(everything(), blocks, strict=True):
        ((_, body),) = block.items()
        sids = [one["sid"].strip('"') for one in body["statement"]]
        assert sids == [one.sid for one in document.statements]
    assert len(module["resource"]) == 3
    assert len(module["output"]) == len(everything()) - 3


@given(st.text(max_size=20))
@settings(deadline=None, max_examples=30)
def test_terraform_survives_any_key(text: str) -> None:
    """What a key is called can neither end a string nor begin an expression."""
    try:
        found = documents(source_key=f"{text}/", destination_key="in/")
    except ValidationError:
        return
    written = as_terraform(list(found.values()))

    plain = as_terraform(list(documents(source_key="plain/", destination_key="in/").values()))
    module, expected = hcl2.loads(written), hcl2.loads(plain)
    assert [list(each) for each in module["data"]] == [list(each) for each in expected["data"]]
    assert module.keys() == expected.keys()
    assert len(re.findall(r"(?<!\$)\$\{", written)) == len(re.findall(r"(?<!\$)\$\{", plain))
    assert len(re.findall(r"(?<!%)%\{", written)) == len(re.findall(r"(?<!%)%\{", plain))


def test_cloudformation_passes_its_linter() -> None:
    """cfn-lint knows the resources and the policy language; it finds nothing to say."""
    found = lint(as_cloudformation(everything()))

    assert [str(one) for one in found] == []


def test_cloudformation_linter_would_speak_up() -> None:
    """The same linter does find a statement that is wrong."""
    broken = as_cloudformation(everything()).replace('"Effect": "Allow"', '"Effect": "Perhaps"')

    assert lint(broken)


def test_revert_takes_back_every_statement(tmp_path: Path) -> None:
    """Each statement is named in commands that a shell understands."""
    script = revert_commands(everything())

    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0
    for document in everything():
        if document.target is PolicyTarget.COPIER:
            assert f"--policy-name s3-xfer-{document.statements[0].sid[-8:]}" in script
        else:
            assert all(one.sid in script for one in document.statements)


# ---------------------------------------------------------------------------- the command

ROUTE = (
    *("policy", "s3://their-bucket/data/", "s3://our-bucket/in/", "--recursive"),
    *("--source-bucket-owner", THEIRS, "--dest-bucket-owner", OURS, "--dest-role-arn", COPIER),
)


def test_command_prints_all_documents_or_one() -> None:
    """Without more options: JSON with every document and where it belongs; or one, bare."""
    done = real(*ROUTE)
    all_of_them = json.loads(done.stdout)["documents"]
    one = json.loads(real(*ROUTE, "--only", "source-bucket").stdout)

    assert done.returncode == ExitCode.OK, done.stderr
    assert [entry["place"] for entry in all_of_them] == ["source-bucket", "copier"]
    assert all_of_them[0]["document"] == one
    assert one["Statement"][0]["Principal"] == {"AWS": COPIER}


@pytest.mark.parametrize(
    ("form", "begins"), [("terraform", "terraform {"), ("cloudformation", "{")]
)
def test_command_prints_other_forms(form: str, begins: str) -> None:
    """``--format`` chooses the form that is printed."""
    done = real(*ROUTE, "--format", form)

    assert done.returncode == ExitCode.OK
    assert done.stdout.startswith(begins)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--only", "trust"), "this copy needs no document for 'trust'"),
        (("--principal", "*"), "not the ARN of one role or user"),
        (("--source-kms-key", "alias/x"), "not the ARN of a KMS key"),
    ],
)
def test_command_refuses_what_it_cannot_write(more: tuple[str, ...], says: str) -> None:
    """The error is clear, and stdout has nothing that could be pasted."""
    done = real(*ROUTE, *more)

    assert (done.returncode, done.stdout) == (ExitCode.REFUSED, "")
    assert says in done.stderr


def test_a_journal_needs_to_look_at_uploads_and_at_itself() -> None:
    """The rights of a resumed run; those of the journal itself are the copier's alone."""
    found = documents(options=CopyOptions(journal="s3://our-notes/j*.db"))["copier"]
    looks = {"s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads"}
    resources = {resource for one in found.statements for resource in one.resources}

    assert looks <= actions(found)
    assert not looks & actions(documents()["copier"])
    assert {"arn:aws:s3:::our-notes", "arn:aws:s3:::our-notes/j${*}.db"} <= resources


# ------------------------------------------------------------------- limits and sessions


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_is_formatted_as_its_own_tool_does(tmp_path: Path) -> None:
    """``terraform fmt`` has nothing to change."""
    module = tmp_path / "main.tf"
    module.write_text(as_terraform(everything()))

    done = subprocess.run(["terraform", "fmt", "-check", "-diff", module], check=False)

    assert done.returncode == 0


def test_revert_does_nothing_with_credentials_of_another_account(tmp_path: Path) -> None:
    """Each account has a script of its own, which writes no file of the working folder."""
    programs, calls = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    aws = programs / "aws"
    aws.write_text(
        f'#!/bin/sh\necho "$*" >> {calls}\n'
        'case "$*" in *caller-identity*) echo 222222222222;; *get-*) echo \'{"Statement": []}\';; '
        "esac\n"
    )
    aws.chmod(0o755)
    kept = tmp_path / "left.json"
    kept.write_text("mine")
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}

    done = subprocess.run(
        ["bash", "-c", revert_commands(list(documents().values()))],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == "skipped: account 111111111111\n"
    assert "delete-role-policy --role-name copier" in calls.read_text()
    assert "bucket-policy" not in calls.read_text()
    assert kept.read_text() == "mine"
    assert {each.name for each in tmp_path.iterdir()} == {"bin", "calls", "left.json"}


@pytest.mark.parametrize(
    ("principal", "kind"), [(f"arn:aws:iam::{OURS}:user/u", "2,048"), (COPIER, "10,240")]
)
def test_document_that_aws_would_refuse_as_too_large_is_noted(principal: str, kind: str) -> None:
    """The note has the limit and a way out; what fits has no note."""
    keys = tuple(f"arn:aws:kms:eu-central-1:{THEIRS}:key/{n:036d}" for n in range(150))
    operation = S3CopyOperation(
        source_bucket="their-bucket",
        source_key="data/",
        destination_bucket="our-bucket",
        destination_key="in/",
        recursive=True,
    )
    large, small = (
        policies_for(
            operation.key_maps(),
            operation.options,
            overwrite=True,
            participants=Participants(copier=Principal.parse(principal), source_keys=few),
        )
        for few in (keys, keys[:1])
    )

    (note,) = [text for text in size_notes(large) if "identity policy" in text]
    assert kind in note
    assert "managed polic" in note
    assert list(size_notes(small)) == []


def test_partitions_are_not_mixed() -> None:
    """S3 copies within one partition; documents of two would never work."""
    for other in ("aws-cn", "aws-us-gov"):
        key = f"arn:{other}:kms:cn-north-1:{THEIRS}:key/1"
        with pytest.raises(ValidationError, match="partitions"):
            Participants(copier=Principal.parse(COPIER), source_keys=(key,))


SESSIONS = {
    f"arn:aws:sts::{OURS}:assumed-role/copier/s3-xfer": "copier",
    f"arn:aws:sts::{OURS}:assumed-role/AWSReservedSSO_Data_0123456789abcdef/me@x.org": (
        "AWSReservedSSO_Data_0123456789abcdef"
    ),
}


@pytest.mark.parametrize("arn", SESSIONS)
def test_session_is_named_so_that_it_can_be_pasted(arn: str) -> None:
    """The path is unknown: the account, and a condition that fits every path, and no more."""
    name = SESSIONS[arn]
    principal = Principal.parse(arn)

    assert principal.named_as == f"arn:aws:iam::{OURS}:root"
    (patterns,) = principal.condition["ArnLike"].values()
    for path in ("/", "/team/", "/aws-reserved/sso.amazonaws.com/eu-west-1/"):
        role = f"arn:aws:iam::{OURS}:role{path}{name}"
        assert any(is_like(role, pattern) for pattern in patterns)
    for other in (f"/x{name}", f"/{name}x", f"/{name}/x"):
        role = f"arn:aws:iam::{OURS}:role{other}"
        assert not any(is_like(role, pattern) for pattern in patterns)


def test_dry_run_needs_no_journal() -> None:
    """A dry run keeps none."""
    options = CopyOptions(mode=RunMode.DRY_RUN, journal="s3://our-bucket/journal.db")

    assert actions(documents(options=options)["copier"]) == READ


def test_caller_of_a_role_gets_a_document_too() -> None:
    """The trust policy names the caller, and the caller's own policy the role."""
    trusted = Principal.parse("arn:aws:iam::444444444444:role/scheduler")

    found = documents(trusted=trusted)

    assert found["caller"].account == "444444444444"
    assert actions(found["caller"]) == actions(found["trust"]) == {"sts:AssumeRole"}
    assert found["caller"].statements[0].resources == (COPIER,)


@pytest.mark.parametrize(
    ("options", "statements"),
    [
        (
            CopyOptions(files_from="s3://notes/l*.csv"),
            {"ReadList": "arn:aws:s3:::notes/l${*}.csv"},
        ),
        (
            CopyOptions(inventory="s3://notes/inv/daily/2026-11-27T01-00Z/manifest.json"),
            {
                "ReadInventory": "arn:aws:s3:::notes/inv/daily/*",
                "LookForInventory": "arn:aws:s3:::notes",
            },
        ),
        (
            CopyOptions(inventory="s3://notes/inv/daily/"),
            {
                "ReadInventory": "arn:aws:s3:::notes/inv/daily/*",
                "LookForInventory": "arn:aws:s3:::notes",
            },
        ),
        (CopyOptions(files_from="keys.txt"), {}),
    ],
    ids=["list", "manifest", "folder", "file"],
)
@pytest.mark.parametrize("has_reader", [False, True])
def test_who_lists_reads_the_list(
    options: CopyOptions, statements: dict[str, str], has_reader: bool
) -> None:
    """The source's credentials where there are any, otherwise the copier."""
    profile = "them" if has_reader else None
    found = documents(options=options, source=AccountContext(profile=profile, bucket_owner=THEIRS))
    names = {"ReadList", "ReadInventory", "LookForInventory"}
    holders = {
        place
        for place, one in found.items()
        if names & {statement.name for statement in one.statements}
    }
    place = "reader" if has_reader else "copier"

    seen = {each.name: each.resources[0] for each in found[place].statements if each.name in names}

    assert seen == statements
    assert holders == ({place} if statements else set())
