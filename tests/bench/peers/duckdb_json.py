"""DuckDB: `read_json` with the column types given, `COPY … (FORMAT parquet)`, on every core it finds.

Usage: duckdb_json.py STREAM singer|ndjson INPUT OUTPUT. Zstd at level 1, as target-parquet writes by default.
"""

import sys

import duckdb

from tests.bench.streams import STREAMS, Field

TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
}


def main(stream: str, form: str, source: str, output: str) -> None:
    fields = {field.name: duckdb_type(field) for field in STREAMS[stream].fields}
    if form == "singer":
        envelope = {"type": "VARCHAR", "record": _struct(STREAMS[stream].fields)}
        query = f"SELECT unnest(record) FROM {_read(source, envelope)} WHERE type = 'RECORD'"
    else:
        query = f"SELECT * FROM {_read(source, fields)}"
    copy = f"COPY ({query}) TO '{output}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    with duckdb.connect() as connection:
        connection.execute(copy)


def duckdb_type(field: Field) -> str:
    if field.kind == "object":
        return _struct(field.fields)
    if field.kind == "array":
        return duckdb_type(field.fields[0]) + "[]"
    return TYPES[field.kind]


def _struct(fields: tuple[Field, ...]) -> str:
    return f"STRUCT({', '.join(f'{field.name} {duckdb_type(field)}' for field in fields)})"


def _read(source: str, columns: dict[str, str]) -> str:
    return f"read_json('{source}', format='newline_delimited', columns={columns!r})"


if __name__ == "__main__":
    main(*sys.argv[1:])
