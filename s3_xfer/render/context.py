"""What the end of a run is shown with, beside its result."""

from __future__ import annotations

from dataclasses import dataclass, field

from s3_xfer.model import AccountContext
from s3_xfer.wording import LIBRARY, Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a summary needs to know about the run besides its result."""

    source_url: str
    destination_url: str
    dry_run: bool = False
    verbose: bool = False
    is_single: bool = False  # one object was named
    rerun: str | None = None  # the command line that copies what is missing
    check: str | None = None  # the command line that compares everything
    catch_up: str | None = None  # the command line that copies what changed since an inventory
    destination: AccountContext = field(default_factory=AccountContext)
    wording: Wording = LIBRARY
