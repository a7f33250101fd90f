"""Two embedded accounts with a bucket and a profile each, and the program between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from s3_xfer.testing.two_accounts import DESTINATION_ACCOUNT, SOURCE_ACCOUNT, TwoAccounts
from tests.e2e.program import THEM, US, Program, environment
from tests.world import DST, SRC


class Shop:
    """moto with real contents, and the program with the profiles of both accounts."""

    def __init__(self, accounts: TwoAccounts, directory: Path) -> None:
        self.accounts = accounts
        self.directory = directory

    def __enter__(self) -> Self:
        self.source = self.accounts.client("s3", SOURCE_ACCOUNT)
        self.destination = self.accounts.client("s3", DESTINATION_ACCOUNT)
        self.source.create_bucket(Bucket=SRC)
        self.destination.create_bucket(Bucket=DST)
        self.program = Program(self._environment(), self.directory)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.source.close()
        self.destination.close()

    def _environment(self) -> dict[str, str]:
        """Return an environment with the profiles that README's examples name."""
        home = self.directory / "profiles"
        home.mkdir()
        self.accounts.write_aws_config(home)
        config, credentials = (
            (home / name).read_text().replace("account-a", THEM).replace("account-b", US)
            for name in ("config", "credentials")
        )
        return environment(self.directory / "home", config, credentials)

    def fill(self, objects: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        """Put objects into the source bucket."""
        pairs = objects.items() if isinstance(objects, Mapping) else objects
        self.accounts.store(SRC, pairs)

    def arrived(self, bucket: str = DST) -> dict[str, bytes]:
        """Return the keys and contents at the destination."""
        listing = self.destination.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            entry["Key"]: self.destination.get_object(Bucket=bucket, Key=entry["Key"])[
                "Body"
            ].read()
            for entry in listing
        }
