"""Changes by hand: what was before and what is now, in the history and in the audit log."""

from __future__ import annotations

import json

import pytest
from dativo.audit.verify import entries
from dativo.errors import StateBusy, StateDamaged, StateError
from dativo.home import Home
from dativo.jobs.project import find_project
from dativo.state.change import changing, clear, copy, exported, move, rollback, text_of
from dativo.state.envelope import unseal
from dativo.state.locate import Located
from dativo.state.parts import part_key, parts_of, read_joined, taken_apart
from dativo.state.places import open_home_store
from dativo.state.store import StateKey

KEY = StateKey("acme", "users")
OTHER = StateKey("beta", "orders", "dev")
ONE, TWO, THREE = ('{"bookmarks": {"a": 1.50}}', '{"bookmarks": {"a": 2}}', '{"bookmarks": {"a": 3}}')


@pytest.fixture
def place(tmp_path):
    return Located(open_home_store(Home(tmp_path / ".dativo")), KEY, find_project(tmp_path, {}))


@pytest.fixture
def other(place):
    return Located(place.store, OTHER, place.project)


def put(place, text, run="run"):
    stored = place.store.write(place.key, text, run=run, after=place.store.read(place.key))
    place.store.keep(place.key, "run")
    return stored


def history(place):
    return [(each.seq, each.reason) for each in place.store.versions(place.key)]


def noted(place):
    directory = place.project.home.tenant(place.key.tenant).audit
    return [(entry["job"], entry["facts"]["what"]) for entry in entries(directory)]


def damage(place, content=b'{"format": "dati'):
    place.store.layout.state(place.key).write_bytes(content)


# --- one change


def test_the_first_state_is_set(place):
    with changing(place, "set") as change:
        assert change.stored is None
        assert change.text_or(None) is None
        assert change.text_or("{}") == "{}"
        stored = change.put(ONE)
        assert change.stored == stored
        assert change.text == ONE
    assert (stored.text, stored.seq, stored.run) == (ONE, 1, change.run)
    assert place.store.read(KEY) == stored
    assert history(place) == [(1, "set")]
    assert noted(place) == [("acme/users", "set")]


def test_what_was_before_is_kept_under_the_name_of_the_change(place):
    place.store.write(KEY, ONE, run="r1", after=None)
    with changing(place, "set") as change:
        assert change.text == change.text_or("x") == ONE
        change.put(TWO)
        change.put(THREE)
    assert text_of(place) == THREE
    assert history(place) == [(3, "set"), (2, "set"), (1, "before set")]
    assert [each.run for each in place.store.versions(KEY)] == [change.run, change.run, "r1"]
    assert place.store.version(KEY, 1) == ONE


def test_what_a_run_has_kept_already_stays_as_the_run_kept_it(place):
    put(place, ONE)
    with changing(place, "edit") as change:
        change.put(TWO)
    assert history(place) == [(2, "edit"), (1, "run")]


def test_looking_changes_nothing(place):
    put(place, ONE)
    with changing(place, "edit") as change:
        assert change.text == ONE
    assert history(place) == [(1, "run")]
    assert noted(place) == []


def test_nothing_stored_has_no_text(place):
    nothing = f"^acme/users: nothing is stored in {place.store.place(KEY)}$"
    with changing(place, "edit") as change, pytest.raises(StateError, match=nothing):
        _ = change.text
    for ask in (text_of, exported, lambda it: copy(it, it), lambda it: move(it, it)):
        with pytest.raises(StateError, match=nothing):
            ask(place)


def test_a_state_that_is_held_is_not_changed(place, owner):
    put(place, ONE)
    with place.store.lock(KEY, owner):
        for change in (clear, lambda it: rollback(it, None), lambda it: changing(it, "set").__enter__()):
            with pytest.raises(StateBusy, match=r"acme/users is being run since .* by run 20260131T120000Z"):
                change(place)
    assert text_of(place) == ONE
    assert noted(place) == []


def test_a_change_holds_the_state_in_its_own_name(place):
    with changing(place, "set") as change, pytest.raises(StateBusy, match=f"by run {change.run} "):
        changing(place, "set").__enter__()
    with changing(place, "set"):
        pass


