"""`meltano install` and `meltano run`: a project of somebody's own, and this repository's meltano.yml."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml

from tests.interop.iceberg_rows import iceberg_rows
from tests.interop.orders import COLUMNS, ORDERS, write_orders
from tests.interop.postgres_orders import ROWS, STREAM, database
from tests.interop.venvs import tool_bin
from tests.paths import ROOT
from tests.services import postgres

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
    return running_in(tmp_path)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Meltano:
    """Runs this repository's meltano.yml with its plugins installed."""
    run = partial(running_in(tmp_path_factory.mktemp("ours")), cwd=ROOT)
    run("install")
    return run


def running_in(directory: Path) -> Meltano:
    """Runs Meltano with its database in the directory; a failure shows all that it said."""

    def run(*arguments: str, cwd: Path = directory, **variables: str) -> subprocess.CompletedProcess[str]:
        database = f"sqlite:///{directory}/meltano.db"
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


def test_meltano_yml_works_as_it_stands(tmp_path: Path, ours: Meltano) -> None:
    lake = tmp_path / "lake"
    ours("run", "tap-csv", "target-parquet", TARGET_PARQUET_DESTINATION_PATH=str(lake))
    streams = [path for path in lake.iterdir() if not path.name.startswith(".")]
    assert streams
    loaded = {stream.name: ds.dataset(stream, format="parquet").count_rows() for stream in streams}
    assert all(loaded.values())

    tables = tmp_path / "tables"
    ours("run", "tap-csv", "target-iceberg", TARGET_ICEBERG_WAREHOUSE=str(tables))
    assert {stream: len(iceberg_rows(tables, stream)) for stream in loaded} == loaded


def test_a_table_of_postgres_goes_on_from_its_state(
    tmp_path: Path, ours: Meltano, request: pytest.FixtureRequest
) -> None:
    incremental = {"replication-method": "INCREMENTAL", "replication-key": "changed_at"}
    with database(postgres.running(request.config), "interop_meltano") as shop:
        shop.fill()
        variables = {f"TAP_POSTGRES_{name.upper()}": str(value) for name, value in shop.settings.items()}
        variables |= {
            "TAP_POSTGRES__SELECT": json.dumps([f"{STREAM}.*"]),
            "TAP_POSTGRES__METADATA": json.dumps({STREAM: incremental}),
            "TARGET_ICEBERG_WAREHOUSE": str(tmp_path / "tables"),
            "TARGET_ICEBERG_LOAD_METHOD": "upsert",
        }
        ours("run", "tap-postgres", "target-iceberg", **variables)
        assert ids(tmp_path / "tables") == [row[0] for row in ROWS]

        with shop.connect() as owner:
            owner.execute("INSERT INTO shop.orders (id, changed_at) VALUES (7, '2024-03-01Z')")
            owner.execute("UPDATE shop.orders SET note = 'not seen', changed_at = '2000-01-01Z' WHERE id = 1")
        ours("run", "tap-postgres", "target-iceberg", **variables)
    rows = iceberg_rows(tmp_path / "tables", STREAM.replace("-", "_"))
    assert ids(tmp_path / "tables") == sorted([*(row[0] for row in ROWS), 7])
    assert rows[0]["note"] == "plain"


def ids(tables: Path) -> list[int]:
    return [row["id"] for row in iceberg_rows(tables, STREAM.replace("-", "_"))]


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
