"""Selection against outcomes of the SDK, frozen as data, and what we add to it (K2, K3, C5)."""

import copy
import json
from pathlib import Path

import pytest
from dativo_protocol.catalog import parse_catalog, parse_entry
from dativo_protocol.discovery import property_breadcrumbs
from dativo_protocol.selection import Selection, selected_schema, selected_streams
from hypothesis import given, settings
from hypothesis import strategies as st

CASES = Path(__file__).parent / "cases" / "selection"
NAMED = sorted(path.stem for path in CASES.glob("*.json") if path.stem != "combinations")
CRUMBS = [(), ("properties", "a"), ("properties", "a", "properties", "b")]
USERS = {"type": "object", "properties": {"id": {"type": "integer"}, "at": {}, "name": {"type": "string"}}}


def entry(*metadata, **keys):
    items = [{"breadcrumb": list(crumb), "metadata": values} for crumb, values in metadata]
    return parse_entry({"tap_stream_id": "users", "schema": USERS, "metadata": items, **keys})


@pytest.mark.parametrize("name", NAMED)
def test_as_the_sdk_selects(name):
    case = json.loads((CASES / f"{name}.json").read_text())
    given_entry = parse_entry(case["entry"])
    assert Selection(given_entry).stream is case["expect"]["stream"]
    assert selected_schema(given_entry) == case["expect"]["schema"]


def test_as_the_sdk_selects_every_combination_of_stream_property_and_nested_property():
    rows = json.loads((CASES / "combinations.json").read_text())["rows"]
    assert len(rows) > 800
    for *said, expected in rows:
        metadata = [(crumb, values) for crumb, values in zip(CRUMBS, said, strict=True) if values is not None]
        selection = Selection(entry(*metadata))
        assert [selection.includes(crumb) for crumb in CRUMBS] == expected, said


def test_the_cases_are_there():
    assert len(NAMED) >= 14


def test_pruning_leaves_the_catalog_alone():
    given_entry = entry(((), {"selected": True}), (("properties", "name"), {"selected": False}))
    before = copy.deepcopy(given_entry.document)
    assert list(selected_schema(given_entry)["properties"]) == ["id", "at"]
    assert given_entry.document == before


def test_required_names_without_a_property_stay():
    document = {
        "tap_stream_id": "s",
        "schema": {"properties": {"a": {}}, "required": ["a", "b"]},
        "metadata": [{"breadcrumb": ["properties", "a"], "metadata": {"inclusion": "unsupported"}}],
    }
    assert selected_schema(parse_entry(document)) == {"properties": {}, "required": ["b"]}


def test_boolean_schemas_and_schemas_without_properties_pass():
    document = {"tap_stream_id": "s", "schema": {"properties": {"a": True, "b": {"type": "object"}}}}
    assert selected_schema(parse_entry(document)) == document["schema"]


@pytest.mark.parametrize("written", ["true", "TRUE", True], ids=repr)
def test_true_as_a_string(written):  # M7
    assert Selection(entry(((), {"selected": written}))).stream


@pytest.mark.parametrize("written", ["false", "FALSE", False], ids=repr)
def test_false_as_a_string(written):
    assert not Selection(entry(((), {"selected": written, "selected-by-default": "true"}))).stream


@pytest.mark.parametrize(
    ("declared", "root", "expected"),
    [
        (True, None, True),
        (False, None, False),
        ("false", None, False),
        (True, {}, True),
        (True, {"selected": False}, False),
        (False, {"selected": True}, True),
        (False, {"selected-by-default": True}, False),
        (True, {"inclusion": "unsupported"}, False),
    ],
)
def test_selected_on_a_legacy_entry_counts_where_metadata_is_silent(declared, root, expected):
    metadata = [] if root is None else [((), root)]
    assert Selection(entry(*metadata, selected=declared)).stream is expected


def test_properties_of_a_deselected_legacy_entry_are_deselected():
    selection = Selection(entry(selected=False))
    assert not selection.includes(("properties", "name"))