def test_a_change_that_cannot_be_noted_is_not_made(place, tmp_path):
    put(place, ONE)
    (tmp_path / ".dativo/tenants/acme/audit").touch()
    for change in (lambda: clear(place), lambda: rollback(place, 1)):
        with pytest.raises(StateError.__base__, match="the audit log cannot be written"):
            change()
    assert text_of(place) == ONE
    assert history(place) == [(1, "run")]


# --- what is damaged


def test_a_damaged_one_has_no_text_and_is_replaced_whole(place):
    put(place, ONE)
    damage(place)
    with changing(place, "set") as change:
        assert change.stored is None
        for ask in (lambda: change.text, lambda: change.text_or("{}")):
            with pytest.raises(StateDamaged, match="the state is damaged: "):
                ask()
        change.put(TWO)
        assert change.text == TWO
    assert text_of(place) == TWO
    assert history(place) == [(2, "set"), (1, "run")]
    path = place.store.layout.state(KEY)
    assert path.with_name("state.json.damaged").read_bytes() == b'{"format": "dati'


def test_a_damaged_part_is_replaced_with_the_whole(place):
    place.store.write(KEY, taken_apart(ONE, ["a"]), run="r", after=None)
    place.store.write(part_key(KEY, "a"), ONE, run="r", after=None)
    place.store.layout.state(part_key(KEY, "a")).write_bytes(b"")
    with changing(place, "set") as change:
        change.put(TWO)
    assert text_of(place) == place.store.read(KEY).text == TWO
    assert [str(key) for key in place.store.keys("acme")] == ["acme/users"]


def test_a_damaged_one_is_cleared_with_its_parts_and_put_aside(place):
    place.store.write(KEY, taken_apart(ONE, ["a"]), run="r", after=None)
    place.store.write(part_key(KEY, "a"), ONE, run="r", after=None)
    damage(place)
    clear(place)
    assert list(place.store.keys("acme")) == []
    assert place.store.layout.state(KEY).with_name("state.json.damaged").is_file()
    assert place.store.version(part_key(KEY, "a"), 1) == ONE


@pytest.mark.parametrize("ask", [text_of, exported])
def test_a_damaged_one_is_not_handed_out(place, ask):
    put(place, ONE)
    damage(place)
    with pytest.raises(StateDamaged):
        ask(place)


# --- clear, copy, move, export


def test_clearing_keeps_the_history_and_the_count(place):
    place.store.write(KEY, ONE, run="r", after=None)
    clear(place)
    clear(place)
    assert place.store.read(KEY) is None
    assert history(place) == [(1, "cleared")]
    assert noted(place) == [("acme/users", "clear")] * 2
    assert put(place, TWO).seq == 2


def test_clearing_keeps_what_the_parts_knew(place):
    place.store.write(KEY, taken_apart(ONE, ["a"]), run="r", after=None)
    place.store.write(part_key(KEY, "a"), TWO, run="r", after=None)
    clear(place)
    assert list(place.store.keys("acme")) == []
    [version] = place.store.versions(KEY)
    assert (version.seq, version.reason) == (2, "cleared")
    assert json.loads(place.store.version(KEY, 2)) == {"bookmarks": {"a": 2}, "dativo_parts": ["a"]}


def test_a_copy_leaves_the_source_and_keeps_what_was_in_its_place(place, other):
    put(place, ONE)
    put(other, TWO)
    stored = copy(place, other)
    assert (text_of(place), text_of(other), stored.seq) == (ONE, ONE, 2)
    assert history(other) == [(2, "copied from acme/users"), (1, "run")]
    assert history(place) == [(1, "run")]
    assert noted(other) == [("beta/orders+dev", "copied from acme/users")]
    assert noted(place) == []


def test_a_move_forgets_the_source(place, other):
    put(place, ONE)
    stored = move(place, other)
    assert (text_of(other), stored.seq, place.store.read(KEY)) == (ONE, 1, None)
    assert history(other) == [(1, "moved from acme/users")]
    assert noted(place) == [("acme/users", "moved to beta/orders+dev")]
    assert noted(other) == [("beta/orders+dev", "moved from acme/users")]


@pytest.mark.parametrize("held", [KEY, OTHER])
def test_a_move_needs_both(place, other, held, owner):
    put(place, ONE)
    with place.store.lock(held, owner), pytest.raises(StateBusy, match=f"^{held}".replace("+", r"\+")):
        move(place, other)
    assert text_of(place) == ONE
    assert place.store.read(OTHER) is None


