"""What every store promises: whole states, one owner, no overwriting unseen, and a past."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing

import psycopg
import pytest
from dativo.errors import StateBusy, StateConflict, StateDamaged, StateError
from dativo.state.databases import Postgres
from dativo.state.run_state import held_state
from dativo.state.sql import TABLES, SqlStore
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")
EXACT = '{"bookmarks": {"users": {"v": 12345678901234567890.10, "s": "ü\\ud83d", "n":1e400}}}'


def test_nothing_stored_is_nothing(store):
    assert store.read(KEY) is None
    assert list(store.keys("acme")) == []
    assert store.versions(KEY) == []


def test_a_state_comes_back_byte_for_byte(store, open_it):
    written = store.write(KEY, EXACT, run="r1", after=None)
    assert written.text == EXACT
    assert (written.seq, written.run) == (1, "r1")
    assert open_it().read(KEY) == written


def test_each_state_counts_one_further(store):
    stored = None
    for number in range(1, 4):
        stored = store.write(KEY, json.dumps({"n": number}), run=f"r{number}", after=stored)
        assert stored.seq == number
    assert store.read(KEY) == stored


def test_who_has_not_seen_the_last_state_does_not_overwrite_it(store, open_it):
    first = store.write(KEY, '{"n": 1}', run="a", after=None)
    second = open_it().write(KEY, '{"n": 2}', run="b", after=first)
    for stale in (first, None):
        with pytest.raises(StateConflict, match="meanwhile"):
            store.write(KEY, '{"n": 3}', run="a", after=stale)
    assert store.read(KEY) == second


def test_a_state_that_has_gone_is_no_ground_to_write_on(store, open_it):
    first = store.write(KEY, '{"n": 1}', run="a", after=None)
    open_it().remove(KEY)
    with pytest.raises(StateConflict):
        store.write(KEY, '{"n": 2}', run="a", after=first)
    assert store.read(KEY) is None


def test_keys_are_apart_and_sorted(store):
    keys = [
        KEY,
        StateKey("acme", "users", "dev"),
        StateKey("acme", "users", None, "a/b #c?"),
        StateKey("acme", "orders"),
        StateKey("beta", "users"),
        StateKey(None, "users"),
    ]
    for number, key in enumerate(keys):
        store.write(key, json.dumps({"n": number}), run="r", after=None)
    for number, key in enumerate(keys):
        assert store.read(key).text == json.dumps({"n": number})
    assert set(store.keys("acme")) == set(keys[:4])
    assert next(iter(store.keys("acme"))) == StateKey("acme", "orders")
    assert list(store.keys("beta")) == [StateKey("beta", "users")]
    assert list(store.keys(None)) == [StateKey(None, "users")]


def test_the_history_holds_what_was_kept_newest_first(store):
    stored = None
    for number in (1, 2, 3):
        stored = store.write(KEY, json.dumps({"n": number}), run=f"r{number}", after=stored)
        if number != 2:
            store.keep(KEY, f"reason {number}")
    store.keep(KEY, "again")
    assert [(each.seq, each.run, each.reason) for each in store.versions(KEY)] == [
        (3, "r3", "reason 3"),
        (1, "r1", "reason 1"),
    ]
    assert store.version(KEY, 1) == '{"n": 1}'
    with pytest.raises(StateError, match=r"no state number 2 \(it holds 3, 1\)"):
        store.version(KEY, 2)


def test_the_history_has_an_end(open_it):
    store = open_it(history=3)
    stored = None
    for number in range(1, 7):
        stored = store.write(KEY, json.dumps({"n": number}), run="r", after=stored)
        store.keep(KEY, "run")
    assert [each.seq for each in store.versions(KEY)] == [6, 5, 4]


def test_a_removed_state_is_in_the_history_and_the_count_goes_on(store):
    stored = store.write(KEY, '{"n": 1}', run="r", after=None)
    store.write(KEY, '{"n": 2}', run="r", after=stored)
    store.remove(KEY)
    assert store.read(KEY) is None
    assert [(each.seq, each.reason) for each in store.versions(KEY)] == [(2, "cleared")]
    assert store.write(KEY, '{"n": 3}', run="r", after=None).seq == 3


def test_what_is_damaged_in_a_bucket_is_put_aside_and_removed(store, owner, url):
    if not url.startswith(("s3:", "gs:", "az:")):
        return  # files: see test_local; databases keep rows whole
    directory = "tenants/acme/state/users"
    store._put(f"{directory}/state.json", b'{"format": "dati', None)
    store._put(f"{directory}/lock.json", b"{", None)
    with pytest.raises(StateDamaged, match="unlock --yes removes it"), store.lock(KEY, owner):
        pass
    assert store.unlock(KEY, force=True)[-1] == "it is removed"
    for _ in range(2):
        with store.lock(KEY, owner):
            store.remove(KEY)
        assert store.read(KEY) is None
        assert store._get(f"{directory}/state.json.damaged")[0] == b'{"format": "dati'
        store._put(f"{directory}/state.json", b'{"format": "dati', None)


def test_a_second_owner_is_told_who_holds_it(store, open_it, owner):
    with store.lock(KEY, owner, 0.0) as held:
        held.alive()
        with pytest.raises(StateBusy) as caught, open_it().lock(KEY, owner, 0.0):
            pass
        assert str(caught.value).startswith(f"acme/users is being run since {owner.since[11:19]} by run ")
        assert f"{owner.run} (host {owner.host}, pid {owner.pid})" in str(caught.value)
        with open_it().lock(StateKey("beta", "users"), owner, 0.0):
            pass
    with open_it().lock(KEY, owner, 0.0) as held:
        held.alive()


def test_a_run_leaves_its_last_state_in_the_history(store):
    for run in ("a", "b", "c"):
        with held_state(store, KEY, run) as state:
            if run != "b":
                state.write(json.dumps({"run": run, "n": 1}))
                state.write(json.dumps({"run": run, "n": 2}))
    assert [(each.seq, each.run, each.reason) for each in store.versions(KEY)] == [
        (4, "c", "run"),
        (2, "a", "run"),
    ]


def test_a_store_that_is_far_away_gets_the_states_that_are_due_and_the_last(store, monkeypatch):
    monkeypatch.setattr(type(store), "pace", 3600.0, raising=False)
    store.__dict__.pop("pace", None)
    with held_state(store, KEY, "a") as state:
        for number in (1, 2, 3):
            state.write(json.dumps({"n": number}))
        assert store.read(KEY).text == '{"n": 1}'
        state.tick()
        assert store.read(KEY).text == '{"n": 1}'
        assert state.read() == '{"n": 3}'
        state.write('{"n": 4}')
    assert store.read(KEY).text == '{"n": 4}'
    assert store.read(KEY).seq == 3


def test_a_run_that_fails_keeps_what_it_has_stored(store):
    def run() -> None:
        with held_state(store, KEY, "a") as state:
            state.write('{"n": 1}')
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert store.read(KEY).text == '{"n": 1}'
    assert store.versions(KEY)[0].run == "a"


def test_two_that_make_the_tables_at_once_do_not_meet(database):
    with closing(Postgres(database).connect()) as first:
        Postgres(database).make_alone(first)
        for statement in TABLES:
            first.execute(statement)
        found = []
        second = threading.Thread(target=lambda: found.append(SqlStore(Postgres(database)).read(KEY)))
        second.start()
        waits = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with closing(psycopg.connect(database, autocommit=True)) as watching:
            until = time.monotonic() + 30
            while watching.execute(waits).fetchone() is None and time.monotonic() < until:
                time.sleep(0.01)
        first.commit()
    second.join(30)
    assert found == [None]


def test_several_servers_are_named_without_the_password():
    name = Postgres("postgresql://me:s3cret@one:5432,two:5433/states").name
    assert name == "postgresql://one:5432,two:5433/states"
