"""Two tenants with equal job names side by side share no path, secret, state or log line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.runner.processes import below, command_line, wait_until

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
        acme, beta = (set(in_use(run.pid, tenant)) for tenant in TENANTS)
        environs = {tenant: "".join(environs_of(run.pid, tenant)) for tenant in TENANTS}
        (two.directory / "go").touch()
        stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 0, stderr
    for tenant, used in zip(TENANTS, (acme, beta), strict=True):
        assert str(two.directory / f"jobs/{tenant}") in used
        assert any(path.endswith(f"/{tenant}/state/users/lock") for path in used)
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
    assert [path for path in two.files(".dativo") if b"pl4nted" in path.read_bytes()] == []
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


def in_use(runner: int, tenant: str) -> Iterator[str]:
    """What the processes of a tenant have open and where its connectors work, less what is the system's."""
    its_connectors = set(connectors(runner, tenant))
    links = [Path(f"/proc/{pid}/cwd") for pid in its_connectors]
    for pid in its_connectors | set(worker(runner, tenant)):
        links += Path(f"/proc/{pid}/fd").iterdir()
    for link in links:
        path = link.resolve()
        if path.exists() and not str(path).startswith(OF_THE_SYSTEM):
            yield str(path)


def worker(runner: int, tenant: str) -> Iterator[int]:
    """The process that runs the job of a tenant."""
    for pid in below(runner):
        if f"/{tenant}/users.yaml" in command_line(pid):
            yield pid
