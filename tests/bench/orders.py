"""Orders as Singer lines on standard output: `python -m tests.bench.orders COUNT STEP NOTE KEYS`.

KEYS are the key properties with commas: `id`, or `id,customer`. The ids are 0, STEP, twice STEP, and so on:
with a STEP of 1 they make a table, with a greater one changes all over it.
"""

import json
import sys
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from tests.bench.text import EPOCH_2024, concat, hundredths, instants

STREAM = "orders"
BLOCK = 50_000
PROPERTIES = {
    "id": {"type": "integer"},
    "customer": {"type": "integer"},
    "total": {"type": ["number", "null"]},
    "placed": {"type": ["string", "null"], "format": "date-time"},
    "note": {"type": ["string", "null"]},
}


def write_orders(count: int, step: int, note: str, out: BinaryIO, keys: str = "id") -> None:
    """SCHEMA, so many RECORD lines, and a STATE at their end."""
    schema = {"type": "object", "properties": PROPERTIES}
    out.write(
        _line({"type": "SCHEMA", "stream": STREAM, "schema": schema, "key_properties": keys.split(",")})
    )
    for start in range(0, count, BLOCK):
        out.writelines(
            text.as_py().encode() for text in _records(start, min(count, start + BLOCK), step, note)
        )
    out.write(_line({"type": "STATE", "value": {"note": note, "orders": count}}))


def orders_table(count: int, step: int, note: str) -> pa.Table:
    """The same orders as columns."""
    ids = pc.multiply(pa.array(range(count), pa.int64()), step)
    return pa.table(
        {
            "id": ids,
            "customer": _customers(ids),
            "total": pc.divide(pc.cast(_cents(ids), pa.float64()), 100.0),
            "placed": pc.cast(_placed(ids), pa.timestamp("s", "UTC")),
            "note": pc.fill_null(pa.nulls(count, pa.string()), note),
        }
    )


def _records(start: int, end: int, step: int, note: str) -> pa.Array:
    ids = pc.multiply(pa.array(range(start, end), pa.int64()), step)
    return concat(
        f'{{"type": "RECORD", "stream": "{STREAM}", "record": {{"id": ',
        pc.cast(ids, pa.string()),
        ', "customer": ',
        pc.cast(_customers(ids), pa.string()),
        ', "total": ',
        hundredths(_cents(ids)),
        ', "placed": "',
        instants(_placed(ids), "s"),
        f'Z", "note": {json.dumps(note)}}}}}\n',
    )


def _customers(ids: pa.Array) -> pa.Array:
    return pc.add(pc.divide(ids, 7), 1)


def _cents(ids: pa.Array) -> pa.Array:
    return pc.bit_wise_and(pc.multiply(ids, 7919), 0xFFFFF)


def _placed(ids: pa.Array) -> pa.Array:
    return pc.add(ids, EPOCH_2024)


def _line(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


if __name__ == "__main__":
    write_orders(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.stdout.buffer, sys.argv[4])
