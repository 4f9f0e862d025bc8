"""One Parquet file while it is written: how its bytes are laid out, and how many there are so far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from target_parquet.errors import store_error

if TYPE_CHECKING:
    import pyarrow as pa

    from target_parquet.page_encoding import PageEncoding
    from target_parquet.storage import StagedFile

MAX_GROUP_ROWS = 1 << 20
Codec = Literal["zstd", "snappy", "gzip", "lz4", "brotli", "none"]

_PAGE_BYTES = 1 << 20
_PAGE_ROWS = 20_000


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

    Pages have bounds that let readers skip inside a row group (page index), decimals of up to 18 digits are
    stored as integers, and the Arrow schema is kept so that readers get exactly the types written.
    """

    def __init__(self, staged: StagedFile, schema: pa.Schema, encoding: Encoding) -> None:
        from dativo_protocol.digest import Digest
        from pyarrow import parquet

        self.staged = staged
        self.rows = 0
        self._digest = Digest(schema)
        self._writer = parquet.ParquetWriter(
            staged.sink,
            schema,
            compression=encoding.compression,
            compression_level=encoding.level,
            use_dictionary=list(encoding.pages.dictionary),  # type: ignore[arg-type]
            column_encoding=encoding.pages.plain,
            data_page_size=_PAGE_BYTES,
            max_rows_per_page=_PAGE_ROWS,
            write_page_index=True,
            store_decimal_as_integer=True,
        )

    @property
    def digest(self) -> str:
        """Of the rows written so far, as they were handed in."""
        return self._digest.value()

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
