"""Tap, target and runner are killed again and again: nothing is lost or doubled, and no state is damaged.

One job goes on through all of it, with more to load in every run. `DATIVO_KILL_RUNNER=full` does 200 runs.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.crash.replay_project import ReplayProject
from tests.e2e.runner.processes import below, command_line, kill, wait_until, working_in
from tests.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS = 200 if os.environ.get("DATIVO_KILL_RUNNER") == "full" else 12
RECORDS_A_RUN = 4_000
VICTIMS = {"tap": "tap_replay.py --config", "target": "bin/target-parquet --config", "runner": ""}
LONGEST_DELAY = 1.0
ENDINGS = (0, 1, 75, -9)
"""All went well before the blow fell; a failure; one worth another run; the runner was the victim."""


@pytest.fixture(params=["singer", "native"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReplayProject]:
    """With a tap that waits for what the target says, and with one that is started beside a closed gate."""
    project = ReplayProject(tmp_path, request.param)
    yield project
    wait_until(lambda: not working_in(tmp_path), "all processes of the job have ended")


def test_a_job_survives_its_killers(project: ReplayProject) -> None:
    dice = random.Random(20261124)
    struck: Counter[str] = Counter()
    reached = 0
    for number in range(RUNS):
        victim = list(VICTIMS)[number % len(VICTIMS)]
        project.job(records=(number + 1) * RECORDS_A_RUN)
        at_once = number < len(VICTIMS)
        struck[victim] += killed_run(project, victim, 0.0 if at_once else dice.uniform(0, LONGEST_DELAY))
        state = project.state or {"next": 0}
        assert state["next"] >= reached, "the state went back"
        reached = state["next"]
    print(f"{RUNS} runs, of them struck: {dict(struck)}; stored when the last had ended: {reached:,}")
    assert all(struck[victim] for victim in VICTIMS)

    project.job(records=RUNS * RECORDS_A_RUN)
    code, said = project.run()
    assert code == 0, said
    project.check(RUNS * RECORDS_A_RUN)
    assert project.state == {"next": RUNS * RECORDS_A_RUN}
    assert_audited(project)


def killed_run(project: ReplayProject, victim: str, delay: float) -> bool:
    """Run the job, kill one of its processes so long after it appeared; whether it was still there."""
    said = project.directory / "said"
    with said.open("w") as out, project.start(stdout=out, stderr=out) as run:
        pid = run.pid if victim == "runner" else child(run, VICTIMS[victim])
        time.sleep(delay)
        struck = pid is not None and run.poll() is None and kill(pid)
        code = run.wait(120)
    text = said.read_text()
    assert code in ENDINGS, text
    assert "Traceback" not in text, text
    return struck


def child(run: subprocess.Popen[str], words: str) -> int | None:
    """The process of the run with these words in its command line, once there is one."""
    while run.poll() is None:
        for pid in below(run.pid):
            if words in command_line(pid):
                return pid
        time.sleep(0.002)
    return None


def assert_audited(project: ReplayProject) -> None:
    done = subprocess.run(
        (BIN / "dativo", "audit", "verify"),
        cwd=project.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "chain whole" in done.stdout
