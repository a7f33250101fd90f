"""Every request of a run, with everything that can happen to it: class, tries, waits, end, words.

The table is the contract. A cell holds the class of the error and how often the request is sent;
``+`` means that the run completes all the same (with a number: after so many tries, because the
copy is found at the destination), ``.`` that this cannot happen. How it ends follows
from the column: a listing ends the run early; ``HeadBucket`` and ``AssumeRole`` refuse it before
anything is written; an upload that is not aborted is named; everything else fails one object, and
ends the run besides if the class says so. The waits are the mission's 1, 2 and 4 seconds, recorded
instead of waited for.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore
import pytest

from s3_xfer import (
    CopyOptions,
    CopyResult,
    Engine,
    ErrorClass,
    Preflight,
    PreflightError,
    RunState,
    S3XferError,
)
from s3_xfer.errors import RetryAction
from s3_xfer.ledger.metrics import error_line
from s3_xfer.runs.copy import CopyRun
from tests.contract.conftest import CRT_IS_HERE
from tests.fault_server import Fault, InjectedFault, RequestRecord
from tests.reports import lines_of
from tests.world import DESTINATION_KEY, DST, LARGE, SOURCE_KEY, SRC, World, check_accounts

CLASSES = {
    "T": ErrorClass.THROTTLED,
    "S": ErrorClass.SERVER_ERROR,
    "O": ErrorClass.TIMEOUT,
    "N": ErrorClass.NETWORK,
    "C": ErrorClass.CONFLICT,
    "E": ErrorClass.EMPTY_RESPONSE,
    "L": ErrorClass.UPLOAD_LOST,
    "G": ErrorClass.SOURCE_CHANGED,
    "Q": ErrorClass.CONDITION_REFUSED,  # the source is unchanged
    "V": ErrorClass.SOURCE_VANISHED,
    "P": ErrorClass.SOURCE_NOT_FOUND,  # it is there
    "D": ErrorClass.ACCESS_DENIED,
    "M": ErrorClass.TAGS_NOT_COPIED,
    "B": ErrorClass.BUCKET_MISSING,
    "R": ErrorClass.CREDENTIALS_REFUSED,
    "X": ErrorClass.CREDENTIALS_EXPIRED,
    "K": ErrorClass.CLOCK_SKEW,
}
# Managed and Crt are CopyObject by engine, Part and PartCrt UploadPartCopy; Done completes an
# upload; Look is the HEAD on the destination; Abort shows the tries of s3transfer and of the sweep
# at the end, which have no class: the upload is named.
TABLE = """
fault             List Head Tags Managed Crt Create Part PartCrt Done Abort PutTags Look Bucket Role
503 SlowDown      T4   T4   T4   T4      T4  T4     T4   T4      T4   8     M4      T4   T4     T4
500 InternalError S4   S4   S4   S4      S4  S4     S4   S4      S4   8     M4      S4   S4     S4
error in 200      S4   .    S4   S4      S4  S4     S4   S4      S4   8     M4      .    .      S4
empty 200         E4   E4   E1   E4      E4  E4     E4   E4      E4   .     .       E4   .      S4
403 AccessDenied  D1   D2   D1   D1      D1  D1     D1   D1      D1   2     M1      D1   +      R1
404               B1   V1   V1   P1      P1  B1     L2   L2      L2   .     M1      +    B1     .
412               .    G1   .    Q1      Q1  .      Q1   Q1      .    .     .       .    .      .
409               .    .    .    C4      C4  C4     C4   C4      L2   .     M4      .    .      .
reset before work N4   N4   N4   N4      N4  N4     N4   N4      N4   8     M4      N4   N4     N4
reset after work  N4   N4   N4   N4      N4  N4     N4   N4      N4   8     M4      N4   N4     N4
stalled           O4   O4   O4   O4      O4  O4     O4   O4      O4   8     M4      O4   O4     O4
truncated XML     S4   .    S4   +4      +4  S4     S4   S4      +4   .     .       .    .      S4
length too long   +    .    +    +       N4  +      +    N4      +    .     .       .    .      +
length too short  S4   .    S4   +4      +4  S4     S4   S4      +4   .     .       .    .      S4
clock skew        K1   K1   K1   K1      K1  K1     K1   K1      K1   2     K1      K1   +      K1
expired token     X1   X2   X1   X1      X1  X1     X1   X1      X1   2     X1      X2   X1     X1
"""
WAITS_S = {1: [], 2: [], 4: [1.0, 2.0, 4.0], 8: [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]}
WORDS = "as the test says"
SEMANTICS = Path(__file__).parents[2] / "docs" / "semantics.md"
# How long S3 may be silent. Only the stalled requests of the table are to meet the end of that; on
# a busy machine others may, too: then the same is tried with more patience.
READ_TIMEOUT_S = 60.0
STALLED_TIMEOUTS_S = (0.15, 1.0, 5.0)
ROLE = "arn:aws:iam::222222222222:role/copier"
READER = "arn:aws:iam::111111111111:role/reader"
TOO_LONG_FOR_A_HEADER = {f"{number:0100}": "v" * 250 for number in range(9)}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A request: what it is called, for which key, and the run in which it is sent."""

    operation: str
    key: str = "out/x"
    part_number: int | None = None
    size: int = LARGE
    bucket: str = DST
    tags: dict[str, str] = field(default_factory=lambda: {"a": "b"})
    settings: dict[str, Any] = field(default_factory=dict)
    missing: str = "NoSuchKey"

    @property
    def fails_the_object(self) -> bool:
        """Whether it is about one object only."""
        return self.operation not in ("ListObjectsV2", "HeadBucket", "AssumeRole")


