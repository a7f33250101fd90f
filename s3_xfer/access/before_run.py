"""The preflight of a copy: the probes before the first object, with the run's own clients.

What only writing can show comes last. The first failed finding is raised; a denial is diagnosed on
request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_reading_client
from s3_xfer.access.diagnosis import diagnose_refusal, diagnoser_of, diagnosis_or_none
from s3_xfer.access.documents import Principal
from s3_xfer.access.probe import DESTINATION, SOURCE, Finding, Probe, ProbeContext, Verdict
from s3_xfer.errors import PreflightError
from s3_xfer.model import S3Object
from s3_xfer.options import Preflight, RunMode
from s3_xfer.planning.mapping import KeyMap
from s3_xfer.spec import CopySpec
from s3_xfer.wording import message

_NOT_PROVEN = {SOURCE: "reading the source", DESTINATION: "writing to the destination"}


class AccessPreflight:
    """The preflight of one run, in two stages. For one thread.

    ``single`` is the object of a copy of one object, as soon as it was seen. ``named`` are the
    first objects of a list, which takes the place of the listing; None: the source is listed.
    """

    def __init__(
        self,
        clients: Clients,
        keys: KeyMap,
        spec: CopySpec,
        *,
        named: Sequence[S3Object] | None = None,
    ) -> None:
        self._named = named
        self._context = ProbeContext(clients, keys, spec.options)
        self._spec = spec
        if spec.options.principal:
            Principal.parse(spec.options.principal)  # wrong ones are refused before any request
        self._is_skipped = spec.options.preflight is Preflight.SKIP
        self._refusal: PreflightError | None = None
        self.single: S3Object | None = None

    def examine_reading(self) -> tuple[str, ...]:
        """Try what reading can show; return notes for the user.

        The HEAD of a single object is sent in any case: the copy needs its size and ETag.

        Raises:
            PreflightError: the copy would be refused.
        """
        if not self._spec.is_of_prefix:
            self._examine([probes.head])
            (self.single,) = self._context.sample
        if self._is_skipped:
            return (message("access was not checked before the copy ({preflight=skip})"),)
        if self._named is not None:
            self._context.sample = self._named
            self._examine([probes.head_of_named])
        elif self._spec.is_of_prefix:
            self._examine([probes.list_source])
        if self._spec.source.bucket_owner:
            self._examine([probes.source_bucket])
        self._examine([probes.tags_always_read, probes.destination_bucket, probes.look_for_delete])
        if not self._spec.overwrite and not self._context.clients.destination_is_aws:
            self._examine([probes.existing])
        return ()

    def examine_writing(self) -> tuple[str, ...]:
        """Try what only writing can show, and leave nothing behind; return notes for the user.

        Raises:
            PreflightError: the copy would be refused.
        """
        if self._is_skipped:
            return ()
        if self._spec.options.mode is RunMode.DRY_RUN:
            return (self._examine_reading_by_copier(),)
        try:
            findings = self._examine([probes.backup, probes.open_upload, probes.read_for_copy])
        finally:
            self._context.abort_upload()  # one that stays is among the hooks' open uploads
        return tuple(
            message(
                "{step} could not be checked: {evidence}",
                step=_NOT_PROVEN[finding.side],
                evidence=finding.evidence,
            )
            for finding in findings
            if finding.verdict is Verdict.UNPROVEN
        )

    def _examine_reading_by_copier(self) -> str:
        """Try what a dry run can show of reading for the copy; return what it cannot show."""
        context = self._context
        context.source_by_copier = open_reading_client(context.clients, self._spec)
        (finding,) = self._examine([probes.head_by_copier])
        unchecked = "a dry run writes nothing: write access was not checked, nor was reading"
        if finding.verdict is Verdict.UNPROVEN:
            return message(
                "{unchecked} with the destination's credentials ({evidence})",
                unchecked=unchecked,
                evidence=finding.evidence,
            )
        return (
            f"{unchecked} for a copy, except for one HEAD with the destination's credentials: "
            "tags and KMS keys may still be denied"
        )

    def diagnose(self, error: BaseException) -> None:
        """Attach to ``error`` what the denial means, if this preflight raised it. Never raises."""
        context, refusal = self._context, self._refusal
        if refusal and error is refusal:
            refusal.diagnosis = diagnosis_or_none(
                lambda: diagnose_refusal(
                    refusal,
                    context.subject,
                    diagnoser_of(context.clients, context.keys, self._spec),
                ),
                log=context.clients.requests.log,
            )

    def _examine(self, chosen: Iterable[Probe]) -> list[Finding]:
        """Return the findings, or raise the first failed one."""
        findings = []
        for probe in chosen:
            finding = probe.run(self._context)
            if finding and finding.verdict is Verdict.FAILED and finding.refusal:
                self._refusal = finding.refusal
                raise finding.refusal
            findings += [finding] if finding else []
        return findings
