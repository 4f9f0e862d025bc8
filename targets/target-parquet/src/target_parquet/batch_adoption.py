"""A Parquet batch file that already is what we would write becomes a file of the table, byte for byte.

It is read once, so that a broken file is found out, but not encoded again. The original stays where it is and
remains its owner's; the table has a copy, which nobody else can change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.parquet_writer import MAX_GROUP_ROWS

from target_parquet.schema_evolution import for_file
from target_parquet.shared_settings import MAX_GROUP_BYTES, MIB

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

    from target_parquet.batch_rules import Rules
    from target_parquet.plan import ParquetPlan
    from target_parquet.shared_settings import SharedSettings

_LEAST_SHARE, _GREATEST_SHARE = 1 / 32, 1.5
"""Size of a file, against `target_file_size_mb`: smaller ones are better put together, larger ones cut."""

_GROUP_ROWS, _GROUP_BYTES = 65_536, 8 * MIB
"""Row groups have this many rows or bytes on average, or a reader would open too many."""


def is_adoptable(
    file: parquet.ParquetFile, size: int, plan: ParquetPlan, settings: SharedSettings, rules: Rules
) -> bool:
    """Whether a file can be one of the stream's as it is.

    Args:
        file: open, of which the footer is looked at.
        size: of the file in bytes.
        plan: of the stream.
        settings: of the user.
        rules: what its rows have to keep.
    """
    return (
        not rules.beyond_types
        and _has_columns(file.schema_arrow, plan, settings)
        and _has_size(file.metadata, size, settings)
        and _is_encoded_alike(file.metadata, settings)
        and _has_no_nulls(file.metadata, rules)
    )


def _has_columns(schema: pa.Schema, plan: ParquetPlan, settings: SharedSettings) -> bool:
    """Whether the columns are those of the file we would write, each filled from its own property."""
    import pyarrow as pa

    if settings.add_record_metadata or settings.partition_columns(plan.message.stream):
        return False
    evolved = plan.evolved
    names = [None if source is None else evolved.decode.field(source).name for source in evolved.sources]
    found = pa.schema([for_file(field) for field in schema])
    return names == evolved.file.names and found.equals(evolved.file, check_metadata=True)


def _has_size(footer: parquet.FileMetaData, size: int, settings: SharedSettings) -> bool:
    wanted = settings.file_bytes
    if not footer.num_rows or not _LEAST_SHARE * wanted <= size <= _GREATEST_SHARE * wanted:
        return False
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    rows, uncompressed = footer.num_rows, sum(group.total_byte_size for group in groups)
    if rows < _GROUP_ROWS * len(groups) and uncompressed < _GROUP_BYTES * len(groups):
        return False
    return all(
        group.num_rows <= MAX_GROUP_ROWS and group.total_byte_size <= MAX_GROUP_BYTES for group in groups
    )


def _is_encoded_alike(footer: parquet.FileMetaData, settings: SharedSettings) -> bool:
    """Whether the pages have our codec, and statistics; a level cannot be seen, so none may be asked for."""
    codec = "UNCOMPRESSED" if settings.compression == "none" else settings.compression.upper()
    return settings.compression_level is None and all(
        column.compression == codec and column.is_stats_set for column in _chunks(footer)
    )


def _has_no_nulls(footer: parquet.FileMetaData, rules: Rules) -> bool:
    return all(
        column.statistics is not None and column.statistics.null_count == 0
        for column in _chunks(footer)
        if column.path_in_schema in rules.never_null
    )


def _chunks(footer: parquet.FileMetaData) -> list[parquet.ColumnChunkMetaData]:
    return [
        footer.row_group(group).column(column)
        for group in range(footer.num_row_groups)
        for column in range(footer.num_columns)
    ]
