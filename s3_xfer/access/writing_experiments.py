"""Experiments that tell why the destination cannot be written: uploads, aborted at once.

Options are taken away, and what bucket policies usually demand is added, one thing at a time.
Every method may raise NoAnswerError: what came back says nothing about rights.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from botocore.exceptions import ClientError

from s3_xfer.access.denial_context import Arguments, DenialContext
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.probe import probe_key
from s3_xfer.copying.headers import write_params
from s3_xfer.errors import AccessAction
from s3_xfer.wording import message

_ACTION_OF_PARAMETER = {
    "ACL": AccessAction.WRITE_ACL,
    "ServerSideEncryption": AccessAction.ENCRYPT,
    "SSEKMSKeyId": AccessAction.ENCRYPT,
}
# What bucket policies usually demand (S3 User Guide, "Bucket policy examples"), and the option.
_DEMANDS: Mapping[str, Mapping[str, str]] = {
    message("{acl=bucket-owner-full-control}"): {"ACL": "bucket-owner-full-control"},
    message("{sse=AES256}"): {"ServerSideEncryption": "AES256"},
    message("{sse=aws:kms}"): {"ServerSideEncryption": "aws:kms"},
    message("{sse=aws:kms:dsse}"): {"ServerSideEncryption": "aws:kms:dsse"},
    message("{acl=bucket-owner-full-control} {sse=AES256}"): {
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "AES256",
    },
    message("{acl=bucket-owner-full-control} {sse=aws:kms}"): {
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "aws:kms",
    },
    message("{storage_class=INTELLIGENT_TIERING}"): {"StorageClass": "INTELLIGENT_TIERING"},
    message("{storage_class=STANDARD_IA}"): {"StorageClass": "STANDARD_IA"},
}


class WritingExperiments:
    """Looks closer at one denial of the destination. ``key`` is where it happened, if known."""

    def __init__(self, experiments: Experiments, denial: DenialContext, key: str) -> None:
        destination = experiments.keys.destination
        self._experiments = experiments
        self._denial = denial
        self._owner = destination.account.bucket_owner
        self._target: Arguments = {
            "Bucket": destination.bucket,
            "Key": key or probe_key(destination),
        }
        self._expected = {} if self._owner is None else {"ExpectedBucketOwner": self._owner}
        self._options = write_params(experiments.options)

    def look_closer(self) -> None:
        """Find the option without which, or the demand with which, the destination is writable."""
        if self._denial.step in (AccessAction.ABORT, AccessAction.LOOK):
            return  # nothing can be left out, or added
        if self._denial.step is AccessAction.WRITE_TAGS:
            self._examine_tags()
        elif self._opens("without any option", {}):
            if not self._is_owner_wrong():
                self._find_option()
        elif not self.find_demand() and self._denial.copied:
            self._denial.suspect(
                "only some prefixes may be written, or this one is denied: other objects of this "
                "run were written"
            )

    def find_demand(self) -> bool:
        """Return whether the destination can be written with what policies usually demand."""
        for demand, settings in _DEMANDS.items():
            if any(self._options.get(name) == value for name, value in settings.items()):
                continue
            if self._opens(
                message("with {demand}", demand=demand),
                {**self._expected, **self._options, **settings},
            ):
                self._denial.causes = []
                self._denial.set_cause(
                    message(
                        "a policy demands {demand}: writing is allowed with it, and denied without",
                        demand=demand,
                    )
                )
                return True
        return False

    def find_key(self) -> None:
        """Find the key under which the destination encrypts, asked for or by default."""
        arguments = {**self._target, **self._expected, **self._options}
        with suppress(ClientError):
            upload = self._experiments.copier.create_multipart_upload(**arguments)
            self._denial.key_arns = (upload["SSEKMSKeyId"],) if "SSEKMSKeyId" in upload else ()
            self._experiments.abort({**self._target, "UploadId": upload["UploadId"]})

    def _is_owner_wrong(self) -> bool:
        """Return whether it is the expected owner, by the right to write: no other is needed."""
        bucket, owner = self._target["Bucket"], self._owner
        if owner is None or self._opens(f"with the expected owner {owner}", self._expected):
            return False
        self._denial.set_cause(f"{bucket} does not belong to account {owner}")
        return True

    def _find_option(self) -> None:
        for name, value in self._options.items():
            beside = {"ServerSideEncryption": "aws:kms"} if name == "SSEKMSKeyId" else {}
            if self._opens(f"with {name} {value}", {**self._expected, **beside, name: value}):
                continue
            denial = self._denial
            if name == "SSEKMSKeyId":
                denial.key_arns = (str(value),)
            if name in _ACTION_OF_PARAMETER:
                denial.take_step(_ACTION_OF_PARAMETER[name])
            cause = f"writing is allowed, but not with {name} {value}"
            denial.set_cause(cause, *denial.usual_targets())
            return

    def _examine_tags(self) -> None:
        settings = {**self._expected, **self._options}
        if not self._opens("without tags", settings):
            return
        if self._opens("with a tag", {**settings, "Tagging": "s3-xfer=check"}):
            self._denial.suspect(
                "a condition on the tags (s3:RequestObjectTag): other tags may be written",
                grants_help=False,
            )
            return
        self._denial.set_cause(
            "writing is allowed, but not with tags: s3:PutObjectTagging is a right of its own",
            *self._denial.usual_targets(),
        )

    def _opens(self, label: str, settings: Arguments) -> bool:
        return self._experiments.opens_upload(self._denial, label, self._target | settings)
