"""Situations in which a copy is denied: what is wrong, and what a person must be told.

The stage is a copy that works; each situation changes one thing. Accounts without an organisation
get bare denials from each other, within one AWS says why. What is expected is the truth about the
policies, as far as the messages, and requests that leave nothing behind, can show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3_xfer import AccountContext, CannedAcl, CopyOptions, Diagnosis, Encryption, S3CopyOperation
from s3_xfer.options import TagPolicy
from s3_xfer.units import MIB
from tests.iam_server import IamServer, Key, Role
from tests.iam_server.state import ALLOW_ALL, Account, BucketAccess, Document
from tests.world import session

THEM, US, THIRD = "111111111111", "222222222222", "333333333333"
SRC, DST = "src-bucket", "dst-bucket"
READ = ("s3:GetObject", "s3:GetObjectTagging")
WRITE = ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")
COPIER_KEY, READER_KEY, USER_KEY = "AKIACOPIER", "AKIAREADER", "AKIAUSER"
THEIR_KEY = f"arn:aws:kms:us-east-1:{THEM}:key/1111-aaaa"
OUR_KEY = f"arn:aws:kms:us-east-1:{US}:key/2222-bbbb"
THIRD_KEY = f"arn:aws:kms:us-east-1:{THIRD}:key/3333-cccc"
_WHERE = re.compile(r": (bucket|identity|key) policy of (.+)")


def allow(*actions: str, on: str | Sequence[str], to: str = "", **conditions: Any) -> Any:
    """Return a statement that allows."""
    return _statement("Allow", actions, on, to, conditions)


def deny(*actions: str, on: str | Sequence[str], to: str = "", **conditions: Any) -> Any:
    """Return a statement that denies."""
    return _statement("Deny", actions, on, to, conditions)


def _statement(
    effect: str, actions: Iterable[str], on: str | Sequence[str], to: str, conditions: Any
) -> Any:
    return {
        "Effect": effect,
        "Action": list(actions),
        "Resource": on,
        **({"Principal": {"AWS": to}} if to else {}),
        **({"Condition": conditions} if conditions else {}),
    }


class Stage:
    """Two accounts, a copy between them that works, and what changes it."""

    def __init__(self, server: IamServer) -> None:
        self.server = server
        self.settings: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.reader_named = False
        self.owners_named = True
        for number in (THEM, US, THIRD):
            server.accounts[number] = Account(number=number)
        server.create_bucket(SRC, owner=THEM)
        server.create_bucket(DST, owner=US)
        self.copier = server.add_role(Role(account=US, name="copier"), access_key=COPIER_KEY)
        self.reader = server.add_role(
            Role(account=THEM, name="reader", kind="user"), access_key=READER_KEY
        )
        self.copier.identity += [
            allow("s3:ListBucket", on=f"arn:aws:s3:::{SRC}"),
            allow(*READ, on=f"arn:aws:s3:::{SRC}/in/*"),
            allow(*WRITE, on=f"arn:aws:s3:::{DST}/out/*"),
        ]
        self.reader.identity += [
            allow("s3:ListBucket", on=f"arn:aws:s3:::{SRC}"),
            allow(*READ, on=f"arn:aws:s3:::{SRC}/*"),
        ]
        copier = self.copier.arn
        server.access[SRC] = BucketAccess(
            policy=[
                allow("s3:ListBucket", on=f"arn:aws:s3:::{SRC}", to=copier),
                allow(*READ, on=f"arn:aws:s3:::{SRC}/in/*", to=copier),
            ]
        )
        server.access[DST] = BucketAccess()
        server.put(SRC, "in/a.csv", size=10)

    # ------------------------------------------------------------------------- changes

    @property
    def source_policy(self) -> Document:
        """The source bucket's statements."""
        return self.server.access[SRC].policy

    @property
    def destination_policy(self) -> Document:
        """The destination bucket's statements."""
        return self.server.access[DST].policy

    def join_organisation(self) -> None:
        """Put both accounts into one organisation, so that AWS says why."""
        for number in (THEM, US):
            self.server.accounts[number].org = "o-exampleorg"

    def withhold(self, document: Document, *actions: str) -> None:
        """Take actions out of the statements of a document."""
        for statement in document:
            statement["Action"] = [each for each in statement["Action"] if each not in actions]

    def own_source(self) -> None:
        """Let the source belong to the copier's account."""
        self.server.create_bucket(SRC, owner=US)
        self.server.access[SRC].policy.clear()
        self.server.put(SRC, "in/a.csv", size=10)
        self.owners = {"source": US}

    owners: Mapping[str, str] = {}

    def foreign_destination(self) -> None:
        """Let the destination belong to a third account, which has granted what is needed."""
        self.server.create_bucket(DST, owner=THIRD)
        self.destination_policy.append(
            allow(*WRITE, on=f"arn:aws:s3:::{DST}/out/*", to=self.copier.arn)
        )
        self.owners = {"destination": THIRD}

    def with_reader(self) -> None:
        """Give the source credentials of its own."""
        self.reader_named = True

    def encrypt_source(self, key_arn: str = THEIR_KEY) -> None:
        """Put the object under a key that the copier may use."""
        key = self.server.add_key(Key.managed_by_customer(key_arn))
        key.policy.append(allow("kms:Decrypt", on="*", to=self.copier.arn))
        self.copier.identity.append(allow("kms:Decrypt", on=key_arn))
        self.server.put(SRC, "in/a.csv", size=10, sse="aws:kms", kms_key_id=key_arn)

    def encrypt_destination(self, key_arn: str = OUR_KEY) -> None:
        """Ask for a key at the destination, which the copier may use."""
        self.server.add_key(Key.managed_by_customer(key_arn))
        self.copier.identity.append(allow("kms:GenerateDataKey", "kms:Decrypt", on=key_arn))
        self.options |= {"sse": Encryption.KMS, "sse_kms_key_id": key_arn}

    def default_key(self, key_arn: str = OUR_KEY) -> None:
        """Give the destination bucket a key by default, which the copier may use."""
        self.encrypt_destination(key_arn)
        self.options.clear()
        owner = self.owners.get("destination", US)
        self.server.create_bucket(DST, owner=owner, sse="aws:kms", kms_key_id=key_arn)

    # ----------------------------------------------------------------------- the copy

    def account(self, access_key: str, **settings: Any) -> AccountContext:
        """Return how one side is reached."""
        url = self.server.url
        return AccountContext(session=session(access_key), endpoint_url=url, **settings)

    def operation(self) -> S3CopyOperation:
        """Return the copy."""
        owners = {"source": THEM, "destination": US, **self.owners} if self.owners_named else {}
        source = (
            self.account(READER_KEY, bucket_owner=owners.get("source"))
            if self.reader_named
            else AccountContext(endpoint_url=self.server.url, bucket_owner=owners.get("source"))
        )
        options = {"retry_delay_s": 0.01, "multipart_threshold_bytes": 16 * MIB, **self.options}
        settings: dict[str, Any] = {
            "source_bucket": SRC,
            "source_key": "in/",
            "destination_bucket": DST,
            "destination_key": "out/",
            "recursive": True,
            "source": source,
            "destination": self.account(COPIER_KEY, bucket_owner=owners.get("destination")),
        }
        return S3CopyOperation(
            **{**settings, **self.settings}, options=CopyOptions(part_size_bytes=8 * MIB, **options)
        )

    def single(self, key: str = "in/a.csv") -> None:
        """Copy one object."""
        self.settings |= {"source_key": key, "destination_key": f"out/{key}", "recursive": False}

    # --------------------------------------------------------------------------- pasting

    def paste(self, found: Diagnosis) -> None:
        """Add what is printed to where it says."""
        for missing in found.missing:
            match = _WHERE.search(missing.where)
            assert match, missing.where
            statement = json.loads(missing.statement)
            self._check_principal(statement)
            kind, name = match.groups()
            if kind == "bucket":
                self.server.access[name].policy.append(statement)
            elif kind == "key":
                self.server.keys[name].policy.append(statement)
            else:
                self._role(name).identity.append(statement)

    def _role(self, arn: str) -> Role:
        account, _, rest = arn.split(":", 4)[4].partition(":")
        name = rest.rpartition("/")[2]
        return next(r for r in self.server.roles if (r.account, r.name) == (account, name))

    def _check_principal(self, statement: Mapping[str, Any]) -> None:
        """AWS refuses to store a policy that names a role or user that does not exist."""
        named = statement.get("Principal", {}).get("AWS", "")
        known = {role.arn for role in self.server.roles}
        known |= {f"arn:aws:iam::{number}:root" for number in self.server.accounts}
        assert not named or named in known, f"no such principal: {named}"


