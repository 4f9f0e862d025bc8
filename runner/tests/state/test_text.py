"""States in all their forms, and changed without a digit lost."""

from __future__ import annotations

import json

import pytest
from dativo.errors import StateError
from dativo.state.envelope import Envelope, seal
from dativo.state.text import bookmark_of, indented, merged, state_in, streams_of, with_bookmark
from hypothesis import given, settings
from hypothesis import strategies as st

EXACT = '{"bookmarks": {"a": {"v": 0.10000000000000000000000001}, "b": {"v": 1e400}}, "x": [1.0, 2]}'


@pytest.mark.parametrize(
    "text",
    [
        EXACT,
        f"  {EXACT}\n",
        seal(Envelope("acme/users", EXACT, 3)).decode(),
        f'{{"type": "STATE", "value": {EXACT}}}',
        f'{{"singer_state": {EXACT}}}',
        f'{{"completed": {{"singer_state": {EXACT}}}, "partial": {{}}}}',
        f'{{"state_id": "dev:a-b", "completed_state": {{"singer_state": {EXACT}}}, "partial_state": null}}',
        json.dumps({"completed_state": f'{{"singer_state": {EXACT}}}', "partial_state": "{}"}),
    ],
)
def test_every_form_gives_the_same_state(text):
    assert state_in(text, "f.json") == EXACT


def test_the_newer_half_of_a_meltano_state_goes_over_the_older():
    text = json.dumps(
        {
            "completed": {"singer_state": {"bookmarks": {"a": {"v": 1, "w": 2}, "b": {"v": 1}}}},
            "partial": {"singer_state": {"bookmarks": {"a": {"v": 9}, "c": {"v": 3}}}},
        }
    )
    assert json.loads(state_in(text, "f")) == {
        "bookmarks": {"a": {"v": 9, "w": 2}, "b": {"v": 1}, "c": {"v": 3}}
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not hold a JSON object"),
        ("[]", "does not hold a JSON object"),
        ('{"type": "STATE", "value": 5}', "must be an object"),
        ('{"singer_state": null}', "must be an object"),
        ('{"format": "dativo-state", "version": 1, "job": "x"}', "must be an object"),
        (seal(Envelope("x", EXACT)).decode().replace("1e400", "1e401"), "does not match its sha256"),
    ],
)
def test_what_is_no_state_is_refused(text, why):
    with pytest.raises(StateError) as caught:
        state_in(text, "f.json")
    assert why in str(caught.value)
    assert "f.json" in str(caught.value)


def test_bookmarks_one_by_one():
    assert streams_of(EXACT) == ["a", "b"]
    assert bookmark_of(EXACT, "a") == '{"v": 0.10000000000000000000000001}'
    changed = with_bookmark(EXACT, "a", '{"v": 2}')
    assert changed == '{"bookmarks": {"b": {"v": 1e400}, "a": {"v": 2}}, "x": [1.0, 2]}'
    assert with_bookmark("{}", "a", "{}") == '{"bookmarks": {"a": {}}}'
    assert streams_of(with_bookmark(EXACT, "b", None)) == ["a"]
    with pytest.raises(StateError, match=r"no bookmark of 'c' \(it has a, b\)"):
        bookmark_of(EXACT, "c")


def test_indenting_is_for_people_and_loses_nothing():
    assert indented('{"a": {"b": 1.50}, "c": {}, "d": [1,  2]}') == (
        '{\n  "a": {\n    "b": 1.50\n  },\n  "c": {},\n  "d": [1,  2]\n}'
    )


OBJECTS = st.recursive(
    st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.lists(st.integers(), max_size=2)),
    lambda child: st.dictionaries(st.sampled_from("abc"), child, max_size=3),
    max_leaves=6,
)


def merged_values(older, newer):
    if not (isinstance(older, dict) and isinstance(newer, dict)):
        return newer
    return older | {k: merged_values(older[k], v) if k in older else v for k, v in newer.items()}


@settings(max_examples=50, deadline=None)
@given(OBJECTS, OBJECTS)
def test_merging_is_merging_of_values(older, newer):
    assert json.loads(merged(json.dumps(older), json.dumps(newer))) == merged_values(older, newer)
    assert json.loads(indented(json.dumps(older))) == older