def _small(**changes: Any) -> Column:
    return Column(operation="CopyObject", size=1000, **changes)


COLUMNS = {
    "List": Column(operation="ListObjectsV2", bucket=SRC, key="", missing="NoSuchBucket"),
    "Head": Column(operation="HeadObject", bucket=SRC, key="in/x"),
    "Tags": Column(operation="GetObjectTagging", bucket=SRC, key="in/x"),
    "Managed": _small(settings={"engine": Engine.MANAGED}),
    "Crt": _small(settings={"engine": Engine.CRT}),
    "Create": Column(operation="CreateMultipartUpload", missing="NoSuchBucket"),
    "Part": Column(operation="UploadPartCopy", part_number=2),
    "PartCrt": Column(operation="UploadPartCopy", part_number=2, settings={"engine": Engine.CRT}),
    "Done": Column(operation="CompleteMultipartUpload", missing="NoSuchUpload"),
    "Abort": Column(operation="AbortMultipartUpload"),
    "PutTags": Column(operation="PutObjectTagging", tags=TOO_LONG_FOR_A_HEADER),
    "Look": Column(operation="HeadObject", size=1000, settings={"overwrite": False}),
    "Bucket": Column(operation="HeadBucket", key="", settings={"preflight": Preflight.FULL}),
    "Role": Column(operation="AssumeRole", key="", bucket=""),
}

BY_CRT = ("Crt", "PartCrt")


def _error(status: int, code: str) -> Callable[[Column], Fault]:
    return lambda column: Fault.error(_asked(column, code), status, code, WORDS, **_where(column))


def _asked(column: Column, code: str) -> tuple[str, ...]:
    """Return the operations that fail alike: a clock or a token is wrong for all requests."""
    of_everything = code in ("RequestTimeTooSkewed", "ExpiredToken")
    if not of_everything or not column.operation.startswith("Head"):
        return (column.operation,)
    return (column.operation, "GetObjectTagging", "ListObjectsV2")


def _where(column: Column) -> Any:
    where: dict[str, Any] = {"key": column.key, "bucket": column.bucket}
    return where | ({"part_number": column.part_number} if column.part_number else {})


