"""`dativo run` with a tap or a target that dies: the next run goes on where the destination stands."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.crash.replay_project import LAST, ReplayProject

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["singer", "native"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> ReplayProject:
    return ReplayProject(tmp_path, request.param)


@pytest.mark.parametrize("step", ["epoch.after-prepare:2", "commit.file:3", "emit.before:2", "done.after:2"])
def test_a_target_that_is_killed_leaves_no_trace_in_the_end(project: ReplayProject, step: str) -> None:
    project.job()
    code, said = project.run(DATIVO_FAULT=step)
    assert code == 75, said
    assert "SIGKILL" in said
    code, said = project.run()
    assert code == 0, said
    project.check(LAST)
    assert project.state == {"next": LAST}
    assert project.ledger()[-1] == "0000000005.json"


def test_the_state_of_the_destination_is_told_and_stored(project: ReplayProject) -> None:
    project.job()
    assert project.run(DATIVO_FAULT="emit.before")[0] == 75
    assert project.state is None
    project.job(records=200)
    code, said = project.run()
    assert code == 0, said
    assert said.count("going on from the state that the destination holds") == 1
    assert project.state == {"next": 200}
    assert "going on" not in project.run()[1]
    project.check(200)


def test_a_state_file_that_is_lost_or_old_is_no_reason_to_load_twice(project: ReplayProject) -> None:
    project.job(records=400)
    assert project.run()[0] == 0
    (project.directory / ".dativo/tenants/acme/state/replay/state.json").unlink()
    project.job()
    assert project.run()[0] == 0
    project.check(LAST)


def test_a_destination_without_a_ledger_leaves_the_state_file_in_charge(project: ReplayProject) -> None:
    project.job(records=400)
    assert project.run()[0] == 0
    for entry in (project.place.root / ".dativo/ledger").rglob("*.*"):
        entry.unlink()
    project.job()
    code, said = project.run()
    assert code == 0, said
    assert "the destination holds no state, going on from" in said
    project.check(LAST)


@pytest.mark.parametrize(
    ("trouble", "code"), [({"kill_at": 333}, 75), ({"fail_at": 333}, 1), ({"fail_at": 350}, 1)]
)
def test_a_tap_that_dies_takes_the_records_since_its_last_state_with_it(
    project: ReplayProject, trouble: dict[str, int], code: int
) -> None:
    """Killed in the middle of a line, failed between two lines, failed right after a STATE."""
    project.job(**trouble)
    assert project.run()[0] == code
    durable = (project.state or {"next": 0})["next"]
    assert durable in (0, 200)
    project.check(durable)
    project.job()
    assert project.run()[0] == 0
    project.check(LAST)


def test_overwriting_loads_everything_in_every_run(project: ReplayProject) -> None:
    target = {"load_method": "overwrite"}
    project.job(target, generation=0)
    assert project.run()[0] == 0
    project.job(target, generation=1)
    assert project.run(DATIVO_FAULT="emit.before")[0] == 75
    project.check(LAST, generation=1)
    project.job(target, generation=2)
    code, said = project.run()
    assert code == 0, said
    assert "the destination is loaded anew" in said
    project.check(LAST, generation=2)


def test_a_runner_that_is_killed_leaves_nothing_to_repair(project: ReplayProject) -> None:
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


def test_a_job_keeps_the_pipeline_that_it_names(project: ReplayProject) -> None:
    project.job({"pipeline": "mine"})
    assert project.run()[0] == 0
    assert [path.name for path in (project.place.root / ".dativo/ledger").iterdir()] == ["mine"]
