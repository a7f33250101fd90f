"""What a copy and the check of it have in common: from where, to where, as whom, how.

Checked on construction, so that no run begins with places that make no sense. Refuses to know
what is done with the objects in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from s3_xfer.model import AccountContext, S3Location
from s3_xfer.options import CopyOptions
from s3_xfer.planning.mapping import KeyMap, plan_keys


@dataclass(frozen=True, kw_only=True)
class Route:
    """Two places, the accounts that reach them, and the options.

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
        """Return where a copy puts every object; the two places are the effective ones."""
        return plan_keys(
            S3Location(bucket=self.source_bucket, key=self.source_key, account=self.source),
            S3Location(
                bucket=self.destination_bucket,
                key=self.destination_key,
                account=self.destination,
            ),
            recursive=self.recursive,
        )
