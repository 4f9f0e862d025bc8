"""`meltano install` and `meltano run`: a project of somebody's own, and this repository's meltano.yml."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml

from tests.interop.iceberg_rows import iceberg_rows
from tests.interop.orders import COLUMNS, ORDERS, write_orders
from tests.interop.venvs import tool_bin
from tests.paths import ROOT

Meltano = Callable[..., subprocess.CompletedProcess[str]]
TIMEOUT_SECONDS = 900

PROJECT = {
    "version": 1,
    "default_environment": "dev",
    "send_anonymous_usage_stats": False,
    "environments": [{"name": "dev"}],
    "plugins": {
        "extractors": [
            {
                "name": "tap-csv",
                "namespace": "tap_csv",
                "pip_url": f"-e {ROOT}/taps/tap-csv",
                "executable": "tap-csv",
                "capabilities": ["about", "catalog", "discover", "state", "structured-logging"],
                "config": {
                    "files": [
                        {
                            "entity": "orders",
                            "path": "orders.csv",
                            "keys": ["id"],
                            "replication_key": "changed_at",
                        }
                    ]
                },
                "select": ["orders.*", "!orders.paid"],
                "metadata": {
                    "orders": {"replication-method": "INCREMENTAL", "replication-key": "changed_at"}
                },
            }
        ],
        "loaders": [
            {
                "name": "target-parquet",
                "namespace": "target_parquet",
                "pip_url": f"-e {ROOT}/targets/target-parquet",
                "executable": "target-parquet",
                "capabilities": ["about", "activate-version", "batch", "structured-logging"],
                "config": {"destination_path": "lake"},
            }
        ],
    },
}


@pytest.fixture
def meltano(tmp_path: Path) -> Meltano:
    """Runs Meltano with its database in the test's directory; a failure shows all that it said."""

    def run(*arguments: str, cwd: Path = tmp_path, **variables: str) -> subprocess.CompletedProcess[str]:
        database = f"sqlite:///{tmp_path}/meltano.db"
        done = subprocess.run(
            (str(tool_bin("meltano") / "meltano"), *arguments),
            cwd=cwd,
            env=os.environ | {"MELTANO_DATABASE_URI": database, "NO_COLOR": "1"} | variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def test_a_project_of_somebodys_own_loads_and_goes_on_from_its_state(
    tmp_path: Path, meltano: Meltano
) -> None:
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(PROJECT))
    write_orders(tmp_path / "orders.csv")
    meltano("install")

    meltano("run", "tap-csv", "target-parquet")
    loaded = records(tmp_path / "lake")
    assert loaded == [selected(row) for row in sorted(ORDERS)]
    assert bookmark(tmp_path) == ORDERS[0][-1]

    newer = (7, "newer", 7.0, True, None, datetime(2024, 3, 1, tzinfo=UTC))
    write_orders(tmp_path / "orders.csv", [*ORDERS, newer])
    meltano("run", "tap-csv", "target-parquet")
    # Incremental is "not less than": the row of the bookmark comes again, and so does the one without a date.
    again = [ORDERS[0], ORDERS[2], newer]
    assert records(tmp_path / "lake") == [
        selected(row) for row in sorted([*ORDERS, *again], key=lambda row: row[0])
    ]
    assert bookmark(tmp_path) == newer[-1]


def test_meltano_yml_works_as_it_stands(tmp_path: Path, meltano: Meltano) -> None:
    lake = tmp_path / "lake"
    meltano("install", cwd=ROOT)
    meltano("run", "tap-csv", "target-parquet", cwd=ROOT, TARGET_PARQUET_DESTINATION_PATH=str(lake))
    streams = [path for path in lake.iterdir() if not path.name.startswith(".")]
    assert streams
    loaded = {stream.name: ds.dataset(stream, format="parquet").count_rows() for stream in streams}
    assert all(loaded.values())

    tables = tmp_path / "tables"
    meltano("run", "tap-csv", "target-iceberg", cwd=ROOT, TARGET_ICEBERG_WAREHOUSE=str(tables))
    assert {stream: len(iceberg_rows(tables, stream)) for stream in loaded} == loaded


def records(lake: Path) -> list[dict]:
    return sorted(ds.dataset(lake / "orders").to_table().to_pylist(), key=lambda record: record["id"])


def selected(row: tuple) -> dict:
    """What the project's `select` leaves of a row."""
    return {name: value for name, value in zip(COLUMNS, row, strict=True) if name != "paid"}


def bookmark(project: Path) -> datetime:
    """The bookmark that Meltano keeps for the next run."""
    with sqlite3.connect(project / "meltano.db") as database:
        [state] = database.execute("SELECT completed_state FROM state WHERE state_id LIKE 'dev:%'").fetchone()
    value = json.loads(state)["singer_state"]["bookmarks"]["orders"]["replication_key_value"]
    return datetime.fromisoformat(value)
