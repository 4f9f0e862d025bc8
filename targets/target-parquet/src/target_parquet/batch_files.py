"""Rows that come as files, named by a BATCH message (B1..B4): Arrow IPC, Parquet, JSON lines.

Arrow and Parquet have types already: their columns are cast to those of the SCHEMA where no value is lost.
JSON lines take the way of RECORD messages, so all that holds for these holds for them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.arrow import KEY_KEY

from target_parquet.errors import BatchFileError
from target_parquet.type_merge import is_json_text
from target_parquet.uuid_text import with_text_of_uuids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from dativo_protocol.messages import BatchMessage
    from pyarrow import parquet

    from target_parquet.batch_sources import BatchFile

SOURCE_KEY = b"dativo.source"
"""Metadata of a column that is not a property of the record."""


@contextmanager
def open_parquet(file: BatchFile, message: BatchMessage) -> Iterator[parquet.ParquetFile]:
    """Open a Parquet file and read its footer.

    Raises:
        BatchFileError: that fails.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(file.path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, message, error) from error
    with opened:
        yield opened


def columnar_batches(
    file: BatchFile, message: BatchMessage, schema: pa.Schema, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Read an Arrow IPC or Parquet file as batches of the stream's decoded columns.

    Args:
        file: to read.
        message: that names it.
        schema: of the decoded columns, with the metadata that directs the decoder.
        batch_rows: most rows of a batch of a Parquet file.

    Raises:
        BatchFileError: it cannot be read, or its columns do not fit.
    """
    import pyarrow as pa

    try:
        for batch in _read(file.path, message.encoding.format, batch_rows):
            batch.validate(full=True)  # offsets and text of a foreign file may be anything
            yield _fit(batch, schema, message)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(file, message, error) from error


def _unreadable(file: BatchFile, message: BatchMessage, error: Exception) -> BatchFileError:
    return BatchFileError(f"batch file {file} of stream {message.stream!r}: {error}")


def _read(path: Path, format_: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import parquet

    if format_ == "parquet":
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(batch_rows)
        return
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _fit(batch: pa.RecordBatch, schema: pa.Schema, message: BatchMessage) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [_column(batch, field, message) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(batch: pa.RecordBatch, field: pa.Field[Any], message: BatchMessage) -> pa.Array[Any]:
    import pyarrow as pa

    metadata = field.metadata or {}
    if metadata.get(SOURCE_KEY) == b"version" and message.version is not None:
        return cast("pa.Array[Any]", pa.repeat(pa.scalar(message.version, field.type), batch.num_rows))
    if field.name in batch.schema.names and SOURCE_KEY not in metadata:
        return _cast(batch.column(field.name), field)
    if KEY_KEY in metadata:
        raise ValueError(f"key property {field.name} is missing")
    return cast("pa.Array[Any]", pa.nulls(batch.num_rows, field.type))


def _cast(column: pa.Array[Any], field: pa.Field[Any]) -> pa.Array[Any]:
    import pyarrow as pa

    column = with_text_of_uuids(column, field.type)
    if column.type == field.type:
        return column
    if isinstance(column, pa.ExtensionArray):
        column = cast("pa.Array[Any]", column.storage)
    if isinstance(field.type, pa.BaseExtensionType) and column.type == field.type.storage_type:
        return cast("pa.Array[Any]", pa.ExtensionArray.from_storage(field.type, column))
    if is_json_text(field) and not pa.types.is_string(column.type):
        raise ValueError(f"column {field.name} must hold JSON text, but is {column.type}")
    from pyarrow import compute as pc

    try:
        options = pc.CastOptions(field.type, allow_time_truncate=True)
        return cast("pa.Array[Any]", column.cast(options=options))  # type: ignore[call-arg]
    except pa.ArrowException as error:
        raise ValueError(f"column {field.name} is {column.type}, not {field.type}: {error}") from error
