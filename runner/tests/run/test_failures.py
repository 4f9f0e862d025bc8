"""`dativo run` when a side fails: what is published, what is remembered, what is said."""

from __future__ import annotations

import json
import time

import pytest
from dativo.errors import TRY_AGAIN

STORED = {"wait_for": ".dativo/tenants/_/state/users/state.json"}
TWO_BATCHES = [{"records": 3}, {"state": {"n": 3}}, STORED, {"records": 2}]


def last_line(done):
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (
            [{"log": "INFO before"}, {"log": "no such table", "level": "CRITICAL"}, {"exit": 1}],
            "tap-steps exited with code 1: no such table",
        ),
        (
            [{"log": "first", "level": "ERROR"}, {"log": "second", "level": "ERROR"}, {"exit": 7}],
            "tap-steps exited with code 7: second",
        ),
        (
            [{"log": "the cause", "level": "CRITICAL"}, {"log": "an echo", "level": "ERROR"}, {"exit": 1}],
            "tap-steps exited with code 1: the cause",
        ),
        ([{"crash": "no such column"}], "tap-steps exited with code 1: ValueError: no such column"),
        ([{"kill_self": 9}], "tap-steps was ended by SIGKILL and gave no reason"),
        ([{"exit": 2}], "tap-steps exited with code 2 and gave no reason"),
    ],
)
def test_a_failing_tap_is_named_with_its_code_and_last_words(project, steps, reason):
    done = project.dativo("run", project.job([*TWO_BATCHES, *steps]))
    assert done.returncode == (TRY_AGAIN if "was ended by" in reason else 1)
    assert last_line(done) == f"dativo: users failed: {reason}"
    assert done.stdout == ""


@pytest.mark.parametrize("end", [{"exit": 1}, {"crash": "x"}, {"kill_self": 9}, {"kill_self": 15}])
def test_when_the_tap_fails_the_target_does_not_publish_the_rest(project, end):
    target = {"config": {"path": "loaded", "touch_at_end_of_input": "saw-the-end"}}
    done = project.dativo("run", project.job([*TWO_BATCHES, end], target=target))
    assert done.returncode == (TRY_AGAIN if "kill_self" in end else 1)
    assert project.records() == [1, 2, 3]
    assert project.state() == {"n": 3}
    assert not (project.directory / "saw-the-end").exists()
    assert "target-lines | stopped, the rest is dropped" in done.stderr


def test_a_tap_that_fails_in_the_middle_of_a_line(project):
    job = project.job([*TWO_BATCHES, {"raw": '{"type": "RECORD", "stream": "us'}, {"exit": 1}])
    done = project.dativo("run", job)
    assert last_line(done) == "dativo: users failed: tap-steps exited with code 1 and gave no reason"
    assert project.state() == {"n": 3}
    assert project.records() == [1, 2, 3]


def test_the_next_run_goes_on_from_the_last_state(project):
    project.dativo("run", project.job([*TWO_BATCHES, {"exit": 1}]))
    job = project.job([], source={"config": {"steps": [], "seen": "seen.json"}})
    assert project.dativo("run", job).returncode == 0
    assert json.loads((project.directory / "seen.json").read_text())["state"] == '{"n": 3}'


def test_a_target_that_hangs_after_a_failed_tap_is_killed_and_sees_no_end_of_input(project):
    target = {"config": {"path": "loaded", "on_sigterm": "ignore", "touch_at_end_of_input": "saw-the-end"}}
    began = time.monotonic()
    done = project.dativo(
        "run", project.job([*TWO_BATCHES, {"exit": 1}], target=target), "--grace-seconds", "0.5"
    )
    assert done.returncode == 1
    assert time.monotonic() - began < 10
    assert last_line(done) == "dativo: users failed: tap-steps exited with code 1 and gave no reason"
    assert not (project.directory / "saw-the-end").exists()
    assert project.records() == [1, 2, 3]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"fail_at": 4}, "target-lines exited with code 1: the disk is full"),
        ({"kill_at": 4}, "target-lines was ended by SIGKILL and gave no reason"),
        (
            {"exit_at": 4},
            "target-lines exited with code 0 before the end of its input, so what came later is not loaded "
            "and gave no reason",
        ),
    ],
)
def test_a_failing_target_is_the_cause_and_ends_the_tap(project, config, reason):
    steps = [{"touch": "tap"}, *TWO_BATCHES, {"records": 100_000_000}]
    began = time.monotonic()
    done = project.dativo("run", project.job(steps, target={"config": {"path": "loaded", **config}}))
    assert done.returncode == (TRY_AGAIN if "was ended by" in reason else 1)
    assert last_line(done) == f"dativo: users failed: {reason}"
    assert time.monotonic() - began < 15
    assert not project.is_alive(int((project.directory / "tap").read_text()))
    assert project.records() == [1, 2, 3]
    assert project.state() == {"n": 3}


