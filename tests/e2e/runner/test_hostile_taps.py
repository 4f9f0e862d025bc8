"""Taps that harm their machine, beside the job of another tenant that they must not harm."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.runner.processes import wait_until, working_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.runner.conftest import Tenants

MIB = 1 << 20
FAR = 512 * MIB
"""No harm gets as far: each would use twice as much if nobody stopped it."""


@dataclass(frozen=True)
class Harm:
    """What a tap does, what the job allows it, and what is said when it has been stopped."""

    name: str
    reason: str
    limits: dict[str, Any] = field(default_factory=dict)
    idle: str = "1h"
    code: int = 1
    outcome: str = "limited"


HARMS = (
    Harm(
        "memory", "tap-hog was stopped: it used * of memory, limits.memory is 96.0 MiB", {"memory": "96MiB"}
    ),
    Harm(
        "children_memory",
        "tap-hog was stopped: it used * of memory, limits.memory is 96.0 MiB",
        {"memory": "96MiB"},
    ),
    Harm(
        "forks",
        "tap-hog was stopped: it ran * processes at once, limits.processes is 40",
        {"processes": 40},
    ),
    Harm("disk", "tap-hog was stopped: it wrote * to disk, limits.disk is 16.0 MiB", {"disk": "16MiB"}),
    Harm("scratch", "tap-hog was stopped: it wrote * to disk, limits.disk is 16.0 MiB", {"disk": "16MiB"}),
    Harm(
        "stderr", "tap-hog was stopped: it logged 1.0 MiB, limits.log_bytes is 1.0 MiB", {"log_bytes": "1MiB"}
    ),
    Harm("hang", "nothing has moved for 1s (timeouts.idle)", idle="1s", code=75, outcome="timed_out"),
    Harm("garbage", "target-lines exited with code 1: *JSONDecodeError*", outcome="failed"),
    Harm("half_line", "target-lines exited with code 1: *JSONDecodeError*", outcome="failed"),
)


@pytest.mark.parametrize("sandbox", ["none", "strict"])
def test_it_is_stopped_and_its_neighbour_is_not(project: Tenants, sandbox: str) -> None:
    """The neighbour runs from before the first harm until after the last."""
    with neighbour(project):
        for harm in HARMS:
            assert_stopped(project, harm, sandbox)
    verified = project.dativo("audit", "verify", cwd=project.directory)
    assert verified.returncode == 0, verified.stderr


@contextmanager
def neighbour(project: Tenants) -> Iterator[None]:
    """A job that runs meanwhile, and must end well with all its records."""
    steps: list[dict[str, Any]] = [
        {"records": 5},
        {"touch": "started"},
        {"wait_for": str(project.directory / "go")},
        {"records": 5},
        {"state": {"n": 10}},
    ]
    job = project.job_of("healthy", "users", {"connector": "tap-steps", "config": {"steps": steps}})
    with project.start("run", job, cwd=project.directory) as run:
        try:
            wait_until(lambda: (job.parent / "started").exists(), "the neighbour runs")
            yield
        finally:
            (project.directory / "go").touch()
            _, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert project.state("healthy/users") == {"n": 10}
    loaded = (job.parent / "loaded/users.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in loaded] == list(range(1, 11))
    assert "hog" not in said


def assert_stopped(project: Tenants, harm: Harm, sandbox: str) -> None:
    source = {
        "connector": "tap-hog",
        "config": {"harm": harm.name},
        "sandbox": sandbox,
        "paths": {"write": ["."]},
        "limits": harm.limits,
    }
    times = {"grace": "1s", "idle": harm.idle}
    job = project.job_of("hostile", harm.name, source, timeouts=times)
    done = project.dativo("run", job, cwd=project.directory)
    last = (done.stderr.splitlines() or [""])[-1]
    assert fnmatchcase(last, f"dativo: hostile/{harm.name} failed: {harm.reason}"), done.stderr
    assert done.returncode == harm.code
    assert working_in(job.parent) == []
    report = report_of(project, harm.name)
    assert report["outcome"] == harm.outcome
    assert f"dativo: {report['reason']}" == last
    if "memory" in harm.limits:
        assert report["connectors"][0]["peak_memory"] < FAR
    assert sum(path.stat().st_size for path in project.files("jobs/hostile")) < FAR
    assert not project.files(".dativo/tenants/hostile/work")
    for filler in project.files("jobs/hostile"):
        filler.unlink()


def report_of(project: Tenants, job: str) -> dict[str, Any]:
    [report] = (project.directory / ".dativo/tenants/hostile/runs" / job).glob("*/report.json")
    read: dict[str, Any] = json.loads(report.read_text())
    return read