FAULTS: dict[str, Callable[[Column], Fault]] = {
    "503 SlowDown": _error(503, "SlowDown"),
    "500 InternalError": _error(500, "InternalError"),
    "error in 200": lambda c: Fault.error_in_200(c.operation, "InternalError", WORDS, **_where(c)),
    "empty 200": lambda c: Fault.empty_200(c.operation, **_where(c)),
    "403 AccessDenied": _error(403, "AccessDenied"),
    "404": lambda c: Fault.error(c.operation, 404, c.missing, WORDS, **_where(c)),
    "412": _error(412, "PreconditionFailed"),
    "409": _error(409, "ConditionalRequestConflict"),
    "reset before work": lambda c: Fault.reset(c.operation, **_where(c)),
    "reset after work": lambda c: Fault.lost_response(c.operation, **_where(c)),
    "stalled": lambda c: Fault.slow(c.operation, delay_s=30, **_where(c)),
    "truncated XML": lambda c: Fault.truncated(c.operation, **_where(c)),
    "length too long": lambda c: Fault.wrong_length(c.operation, **_where(c)),
    "length too short": lambda c: Fault.wrong_length(c.operation, extra_bytes=-20, **_where(c)),
    "clock skew": _error(403, "RequestTimeTooSkewed"),
    "expired token": _error(400, "ExpiredToken"),
}


def _cells() -> list[Any]:
    header, *rows = TABLE.strip().splitlines()
    width = header.index("List")
    assert header.split()[1:] == list(COLUMNS)
    assert [row[:width].strip() for row in rows] == list(FAULTS)
    return [
        pytest.param(row[:width].strip(), column, cell, id=f"{row[:width].strip()}-{column}")
        for row in rows
        for column, cell in zip(COLUMNS, row[width:].split(), strict=True)
        if cell != "."
    ]


def test_table_of_the_documents_is_that_of_the_matrix() -> None:
    """docs/semantics.md names the class that most copies get, for every fault of the table."""
    rows = [row for row in SEMANTICS.read_text(encoding="utf-8").splitlines() if "| `" in row]
    told = {cells[1].strip(): cells[2].strip(" `") for row in rows if (cells := row.split("|"))}
    for fault in FAULTS:
        letters = [
            str(param.values[2])[0]
            for param in _cells()
            if param.values[0] == fault and param.values[1] in ("Managed", "Crt", "Create")
        ]
        usual = max((one for one in letters if one in CLASSES), key=letters.count)
        if fault != "length too long":  # the body is complete: most requests succeed
            assert told.get(fault) == CLASSES[usual].value, fault


@pytest.fixture
def stage() -> Any:
    """Return the world without the parameter of the engine: the column says which."""
    with World(Engine.MANAGED) as world:
        yield world


@dataclass
class Seen:
    """What a run did: its end, how often the request was sent, and the waits it asked for."""

    tries: int = 0
    waits_s: list[float] = field(default_factory=list)
    result: CopyResult | None = None
    refusal: S3XferError | None = None


def _run(world: World, column: Column, fault: InjectedFault, **changes: Any) -> Seen:
    seen = Seen()

    def pass_time(wait_s: float) -> float:
        seen.waits_s.append(wait_s)
        return 0.0

    settings: dict[str, Any] = {
        "preflight": Preflight.SKIP,
        "read_timeout_s": READ_TIMEOUT_S,
        "retry_delay_s": CopyOptions().retry_delay_s,
        **column.settings,
        **changes,
    }
    try:
        seen.result = CopyRun(world.operation(**settings), pass_time=pass_time).result()
        check_accounts(seen.result)
    except PreflightError as refusal:
        seen.refusal = refusal
    sent = sum(_is_of(column, request) for request in world.server.requests)
    seen.tries = fault.hits if column.operation == "AssumeRole" else sent
    return seen


def _is_of(column: Column, request: RequestRecord) -> bool:
    """Return whether the run sent the request, and not what explains a denial afterwards."""
    return (
        request.operation == column.operation
        and (request.key, request.bucket) == (column.key, column.bucket)
        and column.part_number in (None, request.part_number)
        and request.headers.get("user-agent", "").startswith("s3-xfer/")
    )


def _prepare(world: World, column: Column) -> None:
    world.server.put(SRC, "in/x", size=column.size, tags=column.tags)
    world.server.put(SRC, "in/y", size=1)
    if column.operation == "AbortMultipartUpload":
        world.server.inject(
            Fault.error("UploadPartCopy", 400, "InvalidRequest", key="out/x", part_number=2)
        )


