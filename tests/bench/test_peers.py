"""Every tool of the benchmark does the same work: what it writes is what the records say, value by value."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.bench.arrow_types import arrow_schema
from tests.bench.generate import WRITERS
from tests.bench.measure import measure
from tests.bench.streams import LINEITEM, STREAMS, Field, Stream
from tests.paths import BIN

RECORDS = 700
TOOLS = [
    "duckdb_json singer",
    "duckdb_json ndjson",
    "polars_json singer",
    "polars_json ndjson",
    "orjson_loop",
]


def input_file(directory: Path, stream: Stream, form: str) -> Path:
    path = directory / f"{stream.name}.{form}"
    with path.open("wb") as out:
        WRITERS[form](stream, RECORDS, out)
    return path


def expected(source: Path, stream: Stream) -> pa.Table:
    """The records by Python's own parsers."""
    records = [json.loads(line) for line in source.read_bytes().splitlines()]
    parsed = [
        {field.name: value_of(field, record.get(field.name)) for field in stream.fields} for record in records
    ]
    return pa.Table.from_pylist(parsed, arrow_schema(stream))


def value_of(field: Field, value: Any) -> Any:
    if value is None:
        return None
    match field.kind:
        case "object":
            return {member.name: value_of(member, value.get(member.name)) for member in field.fields}
        case "array":
            return [value_of(field.fields[0], item) for item in value]
        case "datetime":
            return datetime.fromisoformat(value)
        case "date":
            return date.fromisoformat(value)
        case _:
            return value


def loaded(output: Path, stream: Stream) -> pa.Table:
    return ds.dataset(output, format="parquet").to_table().cast(arrow_schema(stream))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_peer_writes_the_records(tmp_path: Path, stream: Stream, tool: str) -> None:
    script, *form = tool.split()
    source = input_file(tmp_path, stream, form[0] if form else "singer")
    output = tmp_path / "out.parquet"
    measure(
        [(sys.executable, "-m", f"tests.bench.peers.{script}", stream.name, *form, str(source), str(output))]
    )
    assert loaded(output, stream).equals(expected(input_file(tmp_path, stream, "ndjson"), stream))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_target_parquet_writes_the_records(tmp_path: Path, stream: Stream) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"destination_path": str(tmp_path / "out"), "add_record_metadata": False}))
    measure([(str(BIN / "target-parquet"), "--config", str(config))], input_file(tmp_path, stream, "singer"))
    assert loaded(tmp_path / "out", stream).equals(expected(input_file(tmp_path, stream, "ndjson"), stream))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_target_iceberg_writes_the_records(tmp_path: Path, stream: Stream) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"warehouse": str(tmp_path / "lake"), "validate_records": False}))
    measure([(str(BIN / "target-iceberg"), "--config", str(config))], input_file(tmp_path, stream, "singer"))
    written = loaded(tmp_path / "lake" / "default" / stream.name / "data", stream)
    assert written.equals(expected(input_file(tmp_path, stream, "ndjson"), stream))


def test_duckdb_reads_the_csv(tmp_path: Path) -> None:
    source, output = input_file(tmp_path, LINEITEM, "csv"), tmp_path / "out.parquet"
    measure([(sys.executable, "-m", "tests.bench.peers.duckdb_csv", str(source), str(output))])
    assert loaded(output, LINEITEM).equals(expected(input_file(tmp_path, LINEITEM, "ndjson"), LINEITEM))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_the_core_decodes_each_stream(tmp_path: Path, stream: Stream) -> None:
    source = input_file(tmp_path, stream, "singer")
    measure([(sys.executable, "-m", "tests.bench.peers.decode", str(source), str(RECORDS), "2")])


def test_the_core_encodes_lineitem(tmp_path: Path) -> None:
    source = input_file(tmp_path, LINEITEM, "arrow")
    measure([(sys.executable, "-m", "tests.bench.peers.encode", "lineitem", str(source), "2")])


def test_the_core_sums_lineitem_up(tmp_path: Path) -> None:
    source = input_file(tmp_path, LINEITEM, "arrow")
    measure([(sys.executable, "-m", "tests.bench.peers.digest", str(source), "2")])


def test_a_record_that_the_core_cannot_decode_is_no_silent_speed(tmp_path: Path) -> None:
    source = input_file(tmp_path, LINEITEM, "singer")
    source.write_bytes(source.read_bytes().replace(b'"l_orderkey": 1,', b'"l_orderkey": "one",'))
    with pytest.raises(Exception, match="line 2: "):
        measure([(sys.executable, "-m", "tests.bench.peers.decode", str(source), str(RECORDS), "1")])
