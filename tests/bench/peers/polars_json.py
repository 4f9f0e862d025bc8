"""Polars: `scan_ndjson` with the column types given, streamed into `sink_parquet`, on every core it finds.

Usage: polars_json.py STREAM singer|ndjson INPUT OUTPUT. Zstd at level 1, as target-parquet writes by default.
"""

import sys

import polars as pl

from tests.bench.streams import STREAMS, Field

TYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "string": pl.String(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
}


def main(stream: str, form: str, source: str, output: str) -> None:
    fields = {field.name: polars_type(field) for field in STREAMS[stream].fields}
    if form == "singer":
        lines = pl.scan_ndjson(source, schema={"type": pl.String(), "record": pl.Struct(fields)})
        records = lines.filter(pl.col("type") == "RECORD").select(pl.col("record").struct.unnest())
    else:
        records = pl.scan_ndjson(source, schema=fields)
    records.sink_parquet(output, compression="zstd", compression_level=1)


def polars_type(field: Field) -> pl.DataType:
    if field.kind == "object":
        return pl.Struct({member.name: polars_type(member) for member in field.fields})
    if field.kind == "array":
        return pl.List(polars_type(field.fields[0]))
    return TYPES[field.kind]


if __name__ == "__main__":
    main(*sys.argv[1:])
