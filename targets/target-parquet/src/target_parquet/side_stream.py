"""Streams that the target writes about a run, beside those it loads, published in the same epochs.

Their directories begin with `_`, which readers of the whole destination pass over and which no stream of a
tap can have: there a leading `_` is written as `%5F`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dativo_protocol.messages import SchemaMessage

from target_parquet.partitions import Partitioning
from target_parquet.plan import ParquetPlan
from target_parquet.schema_evolution import Evolved
from target_parquet.stream_writer import StreamWriter

if TYPE_CHECKING:
    import pyarrow as pa

    from target_parquet.epoch import Epoch
    from target_parquet.stream_writer import Workshop

_MOST_ROWS = 1_000
_MOST_BYTES = 1 << 20


class SideStream:
    """One of them; its rows are few and come one at a time, and are held in small numbers only.

    Args:
        name: of the stream and of its directory.
        schema: of its rows.
        workshop: what all streams share.
        epoch: that the first rows belong to.
    """

    def __init__(self, name: str, schema: pa.Schema, workshop: Workshop, epoch: Epoch) -> None:
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        settings = workshop.settings
        # It is added to whatever becomes of the streams, and has the columns it has.
        settings = settings.for_side_streams()
        plan = ParquetPlan(
            message=SchemaMessage(name, {"properties": {}}, (), None),
            schema=schema,
            evolved=Evolved(schema, schema, tuple(range(len(schema)))),
            partitioning=Partitioning((), schema, stream=name),
        )
        self._writer = StreamWriter(plan, name, replace(workshop, settings=settings), epoch)

    def add(self, row: dict[str, Any], size: int = 0) -> None:
        """Take a row whose long values have `size` bytes."""
        self._rows.append(row)
        self._bytes += size
        if len(self._rows) >= _MOST_ROWS or self._bytes >= _MOST_BYTES:
            self._flush()

    def finish(self) -> None:
        """Complete the files of the epoch."""
        self._flush()
        self._writer.finish()

    def next_epoch(self, epoch: Epoch) -> None:
        """Let rows from now on belong to another epoch."""
        self._writer.next_epoch(epoch)

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write(pa.RecordBatch.from_pylist(self._rows, self._schema))
            self._rows, self._bytes = [], 0
