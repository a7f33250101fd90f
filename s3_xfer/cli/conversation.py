"""The questions of ``interactive``: whose credentials, from where, to where, what is kept.

Each place is looked at when it is named, with the credentials of its side, so that a wrong bucket
or a denial is told at its question. What the command line gave is not asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from s3_xfer.cli.factory import Values, account_from, options_from
from s3_xfer.cli.output import print_error, print_refusal
from s3_xfer.cli.questions import BACK, Answers, ask, ask_all, confirm
from s3_xfer.cli.wording import COMMAND_LINE
from s3_xfer.errors import S3XferError, ValidationError
from s3_xfer.model import S3Location
from s3_xfer.text import printable

_CREDENTIALS = ("source_profile", "source_role_arn", "dest_profile", "dest_role_arn")
_ASKED_FOR = ("source", "destination", "source_profile", "dest_profile", "journal", "report_path")
_NONE = "-"  # an answer that takes back an earlier one
_FORM = "s3://BUCKET/KEY or s3://BUCKET/PREFIX/"


class Conversation:
    """Asks for what ``given``, the values of the command line, leaves open."""

    def __init__(self, given: Answers) -> None:
        self._given = given
        self._earlier: Values = {}
        self._profiles: list[str] | None = None

    def answers(self) -> Answers:
        """Ask, and return all values."""
        print_error(f"Answer {BACK} to go back to the question before.")
        return ask_all(
            (
                self._source_profile,
                self._dest_profile,
                self._source,
                self._destination,
                self._journal,
                self._report,
            ),
            self._given,
        )

    def begin_again(self, answers: Values) -> None:
        """Ask everything again, also what the command line gave; Enter keeps these ``answers``."""
        self._earlier = answers
        self._given = {**answers, **dict.fromkeys(_ASKED_FOR), "recursive": False}

    # ------------------------------------------------------------------------- the questions

    def _source_profile(self, _: Answers) -> Answers:
        if not self._asks_for_profiles():
            return {}
        print_error(f"Profiles configured here: {printable(', '.join(self._known_profiles()))}")
        return self._profile("source_profile", "Profile for the source (lists)")

    def _dest_profile(self, _: Answers) -> Answers:
        if not self._asks_for_profiles():
            return {}
        return self._profile("dest_profile", "Profile for the destination (makes the copy)")

    def _source(self, answers: Answers) -> Answers:
        def accept(url: str) -> Answers:
            return {"source": url, **self._whole(url, answers)}

        return self._place("source", "Copy from", answers, accept)

    def _destination(self, answers: Answers) -> Answers:
        def accept(url: str) -> Answers:
            from s3_xfer.places import look_at_destination  # noqa: PLC0415 - boto3 is slow to import

            location = S3Location.parse(url, account=account_from(answers, "dest"))
            look_at_destination(location, options_from(answers))
            return {"destination": url}

        return self._place("destination", "Copy to", answers, accept)

    def _journal(self, answers: Answers) -> Answers:
        if not self._asks_for_files(answers, "journal"):
            return {}
        text = "Journal, a new file from which the copy can be resumed; Enter for none"
        return {"journal": self._file(text, "journal", is_new=True)}

    def _report(self, answers: Answers) -> Answers:
        if not self._asks_for_files(answers, "report_path"):
            return {}
        text = "Report of what is not copied, a file; Enter for none"
        name = self._file(text, "report_path", is_new=False)
        return {"report_path": Path(name) if name else None}

    # ----------------------------------------------------------------------------- their parts

    def _place(
        self, name: str, text: str, answers: Answers, accept: Callable[[str], Answers]
    ) -> Answers:
        """Ask until ``accept`` takes a URL, and return what it makes of it."""
        given = self._given[name]
        if given and (name == "destination" or answers["recursive"]):
            return {}
        while True:
            url = given or ask(f"{text} ({_FORM})", str(self._earlier.get(name) or ""))
            try:
                S3Location.parse(url)
                return accept(url)
            except ValidationError as error:
                say = COMMAND_LINE.say
                print_error(printable(f"{say(error.problem)}; {say(error.remedy)}."))
            except S3XferError as refusal:
                print_refusal(refusal)
            given = None

    def _whole(self, url: str, answers: Answers) -> Answers:
        """Look at a source, and ask whether all of a prefix is meant."""
        from s3_xfer.places import SourceKind, look_at_source  # noqa: PLC0415 - slow to import

        if answers["files_from"] or answers["inventory"]:
            return {}
        source = S3Location.parse(url, account=account_from(answers, "source"))
        kind = look_at_source(source, account_from(answers, "dest"), options_from(answers))
        if kind is SourceKind.OBJECT or answers["recursive"]:
            return {"recursive": answers["recursive"]}
        shown = printable(url)
        if kind is SourceKind.BOTH:
            text = f"{shown} is an object, and a prefix. Copy everything under {shown}/ instead?"
            return {"recursive": confirm(text)}
        under = shown if shown.endswith("/") or not source.key else f"{shown}/"
        while not confirm(f"Copy everything under {under}?", default=True):
            print_error(f"It is no single object; {BACK} goes back to the question before.")
        return {"recursive": True}

    def _profile(self, name: str, text: str) -> Answers:
        known, earlier = self._known_profiles(), str(self._earlier.get(name) or "")
        default = f"{_NONE} for the default" if earlier else "Enter for the default"
        while True:
            answer = ask(f"{text}, {default}", earlier).removeprefix(_NONE)
            if not answer or answer in known:
                return {name: answer or None}
            print_error(f"There is no profile {printable(answer)!r}.")

    def _file(self, text: str, name: str, *, is_new: bool) -> str | None:
        """Ask for a file in a folder that there is, or, of a journal, for an object."""
        while True:
            answer = ask(text, str(self._earlier.get(name) or "")).removeprefix(_NONE)
            if not answer:
                return None
            path = Path(answer)
            if is_new and answer.startswith("s3://"):
                return answer
            if is_new and path.exists():
                print_error(f"{printable(answer)} is there already.")
            elif not os.access(path.absolute().parent, os.W_OK):
                print_error(f"{printable(str(path.parent))} is no folder that you may write.")
            else:
                return answer

    def _asks_for_profiles(self) -> bool:
        is_open = bool(self._earlier) or not any(self._given[name] for name in _CREDENTIALS)
        return is_open and bool(self._known_profiles())

    def _asks_for_files(self, answers: Values, name: str) -> bool:
        """Return whether a file is offered: of a prefix, if the places were asked for as well."""
        was_asked = not (self._given["source"] and self._given["destination"])
        return was_asked and bool(answers["recursive"]) and not self._given[name]

    def _known_profiles(self) -> list[str]:
        if self._profiles is None:
            from botocore.session import Session  # noqa: PLC0415 - slow to import

            self._profiles = sorted(Session().available_profiles)
        return self._profiles
