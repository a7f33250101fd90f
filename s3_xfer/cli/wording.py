"""Messages in the words of the command line: options as they are typed, commands of this program.

The options' names come from their declarations, so a message cannot name one that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from s3_xfer.cli.filter_options import FILTERS, typed_filters, typed_of
from s3_xfer.declarations import Declaration, Kind, declarations_of
from s3_xfer.model import AccountContext
from s3_xfer.options import CopyOptions
from s3_xfer.spec import CheckSpec, CopySpec
from s3_xfer.text import shell_word
from s3_xfer.wording import ANY_VALUE, Phrase, Wording

_PHRASES: Mapping[Phrase, str] = {
    Phrase.RUN_AGAIN: "run it again",
    Phrase.RUN_FROM_REPORT: "run it again with --from-report {report}",
    Phrase.RUN_WITHOUT_REPORT: "run it again; --skip-identical leaves out what has arrived",
    Phrase.RESUME: "s3-xfer resume {journal}",
    Phrase.NEW_JOURNAL: "begin: s3-xfer copy --journal",
    Phrase.LOCAL_JOURNAL: "name a file of this machine as the journal (--journal copy.db)",
    Phrase.LOG_IN: "log in with aws sso login --profile {profile}, then run this again",
    Phrase.CHECK_CREDENTIALS: (
        "check profile, role and account (aws sts get-caller-identity --profile NAME)"
    ),
    Phrase.CHECK_CONFIGURATION: (
        "check ~/.aws/config, the profile's name and the environment variables"
    ),
    Phrase.ACCESS_GUIDE: "docs/access.md",
    Phrase.LEFTOVER_UPLOADS: "docs/runbook.md#leftover-multipart-uploads",
    Phrase.READ_ON: "See docs/runbook.md#{section} (s3-xfer runbook {section})",
}
_RULE_ENDS = re.compile(r"\n(?=[+-] )")  # between rules; a pattern may hold a line end
_SIDES = {"source": "source", "destination": "dest"}
_OPTIONS = {
    **declarations_of(CheckSpec),
    **declarations_of(CopySpec),
    **declarations_of(CopyOptions),
}
_ACCOUNT = declarations_of(AccountContext)


class CommandLineWording(Wording):
    """Says messages as a person at a shell reads them."""

    def option(self, name: str, value: str | None, *, side: str) -> str:
        """Return an option as it is typed, with its value if it has one."""
        if side:
            declaration = _ACCOUNT[name]
            flag = f"--{_SIDES[side]}-{declaration.flag.removeprefix('--')}"
            return _typed(declaration, flag, value)
        declaration = _OPTIONS[name]
        if name == FILTERS and value:
            return " ".join(typed_filters(typed_of(_RULE_ENDS.split(value))))
        if declaration.kind is Kind.MEMBERS:
            return f"--{value}"
        return _typed(declaration, declaration.flag, value)

    def phrase(self, phrase: Phrase, values: Mapping[str, str]) -> str:
        """Return advice; what is filled in is quoted for a shell."""
        return _PHRASES[phrase].format(**{name: shell_word(one) for name, one in values.items()})


def _typed(declaration: Declaration, flag: str, value: str | None) -> str:
    """Return the words that give an option this value."""
    if not flag:
        raise LookupError(f"{declaration.name} cannot be typed")
    if declaration.word:
        return flag if value is None else f"{flag} {declaration.word}"
    if value is None or declaration.when_given is not None:
        return flag
    return f"{flag} {declaration.metavar or 'VALUE' if value == ANY_VALUE else shell_word(value)}"


COMMAND_LINE = CommandLineWording()
