"""Why a run failed: which side is the cause, and its own words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo.run.invoke import describe_exit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.run.stages import Ending, Outcome


@dataclass(frozen=True, slots=True)
class Reason:
    """The side that brought the run down, how it ended, and one line about it."""

    ending: Ending
    words: str | None

    def __str__(self) -> str:
        ending = self.ending
        how = describe_exit(ending.returncode)
        if ending.early and ending.returncode == 0:
            how = "exited with code 0 before the end of its input, so what came later is not loaded"
        return (
            f"{ending.name} {how}: {self.words}" if self.words else f"{ending.name} {how} and gave no reason"
        )


def reason_of_failure(outcome: Outcome, last_words: Mapping[str, str | None]) -> Reason | None:
    """Why the run failed; None if it did not.

    No side can be brought down by one before it (its input stays open until that has exited with 0), so of
    those that ended unasked the last in the row is the cause, and what the ones before it did follows.

    Args:
        outcome: how all sides ended.
        last_words: name of a connector → its last error line, as far as it said anything.
    """
    for ending in reversed(outcome.endings):
        if not ending.told_to_stop and (ending.returncode != 0 or ending.early):
            return Reason(ending, last_words.get(ending.name))
    for ending in outcome.endings:
        if ending.returncode != 0:
            return Reason(ending, last_words.get(ending.name))
    return None
