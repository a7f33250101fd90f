"""Services that lack what AWS has: what is refused is left out, told, or refused before the copy.

Each row is a way in which a service refuses; the copy goes on where it can, with both engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from s3_xfer import (
    ChecksumAlgorithm,
    Encryption,
    Engine,
    ErrorClass,
    Preflight,
    PreflightError,
    RunMode,
    RunState,
    SourceCheck,
    TagPolicy,
)
from s3_xfer.access.doctor import Conclusion, examine
from tests.fault_server import Fault
from tests.fault_server.actions import Action, Body, Pause, Reply
from tests.fault_server.wire import Answer, Request
from tests.world import (
    DESTINATION_ACCOUNT,
    DESTINATION_KEY,
    DST,
    LARGE,
    SOURCE_ACCOUNT,
    SOURCE_KEY,
    SRC,
    World,
)

SIZES = pytest.mark.parametrize("size", [1000, LARGE], ids=["small", "large"])


@dataclass(slots=True)
class Refusal(Action):
    """The answer to every request that has a header, or for which ``when`` says so."""

    status: int
    code: str
    message: str = ""
    header: str = ""
    body: Body = "xml"
    when: Callable[[Request], bool] = field(default=lambda _: True)

    def before(self, request: Request, pause: Pause) -> Answer | None:
        """Refuse what has the header; let the rest through."""
        if self.header and self.header not in request.headers:
            return None
        if not self.when(request):
            return None
        return Reply(self.status, self.code, self.message, self.body).before(request, pause)


def refuse(world: World, operations: str | tuple[str, ...], refusal: Refusal) -> None:
    """Let every such request be refused."""
    world.server.inject(Fault.of(operations, refusal, {}))


# ----------------------------------------------------------------------- If-None-Match

UNCONDITIONAL = {
    "501": Refusal(501, "NotImplemented", "Conditional object PUTs are not supported."),
    "400": Refusal(400, "NotImplemented", "A header you provided is not implemented"),
    "400 of its name": Refusal(400, "InvalidArgument", "If-None-Match is not supported"),
    "501 without a word": Refusal(501, "", body="empty"),
    "unsupported": Refusal(400, "UnsupportedOperation"),
    "412 although there is nothing": Refusal(412, "PreconditionFailed"),
}


@SIZES
@pytest.mark.parametrize("refusal", UNCONDITIONAL.values(), ids=UNCONDITIONAL)
def test_condition_that_a_service_refuses_is_left_out(
    world: World, size: int, refusal: Refusal
) -> None:
    """It was looked for what exists; the copy is sent without the condition, and that is told."""
    refusal.header = "if-none-match"
    refuse(world, ("CopyObject", "CompleteMultipartUpload"), refusal)
    for number in range(12):
        world.server.put(SRC, f"in/{number:02}", size=size if number < 3 else 1000)
    world.server.put(DST, "out/01", size=1, metadata={"v": "old"})

    result = world.copy(overwrite=False, retries=0)

    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert result.metrics.skips_by_reason == {"already exists at the destination": 1}
    assert result.metrics.files_copied_successfully == 11
    assert len(world.arrived()) == 12
    assert world.arrived()["out/01"].metadata == {"v": "old"}
    assert [note for note in result.notes if "not atomic" in note]
    assert world.server.uploads(DST) == []


def test_condition_that_is_understood_is_still_sent(world: World) -> None:
    """Where one object is refused for another reason, the others keep the condition."""
    for number in range(5):
        world.server.put(SRC, f"in/{number}", size=1)
    world.server.inject(Fault.error("CopyObject", 400, "InvalidRequest", "no", key="out/2"))

    result = world.copy(overwrite=False, concurrency=1)

    assert result.metrics.errors_by_class == {"InvalidRequest": 1}
    assert all("if-none-match" in sent for sent in world.headers_of("CopyObject"))
    assert not [note for note in result.notes if "atomic" in note]


# ----------------------------------------------------------------------------- tags


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(501, "NotImplemented", "Header 'x-amz-tagging-directive' with value 'REPLACE'"),
        Refusal(400, "InvalidArgument", "x-amz-tagging-directive is unknown"),
        Refusal(501, "NotImplemented"),
    ],
    ids=["R2", "400", "501"],
)
def test_tags_are_skipped_on_services_without_tags(world: World, refusal: Refusal) -> None:
    """Small and large objects in one prefix; nothing about tags is asked or sent any more."""
    refusal.header = "x-amz-tagging-directive"
    refuse(world, "CopyObject", refusal)
    refuse(world, ("GetObjectTagging", "PutObjectTagging"), Refusal(501, "NotImplemented"))
    refuse(world, "CreateMultipartUpload", Refusal(501, "NotImplemented", header="x-amz-tagging"))
    world.server.put(SRC, "in/large", size=LARGE)
    for number in range(8):
        world.server.put(SRC, f"in/{number}", size=1)

    result = world.copy(tags=TagPolicy.SKIP, retries=0)

    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert len(world.arrived()) == 9
    assert [note for note in result.notes if "x-amz-tagging-directive" in note]


FOREIGN = {
    "501": Refusal(501, "NotImplemented"),
    "405": Refusal(405, "MethodNotAllowed"),
    "405 without a word": Refusal(405, "", body="empty"),
    "400": Refusal(400, "InvalidRequest", "unknown subresource"),
    "the object itself": Refusal(200, "", body="content"),
}


@pytest.mark.parametrize("refusal", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("preflight", list(Preflight))
def test_service_without_tagging_names_the_option(
    world: World, refusal: Refusal, preflight: Preflight
) -> None:
    """After one attempt; before the copy, or as the failure of the large object alone."""
    refuse(world, "GetObjectTagging", refusal)
    world.server.put(SRC, "in/large", size=LARGE)
    world.server.put(SRC, "in/small", size=1)

    if preflight is Preflight.FULL:
        with pytest.raises(PreflightError, match="the tags of s3://") as refused:
            world.copy()
        assert 'tags="skip"' in refused.value.remedy
    else:
        result = world.copy(preflight=Preflight.SKIP)
        assert result.metrics.errors_by_class == {"TagsNotSupported": 1}
        assert set(world.arrived()) == {"out/small"}
        assert 'tags="skip"' in str(result.failures[0].error)
    assert world.server.count("GetObjectTagging") == 1


def test_small_objects_need_no_tagging(world: World) -> None:
    """CopyObject copies tags by itself, where there are any."""
    refuse(world, "GetObjectTagging", Refusal(501, "NotImplemented"))
    world.server.put(SRC, "in/small", size=1)

    assert world.copy().state is RunState.COMPLETED


# ---------------------------------------------------------------- condition on the source


@SIZES
@pytest.mark.parametrize(
    "refusal",
    [Refusal(412, "PreconditionFailed"), Refusal(412, "", body="empty")],
    ids=["with a code", "without"],
)
def test_412_of_an_unchanged_source_is_not_called_a_change(
    world: World, size: int, refusal: Refusal
) -> None:
    """The service refuses the condition; with --source-check head it is not sent."""
    refusal.header, refusal.when = "x-amz-copy-source-if-match", _is_copy_of_x
    refuse(world, ("CopyObject", "UploadPartCopy"), refusal)
    world.server.put(SRC, "in/a", size=1)
    world.server.put(SRC, "in/x", size=size)

    result = world.copy(preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"ConditionRefused": 1}
    assert 'source_check="head"' in str(result.failures[0].error)
    assert world.copy(source_check=SourceCheck.HEAD, engine=Engine.AUTO).state is RunState.COMPLETED
    assert world.arrived()["out/x"].size == size


def test_404_of_a_source_that_is_there_is_not_called_a_deletion(world: World) -> None:
    """The service does not find for a copy what a HEAD finds."""
    world.server.put(SRC, "in/x", size=1000)
    world.server.inject(Fault.error("CopyObject", 404, "NoSuchKey"))

    result = world.copy(preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"SourceNotFound": 1}


@SIZES
@pytest.mark.parametrize("moment", ["before", "during"])
def test_source_check_by_head_notices_a_change(world: World, size: int, moment: str) -> None:
    """Before the copy, and after it."""
    world.server.put(SRC, "in/x", size=size)
    first = {"before": "HeadObject", "during": "CopyObject" if size < LARGE else "UploadPartCopy"}
    world.server.inject(
        Fault.call(first[moment], lambda _: world.server.put(SRC, "in/x", size=size), times=1)
    )

    result = world.copy(source_check=SourceCheck.HEAD, preflight=Preflight.SKIP, engine=Engine.AUTO)

    assert result.metrics.errors_by_class == {"SourceChanged": 1}
    assert not any(
        "x-amz-copy-source-if-match" in sent
        for operation in ("CopyObject", "UploadPartCopy")
        for sent in world.headers_of(operation)
    )


def _is_copy_of_x(request: Request) -> bool:
    return request.headers.get("x-amz-copy-source", "").endswith("/x")


# ---------------------------------------------------------------------- copies in parts

NO_PARTS = {
    "501": Refusal(501, "NotImplemented"),
    "405": Refusal(405, "MethodNotAllowed"),
    "400": Refusal(400, "InvalidArgument", "unknown header"),
    "an empty part": Refusal(200, "", body="empty"),
    "no bucket": Refusal(404, "NoSuchBucket"),
    "no key": Refusal(404, "NoSuchKey"),
    "no upload": Refusal(404, "NoSuchUpload"),
    "internal error": Refusal(500, "InternalError"),
}


@pytest.mark.parametrize("operation", ["UploadPartCopy", "CreateMultipartUpload"])
@pytest.mark.parametrize("refusal", NO_PARTS.values(), ids=NO_PARTS)
def test_service_without_parts_copies_what_needs_none(
    world: World, operation: str, refusal: Refusal
) -> None:
    """The preflight proves less and says so."""
    if (operation, refusal.code) == ("CreateMultipartUpload", "NoSuchBucket"):
        pytest.skip("that is what a missing destination looks like")
    refuse(world, operation, refusal)
    world.server.put(SRC, "in/x", size=1000)

    result = world.copy(retries=1)

    assert result.state is RunState.COMPLETED
    assert [note for note in result.notes if "needs it" in note]
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize("operation", ["UploadPartCopy", "CreateMultipartUpload"])
def test_service_without_parts_is_refused_where_an_object_needs_them(
    world: World, operation: str
) -> None:
    """Before anything is written, with the remedy."""
    refuse(world, operation, Refusal(501, "NotImplemented"))
    world.server.put(SRC, "in/x", size=LARGE)

    with pytest.raises(
        PreflightError, match="s3://src-bucket/in/x cannot be copied in parts"
    ) as refused:
        world.copy()

    assert "multipart_threshold_bytes=" in refused.value.remedy
    world.assert_untouched()


def test_object_that_needs_parts_fails_alone(world: World) -> None:
    """One that the preflight did not see does not end the run."""
    refuse(world, "UploadPartCopy", Refusal(501, "NotImplemented"))
    world.server.put(SRC, "in/large", size=LARGE)
    for number in range(20):
        world.server.put(SRC, f"in/{number:02}", size=1)

    result = world.copy(preflight=Preflight.SKIP)

    assert result.metrics.errors_by_class == {"PartsNotSupported": 1}
    assert len(world.arrived()) == 20


@pytest.mark.parametrize(
    "refusal",
    [Refusal(501, "NotImplemented"), Refusal(412, "PreconditionFailed")],
    ids=["501", "412"],
)
def test_parts_without_condition_are_proven_as_such(world: World, refusal: Refusal) -> None:
    """A service that copies parts but not conditionally: unproven, or refused with the remedy."""
    refusal.header = "x-amz-copy-source-if-match"
    refuse(world, "UploadPartCopy", refusal)
    world.server.put(SRC, "in/small", size=1)

    assert [note for note in world.copy().notes if 'source_check="head"' in note]

    world.server.put(SRC, "in/large", size=LARGE)
    with pytest.raises(PreflightError, match="refuses the condition") as refused:
        world.copy()
    assert 'source_check="head"' in refused.value.remedy
    changes: dict[str, Any] = {"source_check": SourceCheck.HEAD, "engine": Engine.AUTO}
    assert world.copy(**changes).state is RunState.COMPLETED


# ------------------------------------------------------------------ options that are ignored

IGNORED: dict[str, tuple[dict[str, Any], str]] = {
    "sse": ({"sse": Encryption.S3}, "x-amz-server-side-encryption"),
    "kms": ({"sse": Encryption.KMS}, "x-amz-server-side-encryption"),
    "key": (
        {"sse": Encryption.KMS, "sse_kms_key_id": "k"},
        "x-amz-server-side-encryption-aws-kms-key-id",
    ),
    "bucket key": (
        {"sse": Encryption.KMS, "bucket_key": True},
        "x-amz-server-side-encryption-bucket-key-enabled",
    ),
    "checksum": (
        {"checksum_algorithm": ChecksumAlgorithm.SHA256},
        "x-amz-checksum-algorithm",
    ),
}


class Forgetful(Action):
    """Leaves a header out of every answer."""

    def __init__(self, header: str) -> None:
        self._header = header.replace("-", "_")

    def after(self, request: Request, answer: Answer, pause: Pause) -> Answer:
        """Answer without it."""
        names = (self._header, self._header.replace("_", "-"))
        kept = {name: value for name, value in answer.headers.items() if name not in names}
        return replace(answer, headers=kept)


@pytest.mark.parametrize(("options", "header"), IGNORED.values(), ids=IGNORED)
def test_option_that_a_service_ignores_is_refused_before_the_copy(
    world: World, options: dict[str, Any], header: str
) -> None:
    """What the answer could confirm and does not is no success; where it does, the copy runs."""
    world.server.put(SRC, "in/x", size=1)

    assert world.copy(**options).state is RunState.COMPLETED

    world.server.inject(Fault.of("CreateMultipartUpload", Forgetful(header), {}))
    with pytest.raises(PreflightError, match=r"this service ignores \S+=") as refused:
        world.copy(destination_key="again/", **options)
    assert refused.value.error_class is ErrorClass.NOT_SUPPORTED
    assert set(world.arrived()) == {"out/x"}
    assert world.server.uploads(DST) == []


@pytest.mark.parametrize("side", ["source", "destination"])
def test_owner_that_a_service_does_not_check_is_refused(world: World, side: str) -> None:
    """Another owner than the right one is taken, too: the option protects nothing."""
    world.server.put(SRC, "in/x", size=1)
    key, owner = {
        "source": (SOURCE_KEY, SOURCE_ACCOUNT),
        "destination": (DESTINATION_KEY, DESTINATION_ACCOUNT),
    }[side]
    given: dict[str, Any] = {side: world.account(key, bucket_owner=owner)}
    assert world.copy(**given).state is RunState.COMPLETED

    world.server.inject(
        Fault.call(
            None,
            lambda request: cast(dict[str, str], request.headers).pop(
                "x-amz-expected-bucket-owner", None
            ),
        )
    )
    with pytest.raises(PreflightError, match=r"this service ignores \S+="):
        world.copy(destination_key="again/", **given)
    assert set(world.arrived()) == {"out/x"}


# ------------------------------------------------------------------------- a check, once


def test_check_is_recommended_after_the_first_copy(world: World) -> None:
    """Not after one that failed, found nothing or went on."""
    world.server.put(SRC, "in/x", size=1)

    assert world.copy().is_first_copy_elsewhere
    assert not world.copy(overwrite=False).is_first_copy_elsewhere
    assert not world.copy(mode=RunMode.DRY_RUN).is_first_copy_elsewhere
    world.server.inject(Fault.error("CopyObject", 403, "AccessDenied"))
    assert not world.copy().is_first_copy_elsewhere


@pytest.mark.parametrize("refusal", [Refusal(501, "NotImplemented"), Refusal(405, "")])
def test_doctor_agrees_with_a_copy_on_a_service_that_aborts_nothing(
    world: World, refusal: Refusal
) -> None:
    """The upload of the probes stays, which both tell; neither calls the copy impossible."""
    refuse(world, ("AbortMultipartUpload", "UploadPartCopy"), refusal)
    world.server.put(SRC, "in/x", size=1)

    result, report = world.copy(), examine(world.operation(destination_key="d/"))

    assert result.state is RunState.COMPLETED
    assert len(result.uploads_left_behind) == 1
    assert report.conclusion is not Conclusion.REFUSED
    assert [one for one in report.findings if "could not be aborted" in one.evidence]
