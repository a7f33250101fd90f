"""Experiments that tell whose KMS key was denied: the source object's or the copy's."""

from __future__ import annotations

from s3_xfer.access.denial_context import Arguments, DenialContext
from s3_xfer.access.experiments import Experiments
from s3_xfer.access.probe import answer
from s3_xfer.access.stated_denial import StatedDenial, stated_denial
from s3_xfer.errors import AccessAction, ErrorInfo
from s3_xfer.model import S3Object
from s3_xfer.s3_client import S3Client


class KeyExperiments:
    """Looks at the key of ``sample``, the object that was to be copied, if that is known."""

    def __init__(
        self, experiments: Experiments, denial: DenialContext, sample: S3Object | None
    ) -> None:
        self._experiments = experiments
        self._denial = denial
        self._sample = sample
        self._item: Arguments = {"Bucket": sample.bucket, "Key": sample.key} if sample else {}

    def side(self, stated: StatedDenial) -> str:
        """Return whose key was denied: that of the source object, or that of the copy."""
        if stated.action == AccessAction.ENCRYPT.action:
            return "destination"
        used = self._key_of_source()
        if used is not None and (stated.key_arn or not used):
            return "source" if used and stated.key_arn == used else "destination"
        if stated.key_arn:
            return self._side_of_account(stated.key_arn.split(":")[4])
        if not self._sample:
            return ""
        info = read_byte(self._experiments.copier, self._experiments.with_payer(self._item))
        if not info or not stated_denial(info):
            return "destination"
        self._denial.key_arns = (used,) if used else ()
        return "source"

    def _key_of_source(self) -> str | None:
        """Return the key of the source object, empty if it has none; None if that is not seen."""
        if not self._sample:
            return None
        head, arguments = self._experiments.copier.head_object, self._item
        try:
            return str(head(**self._experiments.with_payer(arguments)).get("SSEKMSKeyId", ""))
        except Exception:  # noqa: BLE001 - then the accounts have to tell
            return None

    def _side_of_account(self, account: str) -> str:
        owners = self._denial.owners
        copiers = self._denial.copier.account if self._denial.copier else None
        is_ours = account in (owners.get("destination"), copiers)
        return "destination" if is_ours and account != owners.get("source") else "source"


def read_byte(client: S3Client, arguments: Arguments) -> ErrorInfo | None:
    """Ask for one byte, and leave it unread; return why it was refused, None if it was not."""
    return answer(
        lambda **given: client.get_object(**given)["Body"].close(),
        {**arguments, "Range": "bytes=0-0"},
    )
