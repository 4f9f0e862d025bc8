"""Which streams a catalog wants loaded, and a catalog with one of them."""

from __future__ import annotations

import pytest
from dativo.jobs.streams import read_by_log, streams_to_load, with_only


def stream(name, facts=None, **members):
    metadata = [] if facts is None else [{"breadcrumb": [], "metadata": facts}]
    return {"tap_stream_id": name, "stream": f"{name}-table", "metadata": metadata, **members}


def catalog(*streams):
    return {"streams": list(streams)}


@pytest.mark.parametrize(
    ("streams", "names"),
    [
        ([stream("a"), stream("b", {})], ["a", "b"]),
        ([stream("a", {"selected": True}), stream("b")], ["a"]),
        ([stream("a", {"selected": False}), stream("b")], []),
        ([stream("a", selected=True), stream("b", {"selected": False}, selected=True)], ["a"]),
        ([stream("a", {"selected-by-default": True}), stream("b", {"selected-by-default": False})], ["a"]),
        ([stream("a", {"inclusion": "unsupported", "selected": True}), stream("b", {"selected": 1})], ["b"]),
        ([stream("a", {"inclusion": "automatic"}), stream("b")], ["a"]),
        ([{"stream": "old"}], ["old"]),
    ],
)
def test_what_is_loaded(streams, names):
    assert streams_to_load(catalog(*streams)) == names


def test_one_stream_alone_and_the_others_still_there():
    found = with_only(catalog(stream("a", {"selected": True, "x": 1}), stream("b", selected=False)), "b")
    assert streams_to_load(found) == ["b"]
    assert [each["selected"] for each in found["streams"]] == [False, True]
    assert found["streams"][0]["metadata"][0]["metadata"] == {"selected": False, "x": 1}


def test_streams_that_are_read_from_a_log():
    found = catalog(
        stream("a", {"replication-method": "LOG_BASED"}),
        stream("b", {"forced-replication-method": "LOG_BASED"}),
        stream("c", {"replication-method": "INCREMENTAL"}, replication_method="LOG_BASED"),
        stream("d", replication_method="LOG_BASED"),
        stream("e", {"replication-method": "LOG_BASED"}),
    )
    assert read_by_log(found, ["a", "b", "c", "d"]) == ["a", "b", "d"]
