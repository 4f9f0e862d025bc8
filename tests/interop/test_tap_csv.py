"""tap-csv into what others wrote: a legacy target, a target of the SDK, the checker of the spec's authors."""

import csv
import json
from datetime import date, datetime
from pathlib import Path

from tests.interop.conftest import Config, Shell
from tests.interop.orders import COLUMNS, ORDERS, write_orders

FILES = [{"entity": "orders", "path": "orders.csv", "keys": ["id"], "replication_key": "changed_at"}]


def test_target_jsonl_receives_every_value(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", do_timestamp_file=False)
    done = shell(f"tap-csv --config {tap} | target-jsonl --config {target}", "target-jsonl")
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in (tmp_path / "orders.jsonl").read_text().splitlines()]
    assert [parsed(record) for record in records] == [dict(zip(COLUMNS, row, strict=True)) for row in ORDERS]


def test_target_jsonl_prints_the_state_of_the_tap(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", do_timestamp_file=False)
    done = shell(f"tap-csv --config {tap} | target-jsonl --config {target}", "target-jsonl")
    bookmark = json.loads(done.stdout.splitlines()[-1])["bookmarks"]["orders"]
    assert bookmark["replication_key"] == "changed_at"
    assert datetime.fromisoformat(bookmark["replication_key_value"]) == ORDERS[0][-1]


def test_target_csv_receives_every_value(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    tap, target = config("tap", files=FILES), config("target", output_path="out")
    done = shell(f"mkdir out; tap-csv --config {tap} | target-csv --config {target}", "target-csv")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "orders.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1:] == [["" if value is None else str(value) for value in row] for row in ORDERS]


def test_singer_check_tap_finds_the_output_valid(tmp_path: Path, shell: Shell, config: Config) -> None:
    write_orders(tmp_path / "orders.csv")
    done = shell(f"tap-csv --config {config('tap', files=FILES)} | singer-check-tap", "singer-tools")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The output is valid." in done.stdout
    assert f"{len(ORDERS)} record messages" in done.stdout


def test_singer_check_tap_finds_a_second_run_valid(tmp_path: Path, shell: Shell, config: Config) -> None:
    """From the state of the first: only the rows that are not older, and the one without a date."""
    write_orders(tmp_path / "orders.csv")
    tap = config("tap", files=FILES)
    shell(
        f"tap-csv --config {tap} | grep '\"STATE\"' | tail -1 | sed 's/^.*\"value\"://; s/}}$//' > state.json"
    )
    done = shell(f"tap-csv --config {tap} --state state.json | singer-check-tap", "singer-tools")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 record messages" in done.stdout


def parsed(record: dict) -> dict:
    days = {"day": date.fromisoformat, "changed_at": datetime.fromisoformat}
    return {name: days[name](value) if name in days and value else value for name, value in record.items()}
