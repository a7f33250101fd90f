"""Messages in the words of a person who looks at a task: arguments, connections, "clear this task".

What goes to the log, to XCom and into exceptions is said here. Files of the worker are named by
the URLs that they stand for. Links lead to the documentation that ``[s3_xfer] docs_url`` names, by
default that of the installed package; without any, the section is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from airflow_plugin.arguments import OPTIONS, SKIP_ON_RETRY, argument_of
from s3_xfer import (
    AccountContext,
    Declaration,
    JournalUse,
    Phrase,
    S3CheckOperation,
    S3CopyOperation,
    Wording,
    declarations_of,
)

_PACKAGE, _DOCUMENTATION = "s3-xfer", "Documentation"
_SIDES = {"source": "source", "destination": "dest"}
# Fields of AccountContext that are arguments for each side; the others are in the connection.
_ARGUMENTS = {"region": "region_name", "bucket_owner": "bucket_owner", "ca_bundle": "verify"}
_KEEPS_WHAT_ARRIVED = (SKIP_ON_RETRY, "skip")
_AGAIN = "clear this task"


@dataclass(frozen=True, kw_only=True)
class OperatorWording(Wording):
    """The words for one task.

    ``urls`` replace the names of local files. ``connections`` are the ids by side, None for the
    worker's own identity. ``keeps_what_arrived``: a cleared task copies only what is missing.
    """

    docs_url: str | None = None
    connections: Mapping[str, str | None] = field(default_factory=dict)
    keeps_what_arrived: bool = True
    report: str | None = None
    begins_journal: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)

    def say(self, text: str) -> str:
        """Return a message in these words, with URLs in place of the worker's files."""
        said = super().say(text)
        for path, url in self.urls.items():
            said = said.replace(path, url)
        return said

    def option(self, name: str, value: str | None, *, side: str) -> str:
        """Return the argument of the operator, or the connection that has the field."""
        if side and name not in _ARGUMENTS:
            field_name = declarations_of(AccountContext)[name].name
            return f"{field_name} in {self._connection(side).format()}"
        if side:
            return f"{_SIDES[side]}_{_ARGUMENTS[name]}="
        if name not in {option.name for option in OPTIONS.values()}:
            name = self._of_operations()[name].name
        return super().option(argument_of(name), value, side="")

    @staticmethod
    def _of_operations() -> Mapping[str, Declaration]:
        return {**declarations_of(S3CheckOperation), **declarations_of(S3CopyOperation)}

    def phrase(self, phrase: Phrase, values: Mapping[str, str]) -> str:
        """Return advice about the task, its connections or its worker."""
        return self._phrases[phrase].format(**values)

    @property
    def _phrases(self) -> Mapping[Phrase, str]:
        both = " and ".join(dict.fromkeys(map(self._connection, _SIDES)))
        return {
            Phrase.RUN_AGAIN: _AGAIN,
            Phrase.RUN_FROM_REPORT: self._copy_the_rest(),
            Phrase.RUN_WITHOUT_REPORT: self._copy_the_rest(),
            Phrase.RESUME: f"leave out journal_use= and {_AGAIN}"
            if self.begins_journal
            else _AGAIN,
            Phrase.NEW_JOURNAL: "leave out journal_use= to begin one",
            Phrase.LOCAL_JOURNAL: "give journal= a file that every worker has",
            Phrase.LOG_IN: (
                "give the connection a role or an access key: a worker cannot log in as the "
                "profile {profile} does"
            ),
            Phrase.CHECK_CREDENTIALS: f"check role, account and access key of {both}",
            Phrase.CHECK_CONFIGURATION: (
                f"check the fields of {both}, and the AWS settings of the worker"
            ),
            Phrase.ACCESS_GUIDE: self._page("access"),
            Phrase.LEFTOVER_UPLOADS: self._page("runbook", "leftover-multipart-uploads"),
            Phrase.READ_ON: f"See {self._page('runbook', '{section}')}",
        }

    def _copy_the_rest(self) -> str:
        if self.keeps_what_arrived:
            return f"{_AGAIN}: only what is missing is copied"
        if self.report:
            return f'give from_report_path="{_literal(self.report)}" and {_AGAIN}'
        return f'give identical="skip" and {_AGAIN}'

    def _connection(self, side: str) -> str:
        name = self.connections.get(side)
        return f"the connection {_literal(repr(name))}" if name else "the worker's own AWS identity"

    def _page(self, page: str, section: str = "") -> str:
        if self.docs_url:
            anchor = f"#{section}" if section else ""
            return f"{_literal(self.docs_url.rstrip('/'))}/{page}.html{anchor}"
        name = f"section {section} of the {page}" if section else f"page on {page}"
        return f"the {name} in the documentation of {_PACKAGE}"


def _literal(text: str) -> str:
    """Return text that stays as it is in a template of :meth:`str.format`."""
    return text.replace("{", "{{").replace("}", "}}")


def wording_of(
    arguments: Mapping[str, Any], *, docs_url: str | None, identical: str | None
) -> OperatorWording:
    """Return the words for a task with these rendered arguments.

    ``identical`` is what stands in for the argument that is None.
    """
    destination = arguments["dest_aws_conn_id"] or None
    return OperatorWording(
        docs_url=docs_url,
        connections={
            "source": arguments["source_aws_conn_id"] or destination,
            "destination": destination,
        },
        keeps_what_arrived=(arguments.get("identical") or identical) in _KEEPS_WHAT_ARRIVED,
        report=str(arguments["report_path"]) if arguments["report_path"] else None,
        begins_journal=arguments.get("journal_use") == JournalUse.BEGIN.value,
    )


def documentation_url() -> str | None:
    """Return the address that the installed package gives for its documentation, if any."""
    try:
        urls = metadata(_PACKAGE).get_all("Project-URL") or ()
    except PackageNotFoundError:
        return None
    pairs = (text.partition(", ") for text in urls)
    return next((url for label, _, url in pairs if label == _DOCUMENTATION), None)
