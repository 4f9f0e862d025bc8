"""A Meltano project that has run becomes dativo's: its job goes on from the state that Meltano kept."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
import pytest
import yaml

from tests.interop.orders import ORDERS, write_orders
from tests.interop.venvs import tool_bin
from tests.paths import BIN

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 300
NEWER = (7, "newer", 7.0, True, None, datetime(2024, 3, 1, tzinfo=UTC))
PROJECT: dict[str, Any] = {
    "version": 1,
    "default_environment": "dev",
    "send_anonymous_usage_stats": False,
    "environments": [{"name": "dev"}],
    "plugins": {
        "extractors": [
            {
                "name": "tap-csv",
                "namespace": "tap_csv",
                "executable": str(BIN / "tap-csv"),
                "capabilities": ["about", "catalog", "discover", "state"],
                "config": {
                    "files": [
                        {
                            "entity": "orders",
                            "path": "$ORDERS_DIR/orders.csv",
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
                "executable": str(BIN / "target-parquet"),
                "config": {"destination_path": "lake"},
            }
        ],
    },
    "jobs": [{"name": "orders", "tasks": ["tap-csv target-parquet"]}],
    "schedules": [{"name": "daily", "interval": "0 2 * * *", "job": "orders"}],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(PROJECT, sort_keys=False))
    write_orders(tmp_path / "orders.csv")
    return tmp_path


def test_it_is_migrated_and_goes_on(project: Path) -> None:
    run(project, str(tool_bin("meltano") / "meltano"), "run", "tap-csv", "target-parquet")
    before = ids(project)
    assert before == sorted(row[0] for row in ORDERS)

    said = run(project, "dativo", "migrate", ".", "--state", "--write")
    [job] = project.glob("*.job.yaml")
    assert yaml.safe_load(job.read_text())["schedule"]["cron"] == "0 2 * * *"
    assert str(project) not in job.read_text()
    run(project, "dativo", "validate", job.name)
    assert "0 2 * * *" in run(project, "dativo", "schedule", job.name)
    [kept] = json.loads(run(project, "dativo", "state", "list", "--json"))
    assert kept, said

    write_orders(project / "orders.csv", [*ORDERS, NEWER])
    run(project, "dativo", "run", job.name)
    # Incremental is "not less than": the row of the bookmark comes again, and so does the one without a date.
    again = [ORDERS[0][0], ORDERS[2][0], NEWER[0]]
    assert ids(project) == sorted([*before, *again])
    assert "paid" not in ds.dataset(project / "lake/orders").schema.names
    state = run(project, "dativo", "state", "get", yaml.safe_load(job.read_text())["name"])
    value = json.loads(state)["bookmarks"]["orders"]["replication_key_value"]
    assert datetime.fromisoformat(value) == NEWER[-1]


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env=os.environ
        | {
            "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
            "ORDERS_DIR": str(project),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ids(project: Path) -> list[int]:
    loaded: list[Any] = ds.dataset(project / "lake/orders").to_table()["id"].to_pylist()
    return sorted(loaded)
