"""Changes of tables, as a target sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.changes import Follower, last_state, position, table

if TYPE_CHECKING:
    from conftest import Database

ORDERS = """
CREATE TABLE orders (id int PRIMARY KEY, v text);
INSERT INTO orders SELECT n, 'old' FROM generate_series(1, 100) n;
"""
STREAM = "public-orders"


@pytest.fixture
def follower(logged: Database) -> Follower:
    logged.execute(ORDERS)
    return Follower(logged)


def test_the_table_and_then_its_changes(follower: Follower) -> None:
    first = follower.run()
    assert first.kinds[:3] == ["SCHEMA", "ACTIVATE_VERSION", "RECORD"]
    assert len(first.records) == 100
    assert {row["_sdc_deleted_at"] for row in first.records} == {None}
    second = follower.after(
        "INSERT INTO orders VALUES (101, 'new'); UPDATE orders SET v = 'newer' WHERE id = 1;"
        "DELETE FROM orders WHERE id = 2"
    )
    assert [row["id"] for row in second.records] == [101, 1, 2]
    assert follower.rows() == table(follower.database, "orders")
    assert second.records[2]["_sdc_deleted_at"] is not None
    assert second.records[2]["v"] is None
    versions = {message["version"] for message in [*first, *second] if message["type"] == "RECORD"}
    assert len(versions) == 1


def test_positions_grow(follower: Follower) -> None:
    loaded = follower.run().records[0]["_sdc_lsn"]
    lsns = [row["_sdc_lsn"] for row in follower.after("INSERT INTO orders VALUES (101), (102)").records]
    assert loaded <= lsns[0] <= lsns[1]
    assert position(follower.state, STREAM) > lsns[1]


def test_nothing_comes_twice(follower: Follower) -> None:
    follower.run()
    assert follower.run().records == []
    follower.after("INSERT INTO orders VALUES (101, 'new')")
    assert follower.run().records == []


def test_only_what_was_given_back_is_confirmed(follower: Follower) -> None:
    follower.run()
    before = follower.confirmed()
    assert before <= position(follower.state, STREAM)
    given = position(follower.state, STREAM)
    follower.after("INSERT INTO orders VALUES (101, 'new')")
    assert follower.confirmed() == given
    assert position(follower.state, STREAM) > given


def test_a_run_without_state_confirms_nothing(follower: Follower) -> None:
    follower.run()
    before = follower.confirmed()
    follower.state = None
    follower.after("INSERT INTO orders VALUES (101, 'new')")
    assert follower.confirmed() == before
    assert follower.rows() == table(follower.database, "orders")


def test_an_idle_database_advances(follower: Follower) -> None:
    follower.run()
    before = position(follower.state, STREAM)
    follower.database.execute("SELECT pg_logical_emit_message(true, 'of nobody', repeat('x', 1000))")
    assert follower.run().records == []
    assert position(follower.state, STREAM) > before
    follower.run()
    assert follower.confirmed() > before


def test_a_changed_key(follower: Follower) -> None:
    follower.run()
    written = follower.after("UPDATE orders SET id = 1000 WHERE id = 5")
    assert [(row["id"], row["_sdc_deleted_at"] is None) for row in written.records] == [
        (5, False),
        (1000, True),
    ]
    assert follower.rows() == table(follower.database, "orders")


def test_a_changed_key_with_full_identity(follower: Follower) -> None:
    follower.database.execute("ALTER TABLE orders REPLICA IDENTITY FULL")
    follower.run()
    follower.after("UPDATE orders SET id = 1000 WHERE id = 5; DELETE FROM orders WHERE id = 6")
    assert follower.rows() == table(follower.database, "orders")


def test_a_truncated_table(follower: Follower) -> None:
    follower.run()
    written = follower.after(
        "INSERT INTO orders VALUES (101, 'before'); TRUNCATE orders; INSERT INTO orders VALUES (1, 'after')"
    )
    assert written.kinds.count("ACTIVATE_VERSION") == 1
    assert follower.rows() == table(follower.database, "orders") == {1: {"id": 1, "v": "after"}}
    follower.after("INSERT INTO orders VALUES (2, 'later')")
    assert follower.rows() == table(follower.database, "orders")


def test_a_truncated_table_that_is_to_stay(follower: Follower) -> None:
    follower.run()
    assert follower.after("TRUNCATE orders", on_truncate="ignore").messages("ACTIVATE_VERSION") == []
    assert len(follower.rows()) == 100


def test_a_truncated_table_that_is_to_fail(follower: Follower) -> None:
    follower.run()
    follower.database.execute("TRUNCATE orders")
    assert "was truncated at" in follower.database.refusal(state=follower.state, on_truncate="fail")


BIG = """
CREATE TABLE orders (id int PRIMARY KEY, v int, big text);
ALTER TABLE orders ALTER big SET STORAGE EXTERNAL
"""
_LARGE = "repeat('x', 10000)"


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_large_values_that_an_update_leaves(logged: Database, identity: str) -> None:
    logged.execute(f"{BIG}; ALTER TABLE orders REPLICA IDENTITY {identity}")
    follower = Follower(logged)
    follower.run()
    follower.after(
        f"INSERT INTO orders SELECT n, 0, {_LARGE} || n FROM generate_series(1, 20) n;"
        "UPDATE orders SET v = 1 WHERE id <= 10; DELETE FROM orders WHERE id = 3"
    )
    assert follower.rows() == table(logged, "orders")
    follower.after("UPDATE orders SET v = 2 WHERE id = 10")
    assert follower.rows()[10]["big"] == "x" * 10_000 + "10"


def test_large_values_of_a_column_that_was_dropped(logged: Database) -> None:
    logged.execute(BIG)
    follower = Follower(logged)
    follower.after(f"INSERT INTO orders VALUES (1, 0, {_LARGE})")
    written = follower.after("UPDATE orders SET v = 1; ALTER TABLE orders DROP big")
    assert [(row["id"], row["v"]) for row in written.records] == [(1, 1)]
    assert {key: row["v"] for key, row in follower.rows().items()} == {1: 1}


def test_large_values_beside_a_column_that_was_dropped(logged: Database) -> None:
    logged.execute(
        f"{BIG}; ALTER TABLE orders ADD huge text; ALTER TABLE orders ALTER huge SET STORAGE EXTERNAL"
    )
    follower = Follower(logged)
    follower.after(f"INSERT INTO orders VALUES (1, 0, {_LARGE}, {_LARGE})")
    written = follower.after("UPDATE orders SET v = 1; ALTER TABLE orders DROP big")
    assert [(row["v"], len(row["huge"])) for row in written.records] == [(1, 10_000)]


@pytest.mark.parametrize("form", ["base64", "hex"])
def test_large_values_by_keys_of_other_types(logged: Database, form: str) -> None:
    logged.execute(
        "CREATE TABLE orders (u uuid, b bytea, t timestamptz, n numeric(9,2), c char(3), v int, big text,"
        "PRIMARY KEY (u, b, t, n, c)); ALTER TABLE orders ALTER big SET STORAGE EXTERNAL"
    )
    follower = Follower(logged, bytea_as=form)
    follower.run()
    keys = "gen_random_uuid(), '\\x00ff', '2024-01-02 03:04:05.678901+02', 1.50, 'ab'"
    written = follower.after(f"INSERT INTO orders VALUES ({keys}, 0, {_LARGE}); UPDATE orders SET v = 1")
    assert [len(row["big"]) for row in written.records] == [10_000, 10_000]


def test_large_values_that_are_not_to_be_fetched(logged: Database) -> None:
    logged.execute(BIG)
    follower = Follower(logged, unchanged_toast="null")
    follower.after(f"INSERT INTO orders VALUES (1, 0, {_LARGE})")
    assert follower.after("UPDATE orders SET v = 1").records[0]["big"] is None


def test_an_altered_table(follower: Follower) -> None:
    follower.run()
    written = follower.after(
        "INSERT INTO orders VALUES (101, 'x'); ALTER TABLE orders ADD n numeric(5,2);"
        "INSERT INTO orders VALUES (102, 'y', 1.5); ALTER TABLE orders DROP v;"
        "INSERT INTO orders VALUES (103, 2.5); ALTER TABLE orders ALTER n TYPE text;"
        "INSERT INTO orders VALUES (104, 'z'); ALTER TABLE orders RENAME n TO m;"
        "INSERT INTO orders VALUES (105, 'm')"
    )
    rows = {row["id"]: row for row in written.records}
    assert rows[101]["v"] == "x"
    assert (rows[102]["v"], rows[103].get("v")) == ("y", None)
    assert rows[105]["m"] == "m"
    final = written.messages("SCHEMA")[-1]["schema"]["properties"]
    assert final["m"]["type"] == ["string", "null"]


def test_a_column_that_is_added_while_changes_are_read(follower: Follower) -> None:
    follower.run()
    catalog = follower.database.catalog()
    follower.database.execute(
        "ALTER TABLE orders ADD n numeric(5,2); INSERT INTO orders VALUES (101, 'x', 1.5)"
    )
    written = follower.database.sync(catalog, follower.state)
    assert written.records[0]["n"] == 1.5


def test_a_table_that_is_added_later(follower: Follower) -> None:
    follower.run()
    follower.database.execute(
        "CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1);"
        "INSERT INTO orders VALUES (101)"
    )
    written = follower.run()
    assert [row["id"] for row in written.records] == [1, 101]
    follower.after("INSERT INTO later VALUES (2); INSERT INTO orders VALUES (102)")
    assert follower.rows() == table(follower.database, "orders")
    assert follower.rows("public-later") == table(follower.database, "later")


def test_a_partitioned_table(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE orders (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF orders FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF orders FOR VALUES FROM (10) TO (20); INSERT INTO orders VALUES (1, 'a')"
    )
    follower = Follower(logged)
    follower.run()
    follower.after("INSERT INTO orders VALUES (11, 'b'); UPDATE orders SET id = 12 WHERE id = 1")
    assert follower.rows() == table(logged, "orders") != {}


def test_metadata_columns(logged: Database) -> None:
    logged.execute(ORDERS)
    names = ["_sdc_lsn", "_sdc_commit_time", "_sdc_xid"]
    follower = Follower(logged, replication_metadata_columns=names)
    assert follower.run().records[0]["_sdc_xid"] is None
    (row,) = follower.after("INSERT INTO orders VALUES (101, 'x')").records
    assert row["_sdc_xid"] > 0
    assert row["_sdc_commit_time"].startswith("20")


def test_computed_columns_are_left_out(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)")
    follower = Follower(logged)
    follower.run()
    (row,) = follower.after("INSERT INTO orders VALUES (1)").records
    assert "twice" not in row


def test_deselected_columns_and_tables(follower: Follower) -> None:
    follower.database.execute("CREATE TABLE other (id int PRIMARY KEY)")
    catalog = follower.database.catalog()
    for entry in catalog["streams"]:
        for each in entry["metadata"]:
            if each["breadcrumb"] == ["properties", "v"] or (
                entry["tap_stream_id"] == "public-other" and not each["breadcrumb"]
            ):
                each["metadata"]["selected"] = False
    first = follower.database.sync(catalog)
    follower.database.execute("INSERT INTO other VALUES (1); INSERT INTO orders VALUES (101, 'x')")
    second = follower.database.sync(catalog, last_state(first))
    assert [sorted(row) for row in second.records] == [["_sdc_deleted_at", "_sdc_lsn", "id"]]


def test_a_large_transaction_that_is_streamed(follower: Follower) -> None:
    follower.settings["stream_large_transactions"] = True
    follower.run()
    with follower.database.connect() as connection:
        connection.execute("SET logical_decoding_work_mem = '64kB'")
        with connection.transaction():
            connection.execute(
                "INSERT INTO orders SELECT n, repeat('x', 100) FROM generate_series(1001, 4000) n"
            )
            connection.execute("SAVEPOINT s")
            connection.execute(
                "INSERT INTO orders SELECT n, repeat('y', 100) FROM generate_series(5001, 8000) n"
            )
            connection.execute("ROLLBACK TO SAVEPOINT s")
    follower.run()
    assert follower.rows() == table(follower.database, "orders")


def test_the_end_of_a_run_is_where_the_server_was(follower: Follower) -> None:
    follower.run()
    follower.database.execute("INSERT INTO orders VALUES (101, 'x')")
    outcome = follower.database.run(state=follower.state)
    assert outcome.code == 0, outcome.stderr
    assert "the run ends: it has reached" in outcome.stderr
    assert b'"id":101' in outcome.stdout
    for metric in ("replication_lag_bytes", "wal_retained_bytes"):
        assert metric in outcome.stderr


def test_a_run_that_ends_when_nothing_changes(follower: Follower) -> None:
    follower.run()
    settings = {"break_at_end_lsn": False, "replication_idle_exit_seconds": 1}
    written = follower.after("INSERT INTO orders VALUES (101, 'x')", **settings)
    assert [row["id"] for row in written.records] == [101]


VALUES = {
    "box[]": "ARRAY['(1,1),(0,0)', '(2,2),(1,1)', NULL]::box[]",
    "point[]": "ARRAY['(1,2)', '(3,4)']::point[]",
    "polygon": "'((0,0),(1,1),(2,0))'",
    "money": "12.34",
    "money[]": "ARRAY[1234.5, 1]::money[]",
    "bit(3)": "B'101'",
    "varbit[]": "ARRAY[B'1', B'']",
    "interval": "'1 year 2 mons 3 days 04:05:06.7'",
    "interval[]": "ARRAY['1 day', '-02:03']::interval[]",
    "timetz": "'12:34:56.7+02'",
    "tsvector": "'a fat cat'",
    "tsquery": "'fat & cat'",
    "int4range": "'[1,5)'",
    "tstzrange": "'[2024-01-01 00:00+02,)'",
    "datemultirange": "'{[2024-01-01,2024-02-01),[2024-03-01,)}'",
    "numrange[]": "ARRAY['[1.0,2.50]', 'empty']::numrange[]",
    "macaddr": "'08:00:2b:01:02:03'",
    "pg_lsn": "'16/B374D848'",
    "xid8": "'123456789012'",
    "regclass": "'pg_class'",
    "jsonpath": "'$.a[*] ? (@ > 1)'",
    "inet": "'192.168.0.1'",
    "cidr[]": "ARRAY['10.0.0.0/8', '::1/128']::cidr[]",
    "char(5)": "'ab'",
    "text[]": "ARRAY['a,b', 'NULL', NULL, '{', '\"', '\\']",
    "bytea[]": "ARRAY['\\xdead', '\\x']::bytea[]",
    "float4[]": "ARRAY[1.1, 3.7601968e7, 1e-45]::float4[]",
    "int2vector": "'1 2 3'",
    "oidvector": "'4 5'",
    '"char"': "'\\377'",
    "name": "'orders'",
    "holder": "(1, 'x \"y\"', '2 days')",
}


def test_values_of_every_kind_are_the_same_in_the_table_and_in_the_log(logged: Database) -> None:
    logged.execute("CREATE TYPE holder AS (a int, b text, c interval)")
    columns = ", ".join(f"c{number} {declared}" for number, declared in enumerate(VALUES))
    logged.execute(f"CREATE TABLE orders (id int PRIMARY KEY, {columns})")
    insert = f"INSERT INTO orders VALUES (%s, {', '.join(VALUES.values())})"
    logged.execute(insert.replace("%s", "1"))
    follower = Follower(logged)
    (copied,) = follower.run().records
    (logged_row,) = follower.after(insert.replace("%s", "2")).records
    for number, declared in enumerate(VALUES):
        name = f"c{number}"
        assert copied[name] is not None, declared
        assert logged_row[name] == copied[name], declared
    assert copied["c0"] == ["(1,1),(0,0)", "(2,2),(1,1)", None]
