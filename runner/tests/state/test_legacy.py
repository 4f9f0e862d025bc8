"""State files of 0.1 go on where they were left."""

from __future__ import annotations

import fcntl
import json

import pytest
from dativo.errors import StateBusy, StateError
from dativo.home import Home
from dativo.state.places import open_home_store
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")


def old_file(directory, key=KEY, state='{"n": 1.50}'):
    path = directory / f"{key.tenant}/{key.job}.json" if key.tenant else directory / f"{key.job}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"format": "dativo-state", "version": 1, "job": str(key), "updated_at": "2026-01-31T12:00:00Z"}
    path.write_text(json.dumps(head)[:-1] + f', "state": {state}}}\n')
    return path


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path, said):
    home = Home(tmp_path / ".dativo")
    return open_home_store(home, old_states=home.root / "state", say=said.append)


@pytest.fixture
def old_states(tmp_path):
    return tmp_path / ".dativo" / "state"


@pytest.mark.parametrize("key", [KEY, StateKey(None, "users")])
def test_it_is_moved_once_and_said_once(store, old_states, said, owner, key):
    old = old_file(old_states, key)
    old.with_name("users.json.lock").touch()
    for _ in range(2):
        with store.lock(key, owner):
            assert store.read(key).text == '{"n": 1.50}'
    assert not old.exists()
    assert not old.with_name("users.json.lock").exists()
    assert said == [f"the state has moved from {old} to {store.place(key)}"]


def test_jobs_of_other_keys_do_not_take_it(store, old_states, owner):
    old = old_file(old_states)
    for key in (
        StateKey("beta", "users"),
        StateKey("acme", "users", "dev"),
        StateKey("acme", "users", None, "s"),
    ):
        with store.lock(key, owner):
            assert store.read(key) is None
    assert old.exists()


def test_a_move_that_was_killed_halfway_is_completed(store, old_states, said, owner):
    old = old_file(old_states)
    store.write(KEY, '{"n": 1.50}', run="r", after=None)
    with store.lock(KEY, owner):
        pass
    assert not old.exists()
    assert store.read(KEY).seq == 1


def test_two_different_states_are_not_decided_here(store, old_states, said, owner):
    old = old_file(old_states)
    store.write(KEY, '{"n": 2}', run="r", after=None)
    with store.lock(KEY, owner):
        assert store.read(KEY).text == '{"n": 2}'
    assert old.exists()
    assert "is not used any more" in said[0]


def test_a_damaged_one_stays_and_stops_the_run(store, old_states, owner):
    old = old_file(old_states)
    old.write_text("{")
    with pytest.raises(StateError, match="damaged"), store.lock(KEY, owner):
        pass
    assert old.exists()


def test_a_run_of_the_old_dativo_is_waited_for(store, old_states, owner):
    old = old_file(old_states)
    with old.with_name("users.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StateBusy, match="by an older dativo"), store.lock(KEY, owner):
            pass
    assert old.exists()
    with store.lock(KEY, owner):
        assert store.read(KEY).seq == 1
