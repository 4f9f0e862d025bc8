"""Every way the runner ends badly, ordered by what the reader of the message should do.

    RunnerError                exit 1   (base)
    ├── ProblemsError          exit 1   correct the files named: each problem has its file and line
    ├── PolicyError            exit 1   use what the project's policy allows, or let it allow this
    ├── ConnectorError         exit 1   install or repair a connector that does not start or answer
    ├── InstallError           exit 1   correct what is to be installed, or the way to it
    ├── AuditError             exit 1   repair the audit log, or make room for it: without it nothing runs
    ├── SecretError            exit 1   (base of what secrets do)
    │   ├── SecretMissing      exit 1   put the secret where the message says
    │   └── SecretBackendDown  exit 75  run again when the backend answers
    ├── StateError             exit 1   repair or make room for the state
    │   ├── StateDamaged       exit 1   put back a good copy, or clear the state
    │   ├── StateBusy          exit 75  another run holds it: wait for that
    │   ├── StateConflict      exit 75  another run has taken it over: run again
    │   └── StateUnreachable   exit 75  run again when the store answers
    ├── RunFailed              exit 1   or 75: a side of the pipe failed; its own last error is in the message
    │   ├── Unanswered         exit 1   or 75: a connector that was asked something ended without an answer
    │   ├── LimitExceeded      exit 1   raise the limit, or mend what went beyond it
    │   ├── PartsFailed        exit 1   or 75: some streams failed by themselves; the others are loaded
    │   └── TimedOut           exit 75  nothing moved for too long (1: the time for the whole run was over)
    └── Interrupted            exit 128 + signal (130 for Ctrl-C, 143 for SIGTERM): run again

Exit code 75 (EX_TEMPFAIL) says that the same command may well succeed later. Wrong use of the command line
exits 2 (click).
"""

from __future__ import annotations

from signal import Signals
from typing import TYPE_CHECKING, Literal, Self

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; line and column count from 1, line 0 means the file as a whole."""

    file: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in a file."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RunnerError(Exception):
    """Base of everything the runner reports in its own words."""

    exit_code = 1

    @property
    def retryable(self) -> bool:
        """Whether the same run may well succeed later, with nothing changed."""
        return self.exit_code == TRY_AGAIN


class ProblemsError(RunnerError):
    """Files that are not as they must be; holds every problem found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConnectorError(RunnerError):
    """A connector is not installed, does not start, or does not answer as Singer says."""


class PolicyError(RunnerError):
    """The project's policy does not allow a connector, a path or a mode."""


class InstallError(RunnerError):
    """A connector cannot be installed as its lock or its entry says."""


class AuditError(RunnerError):
    """The audit log cannot be written, or is not whole."""


class SecretError(RunnerError):
    """A secret cannot be had; names it, never shows it."""


class SecretMissing(SecretError):  # noqa: N818  (says what happened)
    """No backend has the secret, or it has no such field."""


class SecretBackendDown(SecretError):  # noqa: N818
    """A backend does not answer, or not now."""

    exit_code = TRY_AGAIN


class StateError(RunnerError):
    """A state is unreadable, of a kind not known here, or cannot be stored."""


class StateDamaged(StateError):  # noqa: N818
    """What is stored is not a whole state."""


class StateBusy(StateError):  # noqa: N818
    """Another run holds the state; says which."""

    exit_code = TRY_AGAIN


class StateConflict(StateError):  # noqa: N818
    """Another run has taken over the state meanwhile."""

    exit_code = TRY_AGAIN


class StateUnreachable(StateError):  # noqa: N818
    """The store does not answer, or not now."""

    exit_code = TRY_AGAIN


class RunFailed(RunnerError):  # noqa: N818  (says what happened, as in "the run failed")
    """The tap or the target failed; everything durable before it stays.

    Args:
        side: the connector that failed, if one did.
        retryable: whether the same run may well succeed later.
        again: whether another try in this run makes sense; left out, if it is retryable. A failure of which
            nothing is known is tried again too, but promises nothing for later.
    """

    def __init__(
        self, message: str, *, side: str | None = None, retryable: bool = False, again: bool | None = None
    ) -> None:
        self.side = side
        self.exit_code = TRY_AGAIN if retryable else 1
        self.again = retryable if again is None else again
        super().__init__(message)

    def within(self, what: str) -> Self:
        """The same with `what` before its message."""
        self.args = (f"{what}: {self}",)
        return self


class Unanswered(RunFailed, ConnectorError):  # noqa: N818
    """A connector that was asked something (its catalog, its state) ended without an answer."""


class LimitExceeded(RunFailed):
    """A connector went beyond what it may use, and was stopped.

    Args:
        limit: key of `limits`, such as "memory".
        measured: what it used, in the unit of the limit.
        allowed: the limit.
    """

    def __init__(self, message: str, *, side: str, limit: str, measured: float, allowed: float) -> None:
        self.limit = limit
        self.measured = measured
        self.allowed = allowed
        super().__init__(message, side=side)


class PartsFailed(RunFailed):
    """Some of the streams that were loaded each by itself have failed.

    Args:
        verdict: of the worst of them.
        limit: key of `limits` that it exceeded, if it did.
    """

    def __init__(
        self,
        message: str,
        *,
        verdict: Literal["failed", "limited", "timed_out"],
        retryable: bool,
        limit: str | None = None,
    ) -> None:
        self.verdict = verdict
        self.limit = limit
        super().__init__(message, retryable=retryable, again=False)


class TimedOut(RunFailed):
    """The run took too long, or nothing moved for too long (worth another try)."""


class Interrupted(RunnerError):  # noqa: N818
    """A signal asked the runner to stop, and both sides have ended."""

    def __init__(self, signum: int, what: str = "") -> None:
        self.signum = signum
        self.exit_code = 128 + signum
        super().__init__(f"{what or 'it'} was stopped by {Signals(signum).name}")
