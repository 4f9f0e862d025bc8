"""Changes by hand: each takes the hold, and leaves what was before and what is now in the history."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from dativo.audit.open import open_audit
from dativo.errors import StateDamaged, StateError
from dativo.state.envelope import Envelope, seal
from dativo.state.owner import new_run, this_process
from dativo.state.parts import put_aside, read_joined, sum_up_parts, taken_apart, write_joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.state.locate import Located
    from dativo.state.store import Stored

T = TypeVar("T")


class Change:
    """A state under change; one that is taken apart stays so, and looks as if it were not.

    Attributes:
        stored: what is stored now, None for nothing and for what is damaged.
        run: name of the change, as that of a run.
    """

    def __init__(self, place: Located, what: str, run: str) -> None:
        self._store = place.store
        self._key = place.key
        self._place = place
        self.what = what
        self.run = run
        self._whole: Stored | None = None
        self.stored: Stored | None = None
        self._damage: StateDamaged | None = None
        try:
            self._whole = place.store.read(place.key)
            self.stored = read_joined(place.store, place.key)
        except StateDamaged as error:
            self._damage = error

    @property
    def text(self) -> str:
        """The stored state; raises StateError if there is none, StateDamaged if it cannot be read."""
        if (found := self.text_or(None)) is None:
            raise StateError(f"{self._key}: nothing is stored in {self._store.place(self._key)}")
        return found

    def text_or(self, otherwise: T) -> str | T:
        """The stored state, `otherwise` if there is none; raises StateDamaged if it cannot be read."""
        if self._damage is not None:
            raise self._damage
        return self.stored.text if self.stored else otherwise

    def put(self, text: str) -> Stored:
        """Stores another state, and keeps both; one that is damaged is put aside."""
        note_change(self._place, self.what, self.run)
        if self._damage is not None:
            put_aside(self._store, self._key)
            self._store.remove(self._key)
            self._whole = self._damage = None
        self._whole = sum_up_parts(self._store, self._key, self._whole, run=self.run)
        self._store.keep(self._key, f"before {self.what}")
        self._whole = write_joined(self._store, self._key, text, run=self.run, after=self._whole)
        self._store.keep(self._key, self.what)
        self.stored = replace(self._whole, text=text)
        return self.stored


@contextmanager
def changing(place: Located, what: str, wait: float = 0.0) -> Iterator[Change]:
    """Holds a state for a change.

    Args:
        what: the command, as it stands in the history: "set", "clear".

    Raises:
        StateBusy: a run holds it.
    """
    run = new_run()
    with place.store.lock(place.key, this_process(run), wait):
        yield Change(place, what, run)


def clear(place: Located, wait: float = 0.0) -> None:
    """Forgets a state, a damaged one too, which is put aside."""
    run = new_run()
    with place.store.lock(place.key, this_process(run), wait):
        note_change(place, "clear", run)
        _forget(place, run)


def note_change(place: Located, what: str, run: str) -> None:
    """Puts a change into the audit log, before it is made; raises AuditError if that cannot be."""
    audit = open_audit(place.project, place.key.tenant, os.environ, run=run, job=str(place.key))
    audit.note("state.changed", what=what, place=place.store.place(place.key))


def text_of(place: Located) -> str:
    """The stored state; raises StateError if there is none."""
    return _stored(place).text


def exported(place: Located) -> str:
    """The state in its envelope, as a store keeps it; of a key with a suffix too."""
    stored = _stored(place)
    return seal(Envelope(str(place.key), stored.text, stored.seq, stored.run, stored.at)).decode()


def move(source: Located, target: Located) -> Stored:
    """Puts the state of one key in the place of another's and forgets it there; both are held meanwhile."""
    run = new_run()
    with source.store.lock(source.key, this_process(run), 0.0):
        stored = copy(source, target, "moved")
        note_change(source, f"moved to {target.key}", run)
        _forget(source, run)
    return stored


def rollback(place: Located, seq: int | None) -> tuple[int, Stored]:
    """Stores an earlier state anew, under the next number.

    Args:
        seq: which one; None for the newest in the history that is not the present state.

    Returns:
        The number gone back to, and what is stored now.
    """
    with changing(place, "rollback") as change:
        present = change.stored.text if change.stored else None
        for version in place.store.versions(place.key):
            if seq is None and _version(place, version.seq) != present:
                seq = version.seq
        if seq is None:
            raise StateError(f"{place.key}: the history holds no other state to go back to")
        text = _version(place, seq)
        change.what = f"rollback to {seq}"
        return seq, change.put(text)


def _forget(place: Located, run: str) -> None:
    """Removes a state with its parts; the history keeps what they knew together."""
    store, key = place.store, place.key
    with suppress(StateDamaged):
        sum_up_parts(store, key, store.read(key), run=run)
    store.remove(key)
    put_aside(store, key)


def _version(place: Located, seq: int) -> str:
    """A text of the history as if it had never been taken apart."""
    return taken_apart(place.store.version(place.key, seq), ())


def _stored(place: Located) -> Stored:
    stored = read_joined(place.store, place.key)
    if stored is None:
        raise StateError(f"{place.key}: nothing is stored in {place.store.place(place.key)}")
    return stored


def copy(source: Located, target: Located, what: str = "copied") -> Stored:
    """Puts the state of one key in the place of another's."""
    stored = _stored(source)
    with changing(target, f"{what} from {source.key}") as change:
        return change.put(stored.text)
