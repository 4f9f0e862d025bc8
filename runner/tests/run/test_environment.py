"""What connectors see of the runner's environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from dativo.connectors.registry import load_registry
from dativo.jobs.ready import load_job
from dativo.run.environment import environment_of
from dativo.run.sides import sides_of

ENVIRON = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "LC_ALL": "C.UTF-8",
    "LD_PRELOAD": "evil.so",
    "PYTHONPATH": "/evil",
    "AWS_PROFILE": "prod",
    "DATABASE_URL": "postgres://",
    "DATIVO_SECRET__ACME__PG": "s3cret",
    "VAULT_TOKEN": "s3cret",
    "https_proxy": "http://proxy",
}


@pytest.fixture
def seen(project, tmp_path):
    """What the tap of a job sees."""

    def seen(**changes):
        path = project.job([], **changes)
        ready = load_job(path, load_registry([project.registry]), {})
        return environment_of(sides_of(ready)[0], ready, ENVIRON, tmp_path / "own")

    return seen


def asking(project, *patterns):
    """Lets the registry say which variables tap-steps needs."""
    registry = yaml.safe_load(project.registry.read_text())
    registry["connectors"][0]["environment"] = list(patterns)
    project.registry.write_text(yaml.safe_dump(registry))


def test_it_is_a_short_list(seen, tmp_path):
    assert seen() == {
        "PATH": "/bin",
        "HOME": "/home/me",
        "LC_ALL": "C.UTF-8",
        "https_proxy": "http://proxy",
        "DATIVO_JOB": "users",
        "DATIVO_TENANT": "",
        "DATIVO_METRICS_SECONDS": "0.5",
        "TMPDIR": str(tmp_path / "own/tmp"),
    }


def test_temporary_files_are_the_owners_alone(seen):
    directory = Path(seen()["TMPDIR"])
    assert directory.stat().st_mode & 0o777 == 0o700
    assert list(directory.iterdir()) == []


def test_a_job_hands_on_what_it_names(seen):
    environ = seen(source={"env": ["DATABASE_URL", "VAULT_TOKEN", "NO_SUCH"]})
    assert environ["DATABASE_URL"] == "postgres://"
    assert environ["VAULT_TOKEN"] == "s3cret"
    assert "NO_SUCH" not in environ


def test_the_registry_asks_for_what_a_connector_needs_but_never_for_secrets_of_the_runner(project, seen):
    asking(project, "AWS_*", "*TOKEN", "DATIVO_*")
    environ = seen()
    assert environ["AWS_PROFILE"] == "prod"
    assert not {"VAULT_TOKEN", "DATIVO_SECRET__ACME__PG"} & set(environ)


def test_the_job_of_a_tenant_has_another_home_and_not_the_credentials_of_the_machine(project, seen, tmp_path):
    asking(project, "AWS_*")
    environ = seen(tenant="acme")
    assert environ["HOME"] == str(tmp_path / "own/home")
    assert "AWS_PROFILE" not in environ
    assert environ["DATIVO_TENANT"] == "acme"


def test_the_project_grants_a_tenant_what_the_registry_asks_for(project, seen):
    asking(project, "AWS_*")
    tenants = {"acme": {"env": ["AWS_PROFILE", "DATABASE_URL"]}}
    (project.directory / "dativo.yaml").write_text(yaml.safe_dump({"version": 1, "tenants": tenants}))
    environ = seen(tenant="acme")
    assert environ["AWS_PROFILE"] == "prod"
    assert "DATABASE_URL" not in environ


def test_a_running_connector_has_no_more_than_that(project):
    project.environ["PLANTED"] = "s3cret"
    job = project.job([{"environ": "seen.json"}], source={"env": ["LOGNAME"]})
    assert project.dativo("run", job).returncode == 0
    seen = json.loads((project.directory / "seen.json").read_text())
    assert "PLANTED" not in seen
    assert seen["PATH"] == os.environ["PATH"]
    assert seen["TMPDIR"].startswith(str(project.directory / ".dativo/tenants/_/work/users/tap-steps"))
