"""What a run's requests cost, estimated from a small, dated price list.

The estimate counts the requests to S3, those of a journal and of a diagnosis included, and nothing
else: no storage, requests to KMS, data transfer between regions, or retrieval from other classes.
Requests to STS are free. It is an upper bound for what it counts: S3 does not bill every request
that it refuses. Other prices come from a file (:func:`read_prices`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_xfer.errors import ValidationError
from s3_xfer.options import StorageClass
from s3_xfer.text import printable

# https://aws.amazon.com/s3/pricing/, "Requests & data retrievals". The page draws its prices with a
# script; these were compared with transcriptions of it.
AWS_PRICE_LIST_REGION = "US East"  # N. Virginia, Ohio and Oregon cost the same
AWS_PRICE_LIST_DATE = "2026-03"
# https://aws.amazon.com/s3/pricing/, "Management & insights", US East: $0.25 per job, $1.00 per
# million objects. Read in a transcription, as above.
BATCH_JOB_USD, BATCH_OBJECT_USD = 0.25, 1.0 / 1_000_000
_PER = 1000  # S3's prices are those of a thousand requests
# S3 User Guide, "Multipart upload and pricing": parts for these classes wait in STANDARD, and only
# CompleteMultipartUpload has the price of the class.
_STAGED = (StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE)
_STAGING = frozenset({"CreateMultipartUpload", "UploadPart", "UploadPartCopy"})
_JOURNAL_SAVE = "PutObject"  # the journal in S3, which is stored in STANDARD


@dataclass(frozen=True, slots=True)
class Bill:
    """An estimate in US dollars, and whose prices it is made from."""

    usd: float
    price_list: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of a thousand requests, in US dollars. ``source`` says whose, where and when."""

    source: str
    put: Mapping[StorageClass, float]
    listing: float
    get: float

    def bill(self, requests: Mapping[str, int], storage_class: StorageClass | None = None) -> Bill:
        """Return the price of ``requests`` (by operation) that write ``storage_class``."""
        written = storage_class or StorageClass.STANDARD
        usd = sum(count * self._price(name, written) for name, count in requests.items()) / _PER
        return Bill(usd=usd, price_list=self.source)

    def _price(self, operation: str, written: StorageClass) -> float:
        """Return the price of an operation, by the verb that it begins with."""
        if operation.startswith(("Delete", "Abort")):
            return 0.0
        if operation.startswith(("Get", "Head", "Select")):
            return self.get
        if operation.startswith("List"):
            return self.listing
        is_staged = written in _STAGED and operation in _STAGING
        if is_staged or operation == _JOURNAL_SAVE:
            written = StorageClass.STANDARD
        return self.put[written]


AWS_PRICES = Prices(
    source=f"AWS list prices of {AWS_PRICE_LIST_DATE} ({AWS_PRICE_LIST_REGION})",
    put={
        StorageClass.STANDARD: 0.005,
        StorageClass.REDUCED_REDUNDANCY: 0.005,
        StorageClass.INTELLIGENT_TIERING: 0.005,
        StorageClass.STANDARD_IA: 0.01,
        StorageClass.ONEZONE_IA: 0.01,
        StorageClass.GLACIER_IR: 0.02,
        StorageClass.GLACIER: 0.03,
        StorageClass.DEEP_ARCHIVE: 0.05,
    },
    listing=0.005,
    get=0.0004,
)


def read_prices(path: Path) -> Prices:
    """Return the prices in a TOML or (``*.json``) JSON file; AWS's stay for what it leaves out.

    ``source`` is a text; ``put``, ``list`` and ``get`` are US dollars per 1,000 requests, ``put``
    either one price or a table of prices by storage class.

    Raises:
        ValidationError: the file cannot be read, or says something else than that.
    """
    given = _parsed(path)
    unknown = given.keys() - {"source", "put", "list", "get"}
    if unknown:
        raise _wrong(path, f"knows no {printable(', '.join(sorted(unknown)))}")
    source = given.get("source", f"the prices in {path.name}")
    if not isinstance(source, str):
        raise _wrong(path, f"source is {source!r}, not a text")
    return Prices(
        source=printable(source),
        put=_put_prices(path, given.get("put", {})),
        listing=_price(path, "list", given.get("list", AWS_PRICES.listing)),
        get=_price(path, "get", given.get("get", AWS_PRICES.get)),
    )


def _parsed(path: Path) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs take the list prices

    try:
        text = path.read_text(encoding="utf-8")
        given = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML, not JSON
        raise _wrong(path, f"cannot be parsed: {error}") from error
    if not isinstance(given, dict):
        raise _wrong(path, "is not a table of prices")
    return given


def _put_prices(path: Path, given: Any) -> Mapping[StorageClass, float]:
    if not isinstance(given, dict):
        return dict.fromkeys(StorageClass, _price(path, "put", given))
    unknown = given.keys() - {member.value for member in StorageClass}
    if unknown:
        raise _wrong(path, f"put has no storage class {printable(', '.join(sorted(unknown)))}")
    prices = {
        StorageClass(name): _price(path, f"put.{name}", value) for name, value in given.items()
    }
    return {**AWS_PRICES.put, **prices}


def _price(path: Path, name: str, value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:
        raise _wrong(path, f"{name} is {printable(repr(value))}, not a price (0 or more)")
    return float(value)


def _wrong(path: Path, what: str) -> ValidationError:
    return ValidationError(
        f"price file {printable(str(path))}: {printable(what)}",
        remedy="write put, list and get in US dollars per 1,000 requests; see docs/semantics.md",
    )
