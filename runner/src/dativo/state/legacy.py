"""State files of 0.1, `.dativo/state/[TENANT/]JOB.json`, are moved on the first run; until 0.3."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dativo.errors import StateBusy
from dativo.home import open_private
from dativo.records import dataclass
from dativo.state.envelope import unseal
from dativo.state.files import remove_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dativo.state.local import LocalStore
    from dativo.state.store import StateKey


@dataclass(frozen=True, slots=True)
class Adoption:
    """Moves the file of a job from the old directory into a store.

    Attributes:
        directory: `.dativo/state` beside the job file.
        say: takes one line for the user.
    """

    directory: Path
    say: Callable[[str], None]

    def __call__(self, store: LocalStore, key: StateKey) -> None:
        """Called with the key held.

        Raises:
            StateBusy: a run of the old dativo holds the file.
            StateError: the file is no whole state of this job.
        """
        old = self._path(key)
        if key.suffix or key.part or not old.is_file():
            return
        with _old_lock(old, str(key)):
            found = unseal(old.read_bytes(), str(key), str(old))
            present = store.read(key)
            if present is None:
                store.write(key, found.text, run=found.run or "before-0.2", after=None)
            elif present.text != found.text:
                self.say(
                    f"{old} is not used any more: the state is in {store.place(key)}. Remove the old file"
                )
                return
            remove_file(old)
        with suppress(FileNotFoundError):
            old.with_name(f"{old.name}.lock").unlink()
        self.say(f"the state has moved from {old} to {store.place(key)}")

    def _path(self, key: StateKey) -> Path:
        return (
            self.directory / f"{key.tenant}/{key.job}.json"
            if key.tenant
            else self.directory / f"{key.job}.json"
        )


@contextmanager
def _old_lock(old: Path, what: str) -> Iterator[None]:
    handle = open_private(old.with_name(f"{old.name}.lock"), os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StateBusy(
            f"{old}: a run of {what} by an older dativo is using this state: wait for it"
        ) from error
    finally:
        os.close(handle)
