"""What becomes of a command whose output cannot be written, as on a disk that is full."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.tests.conftest import DATIVO


def dativo(project, *arguments):
    """Runs it with /dev/full as its standard output: every write says that no space is left."""
    with Path("/dev/full").open("w") as full:
        environ = {**project.environ, "DATIVO_REGISTRY": str(project.registry), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [DATIVO, *map(str, arguments)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
            check=False,
        )


@pytest.mark.parametrize("arguments", [["list"], ["schema"], ["run", "JOB", "--dry-run"]])
def test_output_that_is_asked_for_and_lost_is_an_error(project, arguments):
    job = project.job([{"records": 1}])
    done = dativo(project, *[str(job) if each == "JOB" else each for each in arguments])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "dativo: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("names", [["users"], ["users", "orders"]])
def test_a_run_that_nobody_can_be_told_of_has_not_failed(project, names):
    jobs = [
        project.job([{"records": 2}], name=name, target={"config": {"path": f"loaded-{name}"}})
        for name in names
    ]
    done = dativo(project, "run", *jobs)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    for name in names:
        assert len((project.directory / f"loaded-{name}/users.jsonl").read_text().splitlines()) == 2
