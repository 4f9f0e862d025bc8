"""The data files of one table, as its rows come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import InvalidRecordError
from target_parquet.epoch import WrittenFile
from target_parquet.errors import LayoutError
from target_parquet.ledger import StreamAction
from target_parquet.metadata import DELETED_COLUMN, VERSION_COLUMN, now
from target_parquet.stream_writer import StreamWriter

from target_iceberg.data_file import describe_data_file
from target_iceberg.foreseen import ForeseenPlan
from target_iceberg.sorting import RowSorter

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from dativo_protocol.page_encoding import PageEncoding
    from dativo_protocol.tally import Tally
    from target_parquet.epoch import Epoch
    from target_parquet.parquet import ParquetPart
    from target_parquet.plan import ParquetPlan
    from target_parquet.stream_writer import Workshop

    from target_iceberg.row_keys import RowKeys
    from target_iceberg.settings import Settings
    from target_iceberg.sorting import Ordering
    from target_iceberg.table_plan import IcebergPlan

    TablePlan = IcebergPlan | ForeseenPlan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TableWriter(StreamWriter):
    """Writes one table; what an epoch does to it rides in the ledger entry.

    Raises:
        LayoutError: rows are to be replaced by key, and the stream has none.
    """

    def __init__(
        self,
        plan: TablePlan,
        settings: Settings,
        workshop: Workshop,
        epoch: Epoch,
        origin: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._origin = origin
        self._table = plan
        self._settings = settings
        self._version: int | None = None
        self._activated_at = now()
        self._acting = False
        self._sorters: dict[ParquetPart, RowSorter] = {}
        self._keys = _row_keys(settings, workshop.tally) if settings.load_method == "upsert" else None
        self._prepare(plan)
        super().__init__(plan, plan.directory, workshop, epoch)

    def begin(self) -> None:
        """An overwritten table is emptied even if no rows come."""
        if self._settings.load_method == "overwrite":
            self._acting = True

    def change(self, plan: ParquetPlan) -> None:
        """Go on with another schema; its files are files of their own if they have other columns."""
        super().change(plan)
        self._table = plan  # type: ignore[assignment]
        self._prepare(self._table)
        self._acting = True

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows.

        Raises:
            InvalidRecordError: a required column, such as a key, is null in one of them.
            StoreError: its table cannot be had.
        """
        if isinstance(self._table, ForeseenPlan):
            self._table.fail_early()
        self._acting = True
        super().write(batch)

    def activate(self, version: int) -> None:
        """Let rows of older versions go with the epoch, or be marked as deleted."""
        self._version = version
        self._activated_at = now()
        self._acting = True

    def finish_epoch(self, *, overwrite: bool) -> None:  # noqa: ARG002 -- a table without rows needs no file
        """Complete the files of the epoch, and stage what it takes to find the rows that they replace."""
        self.finish()
        if self._keys is not None and self._keys.used:
            name = f".dativo/keys/{self._next_name('').replace('/', '~')}"
            staged = self._workshop.store.stage(name)
            self._keys.finish(staged.sink)
            self._epoch.aid(self._stream, staged)
        if self._acting:
            self._act()

    def next_epoch(self, epoch: Epoch) -> None:
        """Let files opened from now on belong to another epoch."""
        super().next_epoch(epoch)
        self._version = None
        self._acting = False

    @property
    def row_schema(self) -> pa.Schema:
        """Of the rows on their way to a file; those that may replace others carry their order."""
        plain = super().row_schema
        return plain if self._keys is None else self._keys.with_order(plain)

    def rows_of_file(self, batch: pa.RecordBatch, arrived: datetime) -> pa.RecordBatch:
        """Arrange the columns, and hold them against what the table requires."""
        rows = super().rows_of_file(batch, arrived)
        for field, column in zip(rows.schema, rows.columns, strict=True):
            if not field.nullable and column.null_count:
                raise InvalidRecordError(
                    f"{column.null_count:,} records have no {field.name!r}, which the table requires",
                    stream=self._stream,
                    path=f"/{field.name}",
                )
        return rows if self._keys is None else self._keys.arrived(rows)

    def open_part(self, directory: str, rows: pa.Table, pages: PageEncoding | None = None) -> ParquetPart:
        """Begin the next file of a partition."""
        if self._keys is None:
            part = super().open_part(directory, rows, pages)
        else:
            part = super().open_part(directory, self._keys.without_order(rows), pages)
            part = self._keys.watch(part, self._uri(part.staged.name))
        ordering = self._table.ordering
        return part if ordering is None else self._sorting(part, ordering)

    def finish_part(self, directory: str, part: ParquetPart) -> None:
        """Close a file and note what the table's metadata will say of it."""
        size, plan = part.close(), self._table
        about = describe_data_file(
            part.footer,
            plan.shape.schema,
            plan.metadata.properties,
            partition=plan.partitions.values[directory],
            spec_id=plan.shape.spec.spec_id,
            sort_order_id=self._sorters.pop(part).order_id if part in self._sorters else None,
        )
        self._epoch.add(
            WrittenFile(self._stream, self._directory, part.staged, part.rows, size, part.digest, about)
        )

    def _sorting(self, part: ParquetPart, ordering: Ordering) -> ParquetPart:
        """Let the rows of each row group be sorted before their keys are noted at the places they get."""
        sorter, write = RowSorter(ordering), part.write
        part.write = lambda rows: write(sorter.sort(rows))  # type: ignore[method-assign]
        self._sorters[part] = sorter
        return part

    def _uri(self, name: str) -> str:
        return self._table.metadata.location + name.removeprefix(self._directory.removesuffix("/data"))

    def _prepare(self, plan: TablePlan) -> None:
        if self._keys is None:
            return
        if not plan.message.key_properties:
            raise LayoutError(
                f"load_method upsert: stream {plan.message.stream!r} has no key_properties",
                instruction="Give the stream a primary key, or load it with append-only or overwrite.",
            )
        self._keys.use(plan)

    def _act(self) -> None:
        """Tell the epoch what happens to the table; at its end, for then the table is known for sure."""
        plan = self._table
        extra: dict[str, Any] = {
            "table": list(plan.identifier),
            "uuid": str(plan.metadata.table_uuid),
            "location": plan.metadata.location,
            "method": self._settings.load_method,
            "shape": plan.shape.to_json(),
            "keys": list(plan.key_ids),
            "origin": dict(self._origin),
        }
        if self._version is not None:
            extra |= self._activation(self._version)
        replaces = self._settings.load_method == "overwrite"
        self._epoch.act(self._stream, self._directory, StreamAction(replaces=replaces, extra=extra))

    def _activation(self, version: int) -> dict[str, Any]:
        """What the commit has to do to rows of older versions."""
        schema = self._table.shape.schema
        active = [schema.find_field(VERSION_COLUMN).field_id, version]
        if self._settings.hard_delete:
            return {"version": active}
        at = (self._activated_at - _EPOCH) // timedelta(microseconds=1)
        return {"retired": [*active, schema.find_field(DELETED_COLUMN).field_id, at]}


def _row_keys(settings: Settings, tally: Tally) -> RowKeys:
    from target_iceberg.row_keys import RowKeys

    return RowKeys(settings, tally)
