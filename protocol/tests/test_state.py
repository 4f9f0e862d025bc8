"""Bookmarks: where a stream resumes, what an interrupted run may claim, and what must never be lost."""

import copy
import json
from pathlib import Path

import pytest
from dativo_protocol.errors import ConfigError, SourceError
from dativo_protocol.state import Bookmark, State, is_less
from hypothesis import given, settings
from hypothesis import strategies as st

LEGACY = {
    "currently_syncing": None,
    "bookmarks": {
        "users": {"replication_key": "at", "replication_key_value": "2024-01-01T00:00:00Z", "version": 3},
        "unselected": {"anything": [1, {"deep": 2.5}]},
        "scalar": 17,
    },
}


def bookmark(value=None, key="at", **more):
    return Bookmark({"replication_key": key, "replication_key_value": value, **more})


def test_an_empty_state_has_empty_bookmarks():
    for state in (State(), State({}), State({"bookmarks": None}), State({"bookmarks": {"s": None}})):
        assert state.get_bookmark("s") == Bookmark()
    assert State().to_dict() == {}


def test_what_it_was_given_stays():  # K6
    state = State(LEGACY)
    assert state.to_dict() == LEGACY
    state.set_bookmark(
        "users", state.get_bookmark("users").advanced("at", "2024-02-01T00:00:00Z", is_sorted=True)
    )
    expected = copy.deepcopy(LEGACY)
    expected["bookmarks"]["users"]["replication_key_value"] = "2024-02-01T00:00:00Z"
    assert state.to_dict() == expected
    assert list(state.to_dict()["bookmarks"]) == list(LEGACY["bookmarks"])


def test_the_document_is_neither_shared_with_its_giver_nor_with_its_taker():
    document = copy.deepcopy(LEGACY)
    state = State(document)
    document["bookmarks"]["users"].clear()
    taken = state.to_dict()
    taken["bookmarks"].clear()
    values = {"replication_key_value": [1]}
    state.set_bookmark("lists", Bookmark(values))
    values["replication_key_value"].append(2)
    assert state.get_bookmark("users").replication_key == "at"
    assert state.get_bookmark("lists").replication_key_value == [1]


def test_with_bookmark_leaves_the_state_alone():
    before = State(LEGACY)
    after = before.with_bookmark("users", Bookmark({"x": 1}))
    assert before == State(LEGACY)
    assert after.get_bookmark("users") == Bookmark({"x": 1})
    assert after != before
    assert "unselected" in repr(after)
    with pytest.raises(TypeError):
        hash(after)


def test_another_replication_key_makes_the_value_void():  # K6
    marked = bookmark("2024-01-01")
    assert marked.resume_from("at") == "2024-01-01"
    assert marked.resume_from("id") is None
    assert marked.started("id").replication_key_value is None
    assert marked.advanced("id", 1, is_sorted=True) == bookmark(1, "id")


@pytest.mark.parametrize(
    ("value", "start", "expected"),
    [
        (None, "2024-01-01", "2024-01-01"),
        ("2024-06-01T00:00:00Z", "2024-01-01", "2024-06-01T00:00:00Z"),
        ("2023-06-01T00:00:00Z", "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00"),
        (5, 7, 7),
        (5, None, 5),
        (0, None, 0),
        (5, "2024-01-01", 5),
    ],
)
def test_the_later_of_bookmark_and_configured_start(value, start, expected):  # K5
    assert bookmark(value).resume_from("at", at_least=start) == expected


def test_a_sorted_stream_can_be_resumed_half_way():
    marked = Bookmark({"kept": 1}).started("id").advanced("id", 5, is_sorted=True)
    assert marked.advanced("id", 5, is_sorted=True) == marked
    marked = marked.advanced("id", 9, is_sorted=True)
    assert marked.values == {"kept": 1, "replication_key": "id", "replication_key_value": 9}
    assert marked.finished() == marked


def test_a_sorted_stream_that_goes_backwards_stops_the_run():
    with pytest.raises(SourceError, match="not sorted by 'id': 4 came after 5"):
        Bookmark().advanced("id", 5, is_sorted=True).advanced("id", 4, is_sorted=True)


@pytest.mark.parametrize("is_sorted", [True, False])
def test_null_does_not_advance(is_sorted):  # K7
    marked = bookmark(3, "id")
    assert marked.advanced("id", None, is_sorted=is_sorted) is marked


def test_an_unsorted_stream_claims_nothing_before_its_end():
    marked = bookmark("2024-01-01").started("at", signpost="2024-09-09")
    for value in ("2024-03-01", "2024-02-01"):
        marked = marked.advanced("at", value, is_sorted=False)
    assert marked.replication_key_value == "2024-01-01"
    assert marked.progress_markers == {
        "Note": "Progress is not resumable if interrupted.",
        "replication_key": "at",
        "replication_key_value": "2024-03-01",
    }
    assert marked.values["starting_replication_value"] == "2024-01-01"
    assert marked.finished() == bookmark("2024-03-01")


