"""Questions to a person, one after the other, with a way back.

An answer of ``<`` goes back to the question before. What was typed before a question that decides
was shown is no answer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import click

from s3_xfer.cli.output import discard_input, print_error

BACK = "<"
Answers = dict[str, Any]
# Asks one question, given the answers so far, and returns what it brings: nothing if there was
# nothing to ask.
Question: TypeAlias = Callable[[Answers], Answers]


class GoBack(Exception):  # noqa: N818 - a wish, not an error
    """The person wants to go back to the question before."""


def ask_all(questions: Sequence[Question], given: Answers) -> Answers:
    """Return ``given`` and the answers to all questions."""
    answers, asked, number = dict(given), list[int](), 0
    while number < len(questions):
        try:
            brought = questions[number](answers)
        except GoBack:
            if asked:
                number = asked.pop()
            else:
                print_error("This is the first question.")
            continue
        if brought:
            answers |= brought
            asked.append(number)
        number += 1
    return answers


def ask(text: str, default: str = "") -> str:
    """Return what is typed, without spaces around it; ``default`` if that is nothing.

    Raises:
        GoBack: it is the way back.
    """
    answer: str = click.prompt(text, default=default, show_default=bool(default), err=True)
    if answer.strip() == BACK:
        raise GoBack
    return answer.strip()


def confirm(text: str, *, default: bool = False) -> bool:
    """Return whether the answer is yes.

    Raises:
        GoBack: it is the way back.
    """
    discard_input()
    words = {"y": True, "yes": True, "n": False, "no": False, "": default}
    while True:
        answer = ask(f"{text} [{'Y/n' if default else 'y/N'}]").lower()
        if answer in words:
            return words[answer]
        print_error(f"Please type y or n; {BACK} goes back.")
