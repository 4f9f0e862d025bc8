"""Two tenants with equal job names side by side share no path, secret, state or log line, and no fate."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.runner.processes import below, wait_until, working_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.runner.conftest import Tenants

TENANTS = ("acme", "beta")
OF_THE_SYSTEM = ("/usr", "/lib", "/etc", "/dev", "/proc", sys.prefix, sys.base_prefix, "/root/.pyenv")


def secret(tenant: str) -> str:
    return f"pl4nted-in-{tenant}"


@pytest.fixture
def two(project: Tenants) -> Tenants:
    """A job `users` for each, which waits for the file `go`, and a secret each under one name."""
    for tenant in TENANTS:
        steps = [
            {"records": 2},
            {"log": f"the log of {tenant}"},
            {"touch": "started"},
            {"wait_for": str(project.directory / "go")},
            {"state": {"mine": tenant}},
        ]
        project.job_of(
            tenant,
            "users",
            {
                "connector": "tap-steps",
                "config": {"steps": steps, "api_key": "${secret:key}", "seen": "seen.json"},
            },
        )
        project.environ[f"DATIVO_SECRET__{tenant.upper()}__KEY"] = secret(tenant)
    return project


def test_nothing_is_shared(two: Tenants) -> None:
    with two.start("run", "--parallel", "2", cwd=two.directory) as run:
        started = [two.directory / "jobs" / tenant / "started" for tenant in TENANTS]
        wait_until(lambda: all(path.exists() for path in started), "both taps have started")
        acme, beta = (set(of_connectors(run.pid, tenant)) for tenant in TENANTS)
        environs = {tenant: "".join(environs_of(run.pid, tenant)) for tenant in TENANTS}
        (two.directory / "go").touch()
        stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 0, stderr
    assert acme
    assert beta
    assert not acme & beta, "both have these files open or work in them"
    for tenant, other in (TENANTS, TENANTS[::-1]):
        assert f"DATIVO_TENANT={tenant}" in environs[tenant]
        assert secret(other) not in environs[tenant]
        seen = json.loads((two.directory / f"jobs/{tenant}/seen.json").read_text())
        assert seen["config"]["api_key"] == secret(tenant)
        assert two.state(f"{tenant}/users") == {"mine": tenant}
        of_the_other = [*two.files(f".dativo/tenants/{other}"), *two.files(f"jobs/{other}")]
        words = [secret(tenant), f"the log of {tenant}", f'"mine": "{tenant}"', f"/{tenant}/"]
        for path in of_the_other:
            text = path.read_text(errors="replace")
            assert [word for word in words if word in text] == [], path
    assert "pl4nted" not in stdout + stderr
    kept = {path.name for path in (two.directory / ".dativo/tenants").iterdir()}
    assert kept == set(TENANTS)


def connectors(runner: int, tenant: str) -> Iterator[int]:
    for pid in below(runner):
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"DATIVO_TENANT={tenant}".encode() in environ:
            yield pid


def environs_of(runner: int, tenant: str) -> Iterator[str]:
    for pid in connectors(runner, tenant):
        yield Path(f"/proc/{pid}/environ").read_text(errors="replace")


def of_connectors(runner: int, tenant: str) -> Iterator[str]:
    """What the connectors of a tenant have open and where they work, without what is the system's."""
    for pid in connectors(runner, tenant):
        for link in (Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()):
            path = link.resolve()
            if path.exists() and not str(path).startswith(OF_THE_SYSTEM):
                yield str(path)


HOSTILE = [
    ("memory", {"memory": "96MiB"}, "of memory, limits.memory is 96.0 MiB"),
    ("forks", {"processes": 40}, "processes at once, limits.processes is 40"),
    ("disk", {"disk": "16MiB"}, "to disk, limits.disk is 16.0 MiB"),
    ("stderr", {"log_bytes": "1MiB"}, "limits.log_bytes is 1.0 MiB"),
    ("garbage", {}, "target-lines exited with code 1"),
    ("half_line", {}, "target-lines exited with code 1"),
]


def test_a_hostile_tap_is_stopped_and_its_neighbour_is_not(project: Tenants) -> None:
    """The neighbour runs from before the first harm until after the last."""
    steps = [
        {"records": 5},
        {"touch": "started"},
        {"wait_for": str(project.directory / "go")},
        {"records": 5},
        {"state": {"n": 10}},
    ]
    healthy = project.job_of("healthy", "users", {"connector": "tap-steps", "config": {"steps": steps}})
    with project.start("run", healthy, cwd=project.directory) as neighbour:
        wait_until(lambda: (healthy.parent / "started").exists(), "the neighbour runs")
        for harm, limits, reason in HOSTILE:
            source = {"connector": "tap-hog", "config": {"harm": harm}}
            job = project.job_of("hostile", harm, source, limits=limits, timeouts={"grace": "1s"})
            done = project.dativo("run", job, cwd=project.directory)
            assert done.returncode == 1, done.stderr
            assert reason in done.stderr.splitlines()[-1]
            assert working_in(job.parent) == []
            for filler in project.files("jobs/hostile"):
                filler.unlink()
        (project.directory / "go").touch()
        _, stderr = neighbour.communicate(timeout=60)
    assert neighbour.returncode == 0, stderr
    assert project.state("healthy/users") == {"n": 10}
    loaded = (healthy.parent / "loaded/users.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in loaded] == list(range(1, 11))
    assert "tap-hog" not in stderr
    assert project.dativo("audit", "verify", cwd=project.directory).returncode == 0
