"""`target-iceberg maintain` as users start it, upon tables that `target-iceberg` has loaded."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table
from target_iceberg.catalogs import open_catalog

from tests.paths import BIN
from tests.readers import assert_readers_agree

LOADS = 6


def run(lake: Path, *arguments: str, lines: str = "", **settings: Any) -> subprocess.CompletedProcess[str]:
    config = lake.parent / "config.json"
    config.write_text(json.dumps({"warehouse": str(lake), "add_record_metadata": False, **settings}))
    command = [BIN / "target-iceberg", *arguments, "--config", config]
    return subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=120)


def load(lake: Path, *firsts: int, **settings: Any) -> None:
    """Load rows in one run, an epoch for each number."""
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    messages: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "cities", "schema": schema, "key_properties": ["id"]},
    ]
    for first in firsts:
        messages += [{"type": "RECORD", "stream": "cities", "record": row} for row in rows(first)]
        messages.append({"type": "STATE", "value": {"at": first}})
    lines = "".join(json.dumps(each) + "\n" for each in messages)
    done = run(lake, lines=lines, epoch_max_records=10, **settings)
    assert done.returncode == 0, done.stderr


def rows(first: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"city {number}"} for number in range(first, first + 10)]


def table_in(lake: Path) -> Table:
    return open_catalog({}, str(lake), None).load_table(("default", "cities"))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    load(tmp_path / "lake", *range(0, LOADS * 10, 10))
    return tmp_path / "lake"


ALL = [row for number in range(LOADS) for row in rows(number * 10)]


def test_tables_are_tended_and_loaded_on(lake: Path) -> None:
    settings = {"maintenance": {"snapshot_days": 0, "orphan_days": 0}}
    done = run(lake, "maintain", **settings)
    assert done.returncode == 0, done.stderr
    assert "default.cities: 6 data files" in done.stdout
    assert "compaction: 6 files" in done.stdout
    table = table_in(lake)
    assert len(table.inspect.files()) == 1
    assert len(table.metadata.snapshots) == 1
    assert_readers_agree(table, ALL)
    data = [path for path in (lake / "default" / "cities" / "data").rglob("*") if path.is_file()]
    assert len(data) == 1
    load(lake, 100)
    assert_readers_agree(table, [*ALL, *rows(100)])
    verified = run(lake, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_dry_run_says_what_it_would_cost_and_changes_nothing(lake: Path) -> None:
    before = _everything(lake)
    settings = {"maintenance": {"snapshot_days": 0, "orphan_days": 0}}
    done = run(lake, "maintain", "--dry-run", "--format", "json", **settings)
    assert done.returncode == 0, done.stderr
    assert _everything(lake) == before
    report = json.loads(done.stdout)
    assert report["dry_run"] is True
    (table,) = report["tables"]
    assert (table["table"], table["problem"]) == ("default.cities", "")
    assert table["contents"]["data_files"] == table["compaction"]["files_before"] == LOADS
    assert table["contents"]["data_bytes"] == table["compaction"]["bytes_before"]
    assert table["contents"]["rows"] == LOADS * 10
    assert table["compaction"]["files_after"] == 1
    assert table["expiry"]["snapshots"] == LOADS - 1


def test_a_dry_run_says_which_equality_deletes_would_be_turned(lake: Path) -> None:
    never_look = {"load_method": "upsert", "allow_equality_deletes": True, "probe_budget_mb": 0}
    load(lake, 0, 5, **never_look)
    assert "equality deletes: 2 files would be turned" in run(lake, "maintain", "--dry-run").stdout
    done = run(lake, "maintain", "--format", "json")
    assert json.loads(done.stdout)["tables"][0]["equality_deletes"] == 2, done.stderr
    assert_readers_agree(table_in(lake), ALL)


def test_a_branch_that_is_named_is_tended_and_main_is_not(lake: Path) -> None:
    for branch in ("audit", "other"):
        load(lake, 100, 110, branch=branch)
    done = run(lake, "maintain", "--branch", "audit", "--branch", "nowhere")
    assert done.returncode == 0, done.stderr
    assert "default.cities (audit): 8 data files" in done.stdout
    scans = {name: table_in(lake).scan().use_ref(name) for name in ("main", "audit", "other")}
    files = {name: len(list(scan.plan_files())) for name, scan in scans.items()}
    assert files == {"main": LOADS, "audit": 1, "other": LOADS + 2}
    counts = {name: scan.to_arrow().num_rows for name, scan in scans.items()}
    assert counts == {"main": 60, "audit": 80, "other": 80}
    nothing = run(lake, "maintain", "--branch", "nowhere")
    assert nothing.returncode == 0, nothing.stderr
    assert "default.cities (no such branch)" in nothing.stdout


def test_only_named_tables_are_tended_and_a_missing_one_is_told(lake: Path) -> None:
    done = run(lake, "maintain", "--table", "default.nowhere", "--table", "default.cities")
    assert done.returncode == 1
    assert "default.nowhere: FAILED" in done.stdout
    assert "1 of 2 tables could not be tended: default.nowhere" in done.stderr
    assert len(table_in(lake).inspect.files()) == 1


def test_tables_of_others_are_left_alone(lake: Path) -> None:
    catalog = open_catalog({}, str(lake), None)
    catalog.create_table("default.foreign", table_in(lake).schema())
    done = run(lake, "maintain", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "foreign" not in done.stdout


def test_what_a_run_left_behind_goes_when_it_is_old(lake: Path) -> None:
    left = lake / "default" / "cities" / "data" / "left.parquet"
    left.write_bytes(b"x")
    kept = run(lake, "maintain")
    assert kept.returncode == 0, kept.stderr
    assert left.exists()
    os.utime(left, (time.time() - 4 * 86400,) * 2)
    assert "orphans: 1 file with 1 B deleted" in run(lake, "maintain").stdout
    assert not left.exists()
    assert_readers_agree(table_in(lake), ALL)


def _everything(lake: Path) -> dict[str, int]:
    """All files but those of the database itself, with the time of their last change."""
    files = [path for path in lake.rglob("*") if path.is_file() and not path.name.startswith("catalog.db")]
    return {str(path): path.stat().st_mtime_ns for path in files}
