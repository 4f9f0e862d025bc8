"""Makes the inputs of the benchmark, once: `python -m tests.bench.generate STREAM FORMAT RECORDS [-]`.

Formats: `singer` (SCHEMA, RECORD lines, a STATE after every 10,000 records as taps of the SDK write them),
`ndjson` (the same records without envelopes) and, for lineitem alone, `csv` and `arrow` (IPC file).
With `-` they go to standard output and are not kept.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tests.bench.arrow_types import arrow_schema
from tests.bench.records import RECORDS, lineitem_columns
from tests.bench.streams import STREAMS, Stream
from tests.bench.text import EPOCH_2024, concat, instants
from tests.paths import CACHE

STATE_EVERY = 10_000
SOURCES = ("words.txt", "arrow_types.py", "streams.py", "text.py", "records.py", "generate.py")


def dataset(stream: str, form: str, records: int) -> Path:
    """The file of these records, made now unless an earlier run of the same generator left it."""
    path = CACHE / "bench" / f"{stream}-{records}-{_fingerprint()}.{form}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        with partial.open("wb") as out:
            WRITERS[form](STREAMS[stream], records, out)
        partial.rename(path)
    return path


def write_singer(stream: Stream, records: int, out: BinaryIO) -> None:
    out.write(stream.schema_line().encode())
    for block, rows in _blocks(records):
        row = pa.array(range(block * STATE_EVERY, block * STATE_EVERY + rows), pa.int64())
        lines = concat(
            f'{{"type": "RECORD", "stream": "{stream.name}", "record": ',
            RECORDS[stream.name](block, STATE_EVERY).slice(0, rows),
            ', "time_extracted": "',
            instants(pc.add(pc.multiply(row, 7), EPOCH_2024 * 1_000_000), "us"),
            '+00:00"}\n',
        )
        out.write(_bytes_of(lines))
        state = {"bookmarks": {stream.name: {"replication_key_value": block * STATE_EVERY + rows}}}
        out.write(json.dumps({"type": "STATE", "value": state}).encode() + b"\n")


def write_ndjson(stream: Stream, records: int, out: BinaryIO) -> None:
    for block, rows in _blocks(records):
        out.write(_bytes_of(concat(RECORDS[stream.name](block, STATE_EVERY).slice(0, rows), "\n")))


def write_csv(stream: Stream, records: int, out: BinaryIO) -> None:
    """Lineitem's columns with numbers bare and strings quoted."""
    _require_lineitem(stream)
    for block, rows in _blocks(records):
        options = pyarrow.csv.WriteOptions(include_header=block == 0, quoting_style="needed")
        pyarrow.csv.write_csv(_lineitem_table(block, rows), out, options)


def write_arrow(stream: Stream, records: int, out: BinaryIO) -> None:
    _require_lineitem(stream)
    with pa.ipc.new_file(out, arrow_schema(stream)) as writer:
        for block, rows in _blocks(records):
            writer.write_table(_lineitem_table(block, rows))


WRITERS: dict[str, Callable[[Stream, int, BinaryIO], None]] = {
    "singer": write_singer,
    "ndjson": write_ndjson,
    "csv": write_csv,
    "arrow": write_arrow,
}


def _lineitem_table(block: int, rows: int) -> pa.Table:
    text = pa.table(lineitem_columns(block, STATE_EVERY)).slice(0, rows)
    return text.cast(arrow_schema(STREAMS["lineitem"]))


def _require_lineitem(stream: Stream) -> None:
    if stream.name != "lineitem":
        raise ValueError(f"{stream.name} has no such form: only lineitem is flat and dense")


def _blocks(records: int) -> Iterator[tuple[int, int]]:
    """Block numbers with their rows: whole blocks are made, so a short file begins as a long one does."""
    for block, start in enumerate(range(0, records, STATE_EVERY)):
        yield block, min(STATE_EVERY, records - start)


def _bytes_of(lines: pa.Array) -> memoryview:
    """The column's text without the array around it, as one piece: lines end themselves."""
    whole = pa.concat_arrays([lines])
    _, offsets, values = whole.buffers()
    starts = memoryview(offsets).cast("i")
    return memoryview(values)[starts[whole.offset] : starts[whole.offset + len(whole)]]


def _fingerprint() -> str:
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in SOURCES)).hexdigest()[:10]


def main(stream: str, form: str, records: int, to: str | None = None) -> None:
    """Prints the path of the file, or writes the lines to standard output if that is where they shall go."""
    if to == "-":
        WRITERS[form](STREAMS[stream], records, sys.stdout.buffer)
    else:
        print(dataset(stream, form, records))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
