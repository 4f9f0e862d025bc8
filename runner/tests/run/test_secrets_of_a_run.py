"""A job with secrets: its connectors get them, nobody else sees them, and the audit log says who had them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

EXECUTABLES = Path(__file__).parents[1] / "executables"
SECRET = 'pass"word with % and ü'


def audited(project):
    """The audit log of jobs without a tenant."""
    (log,) = (project.directory / ".dativo/tenants/_/audit").glob("*.jsonl")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_tap_gets_it_and_it_is_shown_nowhere(project):
    project.environ["DATIVO_SECRET__GLOBAL__PG"] = json.dumps({"password": SECRET})
    config = {
        "steps": [{"log": f"it is {SECRET}", "level": "ERROR"}, {"stderr": f"{SECRET}\n"}, {"exit": 1}],
        "api_key": "${secret:pg#password}",
        "seen": "seen.json",
    }
    done = project.dativo("run", project.job([], source={"config": config}))
    assert done.returncode == 1
    assert json.loads((project.directory / "seen.json").read_text())["config"]["api_key"] == SECRET
    (project.directory / "seen.json").unlink()
    (project.directory / "users.yaml").unlink()
    shown = [done.stdout, done.stderr]
    shown += [path.read_text() for path in project.directory.rglob("*") if path.is_file()]
    assert not [text for text in shown if SECRET in text or json.dumps(SECRET)[1:-1] in text]


def test_the_audit_log_names_it_before_the_run_and_says_how_that_ended(project):
    project.environ["DATIVO_SECRET__GLOBAL__KEY"] = SECRET
    job = project.job([], source={"config": {"steps": [], "api_key": "${secret:key}"}})
    assert project.dativo("run", job).returncode == 0
    entries = audited(project)
    assert [entry["event"] for entry in entries] == ["secret.read", "run.started", "run.ended"]
    assert entries[1]["facts"]["secrets"] == ["key"]
    assert [each["name"] for each in entries[1]["facts"]["connectors"]] == ["tap-steps", "target-lines"]
    for each, program in zip(entries[1]["facts"]["connectors"], ("tap_steps", "target_lines"), strict=True):
        digest = hashlib.sha256((EXECUTABLES / f"{program}.py").read_bytes()).hexdigest()
        assert each["fingerprint"] == f"file:{digest}"
    assert entries[2]["facts"]["outcome"] == "succeeded"
    assert project.dativo("audit", "verify", cwd=project.directory).returncode == 0


def test_without_the_secret_nothing_starts(project):
    job = project.job([{"touch": "started"}], source={"config": {"api_key": "${secret:key}"}})
    done = project.dativo("run", job)
    assert done.returncode == 1
    assert "no secret key" in done.stderr.splitlines()[-1]
    assert not (project.directory / "started").exists()
    (refused,) = audited(project)
    assert refused["event"] == "secret.refused"
    assert refused["facts"]["reason"] == done.stderr.splitlines()[-1].removeprefix("dativo: ")
    assert refused["run"]


def test_a_secret_file_that_everybody_can_read_is_told_of(project):
    (project.directory / "dativo.yaml").write_text("version: 1\nsecrets: [{backend: files, dir: kept}]\n")
    file = project.directory / "kept/global/key"
    file.parent.mkdir(parents=True)
    file.write_text(SECRET)
    file.chmod(0o644)
    job = project.job([], source={"config": {"steps": [], "api_key": "${secret:key}"}})
    assert project.dativo("run", job).returncode == 0
    (report,) = (project.directory / ".dativo/tenants/_/runs/users").glob("*/report.json")
    (warning,) = json.loads(report.read_text())["warnings"]
    assert warning == f"{file} can be read by everybody: chmod 600 it"


def test_without_an_audit_log_nothing_starts(project):
    audit = project.directory / ".dativo/tenants/_/audit"
    audit.parent.mkdir(parents=True)
    audit.write_text("in the way")
    done = project.dativo("run", project.job([{"touch": "started"}]))
    assert done.returncode == 1
    assert "the audit log cannot be written" in done.stderr.splitlines()[-1]
    assert not (project.directory / "started").exists()


def test_what_a_connector_inherits_under_a_secret_name_is_hidden_too(project):
    project.environ["WAREHOUSE_PASSWORD"] = "inherited-hunter2"
    source = {"env": ["WAREHOUSE_PASSWORD"]}
    done = project.dativo("run", project.job([{"stderr": "I am inherited-hunter2\n"}], source=source))
    assert done.returncode == 0
    assert "inherited-hunter2" not in done.stderr
    assert "I am ****" in done.stderr


def test_another_tenants_secret_is_out_of_reach_of_variables_too(project):
    project.environ["DATIVO_SECRET__BETA__PG"] = SECRET
    for source in ({"config": {"x": "${DATIVO_SECRET__BETA__PG}"}}, {"env": ["DATIVO_SECRET__BETA__PG"]}):
        done = project.dativo("run", project.job([{"touch": "started"}], tenant="acme", source=source))
        assert done.returncode == 1
        assert "DATIVO_SECRET__" in done.stderr
        assert SECRET not in done.stderr
    assert not (project.directory / "started").exists()
