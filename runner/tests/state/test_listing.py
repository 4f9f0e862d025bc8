"""States as lines for people, and as facts for programs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from dativo.home import Home
from dativo.jobs.project import find_project
from dativo.state.listing import age, state_facts, state_lines, version_lines
from dativo.state.locate import Located
from dativo.state.parts import part_key, taken_apart
from dativo.state.places import open_home_store
from dativo.state.store import StateKey, Version

KEY = StateKey("acme", "users")
NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-01-31T12:00:00.000Z", "0 s ago"),
        ("2026-01-31T11:59:00.001Z", "59 s ago"),
        ("2026-01-31T11:59:00Z", "1 min ago"),
        ("2026-01-31T11:00:00.001Z", "59 min ago"),
        ("2026-01-31T11:00:00Z", "1 h ago"),
        ("2026-01-30T12:00:01Z", "23 h ago"),
        ("2026-01-30T12:00:00Z", "1 d ago"),
        ("2025-01-31T12:00:01Z", "364 d ago"),
        ("2025-01-31T12:00:00Z", "1 y ago"),
        ("2016-01-31T12:00:00Z", "10 y ago"),
        ("2026-01-31T13:59:30+02:00", "30 s ago"),
        ("2026-02-01T12:00:00Z", "0 s ago"),
        ("2026-01-31T12:00:00", "2026-01-31T12:00:00"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_how_long_ago(at, said):
    assert age(at, NOW) == said


def test_how_long_ago_it_is_by_now():
    assert age(datetime.now(UTC).isoformat()) == "0 s ago"
    assert age("1970-01-01T00:00:00Z").endswith(" y ago")


@pytest.fixture
def place(tmp_path):
    return Located(open_home_store(Home(tmp_path)), KEY, find_project(tmp_path, {}))


@pytest.fixture
def clock(monkeypatch):
    """Every state is stored a second after the one before."""
    times = iter(f"2026-01-31T12:00:{second:02}.000Z" for second in range(60))
    monkeypatch.setattr("dativo.state.local.now", lambda: next(times))


def test_facts_of_a_state(place, clock):
    stored = place.store.write(KEY, '{"bookmarks": {"b": 1, "a": {}}, "n": 1}', run="r1", after=None)
    assert list(state_facts([place])) == [
        {
            "job": "acme/users",
            "place": place.store.place(KEY),
            "seq": 1,
            "at": stored.at,
            "run": "r1",
            "streams": ["a", "b"],
        }
    ]


def test_facts_of_one_in_parts_are_those_of_the_newest_of_them(place, clock):
    store = place.store
    whole = store.write(KEY, taken_apart('{"bookmarks": {"a": 1}}', ["a", "b", "c"]), run="r1", after=None)
    store.write(part_key(KEY, "b"), '{"bookmarks": {"b": 2}}', run="r3", after=None)
    store.write(part_key(KEY, "a"), '{"bookmarks": {"a": 2}}', run="r2", after=None)
    [facts] = state_facts([place])
    assert (facts["seq"], facts["at"], facts["run"]) == (whole.seq, "2026-01-31T12:00:02.000Z", "r2")
    assert facts["streams"] == ["a", "b"]
    assert facts["parts"] == {
        "a": {"seq": 1, "at": "2026-01-31T12:00:02.000Z", "run": "r2"},
        "b": {"seq": 1, "at": "2026-01-31T12:00:01.000Z", "run": "r3"},
    }


def test_the_whole_can_be_the_newest(place, clock):
    store = place.store
    store.write(part_key(KEY, "a"), "{}", run="r1", after=None)
    store.write(KEY, taken_apart("{}", ["a"]), run="r2", after=None)
    [facts] = state_facts([place])
    assert (facts["at"], facts["run"]) == ("2026-01-31T12:00:01.000Z", "r2")


@pytest.mark.parametrize("what", [KEY, part_key(KEY, "a")])
def test_what_is_damaged_is_said_and_the_next_one_follows(place, what):
    store = place.store
    store.write(KEY, taken_apart("{}", ["a"]), run="r", after=None)
    store.write(part_key(KEY, "a"), "{}", run="r", after=None)
    other = Located(store, StateKey("acme", "orders"), place.project)
    store.write(other.key, "{}", run="r", after=None)
    store.layout.state(what).write_bytes(b"{")
    damaged, fine = state_facts([place, other])
    assert set(damaged) == {"job", "place", "error"}
    assert damaged["error"].startswith(f"{store.place(what)}: the state is damaged: ")
    assert fine["job"] == "acme/orders"


def test_what_is_not_stored_is_not_listed(place):
    assert list(state_facts([place])) == []


def test_lines_are_columns():
    facts = [
        {"job": "acme/users", "seq": 41, "at": "then", "run": "r1", "streams": ["a"]},
        {"job": "x", "seq": 1, "at": "at noon", "run": None, "streams": []},
        {"job": "bad", "error": "anything", "place": "p"},
        {"job": "y", "seq": 2, "at": "then", "run": "r2", "streams": ["a", "b"], "parts": {"a": {}}},
    ]
    assert state_lines(facts) == [
        "acme/users  seq 41   then     run r1  1 stream",
        "x           seq 1    at noon          0 streams",
        "bad         damaged",
        "y           seq 2    then     run r2  2 streams, 1 in parts",
    ]


def test_no_states_are_said():
    assert state_lines([]) == ["nothing is stored here yet"]


def test_versions_are_columns():
    versions = [Version(10, "2026-01-31T12:00:00.000Z", "r2", "before set"), Version(9, "then", None, "run")]
    assert version_lines(versions) == [
        "seq 10  2026-01-31T12:00:00.000Z  run r2  before set",
        "seq 9   then                              run",
    ]
    assert version_lines(iter([])) == ["the history is empty"]
