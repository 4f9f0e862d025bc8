"""ADBC's driver for PostgreSQL: batches of Arrow as they come, to a Parquet file or to nobody.

Usage: adbc_postgres.py URI QUERY ROWS [OUTPUT]. Decimals are text there: the driver knows no better.
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi


def main(uri: str, query: str, rows: str, output: str | None = None) -> None:
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        batches = cursor.fetch_record_batch()
        read = _written(batches, output) if output else sum(batch.num_rows for batch in batches)
    if read != int(rows):
        raise SystemExit(f"{read} of {rows} rows")


def _written(batches: pa.RecordBatchReader, output: str) -> int:
    read = 0
    with pq.ParquetWriter(output, batches.schema, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            writer.write_batch(batch)
            read += batch.num_rows
    return read


if __name__ == "__main__":
    main(*sys.argv[1:])
