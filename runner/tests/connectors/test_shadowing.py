"""R4: a connector in the place of another is said to be that wherever its jobs are looked at or run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml


def registered(project, name):
    connectors = yaml.safe_load(project.registry.read_text())["connectors"]
    return next(each for each in connectors if each["name"] == name)


@pytest.fixture
def own(project):
    """The project has a tap-steps of its own."""
    entry = registered(project, "tap-steps")
    file = project.directory / "connectors.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "connectors": [{**entry, "description": "Ours"}]}))
    return file


@pytest.fixture
def warning(project, own):
    # What `--registry` or DATIVO_REGISTRY names comes last, so it is that one which shadows.
    return f"tap-steps of {project.registry} takes the place of the one in {own}"


def test_every_look_and_every_run_says_so(project, warning):
    job = project.job([{"records": 1}, {"state": {}}])
    done = project.dativo("run", job, cwd=project.directory)
    assert done.returncode == 0, done.stderr
    assert f"users: WARNING: {warning}" in done.stderr.splitlines()
    assert f"WARNING: {warning}" in project.dativo("validate", job, cwd=project.directory).stdout
    assert warning in project.dativo("plan", job, cwd=project.directory).stdout
    assert (
        warning.replace(f" of {project.registry}", "")
        in project.dativo("list", cwd=project.directory).stdout.splitlines()
    )


def test_the_audit_says_which_program_ran(project):
    assert project.dativo("run", project.job([{"records": 1}, {"state": {}}])).returncode == 0
    [file] = (project.directory / ".dativo/tenants/_/audit").glob("*.jsonl")
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    [started] = [entry for entry in entries if entry["event"] == "run.started"]
    executable = Path(registered(project, "tap-steps")["executable"])
    digest = hashlib.sha256(executable.read_bytes()).hexdigest()
    assert started["facts"]["connectors"][0] == {
        "name": "tap-steps",
        "version": "1.2.3",
        "fingerprint": f"file:{digest}",
    }
