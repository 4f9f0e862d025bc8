"""One Parquet file while it is written: how its bytes are laid out, and how many there are so far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_protocol.parquet_writer import MAX_GROUP_ROWS, open_parquet_writer

from target_parquet.errors import store_error

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from dativo_protocol.page_encoding import PageEncoding
    from dativo_protocol.parquet_writer import Codec
    from pyarrow import parquet

    from target_parquet.storage import StagedFile


_COPIED_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is encoded.

    Attributes:
        compression: codec, "none" for none.
        level: of the codec, None for its own default.
        pages: what fits the values of each column.
    """

    compression: Codec
    level: int | None
    pages: PageEncoding


class ParquetPart:
    """A staged Parquet file; every `write` makes one row group.

    Raises:
        StoreError: the destination refuses the first bytes.
    """

    def __init__(self, staged: StagedFile, schema: pa.Schema, encoding: Encoding) -> None:
        from dativo_protocol.digest import Digest

        self.staged = staged
        self.rows = 0
        self.pages = encoding.pages
        self._digest = Digest(schema)
        try:
            self._writer = open_parquet_writer(
                staged.sink,
                schema,
                compression=encoding.compression,
                level=encoding.level,
                pages=encoding.pages,
            )
        except OSError as error:
            with suppress(OSError):
                staged.abandon()
            raise store_error("begin a Parquet file", error) from error

    @property
    def digest(self) -> str:
        """Of the rows written so far, as they were handed in."""
        return self._digest.value()

    @property
    def footer(self) -> parquet.FileMetaData:
        """Of the finished file."""
        return self._writer.writer.metadata

    @property
    def bytes(self) -> int:
        """Bytes written so far; the footer comes on top when the file is closed."""
        return self.staged.sink.tell()

    def write(self, rows: pa.Table) -> None:
        """Append one row group; other threads run meanwhile.

        Raises:
            StoreError: the destination refuses the bytes.
        """
        try:
            self._writer.write_table(rows, row_group_size=MAX_GROUP_ROWS)
            self.staged.begin_flush()
        except OSError as error:
            self.abandon()
            raise store_error("write a Parquet file", error) from error
        for batch in rows.to_batches():
            self._digest.update(batch)
        self.rows += rows.num_rows

    def close(self) -> int:
        """Write the footer; returns the size of the file in bytes.

        Raises:
            StoreError: the destination refuses the bytes.
        """
        try:
            self._writer.close()
            size = self.bytes
            self.staged.sink.close()
        except OSError as error:
            self.abandon()
            raise store_error("finish a Parquet file", error) from error
        return size

    def abandon(self) -> None:
        """Leave the file as it is; it is no Parquet file then."""
        self._writer.is_open = False  # or its destructor would try to write the footer, on a full disk too
        with suppress(OSError):
            self.staged.abandon()


def copy_whole(source: Path, staged: StagedFile) -> int:
    """Fill a staged file with the bytes of another file; returns how many.

    Raises:
        StoreError: the destination refuses the bytes, or the source cannot be read on.
    """
    import pyarrow as pa

    try:
        with pa.memory_map(str(source)) as found, staged.sink as sink:
            while portion := found.read_buffer(_COPIED_BYTES):
                sink.write(portion)
            return found.tell()
    except OSError as error:
        with suppress(OSError):
            staged.abandon()
        raise store_error(f"copy {source}", error) from error
