"""What a run has to read before it begins: the source object, or the first page of a listing.

One request each, and one more after some failures, to refine the advice. What S3 answers instead
becomes a :class:`~s3_xfer.errors.PreflightError` that says what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from s3_xfer.copying import lookup
from s3_xfer.errors import (
    AccessAction,
    ErrorClass,
    ErrorInfo,
    PreflightError,
    RunAborted,
    translate,
)
from s3_xfer.listing.pages import PageReader, RememberingReader
from s3_xfer.listing.progress import first_objects
from s3_xfer.model import S3Location, S3Object
from s3_xfer.s3_client import S3Client
from s3_xfer.text import printable, s3_url, shell_word
from s3_xfer.wording import message, option

_WILDCARDS = re.compile(r"[*?\[{]")
_BY_READER = "(the source's where given, otherwise the destination's)"


def source_object(client: S3Client, source: S3Location) -> S3Object:
    """Return the object that ``source`` names.

    Raises:
        PreflightError: bucket or key missing, or reading denied.
    """
    try:
        return lookup.head(client, S3Object(bucket=source.bucket, key=source.key, size=0))[0]
    except Exception as error:
        info = translate(error)
        if info.error_class is ErrorClass.SOURCE_VANISHED:
            raise _missing_key(client, source) from error
        advice = f"grant s3:GetObject on the source to the credentials that look {_BY_READER}"
        problem = f"{source.url} cannot be read"
        raise refused(problem, info, action=AccessAction.HEAD, if_denied=advice) from error


def look_at(client: S3Client, known: S3Object) -> S3Object:
    """Return ``known`` as a HEAD completes it.

    Raises:
        PreflightError: it is missing or has changed, or S3 refuses.
    """
    advice = f"grant s3:GetObject on the source to the credentials that look {_BY_READER}"
    with refusing(f"{known.url} cannot be read", action=AccessAction.HEAD, if_denied=advice):
        return lookup.head(client, known)[0]


def _missing_key(client: S3Client, source: S3Location) -> PreflightError:
    """Return what a 404 of HEAD meant, which has no body that says it."""
    remedy = _remedy_for_wildcards(source) or message("check the key; keys are case-sensitive")
    try:
        if first_objects(PageReader(client, source.bucket, source.key.rstrip("/") + "/")):
            under = f"{source.url.rstrip('/')}/"
            remedy = message("there are objects under {under}: add {recursive=True}", under=under)
    except Exception as error:  # noqa: BLE001 - the first error stands; this one only refines it
        info = translate(error)
        if info.error_class is ErrorClass.BUCKET_MISSING:
            return refused(f"the bucket of {source.url} does not exist", info)
    return PreflightError(
        f"there is no object {source.url}", remedy=remedy, error_class=ErrorClass.NOTHING_TO_COPY
    )


def first_source_objects(
    client: S3Client, source: S3Location, read: RememberingReader | None = None
) -> Sequence[S3Object]:
    """Return the first objects under the prefix ``source``, at least one; ``read`` lists it.

    Raises:
        PreflightError: bucket missing, listing denied, or nothing there.
    """
    advice = f"grant s3:ListBucket on the source bucket to the credentials that list {_BY_READER}"
    read = read or RememberingReader(PageReader(client, source.bucket, source.key))
    with refusing(f"{source.url} cannot be listed", action=AccessAction.LIST, if_denied=advice):
        sample = first_objects(read)
    if not sample:
        raise nothing_under(client, source)
    return sample


def nothing_under(client: S3Client, location: S3Location) -> PreflightError:
    """Return the refusal of a prefix under which there are no objects, with advice that fits."""
    return PreflightError(
        f"there is nothing under {location.url}",
        remedy=_remedy_when_empty(client, location),
        error_class=ErrorClass.NOTHING_TO_COPY,
    )


def first_destination_objects(client: S3Client, destination: S3Location) -> Sequence[S3Object]:
    """Return the first objects whose keys begin with the destination's; there may be none.

    Raises:
        PreflightError: bucket missing, or listing denied.
    """
    advice = (
        "grant s3:ListBucket on the destination bucket to the credentials of the destination, "
        "which a copy does not need"
    )
    with refusing(f"{destination.url} cannot be listed", if_denied=advice):
        return first_objects(PageReader(client, destination.bucket, destination.key))


def _remedy_when_empty(client: S3Client, source: S3Location) -> str:
    """Return advice that fits: the prefix may be the name of an object."""
    key = source.key.rstrip("/")
    if remedy := _remedy_for_wildcards(S3Location(bucket=source.bucket, key=key)):
        return remedy
    if not key:
        return "the bucket is empty; check that it is the right one"
    try:
        client.head_object(Bucket=source.bucket, Key=key)
    except Exception:  # noqa: BLE001 - only the advice depends on it
        return "check the prefix; keys are case-sensitive, and 'data' means 'data/'"
    url = s3_url(source.bucket, key)
    return message("{url} is an object: leave out {recursive=True}", url=url)


def _remedy_for_wildcards(source: S3Location) -> str:
    """Return the options for what a key with wildcards may mean; empty if it has none."""
    literal = _WILDCARDS.split(source.key)[0]
    if literal == source.key:
        return ""
    prefix = literal[: literal.rfind("/") + 1]
    pattern = source.key[len(prefix) :]
    crossing = pattern.replace("*", "**") if "**" not in pattern else pattern
    return message(
        "a key is taken as it is written; for a pattern, copy {url} with {recursive=True} and "
        "{rule}, or for all levels below {deep}",
        url=shell_word(s3_url(source.bucket, prefix)),
        rule=option("filters", f"+ /{pattern}"),
        deep=option("filters", f"+ /{crossing}"),
    )


@contextmanager
def refusing(
    problem: str, *, if_denied: str = "", action: AccessAction | None = None
) -> Iterator[None]:
    """Raise what fails inside as a refusal because of ``problem``, see :func:`refused`."""
    try:
        yield
    except RunAborted:  # the service cannot be trusted, now or later
        raise
    except Exception as error:
        info = translate(error)
        raise refused(problem, info, if_denied=if_denied, action=action) from error


def refused(
    problem: str, info: ErrorInfo, *, if_denied: str = "", action: AccessAction | None = None
) -> PreflightError:
    """Return ``info`` as a refusal because of ``problem``; ``if_denied`` is advice on a denial."""
    denied = info.error_class is ErrorClass.ACCESS_DENIED
    return PreflightError(
        f"{problem}: {answer_text(info)}",
        remedy=if_denied if denied else "",
        error_class=info.error_class,
        action=action,
        info=info,
    )


def answer_text(info: ErrorInfo) -> str:
    """Return S3's code, message and request id as one line, safe to print."""
    request = f" (request id {info.request_id})" if info.request_id else ""
    return printable(f"{info.code}{': ' if info.message else ''}{info.message}{request}")
