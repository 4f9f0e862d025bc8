"""The keys of rows on their way into files, so that the last row of each key is the one that stays.

Rows carry their order of arrival in one more column until they are written: partitions and files written side
by side take them out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_parquet.metadata import DELETED_COLUMN

from target_iceberg.upsert.kernels import numbers
from target_iceberg.upsert.key_columns import KeyColumns
from target_iceberg.upsert.key_log import KeyLog

if TYPE_CHECKING:
    import pyarrow as pa
    from dativo_protocol.tally import Tally
    from target_parquet.parquet import ParquetPart

    from target_iceberg.settings import Settings
    from target_iceberg.table_writer import TablePlan

ORDER = "__dativo_order"


class RowKeys:
    """Notes the keys of one stream, epoch by epoch.

    Args:
        settings: of the user.
        tally: counts rows that only delete.
    """

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self._settings = settings
        self._tally = tally
        self._columns: KeyColumns | None = None
        self._log: KeyLog | None = None
        self._arrived = 0

    @property
    def used(self) -> bool:
        """Whether any key was noted since the last epoch."""
        return self._log is not None

    def use(self, plan: TablePlan) -> None:
        """Take the key of a stream as its SCHEMA has it.

        Raises:
            SchemaError: the key has changed, or has a type that cannot be compared.
        """
        columns = KeyColumns.of_table(plan.message.stream, plan.shape.schema, plan.key_ids)
        if self._log is not None and self._columns != columns:
            from dativo_protocol.errors import SchemaError

            raise SchemaError(
                "the key of the stream changed in the middle of an epoch", stream=plan.message.stream
            )
        self._columns = columns

    def with_order(self, schema: pa.Schema) -> pa.Schema:
        """The columns of rows with their order."""
        import pyarrow as pa

        return schema.append(pa.field(ORDER, pa.int64(), nullable=False))

    def without_order(self, rows: pa.Table) -> pa.Table:
        """The rows as their file has them."""
        return rows.drop_columns([ORDER])

    def arrived(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Give rows their order; those that say that a row is deleted are noted and left out, if so set."""
        order = numbers(self._arrived, rows.num_rows)
        self._arrived += rows.num_rows
        ordered = rows.add_column(rows.num_columns, self.with_order(rows.schema).field(ORDER), order)
        if not self._settings.hard_delete or DELETED_COLUMN not in rows.schema.names:
            return ordered
        staying = ordered.filter(rows.column(DELETED_COLUMN).is_null())
        self._tally.deleted += rows.num_rows - staying.num_rows
        going = ordered.filter(rows.column(DELETED_COLUMN).is_valid())
        self._opened().tombstones(going, going.column(ORDER))
        return staying

    def watch(self, part: ParquetPart, uri: str) -> ParquetPart:
        """Note the keys of the rows that are written into a file, which the table will know by this URI."""
        write, log = part.write, self._opened()

        def noted(rows: pa.Table) -> None:
            log.rows(uri, rows, rows.column(ORDER).combine_chunks())
            write(self.without_order(rows))

        part.write = noted  # type: ignore[method-assign]
        return part

    def finish(self, sink: pa.NativeFile) -> None:
        """Write down what was noted, and begin anew."""
        self._opened().finish(sink)
        self._log = None

    def _opened(self) -> KeyLog:
        assert self._columns is not None
        if self._log is None:
            self._log = KeyLog(self._columns, memory_bytes=self._settings.key_bytes)
        return self._log
