"""The state of a job on disk: a versioned envelope around the document that the target handed out.

    {"format": "dativo-state", "version": 1, "job": "acme/users", "updated_at": "2026-01-31T12:00:00Z",
     "sha256": "…", "state": {…}}

`state` is kept byte for byte (a cursor may be a decimal that no float holds), and `sha256` covers those
bytes. A file that is empty, cut or changed is an error and never "no state": that would load everything anew
without a word.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dativo.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "dativo-state"
VERSION = 1


class StateStore:
    """The state file of one job.

    Args:
        path: absolute path; its directory is made when the first state is stored.
        job: full name of the job; a file that belongs to another job is refused.
    """

    def __init__(self, path: Path, job: str) -> None:
        self.path = path
        self._job = job

    def read(self) -> str | None:
        """JSON text of the stored state, or None if nothing has been stored yet.

        Raises:
            StateError: the file is there but is not a whole state of this job.
        """
        try:
            text = self.path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.path}: the state cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise self._damaged("it is not UTF-8 text") from error
        try:
            members = _members(text)
        except ValueError as error:
            raise self._damaged("it is empty" if not text.strip() else str(error)) from error
        return self._checked(members)

    def write(self, state: str) -> None:
        """Replaces the stored state: a reader sees the old file or the new one whole, even after a power cut.

        Raises:
            StateError: the file cannot be written; the old one stays.
        """
        envelope = self._envelope(state)
        try:
            _replace(self.path, envelope.encode())
        except OSError as error:
            raise StateError(f"{self.path}: the state cannot be stored: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the state for one run; raises StateError at once if another run holds it."""
        try:
            make_private_home(self.path.parent)
            handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{self.path}: the state cannot be locked: {error.strerror}") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateError(f"{self.path}: another run of {self._job!r} is using this state") from error
            yield
        finally:
            os.close(handle)

    def _envelope(self, state: str) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {
            "format": FORMAT,
            "version": VERSION,
            "job": self._job,
            "updated_at": now,
            "sha256": _digest(state),
        }
        return json.dumps(head, ensure_ascii=False)[:-1] + f', "state": {state}}}\n'

    def _checked(self, members: dict[str, str]) -> str:
        if members.get("format") != json.dumps(FORMAT):
            raise self._damaged(f'it is no state file: "format": "{FORMAT}" is missing')
        if members.get("version") != str(VERSION):
            version = members.get("version")
            raise StateError(
                f"{self.path}: version {version} of the state format is not known to this dativo (it knows "
                f"{VERSION}); run the version that wrote it, or newer"
            )
        if (owner := json.loads(members.get("job", "null"))) != self._job:
            raise StateError(
                f"{self.path}: this state belongs to the job {owner!r}, not to {self._job!r}; "
                "give each job its own state.path"
            )
        state = members.get("state", "")
        if not state.startswith("{"):
            raise self._damaged('"state" must be an object')
        if "sha256" in members and json.loads(members["sha256"]) != _digest(state):
            raise self._damaged(
                '"state" does not match its sha256 (remove "sha256" after a change made by hand)'
            )
        return state

    def _damaged(self, why: str) -> StateError:
        return StateError(
            f"{self.path}: the state is damaged: {why}. Put back a good copy, "
            "or remove the file to load everything from the start"
        )


def make_private_home(directory: Path) -> None:
    """Makes a directory; a `.dativo` made on the way keeps itself out of git."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for made in missing:
        if made.name == ".dativo":
            (made / ".gitignore").write_text("*\n", encoding="utf-8")


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _members(text: str) -> dict[str, str]:
    """Name → JSON text, verbatim, of each member of a JSON object; raises ValueError if it is not one."""
    decoder = json.JSONDecoder()
    index = _after_space(text, 0)
    if text[index : index + 1] != "{":
        raise ValueError("it does not hold a JSON object")
    members: dict[str, str] = {}
    closing = "{"
    while closing != "}":
        name, index = decoder.raw_decode(text, _after_space(text, index + 1))
        index = _after_space(text, index)
        if not isinstance(name, str) or text[index : index + 1] != ":":
            raise ValueError(f"it is not JSON at character {index + 1}")
        start = _after_space(text, index + 1)
        _, index = decoder.raw_decode(text, start)
        members[name] = text[start:index]
        index = _after_space(text, index)
        closing = text[index : index + 1]
        if closing not in {",", "}"}:
            raise ValueError(f"it is cut or not JSON at character {index + 1}")
    if text[index + 1 :].strip():
        raise ValueError("something follows the JSON object")
    return members


def _after_space(text: str, index: int) -> int:
    while text[index : index + 1] in {" ", "\t", "\r", "\n"}:
        index += 1
    return index


def _replace(path: Path, content: bytes) -> None:
    make_private_home(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
