"""What every store of states does: whole states, one owner at a time, and what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

HISTORY = 50
"""Versions of a key that are kept, unless the job says otherwise."""


@dataclass(frozen=True, slots=True)
class StateKey:
    """Whose state it is.

    Attributes:
        suffix: of `--state-id-suffix`.
        part: the stream, where each stream has a state of its own.
    """

    tenant: str | None
    job: str
    suffix: str | None = None
    part: str | None = None

    def __str__(self) -> str:
        """`acme/users+dev#orders`: the characters that join stand in no name of a job or tenant."""
        tenant = f"{self.tenant}/" if self.tenant else ""
        suffix = f"+{self.suffix}" if self.suffix else ""
        part = f"#{self.part}" if self.part else ""
        return f"{tenant}{self.job}{suffix}{part}"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a state: a run, and the process that runs it."""

    run: str
    host: str
    pid: int
    since: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A state as it is stored.

    Attributes:
        text: JSON text, byte for byte as the target gave it.
        seq: counts the changes of this key from 1; never goes back.
        run: the run or command that stored it.
        at: RFC 3339, UTC.
        tag: what the store compares to find that somebody else has written meanwhile.
    """

    text: str
    seq: int
    run: str | None
    at: str
    tag: str


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the history of a key."""

    seq: int
    at: str
    run: str | None
    reason: str


class Held(Protocol):
    """The hold on a key."""

    @property
    def fd(self) -> int | None:
        """A descriptor that keeps the hold for as long as a process has it open; None where there is none."""

    def alive(self) -> None:
        """Raises StateConflict if the hold has been lost."""


class StateStore(Protocol):
    """A place for states; every method raises StateError in the words of the place."""

    @property
    def pace(self) -> float:
        """Seconds that a run lets pass between two writes; 0 where each is cheap."""

    def place(self, key: StateKey) -> str:
        """Where the state of a key is, as one would look for it."""

    def tenants(self) -> list[str | None]:
        """Everyone who has kept a state here, None for jobs without a tenant, sorted."""

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        """The keys of one tenant that hold a state, sorted."""

    def read(self, key: StateKey) -> Stored | None:
        """The state, None if nothing has been stored; raises StateDamaged if it is not whole."""

    def write(self, key: StateKey, text: str, *, run: str, after: Stored | None) -> Stored:
        """Replaces the state; raises StateConflict if the store holds another than `after`."""

    def versions(self, key: StateKey) -> list[Version]:
        """What is kept of the past, newest first."""

    def version(self, key: StateKey, seq: int) -> str:
        """The text of one of them."""

    def keep(self, key: StateKey, reason: str) -> None:
        """Puts the present state into the history, and drops what is beyond its length."""

    def remove(self, key: StateKey) -> None:
        """Forgets the state; the history stays."""

    def unlock(self, key: StateKey, *, force: bool) -> list[str]:
        """Says who holds a key; with `force` ends that hold."""

    def lock(self, key: StateKey, owner: Owner, wait: float) -> AbstractContextManager[Held]:
        """Holds a key; raises StateBusy naming the owner after `wait` seconds."""
