"""Why a run failed: which side is the cause, and its own words for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo.errors import TRY_AGAIN, Interrupted, LimitExceeded, RunFailed, TimedOut, Unanswered
from dativo.records import dataclass
from dativo.run.invoke import describe_exit
from dativo.run.stages import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dativo.errors import ConnectorError
    from dativo.isolation.usage import Breach
    from dativo.jobs.format import Job
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.stages import Outcome


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


def failure_of(outcome: Outcome, log: ConnectorLog, job: Job) -> RunFailed | Interrupted | None:
    """The error that an outcome is; None if all went well.

    Args:
        outcome: how all sides ended.
        log: what they said, and whether they said that another try is worth it.
        job: whose retries and timeouts hold.
    """
    if outcome.signum is not None:
        return Interrupted(outcome.signum, job.full_name)
    if breach := outcome.breach:
        return exceeded(breach)
    if outcome.overdue == "idle":
        return TimedOut(f"nothing has moved for {job.timeouts.idle} (timeouts.idle)", retryable=True)
    if outcome.overdue == "run":
        return TimedOut(f"it was not done within {job.timeouts.run} (timeouts.run)")
    words = {ending.name: log.last_words(ending.name) for ending in outcome.endings}
    reason = reason_of_failure(outcome, words)
    if reason is None:
        return None
    again, later = _prospects(reason, said=log.retryable(reason.ending.name), never=job.retries.never)
    return RunFailed(str(reason), side=reason.ending.name, retryable=later, again=again)


def exceeded(breach: Breach) -> LimitExceeded:
    """The error that a breach is."""
    return LimitExceeded(
        str(breach),
        side=breach.side,
        limit=breach.limit,
        measured=breach.measured,
        allowed=breach.allowed,
    )


def unanswered(
    error: ConnectorError, name: str, returncode: int, log: ConnectorLog, never: Sequence[str]
) -> Unanswered:
    """The error of a connector that was asked something and failed, with its last words."""
    words = log.last_words(name)
    reason = Reason(Ending(name, returncode, told_to_stop=False), words)
    again, later = _prospects(reason, said=log.retryable(name), never=never)
    message = f"{error}: {words}" if words else str(error)
    return Unanswered(message, side=name, retryable=later, again=again)


def _prospects(reason: Reason, *, said: bool | None, never: Sequence[str]) -> tuple[bool, bool]:
    """Whether another try now makes sense, and whether one later is known to."""
    code = reason.ending.returncode
    if said is not None:
        return said, said
    if code == TRY_AGAIN or code < 0:
        return True, True
    if code in _HOPELESS_CODES or (code == 0 and reason.ending.early):
        return False, False
    hopeless = any(re.search(pattern, reason.words or "") for pattern in never)
    return not hopeless, False


_HOPELESS_CODES = {2, *range(64, 79)}
"""Wrong use, and the codes of sysexits.h for what does not pass by itself."""
