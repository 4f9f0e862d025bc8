"""The state of one run: what it starts from, and each that its target hands out."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from dativo.errors import StateError
from dativo.state.owner import this_process
from dativo.state.parts import part_key, put_aside, read_joined, sum_up_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.state.store import Held, StateKey, StateStore, Stored


class Standing(Protocol):
    """Where a job stands, for those who run it."""

    stored: Stored | None

    @property
    def place(self) -> str:
        """Where the state is, as one would look for it."""

    def read(self) -> str | None:
        """JSON text of the state, None if there is none."""

    def read_joined(self) -> str | None:
        """The same as if it had never been taken apart."""

    def write(self, text: str) -> None:
        """Replaces the state, at once or soon."""

    def tick(self) -> None:
        """Time passes."""


class RunState:
    """A key of a store, held by this run.

    Attributes:
        held: the hold; its `fd` is for connectors to inherit, so that it outlives a runner that is killed.
        stored: the last state that was read or written.
    """

    def __init__(self, store: StateStore, key: StateKey, run: str, held: Held) -> None:
        self.held = held
        self.stored: Stored | None = None
        self._store = store
        self._key = key
        self._run = run
        self._waiting: str | None = None
        self._written = -math.inf

    def part(self, stream: str) -> RunState:
        """The state that one stream of the job has of its own; the hold on the whole covers it."""
        return RunState(self._store, part_key(self._key, stream), self._run, self.held)

    def read_joined(self) -> str | None:
        """The state as if it had never been taken apart."""
        self.flush()
        stored = read_joined(self._store, self._key)
        return stored.text if stored else None

    def sum_up_parts(self) -> None:
        """Stores the whole with what its parts know by now; it stays taken apart."""
        self.flush()
        whole = self._store.read(self._key)
        self.stored = sum_up_parts(self._store, self._key, whole, run=self._run)

    def put_parts_aside(self) -> None:
        """Forgets what streams have of their own; the histories keep it."""
        put_aside(self._store, self._key)

    @property
    def place(self) -> str:
        return self._store.place(self._key)

    def read(self) -> str | None:
        """JSON text of the stored state, None if nothing has been stored."""
        self.flush()
        self.stored = self._store.read(self._key)
        return self.stored.text if self.stored else None

    def keep(self, before: str | None) -> None:
        """Stores what waits, and puts the last state into the history if it is a new one."""
        self.flush()
        if self.stored is not None and self.stored.text != before:
            self._store.keep(self._key, "run")

    def write(self, text: str) -> None:
        """Replaces the state: at once, or, in a store that is far away, with the next that is due.

        Raises:
            StateConflict: another process has stored one meanwhile, or the hold has been lost.
        """
        self._waiting = text
        self.tick()

    def tick(self) -> None:
        """Stores a state that waits, if it is due; to be called now and then."""
        if time.monotonic() - self._written >= self._store.pace:
            self.flush()

    def flush(self) -> None:
        """Stores a state that waits."""
        if self._waiting is None:
            return
        self.held.alive()
        self.stored = self._store.write(self._key, self._waiting, run=self._run, after=self.stored)
        self._waiting, self._written = None, time.monotonic()


@contextmanager
def held_state(store: StateStore, key: StateKey, run: str, *, wait: float = 0.0) -> Iterator[RunState]:
    """Holds a key for a run; what it leaves goes into the history.

    Raises:
        StateBusy: another run holds it.
        StateError: it cannot be held or read.
    """
    with store.lock(key, this_process(run), wait) as held:
        state = RunState(store, key, run, held)
        before = state.read()
        try:
            yield state
        except BaseException:
            with suppress(StateError):  # what went wrong first is what counts
                state.keep(before)
            raise
        state.keep(before)
