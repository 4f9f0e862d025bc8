"""How far a stream has been read, for each way of replicating it.

A progress decides which files and rows are still to be emitted, is told what was, and gives the bookmark that
stands for exactly that.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from dativo_protocol.columns import TimestampTz
from dativo_protocol.errors import ConfigError

from tap_csv.conversion import convert
from tap_csv.plan import ByFiles, ByKey
from tap_csv.remembered import FilesProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from dativo_protocol.columns import Column
    from dativo_protocol.state import Bookmark

    from tap_csv.plan import StreamPlan
    from tap_csv.sources import SourceFile


class Progress(Protocol):
    """How far one stream has been read."""

    is_resumable: bool
    """Whether a bookmark taken before the end of the stream says more than the one at its start."""

    @property
    def cost_of_state(self) -> int:
        """How many rows a STATE weighs: so many should be written between two, or STATEs outgrow the data."""

    def rows_done(self, file: SourceFile) -> int | None:
        """Return how many rows of a file need not be emitted again; None for all of them."""

    def due(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of a batch that are to be emitted."""

    def wrote(self, file: SourceFile, batch: pa.RecordBatch, last_row: int) -> None:
        """Note that a batch was written, and with it every row of the file up to number `last_row`."""

    def finished_file(self, file: SourceFile) -> None:
        """Note that a file was read to its end."""

    def finished(self) -> None:
        """Note that every file was read."""

    def bookmark(self) -> Bookmark:
        """Return the bookmark for what was written so far."""


def progress_of(plan: StreamPlan, bookmark: Bookmark, files: Sequence[SourceFile]) -> Progress:
    """Begin where a bookmark ends.

    Raises:
        ConfigError: the bookmark cannot be used.
        CsvError: there are more files than a bookmark may remember.
    """
    match plan.replication:
        case ByKey(column):
            return KeyProgress(column, bookmark)
        case ByFiles():
            return FilesProgress(bookmark, files, limit=plan.definition.max_remembered_files)
        case _:
            return FullProgress(bookmark)


class _EveryFile:
    """What progress is where no file is remembered."""

    is_resumable = False
    cost_of_state = 0

    def rows_done(self, file: SourceFile) -> int | None:  # noqa: ARG002 -- the protocol's signature
        return 0

    def finished_file(self, file: SourceFile) -> None:
        """Nothing is known of single files."""


class FullProgress(_EveryFile):
    """Of a stream that is read as a whole every time; an earlier bookmark is left as it is."""

    def __init__(self, bookmark: Bookmark) -> None:
        self._bookmark = bookmark

    def due(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    def wrote(self, file: SourceFile, batch: pa.RecordBatch, last_row: int) -> None:
        """A part of the rows is no progress."""

    def finished(self) -> None:
        """Nothing follows from it for the next run."""

    def bookmark(self) -> Bookmark:
        return self._bookmark


class KeyProgress(_EveryFile):
    """Of a stream that is read from the greatest value of a column.

    Files are in no order by that column, so the greatest value counts only when all of them have been read.
    """

    def __init__(self, column: Column, bookmark: Bookmark) -> None:
        # A single row dated in the future must not make the next runs pass over all that is dated before it.
        signpost = datetime.now(UTC).isoformat() if isinstance(column.type, TimestampTz) else None
        self._column = column
        self._before = bookmark
        self._started = bookmark.started(column.name, signpost=signpost)
        self._least = _scalar(column, bookmark.resume_from(column.name))
        self._greatest: Any = None
        self._is_finished = False

    def due(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow.compute as pc

        if self._least is None:
            return batch
        values = batch.column(self._column.name)
        is_due = pc.or_kleene(pc.is_null(values), pc.greater_equal(values, self._least))
        return batch.filter(is_due)

    def wrote(self, file: SourceFile, batch: pa.RecordBatch, last_row: int) -> None:  # noqa: ARG002
        import pyarrow.compute as pc

        greatest = pc.max(batch.column(self._column.name)).as_py()
        if greatest is not None and (self._greatest is None or greatest > self._greatest):
            self._greatest = greatest

    def finished(self) -> None:
        self._is_finished = True

    def bookmark(self) -> Bookmark:
        if not self._is_finished:
            return self._before
        value = _as_json(self._greatest)
        return self._started.advanced(self._column.name, value, is_sorted=False).finished()


def _scalar(column: Column, value: Any) -> Any:
    """Read a bookmark's value as one of its column."""
    import pyarrow as pa

    if value is None:
        return None
    converted = convert(pa.array([str(value).encode()], pa.binary()), column.type, lenient=True)
    if converted.bad is not None:
        raise ConfigError(
            f"the state cannot be used: its value of replication key {column.name!r} does not fit the column",
            instruction="Start over without state, or give the column the type that it had.",
        )
    return converted.values[0]


def _as_json(value: Any) -> Any:
    """Write a value so that `_scalar` reads it again: decimals as text, times in ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
