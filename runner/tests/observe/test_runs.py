"""The runs of a project: listed, shown, read, cleaned; and who was killed is known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from dativo.home import Home
from dativo.observe.runs import all_runs, begin_run, keep_newest, runs_of

GOOD = [{"log": "begun"}, {"records": 5}, {"state": {"n": 5}}]


def in_project(project, *arguments):
    return project.dativo("runs", *arguments, cwd=project.directory)


def test_runs_are_listed_shown_and_read(project):
    assert project.dativo("run", project.job(GOOD)).returncode == 0
    assert project.dativo("run", project.job([{"log": "again"}, {"exit": 3}]), "--no-retry").returncode == 1
    _head, first, second = in_project(project, "list").stdout.splitlines()
    assert first.split()[1:3] == ["users", "succeeded"]
    assert second.split()[1:3] == ["users", "failed"]
    assert "tap-steps exited with code 3" in second
    shown = in_project(project, "show", "users").stdout
    assert shown.startswith("users failed in ")
    report = json.loads(in_project(project, "show", first.split()[0], "--json").stdout)
    assert (report["outcome"], report["streams"]["users"]["read"], report["state"]["moved"]) == (
        "succeeded",
        5,
        True,
    )
    assert report["connectors"][0]["name"] == "tap-steps"
    assert " tap-steps | again" in in_project(project, "logs", "users").stdout
    assert " tap-steps | begun" in in_project(project, "logs", "users", "--last", "2").stdout
    assert "again" not in in_project(project, "logs", "users", "--side", "target-lines").stdout


def test_what_is_not_there_is_said(project):
    done = in_project(project, "show", "users")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: users: there are 0 runs of it here: dativo runs list\n",
    )
    assert in_project(project, "list").stdout == "run  job  outcome  seconds  records  reason\n"


def test_old_runs_are_cleaned_and_newest_kept(project):
    for _ in range(3):
        assert project.dativo("run", project.job([{"records": 1}])).returncode == 0
    assert in_project(project, "clean", "--keep", "1").stdout == "2 runs removed\n"
    assert len(in_project(project, "list").stdout.splitlines()) == 2


def test_a_run_whose_process_is_gone_was_killed(tmp_path):
    home = Home(tmp_path)
    begin_run(home, "acme", "users", "20261124T000000Z-000001", began=time.time())
    script = (
        "import sys, time; from pathlib import Path; from dativo.home import Home\n"
        "from dativo.observe.runs import begin_run\n"
        "begin_run(Home(Path(sys.argv[1])), 'acme', 'users', '20261124T000000Z-000002', began=time.time())"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)
    assert [run.outcome for run in runs_of(home, "acme", "users")] == ["running", "killed"]
    assert keep_newest(home, "acme", "users", 0) == ["20261124T000000Z-000002"]
    assert [run.name for run in all_runs(home)] == ["20261124T000000Z-000001"]


def test_a_number_that_another_process_has_now_is_not_the_run(tmp_path):
    home = Home(tmp_path)
    directory = begin_run(home, None, "users", "20261124T000000Z-000001", began=time.time())
    said = json.loads((directory / "run.json").read_text())
    assert said["pid"] == os.getpid()
    (directory / "run.json").write_text(json.dumps(said | {"process_started": "1"}))
    assert [run.outcome for run in runs_of(home, None, "users")] == ["killed"]


def test_jobs_of_two_tenants_are_told_apart(project):
    for tenant in ("acme", "beta"):
        assert project.dativo("run", project.job(GOOD, tenant=tenant)).returncode == 0
    done = in_project(project, "show", "users")
    assert "is a job of several tenants: name one of acme/users, beta/users" in done.stderr
    assert in_project(project, "show", "beta/users").stdout.startswith("beta/users succeeded")
