"""What a program's own functions decide: which objects are wanted, and their keys.

What they return is checked: nothing is left out because a function forgot to return something.
Only a program's own keys can collide: those of two objects of one prefix never do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from s3_xfer.errors import ErrorClass, ObjectError, not_accepted
from s3_xfer.model import CopyTask, S3Object
from s3_xfer.planning.steps import Counterpart, Decision, Refuse

KEYS_MAX = 1_000_000  # that are remembered, in some 150 MB


def wanted(
    objects: Sequence[S3Object], where: Callable[[S3Object], bool] | None
) -> Sequence[S3Object]:
    """Return the objects of which ``where`` says True; without it all of them.

    Raises:
        ValidationError: it says neither True nor False.
    """
    if not where:
        return objects
    chosen: list[S3Object] = []
    for found in objects:
        answer: object = where(found)
        if not isinstance(answer, bool):
            raise not_accepted("what where returns", answer, "true or false")
        if answer:
            chosen.append(found)
    return chosen


class OneObjectPerKey:
    """The step that refuses an object whose destination key another object has already.

    The first object keeps the key. It remembers a number for each key, for the first million:
    ``is_full`` says that keys behind these were not compared with each other. For one thread.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._sources: dict[int, int] = {}

    def __call__(self, task: CopyTask, _: Counterpart | None) -> Decision | None:
        """Return a refusal, or None."""
        taken, source = hash(task.destination_key), hash(task.source.id)
        first = self._sources.get(taken)
        if first is None:
            self.is_full = len(self._sources) >= KEYS_MAX
            if not self.is_full:
                self._sources[taken] = source
            return None
        if first == source:  # the same object, named twice
            return None
        return Refuse(ObjectError.of(ErrorClass.KEY_TAKEN, task.destination_key))
