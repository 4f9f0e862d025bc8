"""Ctrl-C, SIGTERM and worse: both sides end, nothing unfinished is published, nothing private stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

STEPS = [{"records": 3}, {"state": {"n": 3}}, {"records": 2}, {"touch": "tap"}, {"sleep": 300}]


@pytest.fixture
def running(project):
    """A run whose target has published one state and whose tap is in the middle of something long."""

    def start(*, steps=STEPS, target=None, arguments=()):
        job = project.job(steps, target={"config": {"path": "loaded", **(target or {})}})
        run = project.start("run", job, *arguments)
        project.wait_until(lambda: (project.directory / "tap").exists() and project.state() == {"n": 3})
        return run

    return start


def connectors(project):
    return [int((project.directory / "tap").read_text()), int((project.loaded / "started").read_text())]


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_the_process_group_ends_both_sides(project, running, signum, code):
    run = running()
    os.killpg(run.pid, signum)
    stdout, stderr = run.communicate(timeout=20)
    assert run.returncode == code
    assert stderr.splitlines()[-1] == f"dativo: users was stopped by {signum.name}"
    assert stdout == ""
    assert not any(project.is_alive(pid) for pid in connectors(project))
    assert project.records() == [1, 2, 3]
    assert project.state() == {"n": 3}
    assert project.private_files == []


def test_a_tap_that_exits_with_0_when_stopped_does_not_make_the_run_a_success(project, running):
    steps = [*STEPS[:-1], {"stop_politely": True}]
    run = running(steps=steps)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == 130
    assert project.records() == [1, 2, 3]


def test_whoever_does_not_stop_is_killed_after_the_grace(project, running):
    run = running(
        steps=[{"ignore_sigterm": True}, *STEPS],
        target={"on_sigterm": "ignore"},
        arguments=("--grace-seconds", "0.5"),
    )
    began = time.monotonic()
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=20)
    assert run.returncode == 143
    assert 0.4 < time.monotonic() - began < 10
    assert not any(project.is_alive(pid) for pid in connectors(project))
    assert project.records() == [1, 2, 3]


def test_a_second_signal_does_not_wait(project, running):
    run = running(steps=[{"ignore_sigterm": True}, *STEPS], target={"on_sigterm": "ignore"})
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.poll() is None
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == 130
    assert time.monotonic() - began < 10
    assert not any(project.is_alive(pid) for pid in connectors(project))


def test_connectors_do_not_outlive_a_runner_that_is_killed(project, running):
    run = running()
    pids = connectors(project)
    run.kill()
    run.communicate()
    project.wait_until(lambda: not any(project.is_alive(pid) for pid in pids))
    assert project.records() == [1, 2, 3]
    assert project.state() == {"n": 3}


def test_the_run_after_a_killed_one_works_and_removes_its_private_files(project, running):
    run = running()
    pids = connectors(project)
    run.kill()
    run.communicate()
    assert len(project.private_files) == 1
    project.wait_until(lambda: not any(project.is_alive(pid) for pid in pids))
    assert project.dativo("run", project.job([{"records": 1}, {"state": {"n": 4}}])).returncode == 0
    assert project.state() == {"n": 4}
    assert project.private_files == []


def test_a_signal_during_discovery_ends_the_tap(project):
    tap = project.directory / "slow"
    tap.write_text("#!/bin/sh\necho $$ > tap\nexec sleep 300\n")
    tap.chmod(0o755)
    line = next(line for line in project.registry.read_text().splitlines() if "tap_steps.py" in line)
    project.registry.write_text(project.registry.read_text().replace(line, "  executable: ./slow"))
    pid = project.directory / "tap"
    run = project.start("discover", project.job([]))
    project.wait_until(lambda: pid.exists() and pid.read_text().strip())
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == 130
    project.wait_until(lambda: not project.is_alive(int(pid.read_text())))
    assert project.private_files == []


def test_a_terminal_that_goes_away_does_not_break_the_load(project):
    reading, writing = os.pipe()
    job = project.job(
        [{"log": "one"}, {"wait_for": "go"}, {"log": "two"}, {"records": 2}, {"state": {"n": 2}}]
    )
    run = project.start("run", job, stderr=writing)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    (project.directory / "go").touch()
    run.communicate(timeout=20)
    assert run.returncode == 0
    assert project.records() == [1, 2]


def test_a_hangup_that_is_ignored_stays_ignored(project):
    job = project.job([{"touch": "tap"}, {"wait_for": "go"}, {"records": 1}])
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = project.start("run", job)
    finally:
        signal.signal(signal.SIGHUP, before)
    project.wait_until((project.directory / "tap").exists)
    run.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    (project.directory / "go").touch()
    run.communicate(timeout=20)
    assert run.returncode == 0
    assert Path(project.loaded / "users.jsonl").exists()
