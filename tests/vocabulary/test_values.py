"""Places, options, sizes and safe text: what is accepted and how refusals read."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import s3_xfer
from s3_xfer.errors import ValidationError
from s3_xfer.model import AccountContext, S3Location
from s3_xfer.operations import S3CopyOperation
from s3_xfer.options import CopyOptions, Encryption, ReportScope
from s3_xfer.text import printable, s3_url
from s3_xfer.units import (
    GIB,
    MIB,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
    plural,
)


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""),
        ("s3://bucket/a/b", "bucket", "a/b"),
        ("s3://bucket//a//", "bucket", "/a//"),
        ("s3://bucket/a?b=c#d%20+", "bucket", "a?b=c#d%20+"),
    ],
)
def test_url_is_taken_byte_for_byte(url: str, bucket: str, key: str) -> None:
    """Nothing in a key has a meaning."""
    location = S3Location.parse(url)

    assert (location.bucket, location.key) == (bucket, key)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("bucket/key", "is not an S3 URL"),
        ("s3:/bucket/key", "is not an S3 URL"),
        ("https://bucket/key", "is not an S3 URL"),
        ("s3://", "is not an S3 URL"),
        ("s3://UPPER/key", "is not a bucket name"),
        ("s3://ab/key", "is not a bucket name"),
        ("s3://a..b/key", "is not a bucket name"),
        ("s3://-abc/key", "is not a bucket name"),
        ("s3:///key", "is not a bucket name"),
        ("s3://bucket/K\udce4se", r"the key of s3://bucket/K\\udce4se is not UTF-8"),
    ],
)
def test_wrong_places_are_refused(url: str, says: str) -> None:
    """The offending value and the right form are in the message."""
    with pytest.raises(ValidationError, match=says) as refused:
        S3Location.parse(url)

    assert refused.value.remedy


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"role_arn": "copier"}, "'copier' is not the ARN of a role"),
        ({"external_id": "x"}, "external id was given without a role"),
        ({"bucket_owner": "12"}, "'12' is not an account id"),
        ({"endpoint_url": "localhost:9000"}, "is not an endpoint"),
    ],
)
def test_wrong_accounts_are_refused(settings: dict[str, str], says: str) -> None:
    """Each setting of a side is checked on construction."""
    with pytest.raises(ValidationError, match=says):
        AccountContext(**settings)  # type: ignore[arg-type]


def test_external_id_is_not_shown() -> None:
    """It is a shared secret in practice, so ``repr`` leaves it out."""
    account = AccountContext(role_arn="arn:aws:iam::123456789012:role/r", external_id="hush")

    assert "hush" not in repr(account)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"concurrency": 0}, "concurrency is 0; it must be between 1 and 1000"),
        ({"retries": 11}, "retries is 11"),
        ({"multipart_threshold_bytes": 1}, "multipart threshold is 1 B; .* between 5.0 MiB"),
        ({"multipart_threshold_bytes": 5 * GIB + 1}, "multipart threshold"),
        ({"part_size_bytes": 6 * GIB}, "part size is 6.0 GiB"),
        ({"retry_delay_s": -1}, "retry delay is -1 s"),
        ({"sse_kms_key_id": "k"}, "KMS key was given without KMS encryption"),
        ({"bucket_key": True, "sse": Encryption.S3}, "Bucket Key"),
        ({"report_scope": ReportScope.ALL}, "needs a file"),
        ({"report_path": Path("r"), "from_report_path": Path("r")}, "read and overwritten"),
    ],
)
def test_wrong_options_are_refused(settings: dict[str, Any], says: str) -> None:
    """The message names the value and the range."""
    with pytest.raises(ValidationError, match=says):
        CopyOptions(**settings)


@pytest.mark.parametrize("batch_size", [0, 1001])
def test_batch_size_has_its_range(batch_size: int) -> None:
    """One to a thousand objects per batch."""
    with pytest.raises(ValidationError, match=f"batch size is {batch_size}"):
        S3CopyOperation(
            source_bucket="aaa",
            source_key="k",
            destination_bucket="bbb",
            destination_key="k",
            batch_size=batch_size,
        )


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("5MiB", 5 * MIB),
        ("1GB", 10**9),
        ("64M", 64 * MIB),
        (" 1.5 GiB ", GIB * 3 // 2),
        ("1048576", MIB),
        ("7b", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size_bytes: int) -> None:
    """Binary where it says so or says nothing, decimal for KB, MB, GB."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MiB", "5 parsecs", "-1MB", "1e9", "5MiBs"])
