"""A state taken apart by streams: what each gets, what they make together, in every store."""

from __future__ import annotations

import json

import pytest
from dativo.errors import StateError
from dativo.state.parts import (
    joined,
    part_key,
    part_of,
    parts_of,
    put_aside,
    read_joined,
    stored_parts,
    sum_up_parts,
    taken_apart,
    write_joined,
)
from dativo.state.run_state import held_state
from dativo.state.store import StateKey
from hypothesis import given
from hypothesis import strategies as st

KEY = StateKey("acme", "users")
DEV = StateKey("acme", "users", "dev")
WHOLE = '{"bookmarks": {"a": {"v": 1.10}, "b": {"v": 1e400}}, "currently_syncing": "b", "sent": 3}'
NAMES = st.sampled_from(["a", "b", "c", "ü #/"])
STATES = st.dictionaries(NAMES, st.integers() | st.text(max_size=5), max_size=4).map(
    lambda bookmarks: json.dumps({"bookmarks": bookmarks, "other": 1})
)


def test_a_part_begins_with_its_own_bookmark_to_the_digit():
    assert part_of(WHOLE, "a") == '{"bookmarks": {"a": {"v": 1.10}}, "sent": 3}'
    assert part_of(WHOLE, "new") == '{"bookmarks": {}, "sent": 3}'
    assert part_of(taken_apart(WHOLE, ["a"]), "b") == '{"bookmarks": {"b": {"v": 1e400}}, "sent": 3}'
    assert part_of("{}", "a") == "{}"


def test_the_whole_says_which_streams_have_a_state_of_their_own():
    apart = taken_apart(WHOLE, ["b", "a", "b"])
    assert parts_of(apart) == ("a", "b")
    assert parts_of(WHOLE) == ()
    assert taken_apart(WHOLE, []) is WHOLE
    assert json.loads(taken_apart(apart, []), parse_float=str) == json.loads(WHOLE, parse_float=str)
    with pytest.raises(StateError, match="list of streams"):
        parts_of('{"dativo_parts": "a"}')


def test_each_part_decides_about_its_own_stream():
    parts = {
        "a": '{"bookmarks": {"a": {"v": 2.20}, "b": {"v": 0}, "parent": {"n": 1}}, "sent": 4}',
        "b": '{"bookmarks": {"b": {"v": 7}}, "currently_syncing": "b"}',
    }
    text = joined(taken_apart(WHOLE, parts), parts)
    assert text == '{"bookmarks": {"a": {"v": 2.20}, "parent": {"n": 1}, "b": {"v": 7}}, "sent": 4}'


def test_a_part_without_a_bookmark_has_none():
    assert json.loads(joined(WHOLE, {"a": '{"bookmarks": {}}'}))["bookmarks"].keys() == {"b"}


def test_states_without_bookmarks_go_by_the_names_of_streams():
    """As some taps write them: streams at the top."""
    seed = part_of('{"a": 1, "b": 1, "c": 1}', "a")
    parts = {"a": seed.replace('"a": 1', '"a": 5'), "b": seed.replace('"b": 1', '"b": 6')}
    assert json.loads(joined('{"a": 1, "b": 1, "c": 1}', parts)) == {"a": 5, "b": 6, "c": 1}


@given(STATES, st.sets(NAMES, min_size=1))
def test_taking_apart_and_joining_changes_nothing(text, streams):
    apart = taken_apart(text, streams)
    together = joined(apart, {stream: part_of(text, stream) for stream in streams})
    assert json.loads(together) == json.loads(text)


def test_a_job_in_parts_looks_like_one(store):
    whole = store.write(KEY, taken_apart(WHOLE, ["a", "b/c"]), run="r", after=None)
    assert json.loads(read_joined(store, KEY).text, parse_float=str)["bookmarks"].keys() == {"a", "b"}
    store.write(part_key(KEY, "b/c"), '{"bookmarks": {"b/c": {"v": 3.30}}}', run="r", after=None)
    seen = read_joined(store, KEY)
    assert '"b/c": {"v": 3.30}' in seen.text
    assert (seen.seq, seen.tag) == (whole.seq, whole.tag)
    assert "dativo_parts" not in seen.text
    assert stored_parts(store, KEY).keys() == {"b/c"}


def test_a_change_of_the_whole_reaches_the_parts(store):
    whole = store.write(KEY, taken_apart("{}", ["a", "b"]), run="r", after=None)
    store.write(part_key(KEY, "a"), '{"bookmarks": {"a": 1}}', run="r", after=None)
    write_joined(store, KEY, '{"bookmarks": {"b": 2.50}}', run="by-hand", after=whole)
    assert store.read(part_key(KEY, "a")).text == '{"bookmarks": {}}'
    assert store.read(part_key(KEY, "b")).text == '{"bookmarks": {"b": 2.50}}'
    assert parts_of(store.read(KEY).text) == ("a", "b")
    assert json.loads(read_joined(store, KEY).text) == {"bookmarks": {"b": 2.5}}


def test_the_history_of_the_whole_knows_what_the_parts_knew(store):
    whole = store.write(KEY, taken_apart("{}", ["a"]), run="r1", after=None)
    store.write(part_key(KEY, "a"), '{"bookmarks": {"a": 1}}', run="r1", after=None)
    summed = sum_up_parts(store, KEY, whole, run="r1")
    assert sum_up_parts(store, KEY, summed, run="r2") == summed
    store.keep(KEY, "run")
    assert store.version(KEY, summed.seq) == '{"bookmarks": {"a": 1}, "dativo_parts": ["a"]}'


def test_parts_are_put_aside_and_only_those(store):
    for key in (KEY, DEV, part_key(KEY, "a"), part_key(KEY, "b c"), part_key(DEV, "a")):
        store.write(key, "{}", run="r", after=None)
    put_aside(store, KEY)
    assert set(store.keys("acme")) == {KEY, DEV, part_key(DEV, "a")}
    assert store.versions(part_key(KEY, "b c"))[0].reason == "cleared"


def test_a_run_holds_the_parts_with_the_whole(store, owner):
    with held_state(store, KEY, "r1") as state:
        state.write(taken_apart("{}", ["a"]))
        part = state.part("a")
        assert part.read() is None
        part.write('{"bookmarks": {"a": 9}}')
        part.flush()
        assert state.read_joined() == '{"bookmarks": {"a": 9}}'
        state.sum_up_parts()
    assert store.version(KEY, store.versions(KEY)[0].seq) == store.read(KEY).text
    assert '"a": 9' in store.read(KEY).text
