"""target-iceberg behind our tap and behind a tap of the SDK, its tables read by PyIceberg alone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyiceberg.types import DateType, DoubleType, ListType, LongType, StringType, TimestamptzType

from tests.interop.conftest import Config, Shell
from tests.interop.iceberg_rows import iceberg_rows, iceberg_table
from tests.interop.orders import COLUMNS, ORDERS, write_orders

FILES = [{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]
PEOPLE = [
    {"id": 1, "name": "Zoë", "score": 1.5, "seen": "2024-01-01T00:00:00.5+02:00"},
    {"id": 2, "name": None, "score": None, "seen": None},
    {"id": 3, "name": 'a "b" \\ c\n', "score": -3.0, "seen": "1969-12-31T23:59:59Z"},
]


def test_a_shell_joins_tap_csv_and_target_iceberg(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", warehouse="lake")
    done = shell(f"tap-csv --config {tap} | tee sent | target-iceberg --config {target}")
    assert done.returncode == 0, done.stderr
    expected = [dict(zip(COLUMNS, row, strict=True)) for row in sorted(ORDERS)]
    assert iceberg_rows(tmp_path / "lake", "orders") == expected
    states = [json.loads(line) for line in (tmp_path / "sent").read_text().splitlines() if '"STATE"' in line]
    assert json.loads(done.stdout) == states[-1]["value"]
    schema = iceberg_table(tmp_path / "lake", "orders").schema()
    kinds = [
        type(schema.find_field(name).field_type) for name in ("id", "note", "total", "day", "changed_at")
    ]
    assert kinds == [LongType, StringType, DoubleType, DateType, TimestamptzType]
    assert schema.identifier_field_names() == {"id"}


def test_a_tap_of_the_sdk_loads(tmp_path: Path, shell: Shell, config: Config) -> None:
    tap = people(tmp_path, config, PEOPLE)
    target = config("target", warehouse="lake")
    done = shell(f"{tap} | target-iceberg --config {target}", "tap-jsonl")
    assert done.returncode == 0, done.stderr
    assert plain(iceberg_rows(tmp_path / "lake", "people")) == [as_loaded(person) for person in PEOPLE]


def test_a_tap_of_the_sdk_replaces_rows_by_its_keys(tmp_path: Path, shell: Shell, config: Config) -> None:
    """Loaded again with one row changed and one more: what has the same key is there once."""
    target = config("target", warehouse="lake", load_method="upsert")
    newer = [PEOPLE[0], PEOPLE[1] | {"name": "Ann"}, {"id": 4, "name": "Eve", "score": 0.5, "seen": None}]
    for sent in (PEOPLE, newer):
        done = shell(f"{people(tmp_path, config, sent)} | target-iceberg --config {target}", "tap-jsonl")
        assert done.returncode == 0, done.stderr
    expected = [newer[0], newer[1], PEOPLE[2], newer[2]]
    assert plain(iceberg_rows(tmp_path / "lake", "people")) == [as_loaded(person) for person in expected]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_batches_of_a_tap_of_the_sdk_load(tmp_path: Path, shell: Shell, config: Config, form: str) -> None:
    """Files of others lack the table's field ids: they are written anew, never taken as they are."""
    encoding = {"format": form, "compression": "gzip" if form == "jsonl" else "none"}
    storage = {"root": (tmp_path / "spool").as_uri(), "prefix": "b-"}
    batches = {"encoding": encoding, "storage": storage, "batch_size": 2}
    tap = people(tmp_path, config, PEOPLE, batch_config=batches)
    target = config("target", warehouse="lake")
    done = shell(f"{tap} | tee sent | target-iceberg --config {target}", "tap-jsonl")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sent").read_text().count('"BATCH"') == 2
    assert plain(iceberg_rows(tmp_path / "lake", "people")) == [as_loaded(person) for person in PEOPLE]


def test_lists_stay_lists(tmp_path: Path, shell: Shell) -> None:
    tags = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "SCHEMA", "stream": "s", "schema": {"properties": {"tags": tags}}, "key_properties": []}
    record = {"type": "RECORD", "stream": "s", "record": {"tags": ["a", "b"]}}
    (tmp_path / "lines").write_text(f"{json.dumps(schema)}\n{json.dumps(record)}\n")
    done = shell("""target-iceberg --config '{"warehouse": "lake"}' < lines""")
    assert done.returncode == 0, done.stderr
    assert isinstance(iceberg_table(tmp_path / "lake", "s").schema().find_type("tags"), ListType)
    assert iceberg_rows(tmp_path / "lake", "s", "tags") == [{"tags": ["a", "b"]}]


def people(directory: Path, config: Config, sent: list[dict], **settings: object) -> str:
    """The command of a tap that sends these people."""
    (directory / "people.jsonl").write_text("".join(json.dumps(person) + "\n" for person in sent))
    name = config("tap", path="people.jsonl", stream_name="people", primary_keys=["id"], **settings)
    return f"tap-jsonl --config {name}"


def plain(rows: list[dict]) -> list[dict]:
    """Without the columns that the tap adds to every record."""
    return [{name: row[name] for name in PEOPLE[0]} for row in rows]


def as_loaded(person: dict) -> dict:
    return person | {"seen": person["seen"] and datetime.fromisoformat(person["seen"]).astimezone(UTC)}
