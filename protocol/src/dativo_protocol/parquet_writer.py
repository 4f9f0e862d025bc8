"""How our Parquet files are laid out, those of a target's tables and those that a tap hands over alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

    from dativo_protocol.page_encoding import PageEncoding

Codec: TypeAlias = Literal["zstd", "snappy", "gzip", "lz4", "brotli", "none"]

MAX_GROUP_ROWS = 1 << 20

_PAGE_BYTES = 1 << 20
_PAGE_ROWS = 20_000


def open_parquet_writer(
    sink: pa.NativeFile,
    schema: pa.Schema,
    *,
    compression: Codec,
    level: int | None,
    pages: PageEncoding,
    checksums: bool = False,
) -> parquet.ParquetWriter:
    """Begin a Parquet file.

    Pages have bounds that let readers skip inside a row group (page index), decimals of up to 18 digits are
    stored as integers, and the Arrow schema is kept so that readers get exactly the types written.

    Args:
        sink: where the bytes go; stays open.
        schema: of the rows.
        compression: codec, "none" for none.
        level: of the codec, None for its own default.
        pages: what fits the values of each column.
        checksums: let readers find out about pages that were damaged.
    """
    from pyarrow import parquet

    return parquet.ParquetWriter(
        sink,
        schema,
        compression=compression,
        compression_level=level,
        use_dictionary=list(pages.dictionary),  # type: ignore[arg-type]
        column_encoding=pages.plain,
        data_page_size=_PAGE_BYTES,
        max_rows_per_page=_PAGE_ROWS,
        write_page_index=True,
        store_decimal_as_integer=True,
        write_page_checksum=checksums,
    )
