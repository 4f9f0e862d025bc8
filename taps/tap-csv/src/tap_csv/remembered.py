"""Progress by files: a bookmark that remembers each file that was read, and how far the one in hand.

    {"replication_key": "_sdc_source_file_mtime", "replication_key_value": "2024-05-01T10:00:00Z",
     "files": {"data/a.csv": {"mtime": "2024-05-01T10:00:00.000000000Z", "size": 1234}},
     "partial": {"file": "data/b.csv", "mtime": …, "size": …, "rows": 1000000}}

A file is passed over only if path, modification time and size are all as remembered. So a file that arrives
late with an old date is read, and one that grew is read again as a whole. `replication_key_value`, the newest
modification time, is there for people; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark

from tap_csv.definitions import SOURCE_FILE_MTIME
from tap_csv.errors import CsvError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from tap_csv.sources import SourceFile

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Version:
    """A file as it was at a time."""

    mtime: str
    size: int

    @classmethod
    def of(cls, file: SourceFile) -> _Version:
        seconds, rest = divmod(file.mtime_ns, _NANOSECONDS)
        day = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return cls(f"{day}.{rest:09d}Z", file.size)

    def to_dict(self) -> dict[str, Any]:
        return {"mtime": self.mtime, "size": self.size}


class FilesProgress:
    """Of a stream whose files are read once."""

    is_resumable = True

    def __init__(self, bookmark: Bookmark, files: Sequence[SourceFile], *, limit: int) -> None:
        """Begin where a bookmark ends.

        Raises:
            ConfigError: the bookmark is damaged.
            CsvError: there are more files than may be remembered.
        """
        if len(files) > limit:
            raise CsvError(
                f"{len(files)} files are more than the {limit} that a bookmark may remember",
                instruction="Move files away that have been read, raise `max_remembered_files`, or split "
                "the stream.",
            )
        self._limit = limit
        self._present = {file.name for file in files}
        self._before = bookmark
        try:
            self._done = {name: _version(values) for name, values in _mapping(bookmark, "files").items()}
            partial = _mapping(bookmark, "partial")
            self._partial = (partial["file"], _version(partial), int(partial["rows"])) if partial else None
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"the state cannot be used: its memory of files is damaged ({error!r})",
                instruction="Pass the last STATE that the target printed, or none to start over.",
            ) from error

    def rows_done(self, file: SourceFile) -> int | None:
        version = _Version.of(file)
        if self._done.get(file.name) == version:
            return None
        if self._partial and self._partial[:2] == (file.name, version):
            return self._partial[2]
        return 0

    def due(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    def wrote(self, file: SourceFile, batch: pa.RecordBatch, last_row: int) -> None:  # noqa: ARG002
        self._partial = (file.name, _Version.of(file), last_row)

    def finished_file(self, file: SourceFile) -> None:
        self._done[file.name] = _Version.of(file)
        self._partial = None

    def finished(self) -> None:
        """Make sure that no partial file outlives a run that met every file."""
        self._partial = None

    @property
    def cost_of_state(self) -> int:
        return len(self._done)

    def bookmark(self) -> Bookmark:
        self._forget_surplus()
        values = {key: value for key, value in self._before.values.items() if key != "partial"}
        values["replication_key"] = SOURCE_FILE_MTIME
        if self._done:
            newest = max(version.mtime for version in self._done.values())
            values["replication_key_value"] = newest
        values["files"] = {name: version.to_dict() for name, version in self._done.items()}
        if self._partial:
            name, version, rows = self._partial
            values["partial"] = {"file": name, **version.to_dict(), "rows": rows}
        return Bookmark(values)

    def _forget_surplus(self) -> None:
        """Forget the oldest of the files that are no longer there, while there are too many."""
        surplus = len(self._done) - self._limit
        if surplus > 0:
            gone = sorted(self._done.keys() - self._present, key=lambda name: (self._done[name].mtime, name))
            for name in gone[:surplus]:
                del self._done[name]


def _mapping(bookmark: Bookmark, key: str) -> Mapping[str, Any]:
    values = bookmark.values.get(key) or {}
    if not isinstance(values, dict):
        raise TypeError(f"{key} is no object")
    return values


def _version(values: Mapping[str, Any]) -> _Version:
    return _Version(str(values["mtime"]), int(values["size"]))
