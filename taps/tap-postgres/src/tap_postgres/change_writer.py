"""Changes -> RECORDs, and the STATEs between transactions."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tap_postgres.errors import PostgresError
from tap_postgres.log_bookmarks import log_position, reached
from tap_postgres.lsn import format_lsn
from tap_postgres.receiver import Changed, Described, Reached, Truncated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    import pyarrow as pa
    from dativo_protocol.state import State
    from dativo_protocol.writer import MessageWriter, RowWriter

    from tap_postgres.log_bookmarks import LogSource
    from tap_postgres.receiver import Item
    from tap_postgres.settings import TapPostgresSettings
    from tap_postgres.tables import StreamPlan

log = logging.getLogger("tap_postgres")


class _Stream:
    """What is written of one stream."""

    def __init__(self, plan: StreamPlan, lsn: int, version: int | None) -> None:
        self.plan = plan
        self.lsn = lsn
        self.version = version
        self.writing = ExitStack()
        self.records: RowWriter | None = None

    def write(self, out: MessageWriter, rows: pa.RecordBatch) -> None:
        if self.records is None:
            name, schema = self.plan.message.stream, self.plan.arrow_schema
            self.records = self.writing.enter_context(out.stream(name, schema, self.version))
        self.records.write(rows)

    def end_records(self) -> None:
        self.records = None
        self.writing.close()


class ChangeWriter:
    """Writes the changes of all streams; a context manager, to let go of what writes their records."""

    def __init__(
        self,
        plans: Sequence[StreamPlan],
        sources: Mapping[str, LogSource],
        settings: TapPostgresSettings,
        state: State,
        out: MessageWriter,
    ) -> None:
        """Go on from `state`, which knows all streams; their SCHEMAs have been written."""
        self._sources = sources
        self._settings = settings
        self._state = state
        self._out = out
        self._streams: dict[str, _Stream] = {}
        self._state_written = time.monotonic()
        for plan in plans:
            position = log_position(state.get_bookmark(plan.id), stream_id=plan.id)
            assert position is not None
            version = position.version if settings.activate_version else None
            self._streams[plan.id] = _Stream(plan, position.lsn, version)

    def __enter__(self) -> Self:
        """Begin nothing: the first changes do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what writes the records."""
        with ExitStack() as stack:
            for stream in self._streams.values():
                stack.push(stream.writing.__exit__)
            stack.__exit__(kind, error, trace)

    def take(self, item: Item) -> None:
        """Write what has come.

        Raises:
            PostgresError: a table was truncated, and that is to fail.
        """
        match item:
            case Changed():
                self._streams[item.stream_id].write(self._out, item.rows)
            case Described():
                self._describe(item.stream.plan)
            case Truncated():
                self._truncate(self._streams[item.stream_id], item.lsn)
            case Reached():
                self._reach(item.lsn)

    def _describe(self, plan: StreamPlan) -> None:
        stream = self._streams[plan.id]
        stream.end_records()
        stream.plan = plan
        self._out.schema(plan.message)

    def _truncate(self, stream: _Stream, lsn: int) -> None:
        name, wanted = stream.plan.id, self._settings.on_truncate
        if wanted == "fail":
            raise PostgresError(
                f"stream {name!r}: the table was truncated at {format_lsn(lsn)}",
                instruction="Set `on_truncate` to go on.",
            )
        if wanted == "ignore" or not self._settings.activate_version:
            log.warning("%s: the table was truncated, which is ignored", name)
            return
        stream.end_records()
        stream.version = max(time.time_ns() // 1_000_000, (stream.version or 0) + 1)
        self._out.activate_version(stream.plan.message.stream, stream.version)

    def _reach(self, lsn: int) -> None:
        """Advance the bookmarks of all streams: what was committed before is written."""
        with self._out.hold():
            for name, stream in self._streams.items():
                stream.lsn = max(stream.lsn, lsn)
                found = self._state.get_bookmark(name)
                bookmark = reached(found, stream.lsn, self._sources[name], stream.version)
                self._state.set_bookmark(name, bookmark)
            if time.monotonic() - self._state_written >= self._settings.state_interval_seconds:
                self._state_written = time.monotonic()
                self._out.state(self._state.to_dict())
