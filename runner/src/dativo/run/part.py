"""The process that loads one stream of a job, where each has connectors and a state of its own.

    python -m dativo.run.part FILE NUMBER

FILE is a `PartsFile`, NUMBER says which stream. What happens goes to stdout as frames: events, and a
`StateStored` for each state, which the run that started this process stores.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dativo.errors import RunnerError, StateError
from dativo.isolation.tree import adopt_orphans
from dativo.jobs.streams import with_only
from dativo.observe.console import Console
from dativo.observe.events import Discovered, StateStored, Ticked
from dativo.observe.observer import Observer
from dativo.observe.write import write_private
from dativo.records import dataclass
from dativo.run.frames import write_frame
from dativo.run.job_run import JobRun
from dativo.run.recover import PIPELINE
from dativo.run.session import open_session
from dativo.run.signals import raise_on_stop_signals
from dativo.run.watched import tell_end
from dativo.secrets.redact import everywhere
from dativo.secrets.tracebacks import hide_in_tracebacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.jobs.ready import ReadyJob
    from dativo.observe.events import RunEvent
    from dativo.run.options import RunOptions
    from dativo.state.store import Stored


@dataclass(frozen=True, slots=True)
class PartWork:
    """One stream.

    Attributes:
        state: where it stands in the store, JSON text.
        place: where that is, for people.
        pipeline: the name under which the destination keeps its state, None if it keeps none.
    """

    stream: str
    state: str | None
    place: str
    pipeline: str | None


@dataclass(frozen=True, slots=True)
class PartsFile:
    """What all streams of a run share, and each of them; secrets are in it, so the file is a private one.

    Attributes:
        ready: the job, with its secrets in their places.
        secrets: everything that is never to be shown, in every form.
        variables: for the environment of every connector.
        catalog: file of the catalog with the selection of the job.
        scratch: directory for temporary files.
        lock: descriptor of the job's lock.
        began: when the run began, on the clock of the machine.
    """

    ready: ReadyJob
    secrets: frozenset[str]
    options: RunOptions
    variables: Mapping[str, str]
    catalog: Path
    scratch: Path
    lock: int | None
    began: float
    parts: tuple[PartWork, ...]


class PartState:
    """The state of a stream as its process knows it; who started that process stores it."""

    def __init__(self, text: str | None, place: str, events: int) -> None:
        self.place = place
        self.stored: Stored | None = None
        self._text = text
        self._events = events

    def read(self) -> str | None:
        return self._text

    def read_joined(self) -> str | None:
        return self._text

    def write(self, text: str) -> None:
        try:
            write_frame(self._events, StateStored(0.0, text))
        except OSError as error:
            raise StateError("the run that this stream belongs to has gone") from error
        self._text = text

    def tick(self) -> None:
        pass


class _Forward:
    """Tells the run that started this process what happens here."""

    def __init__(self, events: int) -> None:
        self._events = events

    def take(self, event: RunEvent) -> None:
        if not isinstance(event, Discovered | StateStored | Ticked):
            write_frame(self._events, event)

    def close(self) -> None:
        pass


def main() -> NoReturn:
    raise_on_stop_signals()
    hide_in_tracebacks()
    adopt_orphans()
    events = os.dup(1)
    os.dup2(2, 1)  # nothing but frames goes that way
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123
        shared: PartsFile = pickle.load(file)  # noqa: S301  (private, of the run that started this process)
    everywhere().know(shared.secrets)
    try:
        _load(shared, shared.parts[int(sys.argv[2])], Path(sys.argv[2]), events)
    except RunnerError as error:
        sys.exit(error.exit_code)
    sys.exit(0)


def _load(shared: PartsFile, work: PartWork, directory: Path, events: int) -> None:
    scratch = shared.scratch / directory
    scratch.mkdir(mode=0o700)
    console = Console(sys.stderr, (shared.ready.tap.name, shared.ready.target.name), everywhere())
    observer = Observer([_Forward(events)], console.say)
    state = PartState(work.state, work.place, events)
    try:
        ready = _alone(shared, work, scratch)
        with open_session(ready, scratch, shared.lock) as session:
            session.tell(shared.variables)
            run = JobRun(
                session, state, console, observer, shared.options, name=work.stream, began=shared.began
            )
            run.result()
    except BaseException as error:
        tell_end(observer, error)
        raise
    tell_end(observer, None)


def _alone(shared: PartsFile, work: PartWork, scratch: Path) -> ReadyJob:
    """The job with one stream left of it, and the key and name that this one has."""
    catalog = scratch / "catalog.json"
    narrowed = with_only(json.loads(shared.catalog.read_text(encoding="utf-8")), work.stream)
    write_private(catalog, json.dumps(narrowed, ensure_ascii=False))
    job = shared.ready.job
    source = replace(job.source, catalog=str(catalog), select=(), metadata={}, schema={})
    target = job.target
    if work.pipeline is not None:
        target = replace(target, config={**target.config, PIPELINE: work.pipeline})
    return replace(shared.ready, job=replace(job, source=source, target=target), part=work.stream)


if __name__ == "__main__":
    main()
