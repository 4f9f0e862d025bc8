"""DuckDB: `read_csv` with the column types given, copied to Parquet. Usage: duckdb_csv.py INPUT OUTPUT."""

import sys

import duckdb

from tests.bench.peers.duckdb_json import duckdb_type
from tests.bench.streams import LINEITEM


def main(source: str, output: str) -> None:
    columns = {field.name: duckdb_type(field) for field in LINEITEM.fields}
    query = f"SELECT * FROM read_csv('{source}', header=true, columns={columns!r})"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({query}) TO '{output}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
