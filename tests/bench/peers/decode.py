"""The core alone: Singer lines into Arrow batches that are dropped. Usage: decode.py INPUT RECORDS PASSES.

Several passes over the file, so that starting Python is a small part of what is measured.
"""

import json
import sys
from pathlib import Path

from dativo_native import EventKind, RecordReader
from dativo_protocol.arrow import arrow_schema
from dativo_protocol.schema import columns_of


def main(source: str, records: int, passes: int) -> None:
    for _ in range(passes):
        with Path(source).open("rb") as file, RecordReader(file.fileno()) as reader:
            decoded = _decode(reader)
        if decoded != records:
            raise ValueError(f"{decoded:,} of {records:,} records were decoded")


def _decode(reader: RecordReader) -> int:
    """The number of records that came out of the reader."""
    decoded = 0
    while (event := reader.next()).kind != EventKind.END:
        if event.kind == EventKind.SCHEMA:
            schema = json.loads(event.text)["schema"]
            reader.plan(event.stream, arrow_schema(columns_of(schema, stream=event.stream)))
        elif event.kind == EventKind.BATCH:
            decoded += event.rows
        elif event.kind == EventKind.INVALID:
            raise ValueError(f"line {event.line}: {event.reason}")
    return decoded


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
