"""The frozen description of a transfer: from where, to where, as whom, how.

Checked on construction, so that no run begins with locations that make no sense. A description
knows no run: everything that runs imports it, and it imports none of that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from s3_xfer.comparison import CompareField, Extra
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import BATCH_SIZE_MAX, CopyOptions
from s3_xfer.planning.mapping import KeyMap, plan_keys


@dataclass(frozen=True, kw_only=True)
class TransferSpec:
    """Two locations, the accounts that reach them, and the options.

    Raises:
        ValidationError: a name is invalid, or source and destination overlap.
    """

    source_bucket: str
    source_key: str
    destination_bucket: str
    destination_key: str
    recursive: bool = False
    source: AccountContext = field(default_factory=AccountContext)
    destination: AccountContext = field(default_factory=AccountContext)
    options: CopyOptions = field(default_factory=CopyOptions)

    def __post_init__(self) -> None:
        self.key_map()

    def key_map(self) -> KeyMap:
        """Return the key of every copy; both locations in it are the effective ones."""
        return plan_keys(
            S3Location(bucket=self.source_bucket, key=self.source_key, account=self.source),
            S3Location(
                bucket=self.destination_bucket,
                key=self.destination_key,
                account=self.destination,
            ),
            recursive=self.recursive,
        )


@dataclass(frozen=True, kw_only=True)
class CopySpec(TransferSpec):
    """One copy. ``batch_size`` is the number of objects handed to the workers at a time.

    Without ``overwrite`` existing keys are left alone.

    Raises:
        ValidationError: as :class:`TransferSpec`; or the batch size is out of range.
    """

    batch_size: int = 100
    overwrite: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= BATCH_SIZE_MAX:
            raise ValidationError(
                f"batch size is {self.batch_size}; it must be between 1 and {BATCH_SIZE_MAX}"
            )
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class CheckSpec(TransferSpec):
    """One comparison. ``compare`` are compared besides sizes and ETags."""

    compare: frozenset[CompareField] = frozenset()
    extra: Extra = Extra.COUNT
