"""The preflight of a copy: the probes before the first object, with the run's own clients.

What only writing can show comes last. The first failed finding is raised; a denial is diagnosed on
request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from s3_xfer.access import probes
from s3_xfer.access.clients import Clients, open_reading_client
from s3_xfer.access.diagnosis import diagnose_refusal, diagnoser_of, diagnosis_or_none
from s3_xfer.access.documents import Principal
from s3_xfer.access.probe import DESTINATION, SOURCE, Finding, Probe, ProbeContext, Verdict
from s3_xfer.errors import ErrorClass, PreflightError
from s3_xfer.model import S3Object
from s3_xfer.options import Preflight, RunMode
from s3_xfer.planning.mapping import KeyMaps
from s3_xfer.spec import CopySpec
from s3_xfer.wording import message

_NOT_PROVEN = {SOURCE: "reading the source", DESTINATION: "writing to the destination"}


class AccessPreflight:
    """The preflight of one run, in two stages. For one thread.

    ``singles`` are the sources that are one object, as soon as they were seen. ``samples`` say of
    each source, by its number, which objects of it are named one by one, at least the first ones;
    None: it is listed, or looked up. Sources that are not in it have nothing left to copy.
    """

    def __init__(
        self,
        clients: Clients,
        keys: KeyMaps,
        spec: CopySpec,
        samples: Mapping[int, Sequence[S3Object] | None],
    ) -> None:
        self._clients = clients
        self._samples = samples
        self._contexts = [ProbeContext(clients, keys[each], spec.options) for each in samples]
        self._spec = spec
        if spec.options.principal:
            Principal.parse(spec.options.principal)  # wrong ones are refused before any request
        self._is_skipped = spec.options.preflight is Preflight.SKIP
        self._refusal: tuple[PreflightError, ProbeContext] | None = None
        self.singles: list[S3Object] = []
        self.has_looked = False  # so that they are all of them

    def examine_reading(self) -> tuple[str, ...]:
        """Try what reading can show; return notes for the user.

        The HEAD of a single object is sent in any case: the copy needs its size and ETag.

        Raises:
            PreflightError: the copy would be refused.
        """
        self._look_at_singles()
        if self._is_skipped:
            return (message("access was not checked before the copy ({preflight=skip})"),)
        for context in list(self._contexts):
            if self._has_something(context, *self._probes_of_source(context)):
                self._examine(context, probes.tags_always_read)
        at_destination = self._contexts[0]
        self._examine(at_destination, probes.destination_bucket, probes.look_for_delete)
        if not self._spec.overwrite and not self._clients.destination_is_aws:
            self._examine(at_destination, probes.existing)
        return ()

    def _look_at_singles(self) -> None:
        for context in list(self._contexts):
            is_single = not context.keys.is_of_prefix and self._named(context) is None
            if is_single and self._has_something(context, probes.head):
                self.singles += context.sample
        self.has_looked = True

    def _has_something(self, context: ProbeContext, *chosen: Probe) -> bool:
        """Return whether there is anything of a source; False only where its partner has it.

        Raises:
            PreflightError: as :meth:`examine_reading`.
        """
        try:
            self._examine(context, *chosen)
        except PreflightError as refusal:
            is_nothing = refusal.error_class is ErrorClass.NOTHING_TO_COPY
            if not is_nothing or not self._may_lack(context):
                raise
            if len(self._contexts) > 1:  # one is left to try the destination with
                self._contexts.remove(context)
            return False
        return True

    def _may_lack(self, context: ProbeContext) -> bool:
        """Return whether the partner of a source has something, or was copied by an earlier run."""
        partner = context.keys.partner
        if partner is None:
            return False
        has_something = any(each.keys.number == partner for each in self._contexts)
        return has_something or partner not in self._samples

    def _named(self, context: ProbeContext) -> Sequence[S3Object] | None:
        return self._samples[context.keys.number]

    def _probes_of_source(self, context: ProbeContext) -> Iterator[Probe]:
        named = self._named(context)
        if named is not None:
            context.sample = named
            yield probes.head_of_named
        elif context.keys.is_of_prefix:
            yield probes.list_source
        if self._spec.source.bucket_owner:
            yield probes.source_bucket

    def examine_writing(self) -> tuple[str, ...]:
        """Try what only writing can show, and leave nothing behind; return notes for the user.

        Raises:
            PreflightError: the copy would be refused.
        """
        if self._is_skipped:
            return ()
        if self._spec.options.mode is RunMode.DRY_RUN:
            unchecked = map(self._examine_reading_by_copier, self._tried_by_writing())
            return tuple(dict.fromkeys(unchecked))
        findings = self._examine(self._contexts[0], probes.backup)
        for context in self._tried_by_writing():
            try:
                findings += self._examine(context, probes.open_upload, probes.read_for_copy)
            finally:
                context.abort_upload()  # one that stays is among the hooks' open uploads
        notes = (
            message(
                "{step} could not be checked: {evidence}",
                step=_NOT_PROVEN[finding.side],
                evidence=finding.evidence,
            )
            for finding in findings
            if finding.verdict is Verdict.UNPROVEN
        )
        return tuple(dict.fromkeys(notes))

    def _tried_by_writing(self) -> Sequence[ProbeContext]:
        """Return what stands for the others: each prefix, and one object of each bucket."""
        chosen: dict[tuple[str, str], ProbeContext] = {}
        for context in self._contexts:
            source = context.keys.source
            prefix = source.key if context.keys.is_of_prefix else "one object"
            chosen.setdefault((source.bucket, prefix), context)
        return list(chosen.values())

    def _examine_reading_by_copier(self, context: ProbeContext) -> str:
        """Try what a dry run can show of reading for the copy; return what it cannot show."""
        context.source_by_copier = open_reading_client(context.clients, self._spec)
        (finding,) = self._examine(context, probes.head_by_copier)
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
        refusal, context = self._refusal or (None, None)
        if refusal and context and error is refusal:
            refusal.diagnosis = diagnosis_or_none(
                lambda: diagnose_refusal(
                    refusal,
                    context.subject,
                    diagnoser_of(context.clients, context.keys, self._spec),
                ),
                log=context.clients.requests.log,
            )

    def _examine(self, context: ProbeContext, *chosen: Probe) -> list[Finding]:
        """Return the findings about one source, or raise the first failed one."""
        findings = []
        for probe in chosen:
            finding = probe.run(context)
            if finding and finding.verdict is Verdict.FAILED and finding.refusal:
                self._refusal = finding.refusal, context
                raise finding.refusal
            findings += [finding] if finding else []
        return findings
