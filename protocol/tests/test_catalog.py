"""Catalogs: both spellings, whole round trips, words of refusal; and what discovery writes."""

import json
from pathlib import Path

import pytest
from dativo_protocol.catalog import Catalog, ReplicationMethod, parse_catalog, parse_entry
from dativo_protocol.discovery import catalog_entry, property_breadcrumbs
from dativo_protocol.errors import CatalogError
from dativo_protocol.selection import Selection, selected_schema
from hypothesis import given, settings
from hypothesis import strategies as st

SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}}


def entry(root=None, **keys):
    metadata = [] if root is None else [{"breadcrumb": [], "metadata": root}]
    return parse_entry({"tap_stream_id": "s", "schema": SCHEMA, "metadata": metadata, **keys})


# A catalog as Meltano leaves it behind, with everything in it that the SDK would drop (K3, K4).
RICH = {
    "version": 3,
    "streams": [
        {
            "tap_stream_id": "public-users",
            "stream": "users",
            "table_name": "users",
            "is_view": False,
            "row_count": 12,
            "selected": True,
            "replication_method": "INCREMENTAL",
            "x-owner": {"team": "crm"},
            "schema": {
                "$defs": {"money": {"type": "number", "x-precision": 12, "x-scale": 2}},
                "type": "object",
                "properties": {"price": {"$ref": "#/$defs/money"}, "kind": {"const": "a", "x-unit": "EUR"}},
            },
            "metadata": [
                {"breadcrumb": [], "metadata": {"selected": "true", "database-name": "crm", "x": [1.5]}},
                {"breadcrumb": ["properties", "e-mail"], "metadata": {"sql-datatype": "text"}, "note": 1},
            ],
        },
        {"tap_stream_id": "bare", "schema": {}},
    ],
}


def test_every_unknown_key_survives_a_round_trip():  # K4
    assert parse_catalog(RICH).to_dict() == RICH
    assert parse_catalog(json.dumps(RICH)).to_dict() == RICH
    assert json.dumps(parse_catalog(json.dumps(RICH).encode()).to_dict()["streams"]) == json.dumps(
        RICH["streams"]
    )


def test_a_copy_comes_out():
    catalog = parse_catalog(RICH)
    catalog.to_dict()["streams"][0]["schema"]["properties"].clear()
    assert catalog.to_dict() == RICH


def test_typed_fields_of_a_rich_entry():
    users = parse_catalog(RICH).get("public-users")
    assert (users.tap_stream_id, users.stream) == ("public-users", "users")
    assert users.replication_method is ReplicationMethod.INCREMENTAL
    assert users.key_properties == ()
    assert users.replication_key is None
    assert users.metadata[()].selected is True
    assert users.metadata[("properties", "e-mail")].values == {"sql-datatype": "text"}


def test_an_entry_that_is_not_there():
    assert parse_catalog(RICH).get("users") is None


@pytest.mark.parametrize("key", ["replication-method", "replication_method", "forced-replication-method"])
def test_replication_method_from_metadata(key):  # K1
    assert entry({key: "full_table"}).replication_method is ReplicationMethod.FULL_TABLE


@pytest.mark.parametrize("key", ["key-properties", "table-key-properties", "view-key-properties"])
def test_keys_from_metadata(key):
    assert entry({key: ["a", "b"]}).key_properties == ("a", "b")


def test_keys_as_a_string():
    assert entry(key_properties="id").key_properties == ("id",)


@pytest.mark.parametrize("key", ["replication-key", "replication_key"])
def test_replication_key_in_both_spellings_and_places(key):
    assert entry({key: "at"}).replication_key == "at"
    assert entry(**{key: "at"}).replication_key == "at"


def test_the_entry_beats_its_metadata():
    root = {"replication-method": "FULL_TABLE", "replication-key": "x", "table-key-properties": ["y"]}
    both = entry(root, replication_method="LOG_BASED", replication_key="lsn", key_properties=["id"])
    assert both.replication_method is ReplicationMethod.LOG_BASED
    assert both.replication_key == "lsn"
    assert both.key_properties == ("id",)


def test_empty_keys_on_the_entry_leave_it_to_the_metadata():
    """As the SDK: `entry.key_properties or table_key_properties`."""
    both = entry(
        {"table-key-properties": ["y"], "replication-key": "x"}, key_properties=[], replication_key=""
    )
    assert both.key_properties == ("y",)
    assert both.replication_key == "x"


def test_what_a_user_writes_beats_what_the_tap_proposed():
    root = {"forced-replication-method": "FULL_TABLE", "replication-method": "INCREMENTAL"}
    assert entry(root).replication_method is ReplicationMethod.INCREMENTAL


def test_one_of_id_and_name_is_enough():
    assert parse_entry({"stream": "a", "schema": {}}).tap_stream_id == "a"
    assert parse_entry({"tap_stream_id": "a", "schema": {}}).stream == "a"


def test_the_last_metadata_of_a_breadcrumb_counts():
    items = [{"breadcrumb": [], "metadata": {"selected": selected}} for selected in (True, False)]
    assert not Selection(parse_entry({"tap_stream_id": "s", "schema": {}, "metadata": items})).stream


def test_names_may_repeat_but_ids_may_not():  # K1
    streams = [{"tap_stream_id": "a", "stream": "t"}, {"tap_stream_id": "b", "stream": "t"}]
    assert [each.stream for each in parse_catalog({"streams": streams}).streams] == ["t", "t"]
    with pytest.raises(CatalogError, match="two streams have the tap_stream_id 'a'"):
        parse_catalog({"streams": [streams[0], streams[0]]})


