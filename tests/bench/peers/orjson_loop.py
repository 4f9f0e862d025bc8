"""What a careful Python target does: `orjson.loads` a line, dicts into Arrow batches, batches into Parquet.

Usage: orjson_loop.py STREAM INPUT OUTPUT. Dates are parsed by Arrow's casts, whole columns at a time.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bench.arrow_types import IN_JSON, arrow_schema
from tests.bench.streams import STREAMS

BATCH_ROWS = 65_536


def main(stream: str, source: str, output: str) -> None:
    parsed = arrow_schema(STREAMS[stream], IN_JSON)
    typed = arrow_schema(STREAMS[stream])
    with (
        Path(source).open("rb") as lines,
        pq.ParquetWriter(output, typed, compression="zstd", compression_level=1) as writer,
    ):
        records = _records(lines)
        while batch := list(islice(records, BATCH_ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, parsed).cast(typed))


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        message = orjson.loads(line)
        if message["type"] == "RECORD":
            yield message["record"]


if __name__ == "__main__":
    main(*sys.argv[1:])
