"""The file of `--state`, which a runner may replace while the tap runs: what it holds was delivered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dativo_protocol.errors import ConfigError

if TYPE_CHECKING:
    from dativo_protocol.state import State


class StateFile:
    """A file with a state; its content at first is known to whoever read it before."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._seen = self._identity()

    def newer(self) -> State | None:
        """Return the state that the file was replaced with since the last look, None if it was not.

        A file that is gone, or half-written, is no state: it is looked at again the next time.
        """
        from dativo_protocol.envelope import read_state

        identity = self._identity()
        if identity is None or identity == self._seen:
            return None
        try:
            state = read_state(self._path.read_bytes())
        except (OSError, ConfigError):
            return None
        self._seen = identity
        return state

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
