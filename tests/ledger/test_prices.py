"""The estimated bill: S3's price classes, the built-in list, and files that replace it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3_xfer.errors import ValidationError
from s3_xfer.ledger.prices import AWS_PRICES, read_prices
from s3_xfer.options import StorageClass

MILLION = 1_000_000
WRITE_USD = AWS_PRICES.put[StorageClass.STANDARD]


@pytest.mark.parametrize(
    ("operation", "usd"),
    [
        ("CopyObject", WRITE_USD),
        ("CreateMultipartUpload", WRITE_USD),
        ("UploadPartCopy", WRITE_USD),
        ("CompleteMultipartUpload", WRITE_USD),
        ("PutObjectTagging", WRITE_USD),
        ("PutObject", WRITE_USD),
        ("GetObject", AWS_PRICES.get),
        ("ListObjectsV2", AWS_PRICES.listing),
        ("ListParts", AWS_PRICES.listing),
        ("HeadObject", AWS_PRICES.get),
        ("HeadBucket", AWS_PRICES.get),
        ("GetObjectTagging", AWS_PRICES.get),
        ("AbortMultipartUpload", 0),
        ("DeleteObject", 0),
    ],
)
def test_every_operation_has_the_price_of_its_verb(operation: str, usd: float) -> None:
    """What writes, lists, reads or deletes is billed as S3's price list says."""
    assert AWS_PRICES.bill({operation: 1000}).usd == pytest.approx(usd)


def test_the_built_in_list_knows_every_storage_class() -> None:
    """No storage class that can be asked for is without a price."""
    assert set(AWS_PRICES.put) == set(StorageClass)


def test_a_million_small_objects_cost_five_dollars() -> None:
    """A copy each, a page per thousand, and nothing for what is free."""
    requests = {"CopyObject": MILLION, "ListObjectsV2": 1000, "AbortMultipartUpload": 5}
    assert AWS_PRICES.bill(requests).usd == pytest.approx(5.005)
    assert AWS_PRICES.bill({"HeadObject": MILLION}).usd == pytest.approx(0.4)
    assert AWS_PRICES.bill({}).usd == 0


def test_writing_costs_what_the_storage_class_of_the_copies_costs() -> None:
    """The destination's class changes the price of copies, not that of listings and HEADs."""
    requests = {"CopyObject": MILLION, "ListObjectsV2": 1000, "HeadObject": MILLION}
    bill = AWS_PRICES.bill(requests, StorageClass.STANDARD_IA)
    assert bill.usd == pytest.approx(10 + 0.005 + 0.4)


def test_saves_of_a_journal_are_billed_at_the_standard_price() -> None:
    """The journal is stored in STANDARD, whatever the class of the copies."""
    requests = {"PutObject": 1000, "GetObject": 1000, "HeadObject": 1000}

    bill = AWS_PRICES.bill(requests, StorageClass.DEEP_ARCHIVE)

    assert bill.usd == pytest.approx(0.005 + 2 * 0.0004)


def test_parts_for_the_archive_wait_at_the_standard_price() -> None:
    """Of an upload to Glacier only its completion has Glacier's price."""
    requests = {"CreateMultipartUpload": 1000, "UploadPartCopy": 1000}
    complete = {"CompleteMultipartUpload": 1000}
    for archive, price in ((StorageClass.GLACIER, 0.03), (StorageClass.DEEP_ARCHIVE, 0.05)):
        assert AWS_PRICES.bill(requests, archive).usd == pytest.approx(2 * 0.005)
        assert AWS_PRICES.bill(complete, archive).usd == pytest.approx(price)
    instant = AWS_PRICES.bill(requests, StorageClass.GLACIER_IR)
    assert instant.usd == pytest.approx(2 * 0.02)


