"""target-parquet behind our tap and behind a tap of the SDK, joined by a shell and nothing else."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from tests.interop.conftest import Config, Shell
from tests.interop.orders import COLUMNS, ORDERS, write_orders

FILES = [{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]
PEOPLE = [
    {"id": 1, "name": "Zoë", "score": 1.5, "seen": "2024-01-01T00:00:00.5+02:00", "tags": ["a", "b"]},
    {"id": 2, "name": None, "score": None, "seen": None, "tags": []},
    {"id": 3, "name": 'a "b" \\ c\n', "score": -3.0, "seen": "1969-12-31T23:59:59Z", "tags": None},
]


def test_a_shell_joins_tap_csv_and_target_parquet(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", destination_path="lake")
    done = shell(f"tap-csv --config {tap} | target-parquet --config {target}")
    assert done.returncode == 0, done.stderr
    table = ds.dataset(tmp_path / "lake" / "orders").to_table()
    assert table.to_pylist() == [dict(zip(COLUMNS, row, strict=True)) for row in ORDERS]
    assert table.schema.field("changed_at").type == pa.timestamp("us", "UTC")
    assert table.schema.field("day").type == pa.date32()
    assert table.schema.field("id").type == pa.int64()


def test_only_states_are_printed(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", destination_path="lake")
    done = shell(f"tap-csv --config {tap} | tee sent | target-parquet --config {target}")
    states = [json.loads(line) for line in (tmp_path / "sent").read_text().splitlines() if '"STATE"' in line]
    assert json.loads(done.stdout) == states[-1]["value"]


def test_a_tap_of_the_sdk_loads(tmp_path: Path, shell: Shell, config: Config) -> None:
    (tmp_path / "people.jsonl").write_text("".join(json.dumps(person) + "\n" for person in PEOPLE))
    tap = config("tap", path="people.jsonl", stream_name="people", primary_keys=["id"])
    target = config("target", destination_path="lake")
    done = shell(f"tap-jsonl --config {tap} | target-parquet --config {target}", "tap-jsonl")
    assert done.returncode == 0, done.stderr
    table = ds.dataset(tmp_path / "lake" / "people").to_table()
    assert table.schema.field("seen").type == pa.timestamp("us", "UTC")
    assert [person_of(record) for record in table.to_pylist()] == [
        person | {"seen": person["seen"] and datetime.fromisoformat(person["seen"])} for person in PEOPLE
    ]


def test_a_failing_tap_fails_the_pipeline_and_leaves_no_half_a_run(
    tmp_path: Path, shell: Shell, config: Config
) -> None:
    write_orders(tmp_path / "orders.csv")
    with (tmp_path / "orders.csv").open("a") as file:
        file.write("6,ragged\n")
    tap, target = config("tap", files=FILES), config("target", destination_path="lake")
    done = shell(f"tap-csv --config {tap} | target-parquet --config {target}")
    assert done.returncode != 0
    assert "orders.csv" in done.stderr
    assert done.stdout == ""


def test_a_failing_target_stops_the_tap(tmp_path: Path, shell: Shell, config: Config) -> None:
    """The tap meets a closed pipe: it stops at once, without a traceback and without a state."""
    rows = [(number, "x" * 1_000, 1.0, True, None, datetime.now(UTC)) for number in range(20_000)]
    write_orders(tmp_path / "orders.csv", rows)
    tap = config("tap", files=FILES)
    done = shell(f"tap-csv --config {tap} | false")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def person_of(record: dict) -> dict:
    """A loaded record as it was: the tap announces no type for the items of `tags`, so they are JSON text."""
    tags = record["tags"]
    return {name: record[name] for name in PEOPLE[0]} | {"tags": tags and json.loads(tags)}
