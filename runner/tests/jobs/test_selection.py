"""`select` and `metadata` against a catalog, by Meltano's rules."""

from __future__ import annotations

import copy

import pytest
from dativo.jobs.selection import NothingSelected, apply_rules

TEXT = {"type": ["string", "null"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "e-mail": TEXT,
        "a.b": TEXT,
        "address": {"type": "object", "properties": {"zip": TEXT, "geo": {"properties": {"lat": TEXT}}}},
    },
}


def entry(breadcrumb, **metadata):
    return {"breadcrumb": breadcrumb, "metadata": metadata}


@pytest.fixture
def catalog():
    users = {
        "tap_stream_id": "public-users",
        "stream": "users",
        "schema": copy.deepcopy(SCHEMA),
        "key_properties": ["id"],
        "metadata": [entry([], inclusion="available"), entry(["properties", "id"], inclusion="automatic")],
    }
    orders = {"tap_stream_id": "public-orders", "stream": "orders", "schema": copy.deepcopy(SCHEMA)}
    return {"streams": [users, orders]}


def selected(catalog):
    """Everything with `selected: true`, as dotted paths."""
    return sorted(
        "/".join([stream["stream"], *each["breadcrumb"][1::2]])
        for stream in catalog["streams"]
        for each in stream["metadata"]
        if each["metadata"].get("selected")
    )


ALL_OF_USERS = [
    "users", "users/a.b", "users/address", "users/address/geo", "users/address/geo/lat", "users/address/zip",
    "users/e-mail", "users/id",
]  # fmt: skip


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (["public-users.*"], ALL_OF_USERS),
        (["public-users"], ALL_OF_USERS),
        (["*-users.*"], ALL_OF_USERS),
        (["public-users.e-mail"], ["users", "users/e-mail"]),
        (["public-users.address.zip"], ["users", "users/address", "users/address/zip"]),
        (
            ["public-users.address.geo.*"],
            ["users", "users/address", "users/address/geo", "users/address/geo/lat"],
        ),
        ([r"public-users.a\.b"], ["users", "users/a.b"]),
        (
            ["public-users.*", "!public-users.address.*"],
            ["users", "users/a.b", "users/address", "users/e-mail", "users/id"],
        ),
        (["!public-users.e*", "public-users.[ei]*"], ["users", "users/id"]),
        (["*.id", "!public-orders"], ["users", "users/id"]),
        (["*.id", "!public-orders.*"], ["users", "users/id"]),
        (["*.id", "!public-orders.id"], ["orders", "users", "users/id"]),
        (["public-?sers.id"], ["users", "users/id"]),
    ],
)
def test_patterns_select_what_meltano_would_select(catalog, select, expected):
    assert apply_rules(catalog, select, {}) == []
    assert selected(catalog) == expected


def test_what_is_not_selected_says_so_and_keys_stay_automatic(catalog):
    apply_rules(catalog, ["public-users.e-mail"], {})
    users, orders = catalog["streams"]
    by_name = {tuple(each["breadcrumb"]): each["metadata"] for each in users["metadata"]}
    assert by_name["properties", "id"] == {"inclusion": "automatic", "selected": False}
    assert by_name["properties", "a.b"] == {"inclusion": "available", "selected": False}
    assert users["selected"] is True
    assert orders["selected"] is False


def test_metadata_that_the_tap_left_out_is_completed(catalog):
    apply_rules(catalog, ["*.*"], {})
    for stream in catalog["streams"]:
        breadcrumbs = [tuple(each["breadcrumb"]) for each in stream["metadata"]]
        assert len(breadcrumbs) == len(set(breadcrumbs)) == 8


@pytest.mark.parametrize(
    "key", [{"key_properties": ["id"]}, {"metadata": [entry([], **{"table-key-properties": ["id"]})]}]
)
def test_completed_metadata_of_keys_is_automatic(key):
    stream = {"tap_stream_id": "t", "schema": {"properties": {"id": {}, "x": {}}}, **copy.deepcopy(key)}
    apply_rules({"streams": [stream]}, ["*"], {})
    inclusion = {
        each["breadcrumb"][-1]: each["metadata"]["inclusion"]
        for each in stream["metadata"]
        if each["breadcrumb"]
    }
    assert inclusion == {"id": "automatic", "x": "available"}


def test_unsupported_properties_are_never_selected(catalog):
    catalog["streams"][0]["metadata"].append(entry(["properties", "e-mail"], inclusion="unsupported"))
    apply_rules(catalog, ["public-users.*"], {})
    assert "users/e-mail" not in selected(catalog)
    assert "users/id" in selected(catalog)


def test_metadata_is_set_on_streams_and_on_properties(catalog):
    rules = {
        "*-users": {
            "replication-method": "INCREMENTAL",
            "e-mail": {"mask": True},
            "view-key-properties": ["id"],
        },
        "public-orders.address.zip": {"note": "x"},
    }
    assert apply_rules(catalog, [], rules) == []
    users, orders = catalog["streams"]
    assert users["replication_method"] == "INCREMENTAL"
    assert users["metadata"][0]["metadata"]["replication-method"] == "INCREMENTAL"
    assert users["metadata"][0]["metadata"]["view-key-properties"] == ["id"]
    masked = [each["breadcrumb"] for each in users["metadata"] if each["metadata"].get("mask")]
    assert masked == [["properties", "e-mail"]]
    noted = [each["breadcrumb"] for each in orders["metadata"] if "note" in each["metadata"]]
    assert noted == [["properties", "address", "properties", "zip"]]
    assert "replication_method" not in orders


def test_without_select_the_selection_of_the_tap_stays(catalog):
    catalog["streams"][0]["metadata"][0]["metadata"]["selected"] = True
    apply_rules(catalog, [], {"public-orders": {"x": 1}})
    assert selected(catalog) == ["users"]


def test_metadata_has_the_last_word(catalog):
    apply_rules(catalog, ["*.id"], {"public-orders": {"selected": False}})
    assert selected(catalog) == ["orders/id", "users", "users/id"]


def test_a_pattern_without_effect_is_told_with_what_was_perhaps_meant(catalog):
    warnings = apply_rules(catalog, ["public-user.*", "*.id", "!*.secret"], {"public-order": {"x": 1}})
    assert warnings == [
        "source.select 'public-user.*' matches nothing in the source; did you mean 'public-users'?",
        "source.select '!*.secret' matches nothing in the source",
        "source.metadata 'public-order.x' matches nothing in the source; did you mean 'public-orders'?",
    ]


def test_nothing_left_to_load_is_an_error(catalog):
    with pytest.raises(NothingSelected, match="the streams of the source are: public-users, public-orders"):
        apply_rules(catalog, ["users.*"], {})
    with pytest.raises(NothingSelected, match="the streams of the source are: none"):
        apply_rules({"streams": []}, ["*"], {})


def test_a_schema_takes_the_place_of_that_of_a_property_or_adds_one(catalog):
    schema = {"*-users": {"e-mail": {"type": "string", "format": "email"}, "new": {"type": "integer"}}}
    assert apply_rules(catalog, ["*-users.*"], {}, schema) == []
    users, orders = catalog["streams"]
    assert users["schema"]["properties"]["e-mail"] == {"type": "string", "format": "email"}
    assert users["schema"]["properties"]["new"] == {"type": "integer"}
    assert "users/new" in selected(catalog)
    assert orders["schema"] == SCHEMA


def test_a_schema_without_effect_is_told(catalog):
    assert apply_rules(catalog, [], {}, {"public-user": {"a": {}}}) == [
        "source.schema 'public-user' matches nothing in the source; did you mean 'public-users'?"
    ]