Change = Callable[[Stage], object]
BOTH = frozenset({"source-bucket", "copier"})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is wrong, and what is to be said about it.

    ``cause`` stands in the first cause. ``pasted`` are the kinds of documents that statements are
    printed for; if there are any, pasting them ``cures`` it, unless nothing can show that no grant
    helps.
    """

    name: str
    changes: Sequence[Change]
    side: str
    action: str
    cause: str
    certain: bool
    pasted: frozenset[str] = field(default_factory=frozenset)
    cures: bool = True

    def build(self, stage: Stage) -> None:
        """Make it so."""
        for change in self.changes:
            change(stage)


def kinds_of(found: Diagnosis) -> frozenset[str]:
    """Return what kinds of documents statements are printed for."""
    names = {
        "source bucket": "source-bucket",
        "destination bucket": "destination-bucket",
        "source key": "source-key",
        "destination key": "destination-key",
        "source identity": "reader",
        "destination identity": "copier",
    }
    kinds = set()
    for missing in found.missing:
        match = _WHERE.search(missing.where)
        assert match, missing.where
        kinds.add(names[f"{missing.where.split()[0]} {match[1]}"])
    return frozenset(kinds)


# ------------------------------------------------------------------------------ the changes

_org = Stage.join_organisation
_reader = Stage.with_reader


def _no(where: str, *actions: str) -> Change:
    """Return a change that withholds actions in a document."""

    def change(stage: Stage) -> None:
        documents = {
            "source bucket": stage.source_policy,
            "copier": stage.copier.identity,
            "reader": stage.reader.identity,
            "destination bucket": stage.destination_policy,
        }
        stage.withhold(documents[where], *actions)

    return change


def _denied(where: str, *actions: str, on: str = "*", **conditions: Any) -> Change:
    """Return a change that adds an explicit denial to a layer."""

    def change(stage: Stage) -> None:
        if where in ("source bucket", "destination bucket"):
            document = stage.source_policy if where.startswith("s") else stage.destination_policy
            document.append(deny(*actions, on=on, to="*", **conditions))
            return
        statement = deny(*actions, on=on, **conditions)
        accounts, copier = stage.server.accounts, stage.copier
        if where == "scp":
            accounts[US].service_control = [*ALLOW_ALL, statement]
        elif where == "rcp source":
            accounts[THEM].resource_control.append(statement)
        elif where == "rcp destination":
            accounts[US].resource_control.append(statement)
        elif where == "boundary":
            copier.boundary = [*ALLOW_ALL, statement]
        elif where == "session":
            copier.session = [*ALLOW_ALL, statement]
        elif where == "endpoint":
            stage.server.endpoint_policy = [*ALLOW_ALL, statement]
        else:
            copier.identity.append(statement)

    return change


def _only(where: str, *actions: str) -> Change:
    """Return a change that adds a layer which allows nothing but these actions."""

    def change(stage: Stage) -> None:
        document = [allow(*actions, on="*")]
        if where == "scp":
            stage.server.accounts[US].service_control = document
        elif where == "endpoint":
            stage.server.endpoint_policy = document
        else:
            setattr(stage.copier, where, document)

    return change


def _put(key: str, **settings: Any) -> Change:
    return lambda stage: stage.server.put(SRC, key, **{"size": 10, **settings})


def _option(**options: Any) -> Change:
    return lambda stage: stage.options.update(options)


def _no_key(where: str, *actions: str) -> Change:
    """Return a change that withholds the use of all keys."""

    def change(stage: Stage) -> None:
        if where == "copier":
            stage.withhold(stage.copier.identity, *actions)
            return
        for key in stage.server.keys.values():
            if key.account == {"their key": THEM, "our key": US, "third key": THIRD}[where]:
                stage.withhold(key.policy[1:] or key.policy, *(*actions, "kms:*"))

    return change


def _broken_key(code: str, text: str, arn: str) -> Change:
    def change(stage: Stage) -> None:
        stage.server.keys[arn].refusal = (code, text)

    return change


def _access(bucket: str, **settings: Any) -> Change:
    def change(stage: Stage) -> None:
        for name, value in settings.items():
            setattr(stage.server.access[bucket], name, value)

    return change


def _foreign_object(key: str) -> Change:
    """Return a change that puts an object of a third account, as an ACL would."""

    def change(stage: Stage) -> None:
        stage.server.access[SRC].owner_enforced = False
        stage.server.put_as(THIRD, SRC, key, size=10)

    return change


_ALL = "s3:*"
_SRC_OBJECTS, _DST_OBJECTS = f"arn:aws:s3:::{SRC}/*", f"arn:aws:s3:::{DST}/*"
_LIMITS = {
    "scp": "service control policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "endpoint": "VPC endpoint",
}
_ACTION_PLACES = {
    "s3:GetObject": ("source", _SRC_OBJECTS),
    "s3:PutObject": ("destination", _DST_OBJECTS),
}


def _s(
    name: str,
    *changes: Change,
    side: str,
    action: str,
    cause: str,
    certain: bool = False,
    pasted: Iterable[str] = (),
    cures: bool = True,
) -> Situation:
    return Situation(name, changes, side, action, cause, certain, frozenset(pasted), cures)


def _grants() -> Iterable[Situation]:
    """A grant is missing, and AWS says no more than "Access Denied", or says it."""
    for action in ("s3:ListBucket", *READ):
        tagged = _put("in/a.csv", tags={"a": "b"})
        large = _put("in/big", size=40 * MIB)
        for where in ("source bucket", "copier"):
            bare = "bucket policy" if action != "s3:GetObjectTagging" else "tags may not"
            if action == "s3:ListBucket":
                bare = "policy does not allow s3:ListBucket"
            yield _s(
                f"{action} missing in {where}, bare",
                *(tagged, large, _no(where, action)),
                side="source",
                action=action,
                cause=bare,
                pasted=BOTH,
            )
            words = {
                "copier": ("identity policy of", {"copier"}),
                "source bucket": ("bucket's policy does not allow", {"source-bucket"}),
            }[where]
            yield _s(
                f"{action} missing in {where}, in one organisation",
                *(_org, tagged, large, _no(where, action)),
                side="source",
                action=action,
                cause=words[0],
                certain=True,
                pasted=words[1],
            )
        yield _s(
            f"{action} missing, own source",
            *(Stage.own_source, tagged, large, _no("copier", action)),
            side="source",
            action=action,
            cause="identity policy of",
            certain=True,
            pasted={"copier"},
        )
    for action in ("s3:PutObject", "s3:PutObjectTagging"):
        yield _s(
            f"{action} missing, own destination",
            *(_put("in/a.csv", tags={"a": "b"}), _no("copier", action)),
            side="destination",
            action=action,
            cause="identity policy of",
            certain=True,
            pasted={"copier"},
        )
        for where in ("destination bucket", "copier"):
            yield _s(
                f"{action} missing in {where}, foreign destination, bare",
                Stage.foreign_destination,
                *(_put("in/a.csv", tags={"a": "b"}), _no(where, action)),
                side="destination",
                action=action,
                cause="s3:PutObject",
                certain=action == "s3:PutObjectTagging",
                pasted={"destination-bucket", "copier"},
            )
    for acl_in, certain in (("own", True), ("foreign", True)):
        yield _s(
            f"s3:PutObjectAcl missing, {acl_in} destination",
            *([Stage.foreign_destination] if acl_in == "foreign" else []),
            _option(acl=CannedAcl.BUCKET_OWNER_FULL_CONTROL),
            side="destination",
            action="s3:PutObjectAcl",
            cause="identity policy of" if acl_in == "own" else "not with ACL",
            certain=certain,
            pasted={"copier"} if acl_in == "own" else {"destination-bucket", "copier"},
        )
    yield _s(
        "reader may not list",
        *(_reader, _no("reader", "s3:ListBucket")),
        side="source",
        action="s3:ListBucket",
        cause="identity policy of",
        certain=True,
        pasted={"reader"},
    )
    yield _s(
        "reader may list, not read a large object",
        *(_reader, _put("in/big", size=40 * MIB), _no("reader", "s3:GetObject")),
        side="source",
        action="s3:GetObject",
        cause="identity policy of",
        certain=True,
        pasted={"reader"},
    )
    yield _s(
        "reader may not read the tags of a large object",
        *(_reader, _put("in/big", size=40 * MIB), _no("reader", "s3:GetObjectTagging")),
        side="source",
        action="s3:GetObjectTagging",
        cause="identity policy of",
        certain=True,
        pasted={"reader"},
    )
    yield _s(
        "reader may all, the copier nothing",
        *(_reader, _no("source bucket", "s3:ListBucket", *READ)),
        side="source",
        action="s3:GetObject",
        cause="grants nothing",
        pasted=BOTH,
    )
    yield _s(
        "one object, list allowed, read missing",
        *(Stage.single, _no("source bucket", "s3:GetObject")),
        side="source",
        action="s3:GetObject",
        cause="list, but not read",
        pasted=BOTH,
    )
    yield _s(
        "one object, own source, read missing",
        *(Stage.own_source, Stage.single, _no("copier", "s3:GetObject")),
        side="source",
        action="s3:GetObject",
        cause="identity policy of",
        certain=True,
        pasted={"copier"},
    )
    yield _s(
        "one object that is missing, list not allowed, AWS says so",
        *(_org, lambda stage: stage.single("in/typo"), _no("copier", "s3:ListBucket")),
        side="source",
        action="s3:GetObject",
        cause="no such object",
        certain=True,
    )


def _limits() -> Iterable[Situation]:
    """No grant helps: something else denies, or does not allow."""
    for action, (side, objects) in _ACTION_PLACES.items():
        own = [Stage.own_source] if side == "source" else []
        for where, words in _LIMITS.items():
            yield _s(
                f"{action} denied by {where}",
                *(*own, _denied(where, action)),
                side=side,
                action=action,
                cause=words,
                certain=True,
            )
            others = [each for each in ("s3:ListBucket", *READ, *WRITE) if each != action]
            yield _s(
                f"{action} not allowed by {where}",
                *(*own, _only(where, *others)),
                side=side,
                action=action,
                cause=words,
                certain=True,
            )
        yield _s(
            f"{action} denied by the identity's own policy",
            *(*own, _denied("identity", action)),
            side=side,
            action=action,
            cause="denied explicitly: the identity policy",
            certain=True,
        )
        yield _s(
            f"{action} denied by the bucket's policy",
            *(*own, _denied(f"{side} bucket", action, on=objects)),
            side=side,
            action=action,
            cause="denied explicitly: the " + side,
            certain=True,
        )
        yield _s(
            f"{action} denied by a resource control policy",
            *(_org, _denied(f"rcp {side}", action)),
            side=side,
            action=action,
            cause="resource control policy",
            certain=True,
        )
        for where, words in _LIMITS.items():
            if side == "source":
                yield _s(
                    f"{action} denied by {where}, across accounts, bare",
                    _denied(where, action),
                    side=side,
                    action=action,
                    cause=words,
                )
    for where, words in _LIMITS.items():
        yield _s(
            f"s3:ListBucket denied by {where}, across accounts, bare",
            _denied(where, "s3:ListBucket"),
            side="source",
            action="s3:ListBucket",
            cause=words,
        )
        yield _s(
            f"s3:PutObjectTagging not allowed by {where}",
            *(
                _put("in/a.csv", tags={"a": "b"}),
                _only(where, "s3:ListBucket", *READ, "s3:PutObject", WRITE[2]),
            ),
            side="destination",
            action="s3:PutObjectTagging",
            cause=words,
            certain=True,
        )
    yield _s(
        "the identity's own policy denies reading everywhere, bare",
        _denied("identity", "s3:GetObject"),
        side="source",
        action="s3:GetObject",
        cause="denied explicitly: the identity policy",
    )
    yield _s(
        "the source's own credentials are denied as well",
        *(_reader, _denied("source bucket", "s3:GetObject", on=_SRC_OBJECTS)),
        side="source",
        action="s3:GetObject",
        cause="denied explicitly, to the source's own credentials",
    )
    yield _s(
        "https is demanded",
        _denied("destination bucket", "s3:*", on="*", Bool={"aws:SecureTransport": "false"}),
        side="destination",
        action="s3:PutObject",
        cause="aws:SecureTransport",
        certain=True,
    )
    yield _s(
        "public ACLs are blocked",
        lambda stage: stage.copier.identity.append(allow("s3:PutObjectAcl", on="*")),
        *(_access(DST, blocks_public_acls=True), _option(acl=CannedAcl.PUBLIC_READ)),
        side="destination",
        action="s3:PutObjectAcl",
        cause="Block Public Access",
        certain=True,
    )
    yield _s(
        "older AWS, which names no policies",
        lambda stage: setattr(stage.server, "names_policies", False),
        _denied("scp", "s3:PutObject"),
        side="destination",
        action="s3:PutObject",
        cause="service control policy",
        certain=True,
    )


def _settings() -> Iterable[Situation]:
    """The bucket wants something else: an owner, a payer, an option."""
    full = "bucket-owner-full-control"
    sse = "s3:x-amz-server-side-encryption"
    demands = {
        "--acl bucket-owner-full-control": {"StringNotEquals": {"s3:x-amz-acl": full}},
        "--sse AES256": {"StringNotEquals": {sse: "AES256"}},
        "--sse aws:kms": {"StringNotEquals": {sse: "aws:kms"}},
    }
    for foreign in (False, True):
        for option, condition in demands.items():
            yield _s(
                f"a demand for {option}, {'bare' if foreign else 'said'}",
                *([Stage.foreign_destination] if foreign else []),
                lambda stage: stage.copier.identity.append(allow("s3:PutObjectAcl", on="*")),
                lambda stage: stage.destination_policy.append(
                    allow("s3:PutObjectAcl", on="*", to=stage.copier.arn)
                ),
                _denied("destination bucket", "s3:PutObject", on=_DST_OBJECTS, **condition),
                side="destination",
                action="s3:PutObject",
                cause=f"demands {option}",
                certain=True,
            )
    yield _s(
        "requester pays, and the reader is the owner",
        *(_reader, _access(SRC, requester_pays=True)),
        side="source",
        action="s3:GetObject",
        cause="requester pays",
        certain=True,
    )
    yield _s(
        "requester pays",
        _access(SRC, requester_pays=True),
        side="source",
        action="s3:ListBucket",
        cause="requester pays",
        certain=True,
    )
    yield _s(
        "wrong owner of the source",
        lambda stage: setattr(stage, "owners", {"source": THIRD}),
        side="source",
        action="s3:ListBucket",
        cause=f"src-bucket does not belong to account {THIRD}",
        certain=True,
    )
    yield _s(
        "wrong owner of the destination",
        lambda stage: setattr(stage, "owners", {"destination": THIRD}),
        side="destination",
        action="s3:PutObject",
        cause=f"dst-bucket does not belong to account {THIRD}",
        certain=True,
    )
    yield _s(
        "listing only below another prefix",
        _denied(
            "source bucket",
            "s3:ListBucket",
            on=f"arn:aws:s3:::{SRC}",
            StringLike={"s3:prefix": "in/*"},
        ),
        side="source",
        action="s3:ListBucket",
        cause="condition on s3:prefix",
        certain=True,
        pasted=(),
    )
    others = _put("in/b/1", size=10)
    yield _s(
        "one prefix denied, bare",
        *(others, _denied("source bucket", "s3:GetObject", on=f"arn:aws:s3:::{SRC}/in/b/*")),
        side="source",
        action="s3:GetObject",
        cause="this one is denied",
        pasted=BOTH,
        cures=False,
    )

    def grant_only_some(stage: Stage) -> None:
        stage.withhold(stage.source_policy, "s3:GetObject")
        some = f"arn:aws:s3:::{SRC}/in/a*"
        stage.source_policy.append(allow("s3:GetObject", on=some, to=stage.copier.arn))

    yield _s(
        "one prefix not granted, bare",
        *(others, grant_only_some),
        side="source",
        action="s3:GetObject",
        cause="only some prefixes are granted",
        pasted=BOTH,
    )
    yield _s(
        "one prefix denied, said",
        *(_org, others),
        _denied("source bucket", "s3:GetObject", on=f"arn:aws:s3:::{SRC}/in/b/*"),
        side="source",
        action="s3:GetObject",
        cause="nothing below s3://src-bucket/in/b/",
        certain=True,
    )
    yield _s(
        "tagged objects denied, bare",
        *(_put("in/b.csv", tags={"class": "secret"}, size=20),),
        _denied(
            "source bucket",
            "s3:GetObject",
            on=_SRC_OBJECTS,
            StringEquals={"s3:ExistingObjectTag/class": "secret"},
        ),
        side="source",
        action="s3:GetObject",
        cause="s3:ExistingObjectTag",
    )
    yield _s(
        "tagged objects denied, said",
        *(_org, _put("in/b.csv", tags={"class": "secret"}, size=20)),
        _denied(
            "source bucket",
            "s3:GetObject",
            on=_SRC_OBJECTS,
            StringEquals={"s3:ExistingObjectTag/class": "secret"},
        ),
        side="source",
        action="s3:GetObject",
        cause="tags (s3:ExistingObjectTag)",
        certain=True,
    )
    yield _s(
        "an object of a third account among others",
        _foreign_object("in/z.csv"),
        _put("in/b/1", size=1),
        lambda stage: stage.server.put_as(THIRD, SRC, "in/big", size=100),
        side="source",
        action="s3:GetObject",
        cause="belongs to another account",
    )


def _keys() -> Iterable[Situation]:
    """KMS always says why; across accounts it leaves three causes open."""
    encrypted = Stage.encrypt_source
    yield _s(
        "kms:Decrypt missing in the copier's policy, source key",
        *(encrypted, _no_key("copier", "kms:Decrypt")),
        side="source",
        action="kms:Decrypt",
        cause="identity policy of",
        certain=True,
        pasted={"copier"},
    )
    yield _s(
        "kms:Decrypt missing in the source key's policy",
        *(encrypted, _no_key("their key", "kms:Decrypt")),
        side="source",
        action="kms:Decrypt",
        cause=f"key policy of {THEIR_KEY}",
        pasted={"source-key", "copier"},
    )
    yield _s(
        "the ciphertext's key, unnamed",
        *(encrypted, _no_key("copier", "kms:Decrypt")),
        lambda stage: setattr(stage.server, "names_keys", False),
        side="source",
        action="kms:Decrypt",
        cause="identity policy of",
        certain=True,
        pasted={"copier"},
    )
    yield _s(
        "the key of the copy, unnamed",
        *(encrypted, Stage.default_key),
        lambda stage: stage.withhold(stage.copier.identity[-1:], "kms:Decrypt"),
        lambda stage: setattr(stage.server, "names_keys", False),
        side="destination",
        action="kms:Decrypt",
        cause="identity policy of",
        certain=True,
        pasted={"copier"},
    )
    yield _s(
        "the source under aws/s3",
        lambda stage: stage.server.add_key(Key.managed_by_aws(THEIR_KEY)),
        lambda stage: stage.copier.identity.append(allow("kms:Decrypt", on="*")),
        _put("in/a.csv", sse="aws:kms", kms_key_id=THEIR_KEY),
        side="source",
        action="kms:Decrypt",
        cause=f"key policy of {THEIR_KEY}",
        pasted={"source-key", "copier"},
        cures=False,
    )
    for code, text in {
        "KMS.DisabledException": f"{THEIR_KEY} is disabled.",
        "KMS.KMSInvalidStateException": f"{THEIR_KEY} is pending deletion.",
        "KMS.NotFoundException": f"Key '{THEIR_KEY}' does not exist",
    }.items():
        yield _s(
            f"the source key: {code}",
            *(encrypted, _broken_key(code, text, THEIR_KEY)),
            side="source",
            action="kms:Decrypt",
            cause="cannot be used",
            certain=True,
        )
        yield _s(
            f"the destination key: {code}",
            Stage.encrypt_destination,
            _broken_key(code, text.replace(THEIR_KEY, OUR_KEY), OUR_KEY),
            side="destination",
            action="kms:GenerateDataKey",
            cause="cannot be used",
            certain=True,
        )
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        for name, key in (("asked for", Stage.encrypt_destination), ("default", Stage.default_key)):
            yield _s(
                f"{action} missing, destination key, {name}",
                *(key, _no_key("copier", action)),
                side="destination",
                action=action,
                cause="identity policy of",
                certain=True,
                pasted={"copier"},
            )
    yield _s(
        "the destination key's policy is silent",
        *(Stage.encrypt_destination, _no_key("our key", "kms:*")),
        side="destination",
        action="kms:GenerateDataKey",
        cause=f"key policy of {OUR_KEY}",
        certain=True,
        pasted={"destination-key"},
    )
    yield _s(
        "a third account's key at the destination",
        lambda stage: stage.encrypt_destination(THIRD_KEY),
        side="destination",
        action="kms:GenerateDataKey",
        cause=f"key policy of {THIRD_KEY}",
        pasted={"destination-key", "copier"},
    )
    yield _s(
        "kms:Decrypt missing on the destination's key, both encrypted",
        *(encrypted, Stage.encrypt_destination),
        lambda stage: stage.withhold(stage.copier.identity[-1:], "kms:Decrypt"),
        side="destination",
        action="kms:Decrypt",
        cause="identity policy of",
        certain=True,
        pasted={"copier"},
    )
    yield _s(
        "kms:Decrypt denied by an SCP",
        *(encrypted, _denied("scp", "kms:Decrypt")),
        side="source",
        action="kms:Decrypt",
        cause="service control policy",
        certain=True,
    )


def _identities() -> Iterable[Situation]:
    """Sessions do not show the path of their role; what is printed must be possible to paste."""

    def path(name: str, folder: str) -> Change:
        def change(stage: Stage) -> None:
            old = stage.copier.arn
            stage.copier.name, stage.copier.path = name, folder
            for statement in (*stage.source_policy, *stage.destination_policy):
                if statement["Principal"] == {"AWS": old}:
                    statement["Principal"] = {"AWS": stage.copier.arn}
            stage.server.add_session(stage.copier, COPIER_KEY)

        return change

    sso = "/aws-reserved/sso.amazonaws.com/eu-central-1/"
    for name, folder in (
        ("AWSReservedSSO_Data_0123456789abcdef", sso),
        ("copier", "/team/data/"),
    ):
        yield _s(
            f"a role with the path {folder}",
            *(path(name, folder), _no("source bucket", "s3:GetObject")),
            side="source",
            action="s3:GetObject",
            cause="list, but not read",
            pasted=BOTH,
        )
    yield _s(
        "a session policy that allows reading only, no tags copied",
        *(_option(tags=TagPolicy.SKIP), _only("session", "s3:ListBucket", *READ)),
        side="destination",
        action="s3:PutObject",
        cause="session policy",
        certain=True,
    )
    yield _s(
        "an unknown owner of the source",
        lambda stage: setattr(stage, "owners_named", False),
        _no("source bucket", "s3:GetObject"),
        side="source",
        action="s3:GetObject",
        cause="list, but not read",
        pasted=BOTH,
    )


SITUATIONS = {
    situation.name: situation
    for group in (_grants(), _limits(), _settings(), _keys(), _identities())
    for situation in group
}
