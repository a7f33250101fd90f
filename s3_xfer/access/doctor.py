"""The check-up before a copy: every step of it tried, each a line with its evidence.

The same checks as before every run, and more: who one is, which region, what the tags need. It
goes on after a failure, and is over in ten seconds whether S3 answers or not. Nothing is left
behind: what is opened is aborted, and what cannot be aborted is named.

Refuses to pass what it did not see: a check without proof is ``unproven``, with the reason.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from s3_xfer.access import checks
from s3_xfer.access.checks import DESTINATION, SOURCE, Checks
from s3_xfer.access.clients import Clients, open_clients
from s3_xfer.access.diagnosis import Investigator
from s3_xfer.access.principals import Principal
from s3_xfer.copying.request_policy import RequestPolicy
from s3_xfer.errors import PreflightError, translate
from s3_xfer.findings import Finding, Verdict
from s3_xfer.ledger.metrics import MetricsCollector
from s3_xfer.model import OpenUpload
from s3_xfer.options import CopyOptions, RunMode, TagPolicy
from s3_xfer.pipeline.stop import StopFlag
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec
from s3_xfer.text import printable, s3_url

PATIENCE_S = 10.0
_LEAVING_S = 2.5  # of these are kept for aborting what is open
_READ_TIMEOUT_S = 3.0
CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class CheckUp:
    """What a check-up found, in order."""

    findings: tuple[Finding, ...]
    duration_s: float

    @property
    def failed(self) -> bool:
        """Whether the copy would be denied."""
        return any(one.verdict is Verdict.FAILED for one in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "passed": not self.failed,
            "checks": [one.to_dict() for one in self.findings],
            "duration_seconds": round(self.duration_s, 3),
        }


def check_up(
    operation: CopySpec,
    *,
    principal: Principal | None = None,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> CheckUp:
    """Try every step of ``operation``; return after ``patience_s`` seconds at the latest."""
    began_s = clock()
    doctor = _Doctor(operation, principal)
    if not _in_background(doctor.work, max(0.0, patience_s - _LEAVING_S)):
        doctor.stop.set("the check-up took too long")
        _in_background(doctor.sweep, began_s + patience_s - clock())
    return CheckUp(tuple(doctor.report(patience_s)), clock() - began_s)


def _in_background(work: Callable[[], None], patience_s: float) -> bool:
    """Do ``work`` in a thread; return whether it came to its end in time."""
    thread = threading.Thread(target=work, name="s3-xfer-doctor", daemon=True)
    thread.start()
    thread.join(max(0.0, patience_s))
    return not thread.is_alive()


class _Doctor:
    """Works in a thread of its own; what it found so far can be read at any time."""

    def __init__(self, operation: CopySpec, principal: Principal | None) -> None:
        self.stop = StopFlag()
        self._operation = operation
        self._options: CopyOptions = dataclasses.replace(
            operation.options, retries=0, read_timeout_s=_READ_TIMEOUT_S
        )
        self._keys: KeyMap = operation.key_map()
        self._principal = principal
        self._found: list[Finding] = []
        self._clients: Clients | None = None
        self._error: BaseException | None = None

    def work(self) -> None:
        """Fill the list of findings. Never raises."""
        try:
            for finding in self._findings():
                self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._error = error

    def sweep(self) -> None:
        """Abort what the work, which may still hang somewhere, has opened."""
        for upload in self._open_uploads():
            try:
                self._clients.destination.abort_multipart_upload(  # type: ignore[union-attr]
                    Bucket=upload.bucket, Key=upload.key, UploadId=upload.upload_id
                )
            except Exception as error:  # noqa: BLE001 - the upload is named in the report
                self._error = error

    def report(self, patience_s: float) -> Iterator[Finding]:
        """Return the findings, and a line for each check that did not come to its end."""
        found = (*self._found, *self._left_behind())
        yield from found
        done = {(one.check, one.side) for one in found}
        why = self._why_not_tried(found, patience_s)
        for check, side in self._planned():
            if (check, side) not in done:
                yield checks.unproven(check, side, why)

    # ------------------------------------------------------------------------- the checks

    def _planned(self) -> Iterator[tuple[str, str]]:
        """Return every check that this copy calls for."""
        tags = self._options.tags is TagPolicy.COPY
        yield from ((checks.IDENTITY, SOURCE), (checks.IDENTITY, DESTINATION))
        yield from ((checks.BUCKET, SOURCE), (checks.BUCKET, DESTINATION))
        yield from ((checks.LIST, SOURCE),) if self._operation.recursive else ()
        yield (checks.LOOK, SOURCE)
        yield from ((checks.TAGS, SOURCE),) if tags else ()
        if self._options.mode is not RunMode.DRY_RUN:
            yield from ((checks.WRITE, DESTINATION), (checks.READ, SOURCE))
            yield from ((checks.WRITE_TAGS, DESTINATION),) if tags else ()
            yield (checks.CLEAN_UP, DESTINATION)
        yield from ((checks.EXISTING, DESTINATION),) if not self._operation.overwrite else ()

    def _findings(self) -> Iterator[Finding]:
        try:
            one = self._open()
        except PreflightError as error:
            yield Finding(
                check=CREDENTIALS,
                side="both",
                verdict=Verdict.FAILED,
                evidence=f"{error.problem}; next: {error.remedy}",
            )
            return
        yield from one.transport()
        yield from one.identities()
        yield from one.buckets()
        yield from one.listing() if self._operation.recursive else ()
        yield from one.looking()
        yield from one.tags() if self._options.tags is TagPolicy.COPY else ()
        yield from one.copying() if self._options.mode is not RunMode.DRY_RUN else ()
        yield from (one.existing(),) if not self._operation.overwrite else ()

    def _open(self) -> Checks:
        operation, overwrite = self._operation, self._operation.overwrite
        clients = self._clients = open_clients(
            source=operation.source,
            destination=operation.destination,
            options=self._options,
            overwrite=overwrite,
            requests=RequestPolicy.of(
                self._options, counter=MetricsCollector("doctor"), stop=self.stop
            ),
        )
        investigator = Investigator(
            clients, self._keys, self._options, overwrite=overwrite, principal=self._principal
        )
        return Checks(clients, self._keys, self._options, investigator)

    # --------------------------------------------------------------------- what is left over

    def _why_not_tried(self, found: tuple[Finding, ...], patience_s: float) -> str:
        if any(one.check == CREDENTIALS for one in found):
            return "not tried without credentials"
        if self._error and not self.stop.is_set():
            info = translate(self._error)
            return printable(f"not tried after {info.code} {info.message}".strip())
        return f"no answer within {patience_s:g} seconds"

    def _left_behind(self) -> Iterator[Finding]:
        for upload in self._open_uploads():
            place = s3_url(upload.bucket, upload.key)
            evidence = (
                f"upload {printable(upload.upload_id)} to {place} could not be aborted and costs "
                "money until somebody does (s3:AbortMultipartUpload)"
            )
            yield Finding(
                check=checks.CLEAN_UP, side=DESTINATION, verdict=Verdict.FAILED, evidence=evidence
            )

    def _open_uploads(self) -> tuple[OpenUpload, ...]:
        return self._clients.destination_hooks.open_uploads() if self._clients else ()
