"""Every way the runner ends badly, ordered by what the reader of the message should do.

    RunnerError                exit 1   (base)
    ├── ProblemsError          exit 1   correct the files named: each problem has its file and line
    ├── ConnectorError         exit 1   install or repair a connector that does not start or answer
    ├── StateError             exit 1   repair, release or make room for the state file
    ├── RunFailed              exit 1   a side of the pipe failed: its own last error is in the message
    └── Interrupted            exit 128 + signal (130 for Ctrl-C, 143 for SIGTERM): run again

Wrong use of the command line exits 2 (click).
"""

from __future__ import annotations

from dataclasses import dataclass
from signal import Signals
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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


class ProblemsError(RunnerError):
    """Files that are not as they must be; holds every problem found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConnectorError(RunnerError):
    """A connector is not installed, does not start, or does not answer as Singer says."""


class StateError(RunnerError):
    """The state file is unreadable, in use by another run, or cannot be written."""


class RunFailed(RunnerError):  # noqa: N818  (says what happened, as in "the run failed")
    """The tap or the target failed; everything durable before it stays."""


class Interrupted(RunnerError):  # noqa: N818
    """A signal asked the runner to stop, and both sides have ended."""

    def __init__(self, signum: int, what: str = "") -> None:
        self.signum = signum
        self.exit_code = 128 + signum
        super().__init__(f"{what or 'it'} was stopped by {Signals(signum).name}")