def test_progress_is_capped_by_the_signpost():
    marked = Bookmark().started("at", signpost="2024-02-15T00:00:00Z")
    marked = marked.advanced("at", "2024-03-01T00:00:00Z", is_sorted=False)
    assert marked.finished() == bookmark("2024-02-15T00:00:00Z")


def test_an_interrupted_run_leaves_nothing_behind():
    interrupted = bookmark("2024-01-01").started("at", signpost="2024-02-01")
    interrupted = interrupted.advanced("at", "2024-01-20", is_sorted=False)
    again = interrupted.started("at", signpost="2024-03-01")
    assert again.progress_markers == {}
    assert again.replication_key_value == "2024-01-01"
    assert again.values["replication_key_signpost"] == "2024-03-01"


def test_a_stream_without_new_records_keeps_its_bookmark():
    marked = bookmark("2024-01-01")
    assert marked.started("at", signpost="2024-02-01").finished() == marked


def test_a_first_run_from_a_configured_start_notes_it():
    assert Bookmark().started("at", at_least="2020-01-01").values == {
        "starting_replication_value": "2020-01-01"
    }


def test_partitions_have_bookmarks_of_their_own():
    state = State({"bookmarks": {"issues": {"partitions": [{"context": {"repo": "b"}, "x": 1}]}}})
    fresh = state.get_bookmark("issues", context={"repo": "a"})
    state.set_bookmark("issues", fresh.advanced("id", 3, is_sorted=True), context={"repo": "a"})
    state.set_bookmark("issues", fresh.advanced("id", 4, is_sorted=True), context={"repo": "a"})
    assert state.to_dict()["bookmarks"]["issues"]["partitions"] == [
        {"context": {"repo": "b"}, "x": 1},
        {"context": {"repo": "a"}, "replication_key": "id", "replication_key_value": 4},
    ]
    assert state.get_bookmark("issues", context={"repo": "b"}).values["x"] == 1


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"bookmarks": [1]}, "bookmarks is not an object"),
        ({"bookmarks": {"s": 17}}, "bookmarks.s is not an object"),
        ({"bookmarks": {"s": {"partitions": {"a": 1}}}}, "bookmarks.s.partitions is not a list"),
        ({"bookmarks": {"s": {"partitions": [1]}}}, "bookmarks.s.partitions is not an object"),
        ({"bookmarks": {"s": {"partitions": [{"context": {}}, {"context": {}}]}}}, "has {} twice"),
    ],
)
def test_a_document_that_is_no_state_is_refused(document, reason):
    with pytest.raises(ConfigError) as caught:
        State(document).get_bookmark("s", context={})
    assert reason in str(caught.value)
    assert "last STATE" in caught.value.instruction


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", True),
        ("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z", False),
        ("2024-01-01T01:00:00+02:00", "2024-01-01T00:00:00Z", True),
        ("2024-01-01 00:00:00", "2024-01-01T00:00:01Z", True),
        ("2024-01-01", "2024-01-02", True),
        ("a", "b", True),
        ("b", "a", False),
        (1, 2, True),
        (2, 1.5, False),
        (1, "2", False),
        ("1", 2, False),
        (True, 2, False),
        (None, 1, False),
        ([1], [2], False),
    ],
    ids=repr,
)
def test_the_order_of_values(left, right, expected):
    assert is_less(left, right) is expected


@settings(deadline=None)
@given(st.lists(st.integers()), st.booleans())
def test_a_finished_stream_is_at_the_greatest_value_seen(values, resumes):
    marked = Bookmark().started("id")
    for value in values:
        marked = marked.advanced("id", value, is_sorted=False)
        if resumes:
            marked = Bookmark(json.loads(json.dumps(dict(marked.values))))
    finished = marked.finished()
    assert finished.replication_key_value == (max(values) if values else None)
    assert "progress_markers" not in finished.values


BOOKMARKS = json.loads((Path(__file__).parent / "cases" / "state" / "bookmarks.json").read_text())["rows"]


@pytest.mark.parametrize("row", BOOKMARKS, ids=[f"{place:03}" for place in range(len(BOOKMARKS))])
def test_bookmarks_move_as_in_the_sdk(row):
    marked = Bookmark(row["before"])
    for step, *arguments, expected in row["steps"]:
        if step == "start":
            signpost, start = arguments
            marked = marked.started("k", signpost=signpost, at_least=start)
        elif step == "record":
            marked = marked.advanced("k", *arguments, is_sorted=row["sorted"])
        else:
            marked = marked.finished()
        assert marked.values == expected, step
