"""What the process of one stream tells, taken into the run that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dativo.observe.events import (
    Attempted,
    Counted,
    Ended,
    Exited,
    Logged,
    PipesSampled,
    StateStored,
    UsageSampled,
)
from dativo.run.frames import FrameReader

if TYPE_CHECKING:
    from dativo.observe.events import RunEvent
    from dativo.observe.observer import Observer
    from dativo.state.run_state import RunState


@dataclass
class Use:
    """What the connectors of all streams use together; a role that is played many times is one in the report.

    Attributes:
        memory: (side, stream) → bytes now.
        cpu: (side, stream) → seconds so far.
        exits: side → exit code, the first that is not 0 if there is one.
    """

    memory: dict[tuple[str, str], int] = field(default_factory=dict)
    cpu: dict[tuple[str, str], float] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)

    def of(self, side: str) -> tuple[int, float]:
        """Bytes now and seconds so far of one side."""
        memory = sum(each for (name, _), each in self.memory.items() if name == side)
        return memory, sum(each for (name, _), each in self.cpu.items() if name == side)


class PartEvents:
    """One stream.

    Attributes:
        states: how many states were stored.
        ended: how it ended, None as long as it has not said so.

    Args:
        stream: its name.
        state: is given each state.
        observer: of the run.
        use: of all streams of the run.
    """

    def __init__(self, stream: str, state: RunState, observer: Observer, use: Use) -> None:
        self.state = state
        self.states = 0
        self.ended: Ended | None = None
        self._stream = stream
        self._observer = observer
        self._use = use
        self._frames = FrameReader()

    def heard(self, data: bytes) -> None:
        """Takes what the process wrote; raises StateError if a state cannot be stored."""
        for event in self._frames.feed(data):
            if isinstance(event, StateStored):
                self._store(event.text)
            else:
                self._take(event)

    def _store(self, text: str) -> None:
        self.state.write(text)
        self.states += 1
        stored = self.state.stored
        self._observer.stored(text, stored.seq if stored else None)

    def _take(self, event: RunEvent) -> None:
        """Tells it on, by the clock of the run."""
        observer, now = self._observer, self._observer.now
        match event:
            case Attempted():
                began = now - (event.at - event.began)
                observer.take(replace(event, at=now, began=began, stream=self._stream))
            case Logged():
                observer.take(replace(event, at=now, stream=self._stream))
            case Counted() | PipesSampled():
                observer.take(replace(event, at=now))
            case UsageSampled():
                self._used(event.side, event.memory, event.cpu)
            case Exited():
                self._exited(event)
            case Ended():
                self.ended = event
            case _:
                pass

    def _used(self, side: str, memory: int, cpu: float) -> None:
        use, here = self._use, (side, self._stream)
        use.memory[here], use.cpu[here] = memory, max(cpu, use.cpu.get(here, 0.0))
        memory, cpu = use.of(side)
        self._observer.used(side, memory=memory, cpu=cpu)

    def _exited(self, event: Exited) -> None:
        self._use.memory.pop((event.side, self._stream), None)
        code = self._use.exits.setdefault(event.side, event.returncode) or event.returncode
        self._use.exits[event.side] = code
        self._observer.exited(event.side, code)