@pytest.mark.parametrize(("fault", "name", "cell"), _cells())
def test_matrix(fault: str, name: str, cell: str) -> None:
    """What the table says happens, and nothing else."""
    if name in BY_CRT and not CRT_IS_HERE:
        pytest.skip("needs awscrt")
    if fault == "length too long" and cell == "+" and botocore.__version__ == "1.36.3":
        pytest.skip("this version compares lengths by itself, and the request is repeated")
    *hasty, patient = STALLED_TIMEOUTS_S if fault == "stalled" else (READ_TIMEOUT_S,)
    for read_timeout_s in hasty:
        with World(Engine.MANAGED) as stage, contextlib.suppress(AssertionError):
            _check_cell(stage, fault, name, cell, read_timeout_s=read_timeout_s)
            return
    with World(Engine.MANAGED) as stage:
        _check_cell(stage, fault, name, cell, read_timeout_s=patient)


def _check_cell(stage: World, fault: str, name: str, cell: str, **changes: Any) -> None:
    column = COLUMNS[name]
    _prepare(stage, column)
    if name == "Role":
        changes["destination"] = stage.account(DESTINATION_KEY, role_arn=ROLE)

    seen = _run(stage, column, stage.server.inject(FAULTS[fault](column)), **changes)

    if cell[0] == "+":
        assert cell == "+" or (seen.tries, seen.waits_s) == (int(cell[1:]), WAITS_S[int(cell[1:])])
        assert seen.result is not None
        assert seen.result.state is RunState.COMPLETED
        assert set(stage.arrived()) == {"out/x", "out/y"}
        return
    error_class, tries = CLASSES.get(cell[0]), int(cell[-1])
    if fault.startswith("reset") and name != "Role":  # one is sent again at once: no attempt
        assert seen.tries == tries + tries // 4
        seen.tries = tries
    assert (seen.tries, seen.waits_s) == (tries, WAITS_S[tries])
    if error_class is None:
        assert seen.result is not None
        assert [left.key for left in seen.result.uploads_left_behind] == ["out/x"]
    elif column.fails_the_object:
        _check_failure(seen, error_class, words=_words(fault, name))
        assert stage.server.uploads(DST) == []  # found by their key where the answer was lost
    else:
        _check_end(seen, error_class, words=_words(fault, name))
        assert stage.arrived() == {}
        assert stage.server.uploads(DST) == []


def _words(fault: str, name: str) -> str:
    """Return what S3 said, as far as it can reach a person: a HEAD has no body to say it in."""
    silent = "reset", "stalled", "truncated", "empty", "length"
    if fault.startswith(silent) or (name in BY_CRT and fault.startswith(("5", "clock", "error"))):
        return ""
    if name in ("Head", "Look", "Bucket") and not fault.startswith(("clock", "expired")):
        return ""
    return WORDS if not fault.startswith("412") or name != "Part" else ""  # s3transfer's own


def _check_failure(seen: Seen, error_class: ErrorClass, *, words: str) -> None:
    """One object failed, with the class; whoever reads of it knows what to do."""
    assert seen.result is not None
    failed = next(one for one in seen.result.failures if one.task.source.key == "in/x")
    info = failed.error.info
    assert info.error_class is error_class
    line = error_line(failed)
    assert words in line
    assert error_class.value in line
    assert f"Next: {error_class.remedy}." in str(failed.error)
    assert error_class.see in str(failed.error)
    ends = error_class.retry_action is RetryAction.END_RUN
    assert (seen.result.aborted_by is not None) == ends
    if ends:
        _check_text(str(seen.result.aborted_by), error_class, words)
    else:
        assert seen.result.metrics.files_copied_successfully == 1
    assert seen.result.state is RunState.COPY_FAILED


def _check_end(seen: Seen, error_class: ErrorClass, *, words: str) -> None:
    """The run is refused, or ends early, with words and advice."""
    error = seen.refusal or (seen.result.aborted_by if seen.result else None)
    assert error is not None
    assert error.error_class is error_class
    _check_text(str(error), error_class, words)


