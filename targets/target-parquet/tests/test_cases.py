"""The cases of `tests/conformance/cases/target` through the executable."""

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from dativo_protocol.testing import run
from target_parquet.names import stream_directory

CASES = Path(__file__).parents[3] / "tests/conformance/cases/target"
SDK_CASES = {
    "array_data",
    "camelcase",
    "camelcase_complex_schema",
    "duplicate_records",
    "encoded_string_data",
    "invalid_schema",
    "multiple_state_messages",
    "no_primary_keys",
    "no_primary_keys_append",
    "optional_attributes",
    "pk_updates",
    "record_before_schema",
    "record_missing_fields",
    "record_missing_key_property",
    "record_missing_required_property",
    "schema_no_properties",
    "schema_updates",
    "special_chars_in_attributes",
    "user_location_data",
    "user_location_upsert_data",
}
NAMES = sorted(path.name for path in CASES.iterdir() if path.is_dir())


def test_every_stream_of_the_sdk_is_a_case():
    assert set(NAMES) >= SDK_CASES
    assert len(SDK_CASES) == 20


@pytest.mark.parametrize("name", NAMES)
def test_case(name, command, destination):
    case = CASES / name
    config = json.loads((case / "config.json").read_text())
    if (case / "before.singer").exists():
        assert run(command(), stdin=case / "before.singer").code == 0
    outcome = run(command(**config), stdin=case / "input.singer")
    (verdict,) = (case / file for file in ("expect.json", "error.json") if (case / file).exists())
    expected = json.loads(verdict.read_text())
    if verdict.name == "error.json":
        assert_failed(outcome, expected["message"])
    else:
        assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.decode().splitlines() == expected.get("state", [])
    for text in expected.get("log_once", ()):
        assert sum(text in line for line in outcome.stderr.splitlines()) == 1, outcome.stderr
    assert_streams(destination, expected)


def assert_failed(outcome, message):
    assert outcome.code == 1, outcome.stderr
    (critical,) = [line for line in outcome.stderr.splitlines() if "CRITICAL" in line]
    assert all(text in critical for text in message), critical
    assert "Traceback" not in outcome.stderr


def assert_streams(destination, expected):
    directories = {stream_directory(stream): wanted for stream, wanted in expected["streams"].items()}
    found = destination.iterdir() if destination.exists() else ()
    assert {path.name for path in found if path.name != ".dativo"} == set(directories)
    for directory, wanted in directories.items():
        columns, rows = read(destination / directory)
        assert columns == wanted["columns"]
        for row in rows:
            for ignored in expected.get("ignore_columns", ()):
                assert row.pop(ignored) is not None
        if order := expected.get("order"):
            rows.sort(key=lambda row: row[order])
        assert rows == wanted["rows"]


def read(directory):
    """Read a stream as a user would: all files, schemas united, in the order they were written."""
    files = sorted(directory.rglob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    names = [str(file) for file in files]
    hive = any("=" in str(file.relative_to(directory)) for file in files)
    options = {"partitioning": "hive", "partition_base_dir": str(directory)} if hive else {}
    schemas = [*(pq.read_schema(file) for file in files), ds.dataset(names, **options).schema]
    united = pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()
    table = ds.dataset(names, schema=united, **options).to_table()
    rows = [{name: canonical(value) for name, value in row.items()} for row in table.to_pylist()]
    # The name that pyarrow gives the entries of a map after reading is of no account.
    return {field.name: re.sub(r" \('.*?'\)", "", str(field.type)) for field in table.schema}, rows


def canonical(value):
    match value:
        case datetime():
            naive = value.tzinfo is None
            text = (value if naive else value.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")
            return text if naive else f"{text}Z"
        case time():
            return value.strftime("%H:%M:%S.%f")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.hex()
        case dict():
            return {name: canonical(member) for name, member in value.items()}
        case list():
            return [canonical(item) for item in value]
        case tuple():
            return [canonical(item) for item in value]
    return value
