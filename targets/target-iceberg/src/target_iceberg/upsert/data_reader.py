"""Reads columns of a table's data files by field id, a portion at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from target_iceberg.upsert.errors import UnreadableTableError
from target_iceberg.upsert.table_io import table_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from pyarrow import parquet
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

_BATCH_ROWS = 1 << 16
_FIELD_ID = b"PARQUET:field_id"


class DataReader:
    """An open Parquet file of a table.

    Attributes:
        parquet: the file.
        names: its columns by field id; those of the top level only.
    """

    def __init__(self, file: parquet.ParquetFile, mapping: dict[str, int]) -> None:
        self.parquet = file
        self.names: dict[int, str] = {}
        for field in file.schema_arrow:
            number = (field.metadata or {}).get(_FIELD_ID)
            known = int(number) if number is not None else mapping.get(field.name)
            if known is not None:
                self.names[known] = field.name

    @property
    def has_ids(self) -> bool:
        """Whether the file itself says which column is which."""
        return all(_FIELD_ID in (field.metadata or {}) for field in self.parquet.schema_arrow)

    def group_bounds(self, group: int, name: str) -> tuple[Any, Any]:
        """The least and greatest value of a column in a row group, as `bounds` has them; None if unknown."""
        import pyarrow as pa

        metadata = self.parquet.metadata.row_group(group)
        at = next(at for at in range(metadata.num_columns) if metadata.column(at).path_in_schema == name)
        statistics = metadata.column(at).statistics
        if statistics is None or not statistics.has_min_max:
            return None, None
        kind = self.parquet.schema_arrow.field(name).type
        if pa.types.is_string(kind):
            return statistics.min, statistics.max
        counted = {pa.date32(), pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", "UTC")}
        if pa.types.is_signed_integer(kind) or kind in counted:
            return statistics.min_raw, statistics.max_raw
        return None, None

    def batches(
        self, columns: Sequence[str] | None, wanted: Callable[[int], bool] = lambda _group: True
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Rows with the position of the first of them, from the row groups that are wanted."""
        first = 0
        metadata = self.parquet.metadata
        for group in range(metadata.num_row_groups):
            start = first
            first += metadata.row_group(group).num_rows
            if not wanted(group):
                continue
            selected = list(columns) if columns is not None else None
            for batch in self.parquet.iter_batches(
                _BATCH_ROWS, row_groups=[group], columns=selected, use_threads=False
            ):
                yield start, batch
                start += batch.num_rows


@contextmanager
def open_data_file(table: Table, file: DataFile) -> Iterator[DataReader]:
    """Open a data file for the length of a block.

    Raises:
        UnreadableTableError: it is missing, damaged or no Parquet file, or turns out so inside the block.
    """
    from pyarrow import parquet
    from pyiceberg.manifest import FileFormat

    if file.file_format != FileFormat.PARQUET:
        raise UnreadableTableError(
            f"{file.file_path}: cannot look for keys in a file of format {file.file_format}"
        )
    mapping = table.name_mapping()
    ids = {name: each.field_id for each in mapping for name in each.names if each.field_id} if mapping else {}
    try:
        with table_input(table, file.file_path) as source, parquet.ParquetFile(source) as opened:
            yield DataReader(opened, ids)
    except OSError as error:
        raise UnreadableTableError(f"cannot read {file.file_path}: {error}") from error
