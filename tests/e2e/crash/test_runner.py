"""`dativo run` with a tap or a target that dies: the next run goes on where the destination stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, expected
from tests.e2e.crash.places import LocalPlace
from tests.paths import BIN

TAP = Path(__file__).with_name("tap_replay.py")
LAST = 1000


class Project:
    """A directory with a job of tap-replay and target-parquet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.place = LocalPlace(directory / "lake")
        tap = {
            "name": "tap-replay",
            "kind": "tap",
            "distribution": "tap-replay",
            "version": "0.0.1",
            "executable": str(TAP),
            "description": "Replays exactly",
            "maturity": "stable",
            "capabilities": ["state"],
        }
        self._write("registry.yaml", {"version": 1, "connectors": [tap]})

    def job(self, target: dict[str, Any] | None = None, **tap: Any) -> None:
        """Write the job; keywords are settings of the tap."""
        settings = {"destination_path": "lake", **EPOCHS_BY_RECORDS, "epoch_max_records": 200}
        job = {
            "name": "replay",
            "tenant": "acme",
            "retries": {"attempts": 1},
            "source": {"connector": "tap-replay", "config": {"records": LAST, "state_every": 50, **tap}},
            "target": {
                "connector": "target-parquet",
                "config": settings | (target or {}),
                "env": ["DATIVO_FAULT"],
            },
        }
        self._write("job.yaml", job)

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start `dativo run`."""
        return subprocess.Popen(
            (str(BIN / "dativo"), "run", "job.yaml"),
            cwd=self.directory,
            env=os.environ | {"DATIVO_REGISTRY": str(self.directory / "registry.yaml")} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str]:
        """Run the job; returns its exit code and what it said."""
        with self.start(**environment) as process:
            said, errors = process.communicate(timeout=120)
            return process.returncode, said + errors

    @property
    def state(self) -> dict[str, Any] | None:
        """What the state file holds."""
        path = self.directory / ".dativo/tenants/acme/state/replay/state.json"
        return json.loads(path.read_text())["state"] if path.exists() else None

    def ledger(self) -> list[str]:
        """Entries of this job in the destination."""
        directory = self.place.root / ".dativo/ledger/acme%2Freplay"
        return sorted(path.name for path in directory.glob("*"))

    def check(self, count: int, generation: int = 0) -> None:
        """Hold what is visible against the first `count` records."""
        assert Counter(self.place.rows()) == expected(count, generation)

    def _write(self, name: str, document: Any) -> None:
        (self.directory / name).write_text(json.dumps(document))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("step", ["epoch.after-prepare:2", "commit.file:3", "emit.before:2", "done.after:2"])
def test_a_target_that_is_killed_leaves_no_trace_in_the_end(project: Project, step: str) -> None:
    project.job()
    code, said = project.run(DATIVO_FAULT=step)
    assert code == 75, said
    assert "SIGKILL" in said
    code, said = project.run()
    assert code == 0, said
    project.check(LAST)
    assert project.state == {"next": LAST}
    assert project.ledger()[-1] == "0000000005.json"


def test_the_state_of_the_destination_is_told_and_stored(project: Project) -> None:
    project.job()
    assert project.run(DATIVO_FAULT="emit.before")[0] == 1
    assert project.state is None
    project.job(records=200)
    code, said = project.run()
    assert code == 0, said
    assert said.count("going on from the state that the destination holds") == 1
    assert project.state == {"next": 200}
    assert "going on" not in project.run()[1]
    project.check(200)


def test_a_state_file_that_is_lost_or_old_is_no_reason_to_load_twice(project: Project) -> None:
    project.job(records=400)
    assert project.run()[0] == 0
    (project.directory / ".dativo/tenants/acme/state/replay/state.json").unlink()
    project.job()
    assert project.run()[0] == 0
    project.check(LAST)


def test_a_destination_without_a_ledger_leaves_the_state_file_in_charge(project: Project) -> None:
    project.job(records=400)
    assert project.run()[0] == 0
    for entry in (project.place.root / ".dativo/ledger").rglob("*.*"):
        entry.unlink()
    project.job()
    code, said = project.run()
    assert code == 0, said
    assert "the destination holds no state, going on from" in said
    project.check(LAST)


@pytest.mark.parametrize("trouble", [{"kill_at": 333}, {"fail_at": 333}, {"fail_at": 350}])
def test_a_tap_that_dies_takes_the_records_since_its_last_state_with_it(
    project: Project, trouble: dict[str, int]
) -> None:
    """Killed in the middle of a line, failed between two lines, failed right after a STATE."""
    project.job(**trouble)
    assert project.run()[0] == 1
    durable = (project.state or {"next": 0})["next"]
    assert durable in (0, 200)
    project.check(durable)
    project.job()
    assert project.run()[0] == 0
    project.check(LAST)


def test_overwriting_loads_everything_in_every_run(project: Project) -> None:
    target = {"load_method": "overwrite"}
    project.job(target, generation=0)
    assert project.run()[0] == 0
    project.job(target, generation=1)
    assert project.run(DATIVO_FAULT="emit.before")[0] == 1
    project.check(LAST, generation=1)
    project.job(target, generation=2)
    code, said = project.run()
    assert code == 0, said
    assert "the destination is loaded anew" in said
    project.check(LAST, generation=2)


def test_a_runner_that_is_killed_leaves_nothing_to_repair(project: Project) -> None:
    """Its children are told to stop by the kernel; the next run may begin while they still do."""
    project.job(records=20_000)
    for delay in (1.0, 1.4, 1.8, 2.2):
        with project.start() as process:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    project.job(records=20_000)
    code, said = project.run()
    assert code == 0, said
    project.check(20_000)


def test_a_job_keeps_the_pipeline_that_it_names(project: Project) -> None:
    project.job({"pipeline": "mine"})
    assert project.run()[0] == 0
    assert [path.name for path in (project.place.root / ".dativo/ledger").iterdir()] == ["mine"]
