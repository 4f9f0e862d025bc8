"""`dativo run` into target-iceberg: the runner asks the tables where they stand before it starts the tap."""

import json
import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.interop.iceberg_rows import iceberg_rows, iceberg_table
from tests.paths import BIN

TIMEOUT_SECONDS = 120


@dataclass
class Job:
    """A job from a CSV file into a lake, in a directory of its own."""

    directory: Path

    def write(self, **target: Any) -> None:
        users = {"entity": "users", "path": "users.csv", "keys": ["id"], "replication_key": "id"}
        job = {
            "name": "users",
            "source": {"connector": "tap-csv", "config": {"files": [users]}},
            "target": {
                "connector": "target-iceberg",
                "config": {"warehouse": "lake", **target},
                "env": ["DATIVO_FAULT"],
            },
            "retries": {"attempts": 1},
        }
        (self.directory / "users.yaml").write_text(yaml.safe_dump(job))

    def source(self, ids: Iterable[int]) -> None:
        rows = "".join(f"{each},name {each}\n" for each in ids)
        (self.directory / "users.csv").write_text(f"id,name\n{rows}")

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (str(BIN / "dativo"), "run", "users.yaml"),
            cwd=self.directory,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in iceberg_rows(self.directory / "lake", "users")]

    @property
    def epoch(self) -> dict[str, Any]:
        """What the table itself says of how far the job has come."""
        properties = iceberg_table(self.directory / "lake", "users").properties
        [value] = [text for name, text in properties.items() if name.startswith("dativo.state.")]
        return json.loads(value)

    @property
    def state_file(self) -> Path:
        return self.directory / ".dativo/tenants/_/state/users/state.json"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.write()
    return made


def test_a_job_loads_a_table_that_knows_its_state(job: Job) -> None:
    job.source(range(250))
    done = job.run()
    assert done.returncode == 0, done.stderr
    assert job.ids == list(range(250))
    assert json.loads(job.epoch["state"]) == json.loads(job.state_file.read_text())["state"]


def test_the_table_is_asked_even_if_the_runner_has_forgotten(job: Job) -> None:
    """The runner's own file is gone; from the table's STATE only the row of the bookmark comes again."""
    job.source(range(250))
    assert job.run().returncode == 0
    job.state_file.unlink()
    job.source(range(300))
    done = job.run()
    assert done.returncode == 0, done.stderr
    assert job.ids == sorted([*range(300), 249])


@pytest.mark.parametrize("load_method", ["append-only", "upsert"])
@pytest.mark.parametrize("point", ["epoch.after-prepare", "commit.staged", "commit.table", "emit.before"])
def test_a_killed_target_is_gone_on_from(job: Job, point: str, load_method: str) -> None:
    """Whatever step the target dies at, the next run completes what was prepared and starts the tap there.

    With append the tap's bookmark, which is "not less than", sends the row again that it names, and no other.
    """
    job.write(load_method=load_method)
    job.source(range(250))
    died = job.run(DATIVO_FAULT=point)
    assert died.returncode == 75
    assert signal.Signals.SIGKILL.name in died.stderr
    job.source(range(300))
    done = job.run()
    assert done.returncode == 0, done.stderr
    assert job.ids == sorted([*range(300), *([] if load_method == "upsert" else [249])])
