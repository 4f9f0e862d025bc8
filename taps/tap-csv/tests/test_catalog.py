"""Discovery and what a catalog makes of a run: selection, keys, types."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.discovery import property_breadcrumbs

if TYPE_CHECKING:
    from conftest import Workbench

TEXT = "id,e-mail,city,score\n1,a@x,Bonn,1.5\n2,b@x,Ulm,2\n"


def entry(catalog: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return catalog["streams"][number]


def select(catalog: dict[str, Any], **selected: bool) -> dict[str, Any]:
    """Return the catalog with `selected` set for these properties, and for the stream if named `stream`."""
    chosen = copy.deepcopy(catalog)
    for item in entry(chosen)["metadata"]:
        name = item["breadcrumb"][-1] if item["breadcrumb"] else "stream"
        if name in selected:
            item["metadata"]["selected"] = selected[name]
    return chosen


def test_a_catalog_says_everything_a_user_can_choose(bench: Workbench) -> None:
    bench.write(TEXT)
    stream = entry(bench.catalog(keys=["id"]))
    assert (stream["tap_stream_id"], stream["stream"], stream["key_properties"]) == ("rows", "rows", ["id"])
    metadata = {tuple(item["breadcrumb"]): item["metadata"] for item in stream["metadata"]}
    assert set(metadata) == {(), *property_breadcrumbs(stream["schema"])}
    assert metadata[()] == {
        "inclusion": "available",
        "selected-by-default": True,
        "table-key-properties": ["id"],
        "forced-replication-method": "FULL_TABLE",
    }
    assert metadata["properties", "id"] == {"inclusion": "automatic"}
    assert metadata["properties", "e-mail"] == {"inclusion": "available"}


def test_incremental_streams_name_their_replication_key(bench: Workbench) -> None:
    bench.write(TEXT)
    (root, *_) = entry(bench.catalog(replication_key="score"))["metadata"]
    assert root["metadata"]["replication-key"] == "score"
    assert root["metadata"]["valid-replication-keys"] == ["score"]
    assert root["metadata"]["forced-replication-method"] == "INCREMENTAL"
    bench.settings["add_metadata_columns"] = True
    (root, *_) = entry(bench.catalog(incremental_by="file_mtime"))["metadata"]
    assert root["metadata"]["replication-key"] == "_sdc_source_file_mtime"


def test_discovery_writes_nothing_but_the_catalog_even_with_a_state(bench: Workbench) -> None:
    bench.write(TEXT)
    plain = bench.catalog()
    assert bench.catalog(state={"bookmarks": {"rows": {"replication_key_value": 1}}}) == plain


def test_a_catalog_makes_the_round_trip(bench: Workbench) -> None:
    bench.write(TEXT)
    without = bench.run(keys=["id"])
    with_catalog = bench.run(keys=["id"], catalog=bench.catalog(keys=["id"]))
    assert [_without_time(line) for line in with_catalog.lines] == [
        _without_time(line) for line in without.lines
    ]


def _without_time(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "time_extracted"}


def test_a_run_says_the_same_every_time(bench: Workbench) -> None:
    bench.write(TEXT)
    bench.write("a,a,\n1,2,3\n", "in/1.csv")
    first, second = (list(map(_without_time, bench.run().lines)) for _ in range(2))
    assert first == second


def test_deselected_columns_vanish_and_keys_stay(bench: Workbench) -> None:
    bench.write(TEXT)
    catalog = select(bench.catalog(keys=["id"]), **{"id": False, "city": False, "e-mail": False})
    outcome = bench.run(keys=["id"], catalog=catalog)
    assert list(outcome.messages("SCHEMA")[0]["schema"]["properties"]) == ["id", "score"]
    assert outcome.messages("RECORD")[0]["record"] == {"id": 1, "score": 1.5}
    assert "not in the catalog" not in outcome.stderr


def test_a_deselected_column_is_not_even_converted(bench: Workbench) -> None:
    path = bench.write(TEXT)
    catalog = select(bench.catalog(), score=False)
    path.write_text(TEXT + "3,c@x,Köln,not a number\n")
    assert len(bench.records(catalog=catalog)) == 3


def test_a_deselected_stream_is_not_read(bench: Workbench) -> None:
    bench.write(TEXT)
    outcome = bench.run(catalog=select(bench.catalog(), stream=False))
    assert (outcome.code, outcome.lines) == (0, [])


def test_the_catalog_decides_the_types(bench: Workbench) -> None:
    bench.write(TEXT)
    catalog = bench.catalog()
    entry(catalog)["schema"]["properties"]["id"] = {"type": ["null", "string"]}
    entry(catalog)["schema"]["properties"]["score"] = {"type": "number", "multipleOf": 0.1}
    outcome = bench.run(catalog=catalog)
    assert outcome.messages("SCHEMA")[0]["schema"]["properties"]["id"] == {"type": ["null", "string"]}
    assert outcome.messages("RECORD")[0]["record"]["id"] == "1"
    assert b'"score":1.5' in outcome.stdout


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"type": "object", "properties": {"a": {"type": "string"}}},
            "a field of a CSV file cannot hold this type",
        ),
        ({"type": "array", "items": {"type": "string"}}, "a field of a CSV file cannot hold this type"),
    ],
)
def test_a_type_that_no_field_holds_is_refused(
    bench: Workbench, schema: dict[str, Any], message: str
) -> None:
    bench.write(TEXT)
    catalog = bench.catalog()
    entry(catalog)["schema"]["properties"]["city"] = schema
    failure = bench.failure(catalog=catalog)
    assert failure.startswith(f"stream 'rows', /properties/city: {message}")


def test_a_column_that_is_new_since_discovery_is_said_and_not_read(bench: Workbench) -> None:
    path = bench.write("id\n1\n")
    catalog = bench.catalog()
    path.write_text("id,new\n1,2\n")
    outcome = bench.run(catalog=catalog)
    assert outcome.messages("RECORD")[0]["record"] == {"id": 1}
    assert "column 'new' is not in the catalog and is not read (first seen in rows.csv)" in outcome.stderr


def test_a_stream_that_the_settings_do_not_define_is_refused(bench: Workbench) -> None:
    bench.write(TEXT)
    catalog = bench.catalog()
    entry(catalog)["tap_stream_id"] = "others"
    assert "'others' that the settings do not define" in bench.failure(catalog=catalog)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"replication-method": "LOG_BASED"}, "files have no log to replicate by"),
        ({"replication-method": "INCREMENTAL"}, "INCREMENTAL needs a replication key"),
        (
            {"replication-method": "INCREMENTAL", "replication-key": "x"},
            "replication key 'x' is not in its schema",
        ),
        ({"table-key-properties": ["x"]}, "key property 'x' is not in its schema"),
    ],
)
def test_what_the_catalog_cannot_ask_for_is_refused(
    bench: Workbench, metadata: dict[str, Any], message: str
) -> None:
    bench.write(TEXT)
    catalog = bench.catalog()
    entry(catalog)["key_properties"] = []
    entry(catalog)["metadata"][0]["metadata"] |= metadata
    assert message in bench.failure(catalog=catalog)


def test_streams_come_in_the_order_of_the_catalog(bench: Workbench) -> None:
    bench.write("a\n1\n", "a.csv")
    bench.write("b\n1\n", "b.csv")
    config = {"files": [{"entity": name, "path": f"{name}.csv"} for name in ("b", "a")]}
    bench.config = lambda **_: config  # type: ignore[method-assign]
    catalog = bench.catalog()
    assert [stream["stream"] for stream in catalog["streams"]] == ["b", "a"]
    catalog["streams"].reverse()
    outcome = bench.run(catalog=catalog)
    assert [message["stream"] for message in outcome.messages("SCHEMA")] == ["a", "b"]
    assert outcome.messages("STATE")[-1]["value"] == {"bookmarks": {"a": {}, "b": {}}}


def test_a_trial_run_writes_one_record_and_no_state(bench: Workbench) -> None:
    bench.write(TEXT)
    outcome = bench.run("--test")
    assert [message["type"] for message in outcome.lines] == ["SCHEMA", "RECORD"]
    assert outcome.code == 0
    assert [message["type"] for message in bench.run("--test=schema").lines] == ["SCHEMA"]


def test_a_trial_run_finds_what_is_missing(bench: Workbench) -> None:
    bench.write(TEXT)
    assert bench.run("--test", keys=["no"]).code == 1
    assert bench.run("--test", path="no.csv").code == 1
