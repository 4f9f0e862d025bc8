"""log.jsonl: what connectors and runner said in a run; of a flood, the beginning and the end."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from dativo.home import open_private
from dativo.observe.events import Logged
from dativo.observe.tally import iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dativo.observe.events import RunEvent
    from dativo.observe.tally import Tally

LOG_FILE = "log.jsonl"
OLDER_FILE = "log.older.jsonl"
NEWER_FILE = "log.newer.jsonl"
PART_BYTES = 8 << 20
"""The beginning is kept up to this size, the end up to between once and twice of it."""


class RunLog:
    """One JSON object a line, `{at, side, level, message, stream?, trace?}`; `{dropped: n}` for a gap."""

    def __init__(self, tally: Tally, directory: Path, part_bytes: int = PART_BYTES) -> None:
        self._tally = tally
        self._directory = directory
        self._part_bytes = part_bytes
        self._room = part_bytes
        self._lines = {NEWER_FILE: 0, OLDER_FILE: 0}
        self._name = LOG_FILE
        self._dropped = 0
        self._file = self._open(LOG_FILE)

    def take(self, event: RunEvent) -> None:
        if not isinstance(event, Logged):
            return
        line = event.line
        document: dict[str, Any] = {"at": iso(self._tally.wall(event.at)), "side": event.side}
        document |= {"level": line.level, "message": line.message}
        if event.stream is not None:
            document["stream"] = event.stream
        if line.trace:
            document["trace"] = list(line.trace)
        self._write(document)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, document: dict[str, Any]) -> None:
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(data) > self._room:
            self._turn()
        self._room -= len(data)
        if self._name != LOG_FILE:
            self._lines[NEWER_FILE] += 1
        os.write(self._file, data)

    def _turn(self) -> None:
        """Begins the next part; what was the older one is left out from now on."""
        os.close(self._file)
        if self._name == NEWER_FILE:
            self._dropped += self._lines[OLDER_FILE]
            self._lines = {OLDER_FILE: self._lines[NEWER_FILE], NEWER_FILE: 0}
            (self._directory / NEWER_FILE).replace(self._directory / OLDER_FILE)
        self._name = NEWER_FILE
        self._room = self._part_bytes
        self._file = self._open(NEWER_FILE)
        if self._dropped:
            os.write(self._file, json.dumps({"dropped": self._dropped}).encode() + b"\n")

    def _open(self, name: str) -> int:
        return open_private(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)


def read_log(directory: Path) -> Iterator[dict[str, Any]]:
    """Every line that is left of a run's log, oldest first; `{dropped: n}` where lines are missing."""
    parts = [list(_read(directory / name)) for name in (LOG_FILE, OLDER_FILE, NEWER_FILE)]
    head, older, newer = parts
    dropped = [line["dropped"] for line in newer if "dropped" in line]
    yield from head
    if dropped:
        yield {"dropped": dropped[-1]}
    yield from (line for line in (*older, *newer) if "dropped" not in line)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # the last line of a run that was killed may be torn
    except FileNotFoundError:
        return
