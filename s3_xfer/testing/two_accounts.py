"""Two AWS accounts with S3, embedded: moto behind a loopback port.

Exists so that the demo and the tests can copy between accounts with nothing installed and
nothing reached. Needs the extra ``s3-xfer[testing]`` (``moto[server]``).

What it gets right because of this package: conditional copies and expected owners of
buckets (:mod:`.conditions`), tags across accounts, keys with a newline. What it is wrong about, so
that no test relies on it:

- no policy is evaluated, neither a bucket's nor an identity's; ``cross_account_access`` is all
  the authorization there is, and any role can be assumed;
- ``RequestPayer`` and ``If-Match`` at the destination are ignored, as are
  ``If-(Un)modified-Since`` of the source;
- an archived source fails CopyObject as it must, but UploadPartCopy copies it;
- no limits (5 GiB per CopyObject, 1,024 bytes per key), no ranges refused, no throttling, no
  redirects between regions; SSE-C and KMS are only echoed;
- UploadPartCopy answers a missing source with a bare 404 and a wrong upload id with a 500;
- the website redirect is copied although S3 does not; annotations and S3 Batch are missing.

moto's state belongs to the process: two :class:`TwoAccounts` at once share buckets.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import boto3.session
import botocore.session
from botocore.config import Config
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import s3_backends

from s3_xfer.testing.conditions import Conditions
from s3_xfer.testing.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

SOURCE_ACCOUNT = "111111111111"
DESTINATION_ACCOUNT = "222222222222"
SOURCE_PROFILE = "account-a"
DESTINATION_PROFILE = "account-b"
REGION = "us-east-1"

_ACCESS_SWITCH = "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"  # moto reads it at every request
# Nothing of the caller's AWS configuration or proxies may reach the embedded server's clients.
_NO_CONFIGURATION = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_DIRECT = Config(proxies={}, max_pool_connections=64)


class TwoAccounts:
    """A context manager: S3 and STS of two accounts at ``url``, empty at the start.

    ``cross_account_access=False`` makes S3 deny every request to the other account's buckets, as
    an account without bucket policies would. It can be switched while the server runs.
    """

    SOURCE_ACCOUNT = SOURCE_ACCOUNT
    DESTINATION_ACCOUNT = DESTINATION_ACCOUNT

    def __init__(self, *, cross_account_access: bool = True) -> None:
        self._initial_access = cross_account_access
        self._credentials: dict[str, CredentialsTypeDef] = {}
        self._sessions: dict[str, boto3.session.Session] = {}

    def __enter__(self) -> Self:
        self._switch_before = os.environ.get(_ACCESS_SWITCH)
        self.cross_account_access = self._initial_access
        self._server = LoopbackServer(Conditions(_S3AndSts()))
        self._server.start()
        self.reset()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._credentials.clear()
        self._sessions.clear()
        self.reset()
        _set_environment(_ACCESS_SWITCH, self._switch_before)

    @property
    def url(self) -> str:
        """The endpoint, for S3 and STS."""
        return self._server.url

    @property
    def cross_account_access(self) -> bool:
        """Whether one account may read and write the other's buckets."""
        return os.environ.get(_ACCESS_SWITCH) != "false"

    @cross_account_access.setter
    def cross_account_access(self, allowed: bool) -> None:
        os.environ[_ACCESS_SWITCH] = "true" if allowed else "false"

    def reset(self) -> None:
        """Remove all buckets. Credentials, sessions and clients stay valid."""
        for _, _, backend in tuple(s3_backends.iter_backends()):
            backend.reset()
        s3_backends.bucket_accounts.clear()
        # moto keeps tags per account of the caller; they belong to the object.
        source, destination = (s3_backends[a]["aws"] for a in (SOURCE_ACCOUNT, DESTINATION_ACCOUNT))
        destination.tagger = source.tagger

    def credentials(self, account_id: str) -> CredentialsTypeDef:
        """Return session credentials of a role in the account, from STS."""
        if account_id not in self._credentials:
            sts: STSClient = _session("anybody", "secret").client(
                "sts", endpoint_url=self.url, config=_DIRECT
            )
            answer = sts.assume_role(
                RoleArn=f"arn:aws:iam::{account_id}:role/tester", RoleSessionName="two-accounts"
            )
            sts.close()
            self._credentials[account_id] = answer["Credentials"]
        return self._credentials[account_id]

    def session(self, account_id: str) -> boto3.session.Session:
        """Return the account's session, always the same. Its clients need ``endpoint_url``."""
        if account_id not in self._sessions:
            found = self.credentials(account_id)
            self._sessions[account_id] = _session(
                found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
            )
        return self._sessions[account_id]

    @overload
    def client(self, service: Literal["s3"], account_id: str) -> S3Client: ...
    @overload
    def client(self, service: Literal["sts"], account_id: str) -> STSClient: ...
    def client(self, service: Literal["s3", "sts"], account_id: str) -> Any:
        """Return a client of the account for this server. Close it when done."""
        return self.session(account_id).client(service, endpoint_url=self.url, config=_DIRECT)

    def store(self, bucket: str, objects: Iterable[tuple[str, bytes]]) -> int:
        """Put objects behind S3's back, thousands per second; return how many."""
        partition, account_id = s3_backends.bucket_accounts[bucket]
        backend = s3_backends[account_id][partition]
        count = 0
        for key, body in objects:
            _ = backend.put_object(bucket, key, body).etag  # now, not in two threads at once later
            count += 1
        return count

    def write_aws_config(self, directory: Path) -> dict[str, str]:
        """Write profiles ``account-a`` and ``account-b``; return the environment to use them.

        The environment is the caller's without any ``AWS_*``, plus what makes boto3 and the AWS
        CLI read these files, and only these, and talk to this server directly.
        """
        config, secrets = directory / "config", directory / "credentials"
        accounts = ((SOURCE_PROFILE, SOURCE_ACCOUNT), (DESTINATION_PROFILE, DESTINATION_ACCOUNT))
        config.write_text("".join(self._config_section(profile) for profile, _ in accounts))
        secrets.touch(mode=0o600)
        secrets.write_text("".join(self._secrets_section(*account) for account in accounts))
        return {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        } | {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": str(secrets),
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def _config_section(self, profile: str) -> str:
        return f"[profile {profile}]\nregion = {REGION}\nendpoint_url = {self.url}\n\n"

    def _secrets_section(self, profile: str, account_id: str) -> str:
        found = self.credentials(account_id)
        return (
            f"[{profile}]\n"
            f"aws_access_key_id = {found['AccessKeyId']}\n"
            f"aws_secret_access_key = {found['SecretAccessKey']}\n"
            f"aws_session_token = {found['SessionToken']}\n\n"
        )


class _S3AndSts:
    """moto's two applications. moto's own dispatcher searches among 200, at twice the cost."""

    def __init__(self) -> None:
        self._s3 = create_backend_app("s3")
        self._sts = create_backend_app("sts")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, for the service that it is signed for."""
        # moto takes the key from RAW_URI; PATH_INFO only has to match a pattern without newlines.
        environ["PATH_INFO"] = environ["PATH_INFO"].replace("\n", "_").replace("\r", "_")
        is_sts = "/sts/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
        return (self._sts if is_sts else self._s3)(environ, start_response)


def _session(access_key: str, secret_key: str, token: str | None = None) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars=_NO_CONFIGURATION),
    )


def _set_environment(name: str, value: str | None) -> None:
    """Set a variable, or remove it if ``value`` is None."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
