"""Connectors in a row, each writing into the pipe that the next one reads, watched until all have ended.

The runner never reads the pipes. It holds a second write end of each, because the end of input is a promise:
the reader takes it for "this is all", and a target publishes what it has. So the runner closes its end only
after the writer has exited with 0, unasked and with all of its own input. When a stage fails, those after it
are told to stop (SIGTERM: a target drops what is unpublished) and never see an end of input; those before it
are told to stop too, and the broken pipe stops them anyway.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dativo.errors import Interrupted
from dativo.run.gate import Gate, Gated
from dativo.run.loop import Loop
from dativo.run.reason import exceeded
from dativo.run.row import Row
from dativo.run.signals import SignalInbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        head_start: knows, a moment after the first stage was started, whether that was right; the last one
            is started beside it if it has a gate.

    Raises:
        ConnectorError: a stage could not be started.
        RunFailed: the target wrote more than a STATE can be, or the first stage exceeded a limit before the
            others were started.
        Interrupted: a signal came before all were started.
        Exception: whatever the watcher raises; all stages have been ended then.
    """
    with SignalInbox() as inbox, contextlib.ExitStack() as opened:
        opened.callback(household.end)
        look_around = partial(_look_around, inbox, household, watcher)
        row = opened.enter_context(Row(stages, patience.grace))
        if head_start is None:
            row.start(0)
        elif not _begins_rightly(row, head_start, watcher, look_around):
            tap = replace(stages[0], command=head_start.other(look_around))
            row = opened.enter_context(Row([tap, *stages[1:]], patience.grace))
            row.start(0)
        sides = row.whole()
        return Loop(sides, row.pipes, watcher, household, inbox, patience).run()


def _begins_rightly(
    row: Row, head_start: HeadStart, watcher: Watcher, look_around: Callable[[], None]
) -> bool:
    """Starts the first stage, and the last one if it has a gate; if that was wrong, both have ended."""
    with contextlib.closing(Gate()) as gate:
        row.start(0)
        gated = None
        if head_start.gate_seconds is not None:
            target = row.start(-1, gate.before)
            gate.has_begun()
            gated = Gated(target, watcher.log, head_start.gate_seconds)
        if head_start.is_right(look_around, gated):
            gate.open()
            return True
        gate.close()
        if gated:
            row.await_end(target, look_around)
        row.throw_away()
        return False


def _look_around(inbox: SignalInbox, household: Household, watcher: Watcher) -> None:
    """Before the loop begins: signals and limits end the run."""
    for signum in inbox.take():
        raise Interrupted(signum)
    for contained, usage in household.look():
        watcher.usage(contained.name, usage)
        if breach := contained.breach(usage):
            contained.end()
            raise exceeded(breach)
