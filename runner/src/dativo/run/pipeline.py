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
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dativo.errors import Interrupted
from dativo.run.loop import Loop, Side
from dativo.run.pipes import Pipe, new_pipe
from dativo.run.process import Child
from dativo.run.reason import exceeded
from dativo.run.signals import SignalInbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dativo.isolation.watch import Household
    from dativo.run.stages import HeadStart, Outcome, Patience, Stage, Watcher


def run_pipeline(
    stages: Sequence[Stage],
    watcher: Watcher,
    household: Household,
    patience: Patience,
    head_start: HeadStart | None = None,
) -> Outcome:
    """Runs all stages to their end.

    Args:
        stages: the stdout of each becomes the stdin of the next; the stdout of the last is read for STATE.
        watcher: is told about logs, states, usage and time.
        household: where the stages are contained.
        patience: how long things may take.
        head_start: knows, a moment after the first stage was started, whether that was right.

    Raises:
        ConnectorError: a stage could not be started.
        RunFailed: the target wrote more than a STATE can be, or the first stage exceeded a limit before the
            others were started.
        Interrupted: a signal came before all were started.
        Exception: whatever the watcher raises; all stages have been ended then.
    """
    with SignalInbox() as inbox, contextlib.ExitStack() as opened:
        opened.callback(household.end)
        pipes = [opened.enter_context(new_pipe()) for _ in stages[1:]]
        row = list(stages)
        first = opened.enter_context(contextlib.ExitStack())
        children = [_first(first, row, pipes, patience.grace)]
        look_around = partial(_look_around, inbox, household, watcher)
        if head_start and not head_start.is_right(look_around):
            first.close()
            row[0].contained.end()
            pipes[0] = opened.enter_context(new_pipe())
            row[0] = replace(row[0], command=head_start.other(look_around))
            children = [_first(first, row, pipes, patience.grace)]
        children += [
            opened.enter_context(_started(row, index, pipes, patience.grace)) for index in range(1, len(row))
        ]
        for child in children:
            child.confirm()
        for pipe in pipes:
            pipe.reading.close()
        sides = [Side(child, stage.contained) for child, stage in zip(children, row, strict=True)]
        return Loop(sides, pipes, watcher, household, inbox, patience).run()


def _first(
    opened: contextlib.ExitStack, stages: Sequence[Stage], pipes: Sequence[Pipe], grace: float
) -> Child:
    """The first stage. Before it is ended its pipe is closed, so that no write of it waits for room."""
    child = opened.enter_context(_started(stages, 0, pipes, grace))
    opened.callback(pipes[0].writing.close)
    opened.callback(pipes[0].reading.close)
    return child


def _look_around(inbox: SignalInbox, household: Household, watcher: Watcher) -> None:
    """Before the loop begins: signals and limits end the run."""
    for signum in inbox.take():
        raise Interrupted(signum)
    for contained, usage in household.look():
        watcher.usage(contained.name, usage)
        if breach := contained.breach(usage):
            contained.end()
            raise exceeded(breach)


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