def test_unknown_sizes_are_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationError, match="is not a size"):
        parse_size(text)


@given(size_bytes=st.integers(0, 2**60))
def test_sizes_survive_being_shown(size_bytes: int) -> None:
    """A shown size, read again, is within the tenth that was shown."""
    shown = parse_size(format_size(size_bytes))

    assert abs(shown - size_bytes) <= max(1, size_bytes * 0.05)


@pytest.mark.parametrize(
    ("duration_s", "shown"),
    [
        (0.42, "0.4 s"),
        (42.4, "42 s"),
        (185, "3 m 05 s"),
        (7830, "2 h 10 m"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations_are_shown_in_two_units(duration_s: float, shown: str) -> None:
    """Short enough to read at a glance."""
    assert format_duration(duration_s) == shown


def test_counts_have_their_noun() -> None:
    """One object, two thousand objects."""
    assert (plural(1, "object"), plural(2000, "object")) == ("1 object", "2,000 objects")


@given(text=st.text())
def test_printable_text_is_one_harmless_line(text: str) -> None:
    """No control character, escape sequence or line break gets through."""
    shown = printable(text)

    assert shown.isprintable() or all(c.isprintable() or c == "\u200d" for c in shown)
    assert len(shown.splitlines()) <= 1


def test_ordinary_text_stays_as_it_is() -> None:
    """Accents, emoji and spaces are not escaped."""
    assert s3_url("bucket", "é 😀/ok+%") == "s3://bucket/é 😀/ok+%"


def test_public_names_are_all_listed() -> None:
    """``__all__`` is the library's promise."""
    imported_late = set(s3_xfer._LAZY)
    others = {"Any", "TYPE_CHECKING", "VERSION"}
    capitals = {name for name in vars(s3_xfer) if name[0].isupper()} - others
    public = capitals | imported_late | {"declarations_of", "translate"}

    assert set(s3_xfer.__all__) == public
    assert len(s3_xfer.__all__) == len(public)
    assert all(getattr(s3_xfer, name) for name in public)


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("90s", 90), ("45m", 2700), ("1h30m", 5400), ("1h 30m", 5400), ("2d", 172800), ("1.5h", 5400)],
)
def test_durations_are_read(text: str, duration_s: float) -> None:
    """As people write them."""
    assert parse_duration(text) == duration_s


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from("smhdw")), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    """In whatever order."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    text = "".join(f"{amount}{unit}" for amount, unit in parts)

    assert parse_duration(text) == sum(amount * seconds[unit] for amount, unit in parts)


@given(st.text(max_size=8))
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing else than our own error comes out."""
    with suppress(ValidationError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize("text", ["", "2", "2x", "h", "-2h", "2h3", "1 day", "\u0662h"])
def test_durations_without_a_known_unit_are_refused(text: str) -> None:
    """Two of what?"""
    with pytest.raises(ValidationError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_failures": -1}, "max failures is -1"),
        ({"max_error_rate_percent": -0.5}, "max error rate is -0.5"),
        ({"max_error_rate_percent": 100}, "max error rate is 100"),
        ({"max_error_rate_percent": float("nan")}, "max error rate is nan"),
        ({"max_requests_per_s": 0}, "max requests per second is 0"),
        ({"max_requests_per_s": float("inf")}, "max requests per second is inf"),
        ({"deadline": "soon"}, "'soon' is not a deadline"),
        ({"deadline": "999999999w"}, "'999999999w' is not a deadline"),
        ({"deadline": "2026-03-01T06:00:00"}, "has no time zone"),
    ],
)
def test_wrong_limits_are_refused(limits: dict[str, Any], says: str) -> None:
    """With the offending value."""
    with pytest.raises(ValidationError, match=says):
        CopyOptions(**limits)


def test_deadlines_are_moments() -> None:
    """A duration counts from the start, a moment stands for itself."""
    start = datetime(2026, 3, 1, 4, tzinfo=UTC)

    assert CopyOptions().ends_at(start) is None
    assert CopyOptions(deadline="2h").ends_at(start) == datetime(2026, 3, 1, 6, tzinfo=UTC)
    moment = CopyOptions(deadline="2026-03-01T06:30:00+02:00").ends_at(start)
    assert moment == datetime(2026, 3, 1, 4, 30, tzinfo=UTC)
    with pytest.raises(ValidationError, match="has passed"):
        CopyOptions(deadline="0s").ends_at(start)