def test_parts_are_copied_as_one_state_and_fall_into_the_parts_of_the_other(place, other):
    store = place.store
    store.write(KEY, taken_apart(ONE, ["a"]), run="r", after=None)
    store.write(part_key(KEY, "a"), TWO, run="r", after=None)
    store.write(OTHER, taken_apart("{}", ["a", "b"]), run="r", after=None)
    assert copy(place, other).text == TWO
    assert parts_of(store.read(OTHER).text) == ("a", "b")
    assert store.read(part_key(OTHER, "a")).text == TWO
    assert store.read(part_key(OTHER, "b")).text == '{"bookmarks": {}}'
    assert json.loads(read_joined(store, OTHER).text) == json.loads(TWO)


def test_an_export_is_the_envelope_of_a_key_to_the_digit(place):
    located = Located(place.store, StateKey("acme", "users", "dev"), place.project)
    stored = put(located, ONE, run="r7")
    envelope = unseal(exported(located).encode(), "acme/users+dev", "here")
    assert (envelope.text, envelope.seq, envelope.run, envelope.at) == (ONE, 1, "r7", stored.at)
    assert exported(located).encode() == place.store.layout.state(located.key).read_bytes()


# --- rollback


@pytest.fixture
def three(place):
    """Three states in the history, the last of which is the present one."""
    for text in (ONE, TWO, THREE):
        put(place, text)
    return place


@pytest.mark.parametrize(("seq", "to", "text"), [(None, 2, TWO), (1, 1, ONE), (2, 2, TWO), (3, 3, THREE)])
def test_an_earlier_state_is_stored_under_the_next_number(three, seq, to, text):
    gone_to, stored = rollback(three, seq)
    assert (gone_to, stored.seq, stored.text) == (to, 4, text)
    assert text_of(three) == text
    assert history(three)[:2] == [(4, f"rollback to {to}"), (3, "run")]
    assert noted(three) == [("acme/users", f"rollback to {to}")]


def test_a_rollback_can_be_taken_back_and_passes_over_what_is_the_same(three):
    put(three, THREE)
    assert rollback(three, None)[0] == 2
    assert rollback(three, None)[0] == 4
    assert text_of(three) == THREE


def test_a_rollback_of_what_was_cleared_or_damaged_is_to_the_newest(three):
    damage(three)
    assert rollback(three, None)[0] == 3
    clear(three)
    assert rollback(three, None)[0] == 4
    assert text_of(three) == THREE


@pytest.mark.parametrize("texts", [[], [ONE], [ONE, ONE]])
def test_without_another_state_there_is_no_way_back(place, texts):
    for text in texts:
        put(place, text)
    with pytest.raises(StateError) as caught:
        rollback(place, None)
    assert str(caught.value) == "acme/users: the history holds no other state to go back to"


def test_a_number_that_is_not_kept_is_said_with_those_that_are(three, other):
    with pytest.raises(StateError) as caught:
        rollback(three, 7)
    assert str(caught.value) == "acme/users: the history holds no state number 7 (it holds 3, 2, 1)"
    with pytest.raises(StateError, match=r"holds no state number 1 \(it holds nothing\)"):
        rollback(other, 1)
    assert text_of(three) == THREE
    assert noted(three) == []


def test_a_rollback_from_parts_to_before_them_leaves_them_parts(place):
    put(place, ONE)
    put(place, taken_apart(ONE, ["a"]))
    place.store.write(part_key(KEY, "a"), THREE, run="r", after=None)
    assert rollback(place, 1)[1].text == ONE
    assert parts_of(place.store.read(KEY).text) == ("a",)
    assert place.store.read(part_key(KEY, "a")).text == ONE
    assert rollback(place, None)[1].text == THREE
    assert place.store.read(part_key(KEY, "a")).text == THREE


def test_the_entry_of_a_change_names_it_and_the_place(place):
    with changing(place, "set") as change:
        change.put(ONE)
    [entry] = entries(place.project.home.tenant("acme").audit)
    assert entry["run"] == change.run
    assert entry["facts"] == {"what": "set", "place": place.store.place(KEY)}
