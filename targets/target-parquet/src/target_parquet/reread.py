"""Reading a published file again: how many rows it has, and their digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_parquet.errors import UnreadableFileError

if TYPE_CHECKING:
    from pyarrow import parquet

    from target_parquet.storage import Store

_BATCH_ROWS = 65_536
_BATCH_BYTES = 2 << 20
_BUFFERS_BYTES = 4 << 20
_LEAST_BUFFER_BYTES = 64 << 10
_MOST_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of a file: how many, and their digest."""

    rows: int
    digest: str


def read_content(store: Store, name: str) -> Content:
    """Read all rows of a file, a part of a row group at a time.

    Raises:
        UnreadableFileError: it is no whole Parquet file, or has columns that no load writes.
        StoreError: the store does not give it.
    """
    import pyarrow as pa
    from dativo_protocol.digest import NativeError
    from pyarrow import parquet

    try:
        with store.open_input(name) as source:
            footer = parquet.read_metadata(source)
            buffer = _BUFFERS_BYTES // max(1, footer.num_columns)
            buffer = max(_LEAST_BUFFER_BYTES, min(buffer, _MOST_BUFFER_BYTES))
            with parquet.ParquetFile(source, metadata=footer, buffer_size=buffer, pre_buffer=False) as file:
                return _sum_up(file)
    except NativeError as error:
        raise UnreadableFileError(f"no load writes such columns: {error}") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise UnreadableFileError(f"no whole Parquet file: {error}") from error


def _sum_up(file: parquet.ParquetFile) -> Content:
    from dativo_protocol.digest import Digest

    rows = 0
    with Digest(file.schema_arrow) as digest:
        for batch in file.iter_batches(_batch_rows(file.metadata), use_threads=False):
            digest.update(batch)
            rows += batch.num_rows
        return Content(rows, digest.value())


def _batch_rows(footer: parquet.FileMetaData) -> int:
    """Rows at once, so that large ones do not take more memory than small ones."""
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    largest = max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=1.0)
    return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(1.0, largest))))