def _check_text(text: str, error_class: ErrorClass, words: str) -> None:
    assert words in text
    assert "Next: " in text
    assert error_class.see in text


# ------------------------------------------------------------- connections that never come about

PLACES = ("source", "destination", "role")
ENGINES = [Engine.MANAGED, Engine.CRT] if CRT_IS_HERE else [Engine.MANAGED]


@pytest.mark.parametrize("failure", ["TLS", "DNS"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("engine", ENGINES)
def test_connections_that_fail_are_tried_four_times(
    stage: World, engine: Engine, place: str, failure: str
) -> None:
    """Whoever cannot be reached, by whatever engine: class Network, exact waits, the address."""
    if engine is Engine.CRT and place != "destination":
        pytest.skip("these requests go through botocore with every engine")
    stage.server.put(SRC, "in/x", size=1)
    address = {
        "TLS": stage.server.url.replace("http://", "https://"),  # it speaks plain HTTP
        "DNS": "http://nowhere.invalid",
    }[failure]
    account = {"source": SOURCE_KEY, "destination": DESTINATION_KEY}.get(place, DESTINATION_KEY)
    role = {"role_arn": ROLE} if place == "role" else {}
    side = "source" if place == "source" else "destination"
    nowhere = stage.account(account, endpoint_url=address, **role)
    column = Column(operation="AssumeRole")
    nothing = stage.server.inject(Fault.slow("nothing", delay_s=0))

    seen = _run(stage, column, nothing, engine=engine, **{side: nowhere})

    assert seen.waits_s == [1.0, 2.0, 4.0]
    if place == "destination":
        assert seen.result is not None
        (failed,) = seen.result.failures
        assert failed.error.info.error_class is ErrorClass.NETWORK
        assert failed.error.info.attempts == 4
        assert address.partition("//")[2] in failed.error.info.message
    else:
        _check_end(seen, ErrorClass.NETWORK, words=address.partition("//")[2])
    assert stage.arrived() == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_waits_are_really_waited(stage: World, engine: Engine) -> None:
    """By the server's clock: no repetition comes before its time."""
    stage.server.put(SRC, "in/x", size=1)
    stage.server.inject(Fault.error("CopyObject", 500, "InternalError"))

    stage.copy(engine=engine, retry_delay_s=0.1, preflight=Preflight.SKIP)

    times_s = [one.time_s for one in stage.server.requests if one.operation == "CopyObject"]
    waits_s = [later - sooner for sooner, later in itertools.pairwise(times_s)]
    assert len(waits_s) == 3
    assert all(waited >= due for waited, due in zip(waits_s, (0.1, 0.2, 0.4), strict=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_denial_that_passes_is_copied_by_the_next_run(
    stage: World, engine: Engine, tmp_path: Path
) -> None:
    """A 403 is not repeated, for it hardly ever passes; the report brings the object back."""
    stage.server.put(SRC, "in/x", size=1)
    stage.server.put(SRC, "in/y", size=1)
    stage.server.inject(Fault.error("CopyObject", 403, "AccessDenied", key="out/x", times=1))
    report = tmp_path / "report.jsonl"

    first = stage.copy(engine=engine, report_path=report)
    second = stage.copy(engine=engine, from_report_path=report)

    assert first.metrics.errors_by_class == {"AccessDenied": 1}
    assert first.metrics.retries == 0
    assert second.state is RunState.COMPLETED
    assert (second.metrics.total_files_found, set(stage.arrived())) == (1, {"out/x", "out/y"})


# ------------------------------------------------------------------------- expiring credentials

RENEWABLE = [name for name in COLUMNS if name not in ("Role", "Abort")]


def _expire(world: World) -> Callable[[Any], None]:
    return lambda request: world.server.expire(request.access_key)


@pytest.mark.parametrize("name", RENEWABLE)
def test_expired_token_is_renewed_once_and_nothing_is_lost(stage: World, name: str) -> None:
    """Whatever request meets it first, of a session that S3 ended before its date."""
    if name in BY_CRT and not CRT_IS_HERE:
        pytest.skip("needs awscrt")
    column = COLUMNS[name]
    _prepare(stage, column)
    fault = stage.server.inject(
        Fault.call(column.operation, _expire(stage), times=1, **_where(column))
    )

    seen = _run(
        stage,
        column,
        fault,
        source=stage.account(SOURCE_KEY, role_arn=READER),
        destination=stage.account(DESTINATION_KEY, role_arn=ROLE),
    )

    assert seen.result is not None
    assert seen.result.state is RunState.COMPLETED, seen.result.metrics.errors_encountered
    assert seen.waits_s == []
    assert set(stage.arrived()) == {"out/x", "out/y"}
    assert stage.server.uploads(DST) == []
    assert stage.server.count("AssumeRole") == 2 + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_hundreds_of_requests_in_flight_share_one_renewal(stage: World, engine: Engine) -> None:
    """All come back ExpiredToken; one asks STS, all are repeated, none fails."""
    for number in range(300):
        stage.server.put(SRC, f"in/{number:03}", size=1)
    stage.server.inject(Fault.slow("CopyObject", delay_s=0.1, times=100))
    stage.server.inject(Fault.call("CopyObject", _expire(stage), after=120, times=1))

    result = stage.copy(
        engine=engine,
        concurrency=100,
        preflight=Preflight.SKIP,
        destination=stage.account(DESTINATION_KEY, role_arn=ROLE),
    )

    assert result.state is RunState.COMPLETED, result.metrics.errors_encountered
    assert result.metrics.retries >= 1
    assert len(stage.arrived()) == 300
    assert stage.server.count("AssumeRole") == 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("renewal", ["none", "denied", "silent"])
def test_expired_token_that_cannot_be_renewed_ends_the_run_and_keeps_everything(
    stage: World, engine: Engine, renewal: str, tmp_path: Path
) -> None:
    """It stops early; the report names all that is not copied; the next run goes on from it."""
    for number in range(200):
        stage.server.put(SRC, f"in/{number:03}", size=1)
    if renewal == "denied":
        stage.server.inject(Fault.error("AssumeRole", 403, "AccessDenied", WORDS, after=1))
    elif renewal == "silent":
        stage.server.inject(Fault.reset("AssumeRole", after=1))
    role = {} if renewal == "none" else {"role_arn": ROLE}
    report = tmp_path / "report.jsonl"
    expiry = Fault.call("CopyObject", _expire(stage), after=50, times=1)
    stage.server.inject(expiry)

    result = stage.copy(
        engine=engine,
        report_path=report,
        batch_size=10,
        destination=stage.account(DESTINATION_KEY, **role),
    )

    assert result.aborted_by is not None
    assert result.aborted_by.error_class is ErrorClass.CREDENTIALS_EXPIRED
    _check_text(str(result.aborted_by), ErrorClass.CREDENTIALS_EXPIRED, "log in again")
    copied = result.metrics.files_copied_successfully
    assert set(result.metrics.errors_by_class) <= {"CredentialsExpired", "Interrupted"}
    lines = lines_of(report)
    named = {line["source_key"] for line in lines if "source_key" in line}
    assert len(named) == 200 - copied
    assert named.isdisjoint(key.replace("out/", "in/") for key in stage.arrived())
    stage.server.add_account("222222222222", access_key="AKIALATER")
    again = stage.copy(from_report_path=report, destination=stage.account("AKIALATER"))
    assert again.state is RunState.COMPLETED
    assert len(stage.arrived()) == 200


def test_role_that_arrives_in_halves_is_asked_for_again_and_never_shown(
    stage: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Half an answer is no role, and botocore would put it, secrets included, into its error."""
    stage.server.put(SRC, "in/x", size=1)
    stage.server.inject(Fault.truncated("AssumeRole", times=4))
    seen = _run(
        stage,
        COLUMNS["Role"],
        stage.server.inject(Fault.slow("AssumeRole", delay_s=0)),
        destination=stage.account(DESTINATION_KEY, role_arn=ROLE),
    )

    assert seen.refusal is not None
    assert "STS answered 200 without complete credentials" in str(seen.refusal)
    assert "secret-of" not in str(seen.refusal) + caplog.text
