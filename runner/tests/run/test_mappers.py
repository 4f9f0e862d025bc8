"""Connectors between tap and target."""

from __future__ import annotations

import json

import pytest

STATE = ".dativo/tenants/_/state/users/state.json"


def mapped(project, *configs, steps=None, **changes):
    steps = steps or [{"records": 3}, {"state": {"n": 3}}]
    mappers = [{"connector": "mapper-lines", "config": config} for config in configs]
    return project.dativo("run", project.job(steps, mappers=mappers, **changes))


def test_records_pass_all_of_them_in_their_order(project):
    done = mapped(project, {"word": "-a"}, {"word": "-b"})
    assert done.returncode == 0, done.stderr
    names = [json.loads(line)["name"] for line in (project.loaded / "users.jsonl").read_text().splitlines()]
    assert names == ["ü-a-b"] * 3
    assert project.state() == {"n": 3}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"exit_at": 2, "code": 4}, "mapper-lines exited with code 4 and gave no reason"),
        ({"exit_at": 2}, "mapper-lines exited with code 0 before the end of its input"),
        ({"kill_at": 2}, "mapper-lines was ended by SIGKILL and gave no reason"),
    ],
)
def test_one_that_fails_is_the_cause_and_nothing_more_is_published(project, config, reason):
    target = {"config": {"path": "loaded", "touch_at_end_of_input": "saw-the-end"}}
    done = mapped(project, config, steps=[{"records": 3}, {"sleep": 300}], target=target)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert not (project.directory / "saw-the-end").exists()
    assert project.records() == []


def test_the_second_of_the_same_name_is_named_apart(project):
    done = mapped(project, {}, {"exit_at": 2, "code": 4})
    assert "mapper-lines#2 exited with code 4" in done.stderr.splitlines()[-1]


def test_a_tap_that_fails_is_the_cause_whatever_stands_behind_it(project):
    steps = [{"records": 3}, {"state": {"n": 3}}, {"wait_for": STATE}, {"records": 2}, {"exit": 5}]
    done = mapped(project, {}, {}, steps=steps)
    assert (
        done.stderr.splitlines()[-1]
        == "dativo: users failed: tap-steps exited with code 5 and gave no reason"
    )
    assert project.records() == [1, 2, 3]
    assert project.state() == {"n": 3}


def test_a_target_that_fails_ends_all_before_it(project):
    steps = [{"touch": "tap.pid"}, {"records": 10}, {"sleep": 300}]
    done = mapped(project, {}, {}, steps=steps, target={"config": {"path": "loaded", "fail_at": 4}})
    assert "target-lines exited with code 1: the disk is full" in done.stderr.splitlines()[-1]
    assert not project.is_alive(int((project.directory / "tap.pid").read_text()))
