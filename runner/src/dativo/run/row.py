"""The processes of a pipeline on the pipes between them, started one by one."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING

from dativo.run.loop import Side
from dativo.run.pipes import Pipe, new_pipe
from dativo.run.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from dativo.run.process import Command
    from dativo.run.stages import Stage

_LOOK_SECONDS = 0.01


class Row:
    """Stages, each with the pipe to the next one; whatever was started is ended when this is closed.

    Args:
        stages: the stdout of each becomes the stdin of the next.
        grace: seconds for one that is asked to stop, before it is killed.
    """

    def __init__(self, stages: Sequence[Stage], grace: float) -> None:
        self.pipes: list[Pipe] = []
        self._stages = stages
        self._grace = grace
        self._sides: dict[int, Side] = {}
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Row:
        self.pipes += [self._opened.enter_context(new_pipe()) for _ in self._stages[1:]]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, index: int, change: Callable[[Command], Command] | None = None) -> Side:
        """Starts one stage.

        Args:
            index: which, -1 is the last.
            change: makes another command of the stage's.

        Raises:
            ConnectorError: it cannot be started.
        """
        index %= len(self._stages)
        stage = self._stages[index]
        command = change(stage.command) if change else stage.command
        child = self._opened.enter_context(self._started(index, command))
        self._sides[index] = side = Side(child, stage.contained)
        return side

    def whole(self) -> list[Side]:
        """Starts what is not started yet; each runs then, and alone holds the end that it reads.

        Raises:
            ConnectorError: one cannot be started.
        """
        sides = [self._sides.get(index) or self.start(index) for index in range(len(self._stages))]
        for side in sides:
            side.child.confirm()
        for pipe in self.pipes:
            pipe.reading.close()
        return sides

    def await_end(self, side: Side, meanwhile: Callable[[], None]) -> None:
        """Waits for one that ends by itself, as long as one that is asked to stop may take."""
        deadline = time.monotonic() + self._grace
        while not side.child.has_ended() and time.monotonic() < deadline:
            meanwhile()
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Ends what runs; what is in the pipes is thrown away."""
        self._opened.close()

    def throw_away(self) -> None:
        """Closes it, and ends all that its stages have started too: they are to be started again."""
        self.close()
        for side in self._sides.values():
            side.contained.end()

    @contextlib.contextmanager
    def _started(self, index: int, command: Command) -> Iterator[Child]:
        """A stage as a process on its pipes, ended in the end whatever happens."""
        pipes, contained = self.pipes, self._stages[index].contained
        child = Child(
            command,
            stdin=pipes[index - 1].reading.number if index else subprocess.DEVNULL,
            stdout=pipes[index].writing.number if index < len(pipes) else subprocess.PIPE,
        )
        contained.begin(child.pid)
        try:
            yield child
        finally:
            # First, so that no write of it waits for room; its reader must not take that for the end.
            if index < len(pipes):
                pipes[index].reading.close()
            child.close()
            if not child.has_ended():
                child.end(self._grace)
            contained.has_ended()
