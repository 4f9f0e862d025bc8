"""Records as files (B1..B5): ours into a target of the SDK, those of its tap into ours, ours into ours."""

import csv
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from tests.interop.conftest import Config, Shell
from tests.interop.orders import COLUMNS, ORDERS, write_orders

FILES = [{"entity": "orders", "path": "orders.csv", "keys": ["id"]}]
PEOPLE = [{"id": n, "name": f"name {n}", "score": n / 4} for n in range(25)]
JSONL, GZIP = {"format": "jsonl"}, {"format": "jsonl", "compression": "gzip"}
PARQUET, ARROW = {"format": "parquet"}, {"format": "arrow"}


def batches(directory: Path, encoding: dict[str, str], size: int) -> dict[str, Any]:
    storage = {"root": (directory / "spool").as_uri(), "prefix": "b-"}
    return {"encoding": encoding, "storage": storage, "batch_size": size}


@pytest.mark.parametrize("encoding", [JSONL, GZIP, PARQUET])
def test_a_target_of_the_sdk_loads_our_batches(
    tmp_path: Path, shell: Shell, config: Config, encoding: dict[str, str]
) -> None:
    """The SDK has no reader of `arrow` yet."""
    write_orders(tmp_path / "orders.csv")
    tap = config("tap", files=FILES, batch_config=batches(tmp_path, encoding, 2))
    target = config("target", output_path="out")
    done = shell(f"mkdir out; tap-csv --config {tap} | tee sent | target-csv --config {target}", "target-csv")
    assert done.returncode == 0, done.stderr
    kinds = [json.loads(line)["type"] for line in (tmp_path / "sent").read_text().splitlines()]
    assert kinds == ["SCHEMA", "BATCH", "BATCH", "BATCH", "STATE"]
    with (tmp_path / "out" / "orders.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [typed(row) for row in rows[1:]] == ORDERS


@pytest.mark.parametrize("encoding", [JSONL, GZIP, PARQUET])
def test_batches_of_a_tap_of_the_sdk_load(
    tmp_path: Path, shell: Shell, config: Config, encoding: dict[str, str]
) -> None:
    """Its JSON lines are compressed even if it was asked for none, and its message then says none."""
    (tmp_path / "people.jsonl").write_text("".join(json.dumps(person) + "\n" for person in PEOPLE))
    names = {"path": "people.jsonl", "stream_name": "people", "primary_keys": ["id"]}
    tap = config("tap", **names, batch_config=batches(tmp_path, encoding, 10))
    target = config("target", destination_path="lake")
    done = shell(f"tap-jsonl --config {tap} | tee sent | target-parquet --config {target}", "tap-jsonl")
    assert done.returncode == 0, done.stderr
    sent = [json.loads(line) for line in (tmp_path / "sent").read_text().splitlines()]
    assert [line["encoding"]["format"] for line in sent if line["type"] == "BATCH"] == [
        encoding["format"]
    ] * 3
    assert not [line for line in sent if line["type"] == "RECORD"]
    table = ds.dataset(tmp_path / "lake" / "people").to_table()
    assert table.select(["id", "name", "score"]).to_pylist() == PEOPLE
    assert json.loads(done.stdout.splitlines()[-1]) == sent[-1]["value"]


@pytest.mark.parametrize("encoding", [JSONL, GZIP, PARQUET, ARROW])
def test_a_shell_joins_tap_csv_and_target_parquet_by_files(
    tmp_path: Path, shell: Shell, config: Config, encoding: dict[str, str]
) -> None:
    write_orders(tmp_path / "orders.csv")
    tap = config("tap", files=FILES, batch_config=batches(tmp_path, encoding, 2))
    plain = config("plain", files=FILES)
    for source, lake in ((tap, "lake"), (plain, "pond")):
        target = config("target", destination_path=lake)
        done = shell(f"tap-csv --config {source} | target-parquet --config {target}")
        assert done.returncode == 0, done.stderr
    lake, pond = (ds.dataset(tmp_path / name / "orders").to_table() for name in ("lake", "pond"))
    assert lake.schema.equals(pond.schema)
    assert lake.equals(pond)
    assert len(list((tmp_path / "spool").iterdir())) == 3


def typed(row: list[str]) -> tuple[Any, ...]:
    kinds = (int, str, float, "True".__eq__, date.fromisoformat, datetime.fromisoformat)
    return tuple(kind(text) if text else None for kind, text in zip(kinds, row, strict=True))
