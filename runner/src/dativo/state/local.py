"""States as files of this machine: see `layout` for where, `envelope` for the form."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dativo.errors import StateConflict, StateDamaged, StateError
from dativo.state.envelope import Envelope, now, seal, unseal
from dativo.state.files import remove_file, replace_file
from dativo.state.local_lock import file_lock
from dativo.state.local_unlock import release
from dativo.state.store import HISTORY, StateKey, Stored, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dativo.state.layout import Layout
    from dativo.state.local_lock import LocalHeld
    from dativo.state.store import Owner


class LocalStore:
    """A store of states in files.

    Args:
        layout: which file holds what.
        history: how many versions of each key are kept.
        adopt: what to do with a key once it is held, before anything is read: where files of an older
            dativo are moved.
    """

    pace = 0.0

    def __init__(
        self,
        layout: Layout,
        *,
        history: int = HISTORY,
        adopt: Callable[[LocalStore, StateKey], None] | None = None,
    ) -> None:
        self.layout = layout
        self._history = history
        self._adopt = adopt

    def place(self, key: StateKey) -> str:
        return str(self.layout.state(key))

    def tenants(self) -> list[str | None]:
        return self.layout.tenants()

    def keys(self, tenant: str | None) -> Iterator[StateKey]:
        return self.layout.keys(tenant)

    def read(self, key: StateKey) -> Stored | None:
        envelope = self._envelope(key)
        return _stored(envelope) if envelope else None

    def write(self, key: StateKey, text: str, *, run: str, after: Stored | None) -> Stored:
        path = self.layout.state(key)
        present = self._envelope(key)
        if (present.tag if present else None) != (after.tag if after else None):
            raise StateConflict(f"{path}: another process has stored a state meanwhile: run again")
        seq = 1 + (present.seq if present else self._last_kept(key))
        envelope = Envelope(str(key), text, seq, run, now())
        self._put(path, envelope)
        return _stored(envelope)

    def versions(self, key: StateKey) -> list[Version]:
        kept = [self._version(key, path) for path in self._kept(key)]
        return [Version(each.seq, each.at, each.run, each.reason) for each in kept]

    def version(self, key: StateKey, seq: int) -> str:
        for path in self._kept(key):
            if _seq_of(path) == seq:
                return self._version(key, path).text
        known = ", ".join(str(_seq_of(path)) for path in self._kept(key)) or "nothing"
        raise StateError(f"{key}: the history holds no state number {seq} (it holds {known})")

    def keep(self, key: StateKey, reason: str) -> None:
        present = self._envelope(key)
        if present is None:
            return
        path = self.layout.history(key) / f"{present.seq:08d}.json"
        if not path.exists():
            self._put(path, Envelope(str(key), present.text, present.seq, present.run, present.at, reason))
        for old in self._kept(key)[max(self._history, 1) :]:
            remove_file(old)

    def remove(self, key: StateKey) -> None:
        path = self.layout.state(key)
        try:
            self.keep(key, "cleared")
        except StateDamaged:
            path.replace(path.with_name(f"{path.name}.damaged"))
        remove_file(path)

    def unlock(self, key: StateKey, *, force: bool) -> list[str]:
        return release(self.layout.lock(key), str(key), force=force)

    @contextmanager
    def lock(self, key: StateKey, owner: Owner, wait: float = 0.0) -> Iterator[LocalHeld]:
        with file_lock(self.layout.lock(key), str(key), owner, wait) as held:
            if self._adopt:
                self._adopt(self, key)
            yield held

    def _envelope(self, key: StateKey) -> Envelope | None:
        path = self.layout.state(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{path}: the state cannot be read: {error.strerror}") from error
        return unseal(content, str(key), str(path))

    def _put(self, path: Path, envelope: Envelope) -> None:
        try:
            replace_file(path, seal(envelope))
        except OSError as error:
            raise StateError(f"{path}: the state cannot be stored: {error.strerror}") from error

    def _kept(self, key: StateKey) -> list[Path]:
        """Files of the history, newest first."""
        with suppress(FileNotFoundError):
            found = [path for path in self.layout.history(key).iterdir() if path.stem.isdecimal()]
            return sorted(found, key=_seq_of, reverse=True)
        return []

    def _last_kept(self, key: StateKey) -> int:
        return max(map(_seq_of, self._kept(key)), default=0)

    @staticmethod
    def _version(key: StateKey, path: Path) -> Envelope:
        return unseal(path.read_bytes(), str(key), str(path))


def _seq_of(path: Path) -> int:
    return int(path.stem)


def _stored(envelope: Envelope) -> Stored:
    return Stored(envelope.text, envelope.seq, envelope.run, envelope.at, envelope.tag)
