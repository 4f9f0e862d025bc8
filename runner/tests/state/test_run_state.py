"""The state of one run: written when it is due, kept when it ends, and refused when the hold is lost."""

from __future__ import annotations

import pytest
from dativo.errors import StateBusy, StateConflict, StateDamaged
from dativo.home import Home
from dativo.state.local import LocalStore
from dativo.state.owner import this_process
from dativo.state.parts import part_key, parts_of, taken_apart
from dativo.state.places import open_home_store
from dativo.state.run_state import RunState, held_state
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")
A, B = part_key(KEY, "a"), part_key(KEY, "b")


@pytest.fixture
def store(tmp_path):
    return open_home_store(Home(tmp_path / ".dativo"))


@pytest.fixture
def far(store, monkeypatch):
    """A store that wants ten seconds between two writes, and a clock that is set by hand."""
    clock = [1000.0]
    monkeypatch.setattr(LocalStore, "pace", 10.0)
    monkeypatch.setattr("dativo.state.run_state.time.monotonic", lambda: clock[0])
    return clock


def seq_of(store, key=KEY):
    stored = store.read(key)
    return stored.seq if stored else 0


def test_nothing_to_start_from(store):
    with held_state(store, KEY, "r1") as state:
        assert state.stored is None
        assert state.read() is None
        assert state.read_joined() is None
        assert state.place == store.place(KEY)
    assert store.read(KEY) is None
    assert store.versions(KEY) == []


def test_a_store_that_is_near_has_every_state_at_once(store):
    with held_state(store, KEY, "r1") as state:
        for number in (1, 2, 3):
            state.write(f'{{"n": {number}}}')
            assert store.read(KEY) == state.stored
            assert (state.stored.seq, state.stored.run) == (number, "r1")
    assert [(each.seq, each.reason) for each in store.versions(KEY)] == [(3, "run")]


def test_a_store_that_is_far_away_has_the_first_and_then_what_is_due(store, far):
    with held_state(store, KEY, "r1") as state:
        state.write("{}")
        assert seq_of(store) == 1
        far[0] += 9.9
        state.write('{"n": 2}')
        assert (seq_of(store), state.stored.seq) == (1, 1)
        far[0] += 0.1
        state.tick()
        assert (seq_of(store), state.stored.text) == (2, '{"n": 2}')
        far[0] += 20
        state.tick()
        assert seq_of(store) == 2
        state.write('{"n": 3}')
        assert seq_of(store) == 3
        state.write('{"n": 4}')
        state.flush()
        state.flush()
        assert seq_of(store) == 4
        state.write('{"n": 5}')
        state.write('{"n": 6}')
    assert (seq_of(store), store.read(KEY).text) == (5, '{"n": 6}')


@pytest.mark.parametrize("ask", [RunState.read, RunState.read_joined])
def test_who_reads_sees_what_waits(store, far, ask):
    with held_state(store, KEY, "r1") as state:
        state.write("{}")
        state.write('{"n": 2}')
        assert ask(state) == '{"n": 2}'
        assert seq_of(store) == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_run_that_fails_keeps_what_waits_and_its_own_error(store, far, error):
    def run():
        with held_state(store, KEY, "r1") as state:
            state.write("{}")
            state.write('{"n": 2}')
            raise error

    with pytest.raises(error):
        run()
    assert store.read(KEY).text == store.version(KEY, 2) == '{"n": 2}'


def test_what_went_wrong_first_counts_when_the_state_cannot_be_kept_either(store, far):
    def run():
        with held_state(store, KEY, "r1") as state:
            state.write("{}")
            state.write('{"n": 2}')
            state.held.path.unlink()
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        run()
    assert store.read(KEY).text == "{}"


def test_a_run_whose_hold_is_lost_stores_nothing_more(store):
    def run():
        with held_state(store, KEY, "r1") as state:
            state.write("{}")
            state.held.path.unlink()
            state.write('{"n": 2}')

    with pytest.raises(StateConflict, match="removed the lock"):
        run()
    assert store.read(KEY).text == "{}"


