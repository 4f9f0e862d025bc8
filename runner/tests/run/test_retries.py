"""`dativo run` of a job that fails and is tried again."""

from __future__ import annotations

import json

import pytest

QUICK = {"delay": "10ms", "jitter": False}


def flaky(project, *steps):
    """A job whose tap fails as long as the file `well` is missing; it makes it at its first failure."""
    source = {"config": {"steps": list(steps), "seen": "seen.json"}}
    return project.job([], source=source, retries={**QUICK, "attempts": 3})


def test_the_next_try_goes_on_from_the_last_state(project):
    job = flaky(
        project,
        {"records": 3},
        {"state": {"n": 3}},
        {"wait_for": ".dativo/tenants/_/state/users/state.json"},
        {"exit_unless": "well"},
    )
    done = project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    assert (
        "users: try 1 failed: tap-steps exited with code 1 and gave no reason; again in 0.0 s" in done.stderr
    )
    assert json.loads((project.directory / "seen.json").read_text())["state"] == '{"n": 3}'
    assert project.records() == [1, 2, 3, 1, 2, 3]


def test_tries_that_all_fail_are_counted(project):
    done = project.dativo("run", project.job([{"exit": 1}], retries={**QUICK, "attempts": 3}))
    assert done.returncode == 1
    assert done.stderr.count(": try ") == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dativo: users failed after 3 tries (")
    assert last.endswith(" s): tap-steps exited with code 1 and gave no reason")


@pytest.mark.parametrize(
    "step",
    [
        {"exit": 2},
        {"exit": 78},
        {"stderr": "password authentication failed for user x\n", "exit": 1},
        {"stderr": '{"level": "critical", "message": "no", "extra": {"retryable": false}}\n', "exit": 1},
    ],
)
def test_what_is_hopeless_is_not_tried_again(project, step):
    steps = [{key: value} for key, value in step.items()]
    done = project.dativo("run", project.job(steps, retries={**QUICK, "attempts": 3}))
    assert done.returncode == 1
    assert ": try " not in done.stderr


@pytest.mark.parametrize(
    "steps",
    [
        [{"exit": 75}],
        [{"stderr": '{"level": "critical", "message": "no", "extra": {"retryable": true}}\n'}, {"exit": 1}],
    ],
)
def test_what_may_pass_later_says_so_by_its_code(project, steps):
    done = project.dativo("run", project.job(steps, retries={**QUICK, "attempts": 2}))
    assert done.returncode == 75
    assert done.stderr.count(": try ") == 1


def test_a_regular_expression_of_the_job_forbids_another_try(project):
    retries = {**QUICK, "never": ["quota"]}
    job = project.job([{"log": "out of quota", "level": "CRITICAL"}, {"exit": 1}], retries=retries)
    assert ": try " not in project.dativo("run", job).stderr


def test_no_retry_is_one_try(project):
    done = project.dativo("run", "--no-retry", project.job([{"exit": 1}], retries=QUICK))
    assert done.returncode == 1
    assert ": try " not in done.stderr
