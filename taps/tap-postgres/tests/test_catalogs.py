"""Catalogs of the two taps that came before, and what a catalog may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.catalog import parse_entry
from tap_postgres.catalog_reading import message_name, table_id

if TYPE_CHECKING:
    from conftest import Database

DATA = Path(__file__).parent / "data"
LINES = """
CREATE TABLE li20 (
    l_orderkey bigint, l_linenumber int, l_tax numeric(12,2), l_shipdate date, l_comment varchar(44),
    PRIMARY KEY (l_orderkey, l_linenumber)
);
INSERT INTO li20 VALUES (1, 2, 0.07, '2024-01-02', 'not wanted');
"""


@pytest.mark.parametrize("name", ["meltanolabs", "pipelinewise"])
def test_of_another_tap(name: str, database: Database) -> None:
    database.execute(LINES)
    outcome = database.sync(json.loads((DATA / f"{name}.json").read_text()))
    (schema,) = outcome.messages("SCHEMA")
    assert schema["stream"] == "public-li20"
    assert schema["key_properties"] == ["l_orderkey", "l_linenumber"]
    assert schema["schema"]["properties"]["l_shipdate"] == {"type": ["string", "null"], "format": "date"}
    assert outcome.records == [
        {"l_orderkey": 1, "l_linenumber": 2, "l_tax": 0.07, "l_shipdate": "2024-01-02"}
    ]
    assert set(outcome.messages("STATE")[-1]["value"]["bookmarks"]) == {"public-li20"}


def entry(metadata: dict[str, Any], **keys: Any) -> Any:
    return parse_entry({**keys, "metadata": [{"breadcrumb": [], "metadata": metadata}]})


@pytest.mark.parametrize(
    ("given", "table", "stream"),
    [
        (entry({}, tap_stream_id="s-t"), "s-t", "s-t"),
        (entry({"schema-name": "s"}, tap_stream_id="s-t", stream="s-t", table_name="t"), "s-t", "s-t"),
        (entry({"schema-name": "s"}, tap_stream_id="s-t", stream="t", table_name="t"), "s-t", "s-t"),
        (
            entry({"schema-name": "s", "table-name": "t"}, tap_stream_id="x", stream="renamed"),
            "s-t",
            "renamed",
        ),
    ],
    ids=["nothing said", "meltanolabs", "pipelinewise", "renamed"],
)
def test_names(given: Any, table: str, stream: str) -> None:
    assert table_id(given) == table
    assert message_name(given) == stream


def test_a_table_outside_the_filtered_schemas_is_still_read(database: Database) -> None:
    """The filter is for discovery; what a catalog selects was asked for by name."""
    database.execute(LINES)
    assert len(database.sync(database.catalog(), filter_schemas="elsewhere").records) == 1


def test_a_key_that_is_no_column(database: Database) -> None:
    database.execute(LINES)
    catalog = database.catalog()
    catalog["streams"][0]["key_properties"] = ["absent"]
    assert "key property 'absent' is no column that can be read" in database.refusal(catalog)


def test_nothing_selected_of_a_stream(database: Database) -> None:
    database.execute("CREATE TABLE t (id int)")
    catalog = database.catalog()
    catalog["streams"][0]["metadata"][1]["metadata"]["selected"] = False
    assert "stream 'public-t': no column is selected" in database.refusal(catalog)


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "INCREMENTAL needs a replication-key"), ("absent", "replication-key 'absent' is no column")],
)
def test_a_replication_key_that_is_none(key: str | None, reason: str, database: Database) -> None:
    database.execute("CREATE TABLE t (id int)")
    catalog = database.catalog()
    catalog["streams"][0] |= {"replication_method": "INCREMENTAL", "replication_key": key}
    assert reason in database.refusal(catalog)
