"""One owner at a time where no lock of an operating system reaches: a lease, renewed while its owner lives.

An owner that does not renew, because it was killed, stopped or cut off, loses the key when its time is over;
by its own clock it then knows without asking, and stores nothing any more.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from dativo.errors import StateConflict, StateError
from dativo.records import dataclass
from dativo.state.owner import busy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.state.store import Owner

TTL_SECONDS = 60.0
CLOCKS_SECONDS = 10.0
"""How far clocks of two machines may be apart."""
TURN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a key, and until when (seconds since 1970); one that is given back ends at 0."""

    owner: Owner
    until: float


class LeaseBox(Protocol):
    """Where the lease of one key is kept."""

    def read(self) -> tuple[Lease, str] | None:
        """The lease and its tag, None if there has never been one."""

    def put(self, lease: Lease, after: str | None) -> str:
        """Replaces the one with the tag `after` (None: none), returns the tag; else StateConflict."""


class LeaseHeld:
    """The hold on a lease; a thread renews it."""

    fd: int | None = None

    def __init__(self, box: LeaseBox, owner: Owner, tag: str, ttl: float, what: str, began: float) -> None:
        self._box = box
        self._owner = owner
        self._tag = tag
        self._ttl = ttl
        self._what = what
        self._renewed = began
        self._lost = False
        self._unheard: list[Lease] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew_in_time, name="dativo-lease", daemon=True)
        self._thread.start()

    def alive(self) -> None:
        """Raises StateConflict if the lease has been lost, or may have been."""
        if self._lost or time.monotonic() - self._renewed > self._ttl:
            raise StateConflict(
                f"{self._what}: this run has lost its hold on the state, another may go on: run again"
            )

    def end(self) -> None:
        """Gives the lease back."""
        self._over.set()
        self._thread.join()
        with suppress(StateError):
            self.alive()
            self._box.put(Lease(self._owner, 0.0), self._tag)

    def _renew_in_time(self) -> None:
        while not self._over.wait(self._ttl / 3):
            # A store that does not answer may answer again before the time is over.
            with suppress(StateError):
                try:
                    self._renew()
                except StateConflict:
                    if not self._wrote_it_itself():
                        self._lost = True
                        return
                    self._renew()

    def _renew(self) -> None:
        began, lease = time.monotonic(), Lease(self._owner, time.time() + self._ttl)
        self._unheard.append(lease)
        self._tag = self._box.put(lease, self._tag)
        self._unheard.clear()
        self._renewed = began

    def _wrote_it_itself(self) -> bool:
        """Whether what is there is an own write, whose answer got lost on the way; its tag holds then."""
        present = self._box.read()
        if present is None or present[0] not in self._unheard:
            return False
        self._tag = present[1]
        return True


@contextmanager
def leased(
    box: LeaseBox, what: str, owner: Owner, wait: float, *, ttl: float = TTL_SECONDS
) -> Iterator[LeaseHeld]:
    """Holds a key by a lease.

    Args:
        what: the key, for messages.
        wait: seconds to wait for another owner.
        ttl: seconds after which an owner that does not renew loses it.

    Raises:
        StateBusy: another owner holds it.
        StateError: the store does not answer, or does not keep leases.
    """
    deadline = time.monotonic() + wait
    while (held := _taken(box, what, owner, ttl)) is None:
        if time.monotonic() >= deadline:
            present = box.read()
            raise busy(what, present[0].owner if present else None)
        time.sleep(TURN_SECONDS)
    try:
        yield held
    finally:
        held.end()


def _taken(box: LeaseBox, what: str, owner: Owner, ttl: float) -> LeaseHeld | None:
    began, lease = time.monotonic(), Lease(owner, time.time() + ttl)
    present = box.read()
    if present and present[0].until and time.time() < present[0].until + CLOCKS_SECONDS:
        return None
    after = present[1] if present else None
    try:
        tag = box.put(lease, after)
    except StateConflict:  # somebody was faster, unless it is this one, whose answer got lost on the way
        present = box.read()
        if present is None or present[0] != lease:
            return None
        tag = present[1]
    _prove(box, lease, after, what)
    return LeaseHeld(box, owner, tag, ttl, what, began)


def _prove(box: LeaseBox, lease: Lease, after: str | None, what: str) -> None:
    """A store that takes the same step twice ignores conditions: whoever asks would get the lease."""
    try:
        box.put(lease, after)
    except StateConflict:
        return
    raise StateError(
        f"{what}: the store of the state ignores the conditions of writes, so two runs could not be kept "
        "apart; use another store"
    )


def release_lease(box: LeaseBox, what: str, *, force: bool) -> list[str]:
    """Says who has a lease; with `force` it is over, and its owner stores nothing any more."""
    present = box.read()
    if present is None or present[0].until < time.time():
        return [f"{what} is held by nobody"]
    lease, tag = present
    seconds = int(lease.until - time.time())
    line = f"{what} is held by run {lease.owner.run} (host {lease.owner.host}, pid {lease.owner.pid})"
    if not force:
        return [f"{line}, for {seconds} s if it does not renew", "say --yes to end that"]
    box.put(Lease(lease.owner, 0.0), tag)
    return [line, "it has lost its hold"]
