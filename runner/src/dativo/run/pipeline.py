"""Connectors in a row, each writing into the pipe that the next one reads, watched until all have ended.

The runner never reads the pipes. It holds a second write end of each, because the end of input is a promise:
the reader takes it for "this is all", and a target publishes what it has. So the runner closes its end only
after the writer has exited with 0, unasked and with all of its own input. When a stage fails, those after it
are told to stop (SIGTERM: a target drops what is unpublished) and never see an end of input; those before it
are told to stop too, and the broken pipe stops them anyway.
"""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

from dativo.run.loop import Loop, Side
from dativo.run.pipes import Pipe, new_pipe
from dativo.run.process import Child
from dativo.run.signals import SignalInbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dativo.isolation.watch import Household
    from dativo.run.stages import Outcome, Patience, Stage, Watcher


def run_pipeline(
    stages: Sequence[Stage], watcher: Watcher, household: Household, patience: Patience
) -> Outcome:
    """Runs all stages to their end.

    Args:
        stages: the stdout of each becomes the stdin of the next; the stdout of the last is read for STATE.
        watcher: is told about logs, states, usage and time.
        household: where the stages are contained.
        patience: how long things may take.

    Raises:
        ConnectorError: a stage could not be started.
        RunFailed: the target wrote more than a STATE can be.
        Exception: whatever the watcher raises; all stages have been ended then.
    """
    with SignalInbox() as inbox, contextlib.ExitStack() as opened:
        opened.callback(household.end)
        pipes = [opened.enter_context(new_pipe()) for _ in stages[1:]]
        # The last one first: who reads is there before who writes.
        children = [
            opened.enter_context(_started(stages, index, pipes, patience.grace))
            for index in reversed(range(len(stages)))
        ]
        for child in children:
            child.confirm()
        for pipe in pipes:
            pipe.reading.close()
        sides = [
            Side(child, stage.contained) for child, stage in zip(reversed(children), stages, strict=True)
        ]
        return Loop(sides, pipes, watcher, household, inbox, patience).run()


@contextlib.contextmanager
def _started(stages: Sequence[Stage], index: int, pipes: Sequence[Pipe], grace: float) -> Iterator[Child]:
    """A stage as a process on its pipes, ended in the end whatever happens."""
    stage = stages[index]
    child = Child(
        stage.command,
        stdin=pipes[index - 1].reading.number if index else subprocess.DEVNULL,
        stdout=pipes[index].writing.number if index < len(pipes) else subprocess.PIPE,
    )
    stage.contained.begin(child.pid)
    try:
        yield child
    finally:
        child.close()
        if not child.has_ended():
            child.end(grace)
        stage.contained.has_ended()