def test_a_silent_tap_does_not_outlive_its_target(project):
    steps = [{"touch": "tap"}, *TWO_BATCHES, {"sleep": 300}]
    target = {"config": {"path": "loaded", "fail_at": 5}}
    began = time.monotonic()
    done = project.dativo("run", project.job(steps, target=target))
    assert done.returncode == 1
    assert "target-lines exited with code 1: the disk is full" in last_line(done)
    assert time.monotonic() - began < 15


def test_a_silent_tap_that_ignores_sigterm_is_killed(project):
    steps = [{"ignore_sigterm": True}, {"touch": "tap"}, *TWO_BATCHES, {"sleep": 300}]
    target = {"config": {"path": "loaded", "fail_at": 5}}
    done = project.dativo("run", project.job(steps, target=target), "--grace-seconds", "0.5")
    assert "target-lines exited with code 1" in last_line(done)
    project.wait_until(lambda: not project.is_alive(int((project.directory / "tap").read_text())))


def test_a_connector_that_does_not_start(project):
    broken = project.directory / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    tap = next(line for line in project.registry.read_text().splitlines() if "tap_steps.py" in line)
    project.registry.write_text(project.registry.read_text().replace(tap, "  executable: ./broken"))
    done = project.dativo("run", project.job(TWO_BATCHES))
    assert done.returncode == 1
    assert "dativo: tap-steps cannot be started" in last_line(done)
    assert not (project.loaded / "users.jsonl").exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"bookmarks": {}}'])
def test_a_damaged_state_stops_the_run_before_anything_starts(project, content):
    path = project.directory / ".dativo/tenants/_/state/users/state.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = project.dativo("run", project.job(TWO_BATCHES))
    assert done.returncode == 1
    assert "the state is damaged" in done.stderr
    assert path.read_bytes() == content
    assert not project.loaded.exists()


def test_a_state_that_cannot_be_stored_ends_the_run(project):
    path = project.directory / "state.json"
    job = project.job(
        [{"records": 1}, {"touch": "started"}, {"wait_for": "go"}, {"state": {"n": 1}}, {"sleep": 300}],
        state={"path": "state.json"},
    )
    run = project.start("run", job)
    project.wait_until((project.directory / "started").exists)
    path.mkdir()
    (project.directory / "go").touch()
    _, stderr = run.communicate(timeout=30)
    assert run.returncode == 1
    assert stderr.splitlines()[-1] == f"dativo: {path}: the state cannot be read: Is a directory"
    assert not project.is_alive(int((project.directory / "started").read_text()))


def test_a_failing_discovery_says_why(project):
    source = {"config": {"steps": [], "broken_source": True, "api_key": "s3cret"}, "select": ["users"]}
    done = project.dativo("run", project.job([], source=source))
    assert done.returncode == 1
    expected = "`tap-steps --discover` exited with code 1: the source does not answer, key ****"
    assert last_line(done) == f"dativo: users failed: {expected}"


def test_nothing_private_stays_after_a_failure(project):
    project.dativo("run", project.job([{"exit": 1}]))
    assert project.private_files == []


def test_a_target_that_writes_without_end_on_stdout_is_stopped(project):
    target = project.directory / "endless"
    target.write_text("#!/bin/sh\nexec cat /dev/zero\n")
    target.chmod(0o755)
    line = next(line for line in project.registry.read_text().splitlines() if "target_lines.py" in line)
    project.registry.write_text(project.registry.read_text().replace(line, "  executable: ./endless"))
    done = project.dativo("run", project.job(TWO_BATCHES))
    assert done.returncode == 1
    assert (
        "target-lines wrote a line of more than 67,108,864 bytes on stdout, which is no STATE"
        in last_line(done)
    )
