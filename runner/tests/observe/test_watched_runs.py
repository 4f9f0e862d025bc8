"""What real runs leave behind: outcome, reason, tries, connectors, and what these are told."""

from __future__ import annotations

import json

from dativo.home import Home
from dativo.state.owner import this_process
from dativo.state.places import open_home_store
from dativo.state.store import StateKey


def reports(project, tenant="_", job="users"):
    runs = project.directory / ".dativo" / "tenants" / tenant / "runs" / job
    return [json.loads((run / "report.json").read_text()) for run in sorted(runs.iterdir())]


def test_a_run_that_goes_well(project):
    assert project.dativo("run", project.job([{"records": 5}, {"state": {"n": 5}}])).returncode == 0
    [report] = reports(project)
    assert (report["outcome"], report["reason"], report["exit_code"]) == ("succeeded", None, 0)
    assert report["streams"]["users"]["read"] == 5
    assert report["state"]["moved"]
    assert [each["role"] for each in report["connectors"]] == ["tap", "target"]
    assert [each["exit"] for each in report["connectors"]] == [0, 0]
    assert report["connectors"][0]["version"] == "1.2.3"
    assert [each["outcome"] for each in report["attempts"]] == ["succeeded"]
    assert report["seconds"] >= report["attempts"][0]["seconds"] > 0
    assert report["runner_cpu_seconds"] > 0
    assert report["enforcement"]["memory"] in {"cgroup", "watch"}
    assert report["enforcement"]["open_files"] == "rlimit"


def test_a_run_that_fails_says_the_same_as_the_terminal(project):
    done = project.dativo("run", project.job([{"records": 1}, {"exit": 3}]), "--no-retry")
    [report] = reports(project)
    assert done.returncode == report["exit_code"] == 1
    assert report["outcome"] == "failed"
    assert report["reason"] in done.stderr
    assert report["connectors"][0]["exit"] == 3


def test_every_try_is_told(project):
    retries = {"attempts": 2, "delay": 0, "jitter": False}
    done = project.dativo("run", project.job([{"exit": 3}], retries=retries))
    assert done.returncode != 0
    [report] = reports(project)
    assert [each["number"] for each in report["attempts"]] == [1, 2]
    assert {each["outcome"] for each in report["attempts"]} == {"failed"}


def test_a_secret_of_the_job_stands_in_no_file_of_its_run(project):
    secret = "pl4nted-s3cret"
    project.environ["API_KEY"] = secret
    steps = [{"log": f"using {secret}"}, {"exit": 3}]
    job = project.job(steps, source={"config": {"steps": steps, "api_key": "${API_KEY}"}})
    done = project.dativo("run", job, "--no-retry")
    assert done.returncode == 1
    files = [path for path in (project.directory / ".dativo").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"report.json", "log.jsonl", "summary.txt"}
    assert [path for path in files if secret in path.read_text(errors="replace")] == []
    assert {path.stat().st_mode & 0o077 for path in files if "runs" in path.parts} == {0}


def test_a_broken_watcher_changes_neither_result_nor_exit_code(project):
    (project.directory / "dativo.yaml").write_text("version: 1\nobserve: {prometheus: {textfile: nowhere}}\n")
    done = project.dativo("run", project.job([{"records": 2}]))
    assert done.returncode == 0
    assert "users: WARNING: Textfile has stopped watching: FileNotFoundError" in done.stderr
    assert len(project.records()) == 2


def test_connectors_are_told_their_run_and_trace(project):
    project.environ["TRACEPARENT"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    show = project.directory / "tap.sh"
    show.write_text('#!/bin/sh\necho "$DATIVO_RUN $TRACEPARENT" >&2\n')
    show.chmod(0o755)
    text = project.registry.read_text()
    tap = next(line for line in text.splitlines() if line.strip().endswith("tap_steps.py"))
    project.registry.write_text(text.replace(tap.split(": ")[1], str(show)))
    project.dativo("run", project.job([]), "--no-retry")
    [report] = reports(project)
    log = project.dativo("runs", "logs", "users", "--side", "tap-steps", cwd=project.directory).stdout
    run, trace = log.splitlines()[0].rsplit("| ", 1)[1].split()
    assert run == report["run"]
    version, trace_id, span, flags = trace.split("-")
    assert (version, trace_id, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"


def test_two_tenants_leave_separate_files(project):
    for tenant in ("acme", "beta"):
        assert project.dativo("run", project.job([{"records": 1}], tenant=tenant)).returncode == 0
    [acme], [beta] = reports(project, "acme"), reports(project, "beta")
    assert (acme["tenant"], beta["tenant"]) == ("acme", "beta")
    assert acme["run"] != beta["run"]


def test_a_run_that_loads_nothing_is_kept_and_nobody_is_told(project, receiver):
    (project.directory / "dativo.yaml").write_text(
        "version: 1\nobserve: {openlineage: {file: lineage.jsonl}}\n"
    )
    told = [{"webhook": receiver.url, "on": ["success", "failure"]}]
    job = project.job([{"records": 2}], notifications=told)
    assert project.dativo("run", job, "--dry-run").returncode == 0
    assert [report["outcome"] for report in reports(project)] == ["succeeded"]
    assert receiver.requests == []
    assert not (project.directory / "lineage.jsonl").exists()
    assert project.dativo("run", job).returncode == 0
    assert len(receiver.requests) == 1


def test_a_run_that_cannot_start_is_kept_and_told(project, receiver):
    """A password that has gone is as much a failure at night as a source that has."""
    told = [
        {"webhook": receiver.url, "on": ["failure"]},
        {"webhook": receiver.url, "headers": {"X-Key": "${secret:webhook}"}},
    ]
    job = project.job(
        [{"touch": "started"}], source={"config": {"api_key": "${secret:key}"}}, notifications=told
    )
    done = project.dativo("run", job)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("dativo: no secret key (looked in ")
    [report] = reports(project)
    assert (report["outcome"], report["exit_code"]) == ("failed", 1)
    assert report["reason"].startswith("no secret key (looked in ")
    [(_, _, body)] = receiver.requests
    assert json.loads(body)["reason"] == report["reason"]
    assert "notifications: no secret webhook" in done.stderr


def test_a_state_that_is_damaged_is_told_and_one_that_is_held_is_not(project, receiver):
    told = [{"webhook": receiver.url}]
    job = project.job([{"records": 1}], notifications=told)
    state = project.directory / ".dativo/tenants/_/state/users/state.json"
    state.parent.mkdir(parents=True)
    state.write_text("{")
    assert project.dativo("run", job).returncode == 1
    assert len(receiver.requests) == 1
    state.unlink()
    key, store = StateKey(None, "users"), open_home_store(Home(project.directory / ".dativo"))
    with store.lock(key, this_process("20260131T120000Z-1f2e3d")):
        assert project.dativo("run", job).returncode == 75
    assert (len(receiver.requests), len(reports(project))) == (1, 1)
