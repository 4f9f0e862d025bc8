"""The vocabulary of a run: what stands in a row, who watches it, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dativo.isolation.usage import Breach, Usage
    from dativo.isolation.watch import Contained
    from dativo.run.invoke import Answering
    from dativo.run.pipes import PipeFill
    from dativo.run.process import Command

Overdue = Literal["idle", "run"]


class Watcher(Protocol):
    """Who is told what goes on; called from the one thread there is, so every call must be short."""

    def log(self, connector: str, line: bytes) -> None:
        """A connector wrote a line on stderr."""

    def state(self, line: bytes) -> None:
        """The target wrote a line on stdout: what it has made durable. May raise to end the run."""

    def usage(self, connector: str, usage: Usage) -> None:
        """What a connector uses now."""

    def pipes(self, fills: Sequence[PipeFill]) -> None:
        """How full the pipes are now."""

    def tick(self) -> None:
        """Time passes; called at least every `loop.TICK_SECONDS`."""


class HeadStart(Protocol):
    """Knows whether a first stage that was started on a guess was started rightly.

    Attributes:
        gate_seconds: how long the last stage, started at once too, may take to answer at its gate; None if
            it is started only when all is known.
    """

    gate_seconds: float | None

    def is_right(self, meanwhile: Callable[[], None], gated: Answering | None) -> bool:
        """Waits until that is known.

        Args:
            meanwhile: called again and again; may raise to end the run.
            gated: the last stage, if it waits at its gate.
        """

    def other(self, meanwhile: Callable[[], None]) -> Command:
        """How it is to be started instead; asked after the wrong one has ended."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds; None is for ever.

    Attributes:
        grace: a connector that is told to stop, before it is killed.
        idle: nothing moves: no byte, no log line, hardly any use of the CPU.
        run: the whole pipeline.
    """

    grace: float
    idle: float | None = None
    run: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A connector of the row: how it is started, what it may use."""

    command: Command
    contained: Contained


@dataclass(frozen=True, slots=True)
class Ending:
    """How one stage ended.

    Attributes:
        returncode: exit code, negative for a signal.
        told_to_stop: whether the runner asked it to.
        early: it ended although the end of its input had not come.
    """

    name: str
    returncode: int
    told_to_stop: bool
    early: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How all stages ended.

    Attributes:
        endings: in the order of the row, tap first.
        signum: the signal that stopped the run, if one did.
        breach: the limit that stopped it, if one did.
        overdue: which time was over, if one was.
    """

    endings: tuple[Ending, ...]
    signum: int | None = None
    breach: Breach | None = None
    overdue: Overdue | None = None
