"""Keeps what all writers of a run hold together within limits that do not depend on how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_parquet.lane import Lane
    from target_parquet.part_writer import PartWriter

MAX_OPEN_FILES = 128


class WriterPool:
    """Bounds the rows that wait for their row group, and the files that are open.

    Args:
        buffer_bytes: rows that may wait, over all writers; the writer with most of them has to write first.
        open_files: files that may be open; the one written to longest ago is closed first.
    """

    def __init__(self, buffer_bytes: int, open_files: int = MAX_OPEN_FILES) -> None:
        self._buffer_bytes = buffer_bytes
        self._open_files = open_files
        self._waiting: dict[PartWriter, None] = {}
        self._open: dict[Lane, None] = {}
        self._held = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of rows that wait."""
        return self._held

    def is_half_full_of(self, pending: int) -> bool:
        """Whether so many bytes of one writer are half of what may wait."""
        return 2 * pending >= self._buffer_bytes

    def grown(self, writer: PartWriter, added: int) -> None:
        """Account for rows a writer has taken; may write those of the fullest writers."""
        self._waiting[writer] = None
        self._held += added
        while self._held > self._buffer_bytes:
            max(self._waiting, key=lambda candidate: candidate.pending_bytes).flush()

    def emptied(self, writer: PartWriter, removed: int) -> None:
        """Account for the rows of a writer, which wait no longer."""
        self._waiting.pop(writer, None)
        self._held -= removed

    def opening(self, lane: Lane) -> None:
        """Make room for one more open file."""
        while len(self._open) >= self._open_files:
            next(iter(self._open)).close_file()
        self._open[lane] = None

    def written(self, lane: Lane) -> None:
        """Note that a lane's open file is used."""
        self._open[lane] = self._open.pop(lane)

    def closed(self, lane: Lane) -> None:
        """Account for a file that is open no longer."""
        self._open.pop(lane, None)

    def abandon(self) -> None:
        """Leave all open files as they are."""
        for lane in self._open:
            lane.abandon()
        self._open.clear()
        self._waiting.clear()