@pytest.mark.parametrize(
    "keys",
    [
        {"key_properties": ["id"], "replication_key": "at"},
        {"metadata-root": {"table-key-properties": ["id"], "replication-key": "at"}},
    ],
)
def test_keys_of_a_selected_stream_cannot_be_deselected(keys):
    root = {"selected": True, **keys.pop("metadata-root", {})}
    deselected = [(("properties", name), {"selected": False}) for name in USERS["properties"]]
    assert list(selected_schema(entry(((), root), *deselected, **keys))["properties"]) == ["id", "at"]


def test_keys_go_with_a_deselected_stream_and_with_unsupported_ones():
    gone = entry(((), {"selected": False}), (("properties", "id"), {}), key_properties=["id"])
    assert not Selection(gone).includes(("properties", "id"))
    unsupported = entry(
        ((), {"selected": True}), (("properties", "id"), {"inclusion": "unsupported"}), key_properties=["id"]
    )
    assert not Selection(unsupported).includes(("properties", "id"))


def test_only_top_level_properties_are_keys():
    document = {
        "tap_stream_id": "s",
        "key_properties": ["id"],
        "schema": {"properties": {"a": {"type": "object", "properties": {"id": {}}}}},
        "metadata": [
            {"breadcrumb": [], "metadata": {"selected": True}},
            {"breadcrumb": ["properties", "a", "properties", "id"], "metadata": {"selected": False}},
        ],
    }
    assert selected_schema(parse_entry(document)) == {
        "properties": {"a": {"type": "object", "properties": {}}}
    }


def test_streams_to_read():  # C5
    def stream(name, **root):
        return {"tap_stream_id": name, "schema": USERS, "metadata": [{"breadcrumb": [], "metadata": root}]}

    catalog = parse_catalog(
        {
            "streams": [
                stream("chosen", selected=True),
                stream("offered", inclusion="available"),
                stream("default", **{"selected-by-default": True}),
                stream("refused", **{"selected-by-default": True}, selected=False),
                {"tap_stream_id": "silent", "schema": USERS},
            ]
        }
    )
    assert [each.tap_stream_id for each in selected_streams(catalog)] == ["chosen", "default", "silent"]


SAYINGS = st.fixed_dictionaries(
    {},
    optional={
        "inclusion": st.sampled_from(["available", "automatic", "unsupported"]),
        "selected": st.booleans(),
        "selected-by-default": st.booleans(),
    },
)
TREES = st.recursive(
    st.just({"type": "string"}),
    lambda inner: st.builds(
        lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)},
        st.dictionaries(st.sampled_from(["a", "b", "e-mail"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@st.composite
def entries(draw):
    schema = {
        "type": "object",
        "properties": draw(st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)),
    }
    said = [(crumb, draw(st.none() | SAYINGS)) for crumb in [(), *property_breadcrumbs(schema)]]
    metadata = [
        {"breadcrumb": list(crumb), "metadata": values} for crumb, values in said if values is not None
    ]
    return parse_entry(
        {"tap_stream_id": "s", "schema": schema, "metadata": metadata, "key_properties": ["a"]}
    )


@settings(deadline=None)
@given(entries())
def test_the_pruned_schema_has_the_selected_properties_and_no_others(given_entry):
    selection = Selection(given_entry)
    everything = list(property_breadcrumbs(given_entry.schema))
    kept = list(property_breadcrumbs(selected_schema(given_entry)))
    assert kept == [crumb for crumb in everything if selection.includes(crumb)]
    assert all(crumb[:-2] in kept for crumb in kept if len(crumb) > 2), "a property without its parent"


@settings(deadline=None)
@given(entries())
def test_required_never_names_a_property_that_is_gone(given_entry):
    def check(node):
        assert set(node.get("required", [])) <= set(node.get("properties", {}))
        for child in node.get("properties", {}).values():
            check(child)

    check(selected_schema(given_entry))


@settings(deadline=None)
@given(entries())
def test_an_entry_says_the_same_after_a_round_trip(given_entry):
    again = parse_entry(json.loads(json.dumps(dict(given_entry.document))))
    assert selected_schema(again) == selected_schema(given_entry)
    assert Selection(again).stream == Selection(given_entry).stream
