"""Reading whole tables: what arrives is what the server has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Database

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, customer text, price numeric(12,2));
INSERT INTO orders SELECT n, 'customer ' || n % 10, n * 1.25 FROM generate_series(1, 20000) n;
"""


def select(catalog: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Put metadata at the only stream."""
    (entry,) = catalog["streams"]
    entry["metadata"][0]["metadata"].update(metadata)
    return catalog


def test_all_rows_come_once(database: Database) -> None:
    database.execute(ORDERS)
    rows = database.sync(batch_rows=777).records
    assert sorted(row["id"] for row in rows) == list(range(1, 20_001))
    assert rows[0] == {"id": 1, "customer": "customer 1", "price": 1.25}


def test_the_order_of_messages(database: Database) -> None:
    database.execute("CREATE TABLE a (id int); INSERT INTO a VALUES (1); CREATE TABLE b (id int)")
    outcome = database.sync(max_parallelism=1)
    kinds = [(message["type"], message.get("stream")) for message in outcome]
    assert kinds == [
        ("SCHEMA", "public-a"),
        ("ACTIVATE_VERSION", "public-a"),
        ("RECORD", "public-a"),
        ("ACTIVATE_VERSION", "public-a"),
        ("STATE", None),
        ("SCHEMA", "public-b"),
        ("ACTIVATE_VERSION", "public-b"),
        ("ACTIVATE_VERSION", "public-b"),
        ("STATE", None),
    ]
    versions = {
        message["version"]
        for message in outcome
        if message.get("stream") == "public-a" and "version" in message
    }
    assert outcome.messages("STATE")[-1]["value"]["bookmarks"]["public-a"] == {"version": versions.pop()}
    assert versions == set()


def test_a_second_reading_activates_its_version_at_the_end_alone(database: Database) -> None:
    database.execute("CREATE TABLE a (id int); INSERT INTO a VALUES (1)")
    first = database.sync().messages("STATE")[-1]["value"]
    first["bookmarks"]["public-a"]["of another tool"] = 7
    second = database.sync(state=first)
    assert second.kinds == ["STATE", "SCHEMA", "RECORD", "ACTIVATE_VERSION", "STATE"]
    before, after = (state["value"]["bookmarks"]["public-a"] for state in second.messages("STATE"))
    assert after["version"] > before["version"]
    assert after["of another tool"] == 7


def test_without_versions(database: Database) -> None:
    database.execute("CREATE TABLE a (id int); INSERT INTO a VALUES (1)")
    outcome = database.sync(activate_version=False)
    assert outcome.kinds == ["SCHEMA", "RECORD", "STATE"]
    assert "version" not in outcome.messages("RECORD")[0]


def test_only_what_is_selected(database: Database) -> None:
    database.execute(ORDERS + "CREATE TABLE other (id int)")
    catalog = database.catalog()
    for entry in catalog["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = entry["tap_stream_id"] == "public-orders"
        for item in entry["metadata"][1:]:
            item["metadata"]["selected"] = item["breadcrumb"][-1] == "price"
    outcome = database.sync(catalog=catalog)
    (schema,) = outcome.messages("SCHEMA")
    assert list(schema["schema"]["properties"]) == ["id", "price"]
    assert schema["key_properties"] == ["id"]
    assert outcome.messages("RECORD")[1]["record"] == {"id": 2, "price": 2.5}


def test_a_column_that_is_new_is_read(database: Database) -> None:
    database.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    catalog = database.catalog()
    database.execute("ALTER TABLE t ADD COLUMN added text DEFAULT 'x'")
    assert database.sync(catalog=catalog).records == [{"id": 1, "added": "x"}]


def test_conditions_of_the_user(database: Database) -> None:
    database.execute(ORDERS)
    clauses = ["id > 5 OR id = 1", "customer LIKE '%3'", "price < 20"]
    rows = database.sync(stream_options={"public-orders": {"custom_where_clauses": clauses}}).records
    assert [row["id"] for row in rows] == [13]


def test_keys_of_a_view(database: Database) -> None:
    database.execute(ORDERS + "CREATE VIEW few AS SELECT * FROM orders WHERE id < 3")
    catalog = database.catalog()
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "public-few"]
    catalog["streams"][0].pop("key_properties")
    select(catalog, **{"table-key-properties": [], "view-key-properties": ["id"]})
    outcome = database.sync(catalog=catalog)
    assert outcome.messages("SCHEMA")[0]["key_properties"] == ["id"]
    assert len(outcome.messages("RECORD")) == 2


@pytest.mark.parametrize("parent", ["partitioned", "inherited"])
def test_rows_of_children_come_with_their_parent(parent: str, database: Database) -> None:
    if parent == "partitioned":
        database.execute(
            "CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t DEFAULT"
        )
    else:
        database.execute("CREATE TABLE t (id int); CREATE TABLE t1 () INHERITS (t)")
    database.execute("INSERT INTO t1 VALUES (1), (2)")
    catalog = database.catalog()
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "public-t"]
    assert database.sync(catalog=catalog).records == [{"id": 1}, {"id": 2}]


def test_of_two_tables_with_one_id_the_one_that_was_discovered_is_read(database: Database) -> None:
    database.execute('CREATE SCHEMA "a-b"; CREATE TABLE "a-b".c (i int)')
    database.execute('CREATE SCHEMA a; CREATE TABLE a."b-c" (j int)')
    database.execute('INSERT INTO "a-b".c VALUES (1); INSERT INTO a."b-c" VALUES (2)')
    assert database.sync(database.catalog()).records == [{"j": 2}]


def test_names_that_need_quotes(database: Database) -> None:
    database.execute('CREATE SCHEMA "s""%s"; CREATE TABLE "s""%s"."t{} ü" ("a""b%" int, "select" int)')
    database.execute('INSERT INTO "s""%s"."t{} ü" VALUES (1, 2)')
    outcome = database.sync()
    (record,) = outcome.messages("RECORD")
    assert record["stream"] == 's"%s-t{} ü'
    assert record["record"] == {'a"b%': 1, "select": 2}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("DROP TABLE orders", "stream 'public-orders': there is no table 'public-orders'"),
        ("ALTER TABLE orders DROP COLUMN price", "the table has no column 'price' any more"),
    ],
)
def test_what_the_catalog_selects_is_gone(broken: str, reason: str, database: Database) -> None:
    database.execute(ORDERS)
    catalog = database.catalog()
    database.execute(broken)
    said = database.refusal(catalog=catalog)
    assert reason in said
    assert "Write a fresh catalog with --discover" in said


def test_a_right_that_was_revoked(database: Database) -> None:
    database.execute(ORDERS)
    reader = database.reader("SELECT ON orders")
    catalog = database.catalog(**reader)
    database.execute(
        f"REVOKE SELECT ON orders FROM {reader['user']}; GRANT SELECT (id) ON orders TO {reader['user']}"
    )
    said = database.refusal(catalog=catalog, **reader)
    assert "stream 'public-orders': no right to SELECT column 'customer'" in said
    assert "Grant the right" in said


def test_a_condition_that_is_no_sql(database: Database) -> None:
    database.execute(ORDERS)
    said = database.refusal(stream_options={"public-orders": {"custom_where_clauses": ["secret_word ~"]}})
    assert said.startswith("reading stream 'public-orders': syntax error")


def test_an_error_in_the_middle(database: Database) -> None:
    """Rows of the first batches were written; no STATE may say that the table was read."""
    database.execute(
        ORDERS + "CREATE VIEW broken AS SELECT id, 1 / (19999 - id) AS x FROM orders ORDER BY id"
    )
    catalog = database.catalog()
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == "public-broken"]
    outcome = database.run(catalog=catalog, batch_rows=1000)
    assert outcome.code == 1
    assert "reading stream 'public-broken': division by zero" in outcome.stderr
    assert len(outcome.messages("RECORD")) > 1000
    assert outcome.messages("STATE") == []


def test_a_value_that_does_not_fit(database: Database) -> None:
    database.execute("CREATE TABLE t (n numeric); INSERT INTO t VALUES (1.123)")
    said = database.refusal(column_types={"public-t": {"n": "decimal(5,2)"}})
    assert "stream 'public-t'" in said
    assert "column_types" in said
    assert "1.123" not in said


def test_arrays_of_other_dimensions_than_declared(database: Database) -> None:
    database.execute("CREATE TABLE t (a int[]); INSERT INTO t VALUES ('{{1,2},{3,4}}')")
    assert "column_types" in database.refusal()
    assert database.sync(column_types={"public-t": {"a": "json"}}).records == [{"a": [[1, 2], [3, 4]]}]


def test_batches_as_files(database: Database) -> None:
    database.execute(ORDERS)
    storage = {"root": str(database.directory / "spool")}
    outcome = database.sync(batch_config={"encoding": {"format": "jsonl"}, "storage": storage})
    lines = [
        json.loads(line)
        for message in outcome.messages("BATCH")
        for name in message["manifest"]
        for line in Path(name.removeprefix("file://")).read_text().splitlines()
    ]
    assert len(lines) == 20_000
    assert outcome.messages("RECORD") == []
