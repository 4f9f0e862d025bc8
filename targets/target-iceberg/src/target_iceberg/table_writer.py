"""The data files of one table, as its rows come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_protocol.errors import InvalidRecordError
from target_parquet.epoch import WrittenFile
from target_parquet.ledger import StreamAction
from target_parquet.stream_writer import StreamWriter

from target_iceberg.data_file import describe_data_file

if TYPE_CHECKING:
    import pyarrow as pa
    from target_parquet.epoch import Epoch
    from target_parquet.parquet import ParquetPart
    from target_parquet.stream_writer import Workshop

    from target_iceberg.table_plan import IcebergPlan


class TableWriter(StreamWriter):
    """Writes one table; what an epoch does to it rides in the ledger entry."""

    def __init__(self, plan: IcebergPlan, workshop: Workshop, epoch: Epoch) -> None:
        self._plan: IcebergPlan = plan
        super().__init__(plan, plan.directory, workshop, epoch)

    def begin(self) -> None:
        """An overwritten table is emptied even if no rows come; else the first row begins."""
        if self._workshop.settings.load_method == "overwrite":
            self._act()

    def change(self, plan: IcebergPlan) -> None:  # type: ignore[override]
        """Go on with another schema; its files are files of their own if they have other columns."""
        super().change(plan)
        if self._acts:
            self._act()

    def write(self, batch: pa.RecordBatch) -> None:
        """Take the next rows.

        Raises:
            InvalidRecordError: a required column, such as a key, is null in one of them.
        """
        self._act()
        super().write(batch)

    def finish_empty(self) -> None:
        """A table without rows needs no file."""

    def next_epoch(self, epoch: Epoch) -> None:
        """Let files opened from now on belong to another epoch."""
        super().next_epoch(epoch)
        self._acts = False

    def rows_of_file(self, batch: pa.RecordBatch, arrived: Any) -> pa.RecordBatch:
        """Arrange the columns, and hold them against what the table requires."""
        rows = super().rows_of_file(batch, arrived)
        for field, column in zip(rows.schema, rows.columns, strict=True):
            if not field.nullable and column.null_count:
                raise InvalidRecordError(
                    f"{column.null_count:,} records have no {field.name!r}, which the table requires",
                    stream=self._stream,
                    path=f"/{field.name}",
                )
        return rows

    def finish_part(self, directory: str, part: ParquetPart) -> None:
        """Close a file and note what the table's metadata will say of it."""
        size = part.close()
        plan = self._plan
        about = describe_data_file(
            part.footer,
            plan.shape.schema,
            plan.metadata.properties,
            partition=plan.partitions.values[directory],
            spec_id=plan.shape.spec.spec_id,
        )
        self._epoch.add(
            WrittenFile(self._stream, self._directory, part.staged, part.rows, size, part.digest, about)
        )

    def _act(self) -> None:
        plan = self._plan
        extra = {
            "table": list(plan.identifier),
            "uuid": str(plan.metadata.table_uuid),
            "location": plan.metadata.location,
            "method": self._workshop.settings.load_method,
            "shape": plan.shape.to_json(),
        }
        self._acts = True
        self._epoch.act(self._stream, self._directory, StreamAction(extra=extra))
