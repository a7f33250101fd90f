"""The server: a fault server whose buckets, keys and roles are decided about by policies.

All settings may be changed at any time; requests see them at once. Refuses to know which requests
come through a VPC endpoint: if there is an endpoint policy, all do.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from tests.fault_server import FaultServer, RequestRecord, StoredObject, documents, refusals
from tests.fault_server.refusals import Refusal
from tests.fault_server.state import Bucket, Principal
from tests.fault_server.wire import Answer, Request
from tests.iam_server import sentences
from tests.iam_server.evaluation import Layers, denial
from tests.iam_server.language import Question, matching
from tests.iam_server.sentences import Verdict
from tests.iam_server.state import Account, BucketAccess, Document, Key, Role

_SSE = "x-amz-server-side-encryption"
# Condition keys that are headers (Service Authorization Reference, "Condition keys for Amazon S3").
_HEADERS = (
    "x-amz-acl",
    _SSE,
    f"{_SSE}-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "if-none-match",
)
_ON_BUCKETS = frozenset({"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"})


class IamServer(FaultServer):
    """S3, STS and KMS under policies. ``names_policies`` is AWS since August 2026."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, Account] = {}
        self.roles: list[Role] = []
        self.keys: dict[str, Key] = {}
        self.access: dict[str, BucketAccess] = {}
        self.endpoint_policy: Document | None = None
        self.names_policies = True
        self.names_keys = True  # else "the resource associated with this ciphertext"
        self._world.authority = self

    def add_role(self, role: Role, *, access_key: str = "") -> Role:
        """Make a role or user known; with an access key, somebody has a session of it."""
        self.roles.append(role)
        self._world.account_ids.add(role.account)
        if access_key:
            self.add_session(role, access_key)
        return role

    def add_session(self, role: Role, access_key: str) -> None:
        """Let an access key be a session of a role."""
        principal = Principal(account_id=role.account, arn=role.session_arn)
        self._world.principals[access_key] = principal

    def put_as(self, owner: str, bucket: str, key: str, *, size: int) -> None:
        """Store an object of another account, as one that was written with an ACL."""
        item = self.put(bucket, key, size=size)
        self._world.buckets[bucket].store(replace(item, owner=owner))

    def add_key(self, key: Key) -> Key:
        """Make a key known."""
        self.keys[key.arn] = key
        return key

    # ------------------------------------------------------------------ decisions (Authority)

    def require(self, bucket: Bucket, request: Request, action: str, resource: str) -> None:
        """Refuse what policies do not allow, and what requester pays or settings forbid."""
        access, role = self.access[bucket.name], self._role_of(request)
        pays = request.headers.get("x-amz-request-payer") == "requester"
        if access.requester_pays and role.account != bucket.owner and not pays:
            raise refusals.access_denied()
        if access.blocks_public_acls and request.headers.get("x-amz-acl", "").startswith("public"):
            operation = "s3:CopyObject" if request.operation == "CopyObject" else "s3:PutObject"
            self._raise(role, operation, _arn(bucket, resource), sentences.PUBLIC_ACLS, bucket)
        key = "" if action in _ON_BUCKETS else resource
        arn = _arn(bucket, key)
        verdict = denial(
            self._layers(role, bucket, access, key),
            self._question(request, role, action, arn, item=bucket.objects.get(key)),
        )
        if verdict:
            said = sentences.context(verdict, action, role.account, with_arn=self.names_policies)
            bare = verdict.layer == "endpoint" and role.account != bucket.owner
            self._raise(role, action, arn, said, bucket, is_bare=bare)

    def require_key(self, request: Request, key_arn: str, action: str) -> None:
        """Refuse the use of a key by state, then by policies."""
        role = self._role_of(request)
        key = self.keys.get(key_arn)
        if key is None:
            raise Refusal(400, "KMS.NotFoundException", f"Key '{key_arn}' does not exist")
        if key.refusal:
            raise Refusal(400, *key.refusal)
        layers = Layers(
            identity=role.identity,
            resource=key.policy,
            owner=key.account,
            service_control=self._service_control(role),
            resource_control=self._resource_control(key.account),
            boundary=role.boundary,
            session=role.session,
            resource_is_key=True,
        )
        context = {"kms:calleraccount": role.account, **self._who(role)}
        question = Question(
            principal=role.arn,
            account=role.account,
            action=action,
            resource=key_arn,
            context=context,
        )
        verdict = denial(layers, question)
        if verdict:
            said = self._key_reason(verdict, action, role, key)
            named = key_arn if self.names_keys or action != "kms:Decrypt" else ""
            raise sentences.denied_key(role.session_arn, action, named, said)

    def _key_reason(self, verdict: Verdict, action: str, role: Role, key: Key) -> str:
        if verdict.layer == "resource" and role.account != key.account:
            return sentences.UNDECIDED
        return sentences.context(verdict, action, role.account, with_arn=self.names_policies)

    def _raise(
        self,
        role: Role,
        action: str,
        arn: str,
        said: str,
        bucket: Bucket,
        *,
        is_bare: bool = False,
    ) -> None:
        if is_bare or not self._says_more(role.account, bucket.owner):
            raise refusals.access_denied()
        raise sentences.denied(role.session_arn, action, arn, said)

    def _says_more(self, caller: str, owner: str) -> bool:
        """S3UG: enhanced messages within one account, or one organisation."""
        orgs = [self._account(number).org for number in (caller, owner)]
        return caller == owner or (orgs[0] == orgs[1] != "")

    # --------------------------------------------------------------------------------- STS

    def _work(self, request: Request, record: RequestRecord) -> Answer:
        if request.operation == "AssumeRole":
            try:
                self._require_trust(request)
            except Refusal as refusal:
                return documents.refused(request, refusal)
        return super()._work(request, record)

    def _require_trust(self, request: Request) -> None:
        form = dict(parse_qsl(request.body.decode()))
        caller, arn = self._role_of(request), form.get("RoleArn", "")
        role = next((role for role in self.roles if role.arn == arn), None)
        context = {"sts:externalid": form["ExternalId"]} if "ExternalId" in form else {}
        question = Question(
            principal=caller.arn,
            account=caller.account,
            action="sts:AssumeRole",
            resource=arn,
            context={**context, **self._who(caller)},
        )
        may = any(matching(caller.identity, question, "Allow"))
        trusted = role and any(matching(role.trust, question, "Allow"))
        if role and may and trusted:
            return
        said = ""
        if role and role.account == caller.account:
            said = " " + sentences.NOT_ALLOWED["trust" if may else "identity"].format(
                action="sts:AssumeRole"
            )
        message = f"User: {caller.session_arn} is not authorized to perform: sts:AssumeRole"
        raise Refusal(403, "AccessDenied", f"{message} on resource: {arn}{said}")

    # ------------------------------------------------------------------------------ helpers

    def _role_of(self, request: Request) -> Role:
        arn = self._world.principals[request.access_key].arn
        session = arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
        return next(
            role
            for role in self.roles
            if session in (role.session_arn.rpartition("/")[0], role.arn)
        )

    def _account(self, number: str) -> Account:
        return self.accounts.get(number) or Account(number=number)

    def _service_control(self, role: Role) -> Document | None:
        account = self._account(role.account)
        return None if account.is_management else account.service_control

    def _resource_control(self, owner: str) -> Document:
        account = self._account(owner)
        return [] if account.is_management else account.resource_control

    def _layers(self, role: Role, bucket: Bucket, access: BucketAccess, key: str) -> Layers:
        item = bucket.objects.get(key)
        is_foreign = item is not None and item.owner != bucket.owner and not access.owner_enforced
        return Layers(
            identity=role.identity,
            resource=access.policy,
            owner=bucket.owner,
            service_control=self._service_control(role),
            resource_control=self._resource_control(bucket.owner),
            boundary=role.boundary,
            session=role.session,
            endpoint=self.endpoint_policy,
            granted_by_acl=role.account in access.readers.get(key, ()),
            policy_speaks=not is_foreign,
        )

    def _question(
        self, request: Request, role: Role, action: str, arn: str, *, item: StoredObject | None
    ) -> Question:
        headers = request.headers
        context = {f"s3:{name}": headers[name] for name in _HEADERS if name in headers}
        if action == "s3:ListBucket" and "prefix" in request.query:
            context["s3:prefix"] = request.query["prefix"]
        if action.startswith("s3:Put"):
            given = parse_qsl(headers.get("x-amz-tagging", ""))
            context |= {f"s3:requestobjecttag/{name}".lower(): value for name, value in given}
        elif item:
            context |= {f"s3:existingobjecttag/{n}".lower(): v for n, v in item.tags.items()}
        return Question(
            principal=role.arn,
            account=role.account,
            action=action,
            resource=arn,
            context={**context, **self._who(role), "aws:securetransport": "false"},
        )

    def _who(self, role: Role) -> dict[str, str]:
        org = self._account(role.account).org
        return {
            "aws:principalarn": role.arn,
            "aws:principalaccount": role.account,
            "aws:sourceip": "127.0.0.1",
            **({"aws:principalorgid": org} if org else {}),
        }


def _arn(bucket: Bucket, key: str) -> str:
    return f"arn:aws:s3:::{bucket.name}{f'/{key}' if key else ''}"
