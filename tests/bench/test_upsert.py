"""The measured upserts: the same orders as lines and as columns, and a table that is checked afterwards."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bench.orders import BLOCK, orders_table, write_orders
from tests.bench.upsert import PEER_SIZES, Result, require_changed, table
from tests.paths import BIN, ROOT


def lines(count: int, step: int, note: str) -> list[dict]:
    out = io.BytesIO()
    write_orders(count, step, note, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_lines_and_columns_are_the_same_orders() -> None:
    schema, *records, state = lines(300, 50, "changed")
    assert (schema["key_properties"], state["value"]) == (["id"], {"note": "changed", "orders": 300})
    sent = [
        record["record"] | {"placed": datetime.fromisoformat(record["record"]["placed"]).astimezone(UTC)}
        for record in records
    ]
    assert sent == orders_table(300, 50, "changed").to_pylist()


def test_keys_are_spread_evenly_and_blocks_join() -> None:
    ids = [line["record"]["id"] for line in lines(BLOCK + 2, 3, "x")[1:-1]]
    assert ids == [3 * number for number in range(BLOCK + 2)]


def test_the_ratio_is_that_of_rates_against_the_peer() -> None:
    results = [Result("ours", 1_000, 500, 2.0, 150_000_000), Result("peer", 100, 10, 4.0, None)]
    assert table(results)[2:] == [
        "| ours | 1,000 | 500 | 2.00 | 250 | 100.0 | 150 |",
        "| peer | 100 | 10 | 4.00 | 2 | 1.0 |  |",
    ]


@pytest.mark.parametrize("keys", PEER_SIZES)
def test_both_tools_are_measured(keys: str) -> None:
    small = ["--rows", "600", "--changes", "30", "--peer-rows", "200", "--peer-changes", "20"]
    command = (sys.executable, "-m", "tests.bench.upsert", "--keys", keys, *small)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [row.strip("| ").split(" | ")[:3] for row in done.stdout.splitlines()[2:]]
    assert rows == [
        ["target-iceberg", "600", "30"],
        ["target-iceberg", "200", "20"],
        ["PyIceberg `Table.upsert`", "200", "20"],
    ]


def test_a_table_that_is_not_changed_is_no_result(tmp_path: Path) -> None:
    orders = tmp_path / "orders.singer"
    with orders.open("wb") as out:
        write_orders(40, 1, "first", out)
    command = (str(BIN / "target-iceberg"), "--config", json.dumps({"warehouse": str(tmp_path / "lake")}))
    with orders.open("rb") as source:
        subprocess.run(command, stdin=source, check=True, capture_output=True)
    require_changed(tmp_path / "lake", 40, 0)
    with pytest.raises(subprocess.CalledProcessError):
        require_changed(tmp_path / "lake", 40, 4)