def stream(**changes):
    return json.dumps({"streams": [{"tap_stream_id": "s", "schema": SCHEMA} | changes]})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xff", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no list `streams`"),
        ('{"streams":{}}', "no list `streams`"),
        ('{"streams":[1]}', "not an object"),
        ('{"streams":[{}]}', "no `tap_stream_id`"),
        ('{"streams":[{"tap_stream_id":1}]}', "no `tap_stream_id`"),
        (stream(schema=[1]), "stream 's': `schema` is not an object"),
        (stream(key_properties=[1]), "`key_properties` is not a list of names"),
        (stream(key_properties={"a": 1}), "`key_properties` is not a list of names"),
        (stream(replication_method="FULL"), "'FULL', not one of FULL_TABLE, INCREMENTAL, LOG_BASED"),
        (stream(replication_key=["a"]), "`replication_key` is not a name"),
        (stream(selected="yes"), "`selected` is 'yes', not true or false"),
        (stream(metadata={"a": 1}), "`metadata` is not a list"),
        (stream(metadata=[1]), "metadata[0]: expected a `breadcrumb` list"),
        (stream(metadata=[{"breadcrumb": [], "metadata": None}]), "metadata[0]: expected a `breadcrumb`"),
        (stream(metadata=[{"breadcrumb": [1], "metadata": {}}]), "`breadcrumb` is not a list of names"),
        (stream(metadata=[{"breadcrumb": [], "metadata": {"selected": 1}}]), "`selected` is 1"),
    ],
)
def test_what_is_no_catalog_is_refused_with_its_place(text, reason):
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text)
    assert reason in str(caught.value)
    assert "--discover" in caught.value.instruction


NESTED = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "e-mail": {"type": "string"},
        "address": {
            "type": ["object", "null"],
            "properties": {"zip": {}, "geo": {"properties": {"lat": {}, "id": {}}}},
        },
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {}}}},
        "any": True,
    },
}


def test_every_property_has_metadata_nested_ones_too():
    """Where one is missing, Meltano makes the property automatic and nobody can deselect it."""
    found = catalog_entry("s", NESTED, key_properties=["id"])
    paths = [".".join(crumb[1::2]) for crumb in found.metadata if crumb]
    assert paths == [
        "id", "e-mail", "address", "address.zip", "address.geo", "address.geo.lat", "address.geo.id",
        "lines", "any",
    ]  # fmt: skip
    automatic = [crumb for crumb, said in found.metadata.items() if said.inclusion == "automatic"]
    assert automatic == [("properties", "id")]


def test_each_property_of_a_discovered_stream_can_be_deselected():
    for breadcrumb in property_breadcrumbs(NESTED):
        document = json.loads(json.dumps(catalog_entry("s", NESTED).document))
        for item in document["metadata"]:
            if item["breadcrumb"] == list(breadcrumb):
                item["metadata"]["selected"] = False
        selection = Selection(parse_entry(document))
        deselected = [each for each in property_breadcrumbs(NESTED) if not selection.includes(each)]
        assert deselected[0] == breadcrumb
        assert all(each[: len(breadcrumb)] == breadcrumb for each in deselected)


def test_the_standard_metadata_of_the_sdk():
    case = json.loads((Path(__file__).parent / "cases" / "discovery" / "standard_metadata.json").read_text())
    found = catalog_entry(
        "s",
        case["schema"],
        key_properties=case["key_properties"],
        replication_keys=case["replication_keys"],
        replication_method=ReplicationMethod(case["replication_method"]),
    )
    ours = {tuple(item["breadcrumb"]): item["metadata"] for item in found.document["metadata"]}
    assert ours == {tuple(item["breadcrumb"]): item["metadata"] for item in case["expect"]}


def test_a_discovered_catalog_can_be_read_again_and_selects_itself():  # C5
    catalog = Catalog.of(
        [
            catalog_entry("a", NESTED, key_properties=["id"], stream_metadata={"row-count": 3}),
            catalog_entry("b", NESTED, stream="a", selected_by_default=False),
        ]
    )
    again = parse_catalog(json.dumps(catalog.to_dict()))
    assert again == catalog
    assert [Selection(each).stream for each in again.streams] == [True, False]
    assert selected_schema(again.streams[0]) == NESTED
    assert again.streams[0].metadata[()].values["row-count"] == 3
    assert again.streams[1].stream == "a"


def test_a_discovered_replication_key_is_the_default_only_if_it_is_the_only_one():
    assert catalog_entry("s", NESTED, replication_keys=["id"]).replication_key == "id"
    several = catalog_entry("s", NESTED, replication_keys=["id", "e-mail"])
    assert several.replication_key is None
    assert several.metadata[()].values["valid-replication-keys"] == ["id", "e-mail"]


def test_two_discovered_streams_of_one_id_are_refused():
    with pytest.raises(CatalogError, match="'a'"):
        Catalog.of([catalog_entry("a", NESTED), catalog_entry("a", NESTED)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_a_catalog_or_refused(document):
    text = json.dumps(document)
    wrapped = json.dumps({"streams": [document]})
    for candidate in (text, wrapped):
        try:
            catalog = parse_catalog(candidate)
        except CatalogError:
            continue
        assert catalog.to_dict() == json.loads(candidate)
