"""Options of `dativo run`, and several jobs in one call."""

from __future__ import annotations

import json

STORED = ".dativo/tenants/_/state/{}/state.json"


def seen(project, name="seen.json"):
    return json.loads((project.directory / name).read_text())


def test_full_refresh_begins_without_the_state_and_ends_with_a_new_one(project):
    assert project.dativo("run", project.job([{"records": 1}, {"state": {"n": 1}}])).returncode == 0
    config = {"steps": [{"records": 1}, {"state": {"n": 2}}], "seen": "seen.json"}
    job = project.job([], source={"config": config})
    assert project.dativo("run", "--full-refresh", job).returncode == 0
    assert seen(project)["state"] is None
    assert project.state() == {"n": 2}
    project.dativo("run", job)
    assert json.loads(seen(project)["state"]) == {"n": 2}


def test_the_next_try_of_a_full_refresh_goes_on_from_what_it_has_loaded(project):
    config = {
        "steps": [
            {"records": 1},
            {"state": {"n": 7}},
            {"wait_for_text": STORED.format("users"), "text": '"n": 7'},
            {"exit_unless": "well"},
        ],
        "seen": "seen.json",
    }
    job = project.job([], source={"config": config}, retries={"attempts": 2, "delay": "10ms"})
    done = project.dativo("run", "--full-refresh", job)
    assert done.returncode == 0, done.stderr
    assert json.loads(seen(project)["state"]) == {"n": 7}


def test_a_suffix_is_a_state_of_its_own(project):
    job = project.job([{"records": 1}, {"state": {"n": 1}}])
    assert project.dativo("run", "--state-id-suffix", "dev", job).returncode == 0
    assert project.state() is None
    assert (project.directory / STORED.format("users+dev")).exists()


def test_select_takes_the_place_of_the_jobs(project):
    source = {"config": {"steps": [], "seen": "seen.json"}, "select": ["users.*"]}
    job = project.job([], source=source)
    assert project.dativo("run", "--select", "orders.*", job).returncode == 0
    selected = [
        stream["tap_stream_id"]
        for stream in seen(project)["catalog"]["streams"]
        for entry in stream["metadata"]
        if not entry["breadcrumb"] and entry["metadata"].get("selected")
    ]
    assert selected == ["orders"]


def test_who_waits_runs_when_the_other_has_ended(project):
    job = project.job([{"touch": "started"}, {"wait_for": "go"}])
    first = project.start("run", job)
    project.wait_until((project.directory / "started").exists)
    refused = project.dativo("run", job)
    assert refused.returncode == 75
    second = project.start("run", "--wait", "5m", job)
    (project.directory / "go").touch()
    assert first.wait(60) == 0
    assert second.wait(60) == 0
    for run in (first, second):
        run.communicate()


def test_several_jobs_run_at_once_and_the_worst_code_is_that_of_all(project):
    jobs = [
        project.job([{"touch": "a"}, {"wait_for": "b"}, {"log": "both are here"}], name="one", tenant="x"),
        project.job([{"touch": "b"}, {"wait_for": "a"}, {"exit": 1}], name="two", tenant="y"),
    ]
    done = project.dativo("run", "--parallel", "2", *jobs)
    assert done.returncode == 1
    assert "y/two failed: tap-steps exited with code 1 and gave no reason\n" in done.stdout
    assert "x/one: done in" in done.stdout
    outcomes = {tuple(line.split()[:2]) for line in done.stdout.splitlines()[-2:]}
    assert outcomes == {("x/one", "succeeded"), ("y/two", "failed")}
    assert "x/one | tap-steps    | both are here" in done.stderr


def test_a_stop_reaches_all_of_them(project):
    jobs = [
        project.job([{"touch": name}, {"records": 1}, {"sleep": 300}], name=name) for name in ("one", "two")
    ]
    run = project.start("run", "--parallel", "2", *jobs)
    taps = [project.directory / name for name in ("one", "two")]
    project.wait_until(lambda: all(tap.exists() and tap.read_text() for tap in taps))
    run.terminate()
    stdout, _ = run.communicate(timeout=60)
    assert run.returncode == 143
    assert stdout.count("stopped") >= 2
    assert not any(project.is_alive(int(tap.read_text())) for tap in taps)


def test_every_job_of_the_project_without_a_name(project):
    (project.directory / "dativo.yaml").write_text('version: 1\njobs: ["*.job.yaml"]\n')
    for name in ("one", "two"):
        project.job([{"records": 1}], name=name).rename(project.directory / f"{name}.job.yaml")
    done = project.dativo("run", cwd=project.directory)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[-2:]] == ["one", "two"]


def test_what_is_wrong_with_one_keeps_all_from_running(project):
    good = project.job([{"touch": "ran"}], name="good")
    bad = project.job([], name="bad", target={"connector": "target-gone"})
    done = project.dativo("run", good, bad)
    assert done.returncode == 1
    assert "target-gone" in done.stderr
    assert not (project.directory / "ran").exists()