def test_a_state_that_somebody_else_has_stored_is_not_overwritten(store):
    def run():
        with held_state(store, KEY, "r1") as state:
            state.write("{}")
            store.write(KEY, '{"n": 9}', run="r2", after=state.stored)
            state.write('{"n": 2}')

    with pytest.raises(StateConflict) as caught:
        run()
    assert str(caught.value) == f"{store.place(KEY)}: another process has stored a state meanwhile: run again"
    assert store.read(KEY).text == '{"n": 9}'


def test_a_run_that_ends_as_it_began_leaves_no_history(store):
    store.write(KEY, "{}", run="r1", after=None)
    with held_state(store, KEY, "r2") as state:
        assert state.read() == "{}"
        state.write('{"n": 1}')
        state.write("{}")
    assert store.versions(KEY) == []
    assert (seq_of(store), store.read(KEY).run) == (3, "r2")


def test_one_run_at_a_time(store):
    with held_state(store, KEY, "r1"), pytest.raises(StateBusy, match="by run r1 "):
        held_state(store, KEY, "r2").__enter__()
    with held_state(store, KEY, "r2") as state:
        assert state.held.fd > 2


def test_a_damaged_state_stops_the_run_and_lets_go_of_it(store, owner):
    store.write(KEY, "{}", run="r", after=None)
    store.layout.state(KEY).write_bytes(b"")
    with pytest.raises(StateDamaged, match="it is empty"):
        held_state(store, KEY, "r1").__enter__()
    with store.lock(KEY, owner):
        pass


# --- in parts


def test_the_hold_of_the_whole_is_that_of_its_parts(store):
    with held_state(store, KEY, "r1") as state:
        part = state.part("a")
        assert part.held is state.held
        assert part.place == store.place(A)
        part.write('{"bookmarks": {"a": 1}}')
        assert (store.read(A).run, store.read(KEY)) == ("r1", None)
        state.held.path.unlink()
        with pytest.raises(StateConflict):
            part.write('{"bookmarks": {"a": 2}}')
    assert seq_of(store, A) == 1


def test_a_part_is_kept_in_a_history_of_its_own(store):
    with held_state(store, KEY, "r1") as state:
        part = state.part("a")
        before = part.read()
        part.write("{}")
        part.keep(before)
        part.keep("{}")
    assert [(each.seq, each.run) for each in store.versions(A)] == [(1, "r1")]
    assert store.versions(KEY) == []


def test_the_whole_is_put_together_and_stays_taken_apart(store):
    with held_state(store, KEY, "r1") as state:
        state.write(taken_apart('{"bookmarks": {"a": 1, "b": 1}}', ["a", "b"]))
        for stream in ("a", "b"):
            state.part(stream).write(f'{{"bookmarks": {{"{stream}": 2}}}}')
        assert state.read_joined() == '{"bookmarks": {"a": 2, "b": 2}}'
        assert seq_of(store) == 1
        state.sum_up_parts()
        assert state.stored == store.read(KEY)
        assert (state.stored.seq, parts_of(state.stored.text)) == (2, ("a", "b"))
        state.sum_up_parts()
        assert seq_of(store) == 2
        state.write("{}")
    assert [each.seq for each in store.versions(KEY)] == [3]


def test_what_waits_is_summed_up_too(store, far):
    with held_state(store, KEY, "r1") as state:
        state.write("{}")
        state.write(taken_apart('{"bookmarks": {"a": 1}}', ["a"]))
        state.part("a").write('{"bookmarks": {"a": 2}}')
        state.sum_up_parts()
        assert store.read(KEY).text == '{"bookmarks": {"a": 2}, "dativo_parts": ["a"]}'


def test_parts_are_put_aside_with_their_histories(store):
    other = part_key(StateKey("acme", "users", "dev"), "a")
    store.write(other, "{}", run="r", after=None)
    with held_state(store, KEY, "r1") as state:
        state.write(taken_apart("{}", ["a", "b"]))
        for stream in ("a", "b"):
            state.part(stream).write("{}")
        state.put_parts_aside()
    assert list(store.keys("acme")) == [KEY, other]
    assert [store.version(key, 1) for key in (A, B)] == ["{}", "{}"]


def test_the_owner_of_the_hold_is_the_run(store):
    with held_state(store, KEY, "r1"), pytest.raises(StateBusy) as caught:
        store.lock(KEY, this_process("r2"), 0.0).__enter__()
    assert "by run r1 (host " in str(caught.value)