def test_a_file_replaces_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Prices that are not in the file stay those of the built-in list."""
    file = tmp_path / "prices.toml"
    file.write_text('source = "our contract"\nget = 0.0001\n[put]\nSTANDARD_IA = 0.02\n')
    prices = read_prices(file)
    bill = prices.bill({"CopyObject": 1000, "HeadObject": 1000}, StorageClass.STANDARD_IA)
    assert bill.usd == pytest.approx(0.0201)
    assert bill.price_list == "our contract"
    assert prices.bill({"CopyObject": 1000, "ListObjectsV2": 1000}).usd == pytest.approx(0.01)


def test_one_price_may_stand_for_all_storage_classes(tmp_path: Path) -> None:
    """A service that does not charge for requests is a file of zeros; JSON will do as well."""
    file = tmp_path / "free.json"
    file.write_text(json.dumps({"put": 0, "list": 0, "get": 0}))
    prices = read_prices(file)
    everything = {"CopyObject": 9, "ListObjectsV2": 9, "HeadObject": 9}
    assert [prices.bill(everything, each).usd for each in StorageClass] == [0] * len(StorageClass)
    assert prices.source == "the prices in free.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("put = ", "cannot be parsed"),
        ("copy = 0.005", "knows no copy"),
        ("source = 5", "source is 5"),
        ("get = -0.1", "get is -0.1"),
        ("get = true", "get is True"),
        ("get = nan", "get is nan"),
        ("list = inf", "list is inf"),
        ('put = "cheap"', "put is 'cheap'"),
        ("[put]\nFROZEN = 1", "no storage class FROZEN"),
        ("[put]\nGLACIER = []", "put.GLACIER is []"),
    ],
)
def test_a_file_that_is_no_price_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file and what is wrong in it."""
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ValidationError, match=r"prices\.toml") as refused:
        read_prices(file)
    assert said in refused.value.problem


@pytest.mark.parametrize("text", ["[1]", "{", "\ud800"])
def test_json_is_checked_alike(tmp_path: Path, text: str) -> None:
    """A list, half an object and bytes that are no text are refused."""
    file = tmp_path / "prices.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValidationError, match=r"prices\.json"):
        read_prices(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A name with a mistake in it is not taken for "no file"."""
    with pytest.raises(ValidationError, match="No such file"):
        read_prices(tmp_path / "prices.toml")


@pytest.mark.parametrize(
    ("storage_class", "usd"),
    [
        (StorageClass.STANDARD, 0.005),
        (StorageClass.REDUCED_REDUNDANCY, 0.005),
        (StorageClass.INTELLIGENT_TIERING, 0.005),
        (StorageClass.STANDARD_IA, 0.01),
        (StorageClass.ONEZONE_IA, 0.01),
        (StorageClass.GLACIER_IR, 0.02),
        (StorageClass.GLACIER, 0.03),
        (StorageClass.DEEP_ARCHIVE, 0.05),
    ],
)
def test_a_thousand_copies_cost_the_price_of_their_storage_class(
    storage_class: StorageClass, usd: float
) -> None:
    """A copy that is one request has the price of the class that it writes."""
    assert AWS_PRICES.bill({"CopyObject": 1000}, storage_class).usd == pytest.approx(usd)


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "UploadPartCopy"])
def test_what_stages_parts_for_the_archive_has_the_standard_price(operation: str) -> None:
    """Parts wait in STANDARD until the upload is completed."""
    bill = AWS_PRICES.bill({operation: 1000}, StorageClass.DEEP_ARCHIVE)

    assert bill.usd == pytest.approx(0.005)


def test_a_select_is_billed_as_a_read() -> None:
    """S3's price list names SELECT beside GET."""
    bill = AWS_PRICES.bill({"SelectObjectContent": 1000})

    assert bill.usd == pytest.approx(AWS_PRICES.get)


def test_a_json_file_is_known_by_its_name_in_any_case(tmp_path: Path) -> None:
    """``PRICES.JSON`` is not read as TOML."""
    file = tmp_path / "PRICES.JSON"
    file.write_text('{"get": 1}')

    assert read_prices(file).bill({"HeadObject": 1000}).usd == pytest.approx(1)
