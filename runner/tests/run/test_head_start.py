"""A tap that is started with the stored state, while the target is being asked what the destination holds."""

from __future__ import annotations

import json
import signal

import pytest
import yaml

from runner.tests.run.shop import Shop


@pytest.fixture(params=["asked", "at its gate"])
def shop(request, project):
    """Jobs of a tap of our own kind, and of a target that can tell where it stands, in either way."""
    gate = ["recover-gate"] if request.param == "at its gate" else []
    return Shop(project, ["about", "recover", *gate])


def load(records, to):
    return [{"records": records}, {"state": {"at": to}}]


def test_the_stored_state_is_the_right_one(shop):
    """The target answers only after the tap has run to its end, so the tap cannot have waited for it."""
    shop.has_run_to({"at": 1})
    ended = shop.path("tap-ended")
    steps = [{"if_started_with": {"at": 1}, "steps": [*load(2, 2), {"touch": str(ended)}]}, {"exit": 9}]
    done = shop.project.dativo("run", shop.job(steps, state='{"at": 1}', wait_for=ended))
    assert done.returncode == 0, done.stderr
    assert shop.project.records() == [1, 1, 2]
    assert shop.project.state() == {"at": 2}


def test_the_first_run_has_no_state_on_either_side(shop):
    ended = shop.path("tap-ended")
    steps = [{"if_started_with": None, "steps": [*load(2, 1), {"touch": str(ended)}]}, {"exit": 9}]
    done = shop.project.dativo("run", shop.job(steps, wait_for=ended))
    assert done.returncode == 0, done.stderr
    assert shop.project.records() == [1, 2]


def test_nothing_arrives_of_a_tap_that_was_started_wrongly(shop):
    """It has filled the pipe by then, and is in the middle of a write."""
    shop.has_run_to({"at": 1})
    full = shop.path("pipe-is-full")
    steps = [{"if_started_with": {"at": 1}, "steps": [{"fill_pipe": str(full)}]}, *load(2, 8)]
    done = shop.project.dativo("run", shop.job(steps, state='{"at": 7}', wait_for=full))
    assert done.returncode == 0, done.stderr
    assert "going on from the state that the destination holds" in done.stderr
    assert shop.project.records() == [1, 1, 2]
    assert shop.project.state() == {"at": 8}
    assert not shop.project.is_alive(int(full.read_text()))


@pytest.mark.parametrize("code", [0, 1])
def test_how_a_wrongly_started_tap_has_ended_does_not_count(shop, code):
    shop.has_run_to({"at": 1})
    ended = shop.path("tap-ended")
    wrong = [*load(3, 5), {"touch": str(ended)}, {"exit": code}]
    steps = [{"if_started_with": {"at": 1}, "steps": wrong}, *load(1, 8)]
    done = shop.project.dativo("run", shop.job(steps, state='{"at": 7}', wait_for=ended))
    assert done.returncode == 0, done.stderr
    assert shop.project.records() == [1, 1]
    assert shop.project.state() == {"at": 8}


def test_a_destination_that_is_to_be_loaded_anew_beats_the_stored_state(shop):
    shop.has_run_to({"at": 1})
    steps = [{"if_started_with": {"at": 1}, "steps": [{"sleep": 300}]}, *load(2, 8)]
    done = shop.project.dativo("run", shop.job(steps, state="{}"))
    assert done.returncode == 0, done.stderr
    assert "loaded anew" in done.stderr
    assert shop.project.records() == [1, 1, 2]


def test_a_tap_that_is_started_anew_has_discovered_anew(shop):
    shop.has_run_to({"at": 1})
    seen = shop.path("seen")
    job = shop.job(load(2, 8), state='{"at": 7}')
    document = yaml.safe_load(job.read_text())
    document["source"].update(select=["users"])
    document["source"]["config"]["seen"] = str(seen)
    job.write_text(yaml.safe_dump(document))
    done = shop.project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    given = json.loads(seen.read_text())
    assert json.loads(given["state"]) == {"at": 7}
    selected = {
        each["stream"]: each["metadata"][0]["metadata"]["selected"] for each in given["catalog"]["streams"]
    }
    assert selected == {"users": True, "orders": False}
    assert shop.project.records() == [1, 1, 2]


@pytest.mark.parametrize("facts", [{"engine": "singer"}, {"capabilities": ["state", "log-based"]}])
def test_a_tap_that_starting_may_cost_something_waits_for_the_answer(shop, facts):
    shop.change("tap-steps", **facts)
    shop.has_run_to({"at": 1})
    began = shop.path("tap-began")
    steps = [{"if_started_with": {"at": 7}, "steps": load(2, 8)}, {"touch": str(began)}, {"exit": 9}]
    done = shop.project.dativo("run", shop.job(steps, state='{"at": 7}'))
    assert done.returncode == 0, done.stderr
    assert not began.exists()
    assert shop.project.state() == {"at": 8}


def test_a_target_that_cannot_tell_ends_the_tap(shop):
    full = shop.path("pipe-is-full")
    done = shop.project.dativo("run", shop.job([{"fill_pipe": str(full)}], wait_for=full, code=1))
    assert done.returncode == 1
    assert "--recover` exited with code 1: the ledger cannot be read" in done.stderr
    assert not shop.project.is_alive(int(full.read_text()))
    assert not shop.project.loaded.exists()
    assert shop.project.private_files == []


def test_a_target_that_can_tell_the_second_time_is_asked_again(shop):
    job = shop.job(load(2, 8), fails_without=shop.path("well"))
    document = yaml.safe_load(job.read_text())
    document["retries"] = {"attempts": 2, "delay": "10ms", "jitter": False}
    job.write_text(yaml.safe_dump(document))
    done = shop.project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    assert (
        "users: try 1 failed: `target-lines --recover` exited with code 1: the store does not" in done.stderr
    )
    assert shop.project.records() == [1, 2]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_runner_that_is_stopped_meanwhile_leaves_nobody_behind(shop, signum):
    full, asked = shop.path("pipe-is-full"), shop.path("target-was-asked")
    job = shop.job([{"fill_pipe": str(full)}], touch=asked, wait_for=shop.path("never"))
    runner = shop.project.start("run", job)
    shop.project.wait_until(lambda: all(path.exists() and path.read_text() for path in (full, asked)))
    runner.send_signal(signum)
    runner.communicate(timeout=60)
    assert runner.returncode == (143 if signum == signal.SIGTERM else -9)
    for path in (full, asked):
        pid = int(path.read_text())
        shop.project.wait_until(lambda pid=pid: not shop.project.is_alive(pid))
    assert not shop.project.loaded.exists()
    assert shop.project.state() is None


def test_what_a_target_says_of_its_settings_is_asked_once(shop):
    asked = shop.path("asked")
    shop.project.environ["TARGET_LINES_ASKED"] = str(asked)
    for _ in range(2):
        shop.has_run_to({"at": 1})
    assert asked.read_text() == "asked\n"
