"""Changes of several tables, of tables of every kind, and beside other methods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.ipc
import pytest

from tests.services.changes import Follower, folded, last_state, position, table

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Database


VERSION = 1_700_000_000_000


def test_the_streams_of_a_transaction_go_together(logged: Database) -> None:
    logged.execute("CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, v int)")
    follower = Follower(logged, state_interval_seconds=0)
    follower.run()
    for number in range(20):
        logged.execute(
            f"BEGIN; INSERT INTO a VALUES ({number}, 1); INSERT INTO b VALUES ({number}, -1);"
            "UPDATE a SET v = v + 1 WHERE id = 0; UPDATE b SET v = v - 1 WHERE id = 0; COMMIT"
        )
    before = list(follower.messages)
    written = follower.run()
    assert follower.rows("public-a") == table(logged, "a")
    assert follower.rows("public-b") == table(logged, "b")
    states = [place for place, message in enumerate(written) if message["type"] == "STATE"]
    assert len(states) > 20
    for place in states:
        so_far = [*before, *written[:place]]
        sums = [sum(row["v"] for row in folded(so_far, name).values()) for name in ("public-a", "public-b")]
        assert sum(sums) == 0, "a STATE never stands within a transaction"
        values = written[place]["value"]["bookmarks"]
        assert len({values[name]["replication_key_value"] for name in values}) == 1


def test_beside_other_methods(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE whole (id int PRIMARY KEY); CREATE TABLE news (id int PRIMARY KEY);"
        "CREATE TABLE logged (id int PRIMARY KEY);"
        "INSERT INTO whole VALUES (1); INSERT INTO news VALUES (1); INSERT INTO logged VALUES (1)"
    )
    catalog = logged.catalog()
    methods = {"public-whole": "FULL_TABLE", "public-news": "INCREMENTAL", "public-logged": "LOG_BASED"}
    for entry in catalog["streams"]:
        entry["replication_method"] = methods[entry["tap_stream_id"]]
        entry["replication_key"] = "id" if entry["tap_stream_id"] == "public-news" else None
    first = logged.sync(catalog)
    logged.execute("INSERT INTO whole VALUES (2); INSERT INTO news VALUES (2); DELETE FROM logged")
    second = logged.sync(catalog, last_state(first))
    rows = [(message["stream"], message["record"]["id"]) for message in second.messages("RECORD")]
    assert sorted(rows) == [
        ("public-logged", 1),
        ("public-news", 1),
        ("public-news", 2),
        ("public-whole", 1),
        ("public-whole", 2),
    ]
    assert rows[-1][0] == "public-logged", "last, as it may go on for long"
    assert set(last_state(second)["bookmarks"]) == set(methods)


def test_names_that_need_quotes(logged: Database) -> None:
    name = 'ü "quoted" Name'
    quoted = '"ü ""quoted"" Name"'
    logged.execute(f'CREATE TABLE {quoted} ("Ö k" int PRIMARY KEY, "a ""b""" text)')
    follower = Follower(logged, publication_name='it\'s "mine"')
    follower.run()
    follower.after(f"INSERT INTO {quoted} VALUES (1, 'x')")
    assert folded(follower.messages, f"public-{name}", "Ö k") == table(logged, quoted, "Ö k")


def test_keys_of_several_columns(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (a int, id int, v text, PRIMARY KEY (id, a))")
    follower = Follower(logged)
    follower.run()
    written = follower.after(
        "INSERT INTO orders VALUES (1, 2, 'x'); UPDATE orders SET a = 5; DELETE FROM orders"
    )
    assert written.messages("SCHEMA")[0]["key_properties"] == ["id", "a"]
    rows = [(row["a"], row["id"], row["v"], row["_sdc_deleted_at"] is None) for row in written.records]
    assert rows == [(1, 2, "x", True), (1, 2, None, False), (5, 2, "x", True), (5, 2, None, False)]


def test_without_a_key_the_whole_row_is_its_identity(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int, v text); ALTER TABLE orders REPLICA IDENTITY FULL")
    follower = Follower(logged)
    follower.run()
    written = follower.after("INSERT INTO orders VALUES (1, 'x'), (1, 'x'); DELETE FROM orders")
    assert written.messages("SCHEMA")[0]["key_properties"] == []
    assert [(row["id"], row["v"]) for row in written.records] == [(1, "x")] * 4
    assert [row["_sdc_deleted_at"] is None for row in written.records] == [True, True, False, False]


def test_the_identity_of_an_index(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE orders (id int NOT NULL, v text); CREATE UNIQUE INDEX i ON orders (id);"
        "ALTER TABLE orders REPLICA IDENTITY USING INDEX i"
    )
    catalog = logged.catalog()
    catalog["streams"][0]["key_properties"] = ["id"]
    first = logged.sync(catalog)
    logged.execute("INSERT INTO orders VALUES (1, 'x'); DELETE FROM orders")
    second = logged.sync(catalog, last_state(first))
    assert [row["id"] for row in second.records] == [1, 1]
    assert folded([*first, *second], "public-orders") == {}


def test_tables_truncated_together(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1)"
    )
    follower = Follower(logged)
    follower.run()
    written = follower.after("TRUNCATE a CASCADE; INSERT INTO a VALUES (2)")
    assert sorted(it["stream"] for it in written.messages("ACTIVATE_VERSION")) == ["public-a", "public-b"]
    assert follower.rows("public-a") == table(logged, "a")
    assert follower.rows("public-b") == {}


def test_without_versions_a_truncated_table_stays(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
    follower = Follower(logged, activate_version=False)
    assert "ACTIVATE_VERSION" not in follower.run().kinds
    written = follower.after("TRUNCATE orders; INSERT INTO orders VALUES (2)")
    assert "ACTIVATE_VERSION" not in written.kinds
    assert all("version" not in message for message in written.messages("RECORD"))
    assert "version" not in follower.state["bookmarks"]["public-orders"]


@pytest.mark.parametrize("of", ["ALL TABLES", "TABLES IN SCHEMA public"])
def test_a_publication_of_more(logged: Database, of: str) -> None:
    logged.execute(
        f"CREATE PUBLICATION everything FOR {of}; CREATE TABLE orders (id int PRIMARY KEY);"
        "CREATE TABLE other (v text)"
    )
    catalog = logged.catalog()
    for entry in catalog["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = entry["tap_stream_id"] == "public-orders"
    settings = {"publication_name": "everything", "manage_publication": False}
    first = logged.sync(catalog, **settings)
    logged.execute("INSERT INTO other VALUES ('x'); INSERT INTO orders VALUES (1)")
    second = logged.sync(catalog, last_state(first), **settings)
    assert [message["stream"] for message in second.messages("RECORD")] == ["public-orders"]


def test_a_state_of_meltanolabs_tap_is_gone_on_from(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
    follower = Follower(logged)
    follower.run()
    lsn = position(follower.state, "public-orders")
    theirs = {"replication_key": "_sdc_lsn", "replication_key_value": lsn}
    follower.state = {"bookmarks": {"public-orders": theirs | {"starting_replication_value": lsn - 5}}}
    written = follower.after("INSERT INTO orders VALUES (2)")
    assert [row["id"] for row in written.records] == [2]
    assert "version" not in written.messages("RECORD")[0]
    assert "starting_replication_value" not in follower.state["bookmarks"]["public-orders"]


def test_a_state_of_pipelinewises_tap_is_gone_on_from(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
    follower = Follower(logged)
    follower.run()
    lsn = position(follower.state, "public-orders")
    theirs = {"last_replication_method": "LOG_BASED", "lsn": lsn, "version": VERSION, "xmin": None}
    follower.state = {"bookmarks": {"public-orders": theirs}, "currently_syncing": None}
    written = follower.after("INSERT INTO orders VALUES (2)")
    assert [(it["record"]["id"], it["version"]) for it in written.messages("RECORD")] == [
        (2, 1_700_000_000_000)
    ]


def test_a_stream_that_was_read_otherwise_before(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
    follower = Follower(logged, default_replication_method="FULL_TABLE")
    follower.run()
    follower.settings = {}
    assert [row["id"] for row in follower.run().records] == [1], (
        "from when on changes are missing is not known"
    )
    assert [row["id"] for row in follower.after("INSERT INTO orders VALUES (2)").records] == [2]


def test_values_without_a_form_are_counted(logged: Database, caplog: pytest.LogCaptureFixture) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY, d date, f float8)")
    follower = Follower(logged)
    follower.run()
    written = follower.after("INSERT INTO orders VALUES (1, 'infinity', 'NaN'), (2, '-infinity', 1.5)")
    assert [(row["d"], row["f"]) for row in written.records] == [("9999-12-31", None), ("0001-01-01", 1.5)]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.partition(" values of column ")[::2] for line in warnings] == [
        (
            "public-orders: 2",
            "'d' have no JSON form and were changed, see out_of_range_dates and special_numbers",
        ),
        (
            "public-orders: 1",
            "'f' have no JSON form and were changed, see out_of_range_dates and special_numbers",
        ),
    ]


def test_a_value_that_is_to_fail_names_its_column_and_no_value(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY, d date)")
    follower = Follower(logged)
    follower.run()
    logged.execute("INSERT INTO orders VALUES (1, '0044-03-15 BC')")
    said = logged.refusal(state=follower.state, out_of_range_dates="fail")
    assert "orders" in said
    assert "0044" not in said


def test_changes_as_files(logged: Database, tmp_path: Path) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY, v text)")
    batches = {"encoding": {"format": "arrow"}, "storage": {"root": str(tmp_path / "batches")}}
    follower = Follower(logged, batch_config=batches)
    follower.run()
    written = follower.after("INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 500) n")
    assert written.kinds[-2:] == ["BATCH", "STATE"]
    rows = [
        row
        for message in written.messages("BATCH")
        for file in message["manifest"]
        for row in read_rows(file.removeprefix("file://"))
    ]
    assert [row["id"] for row in rows] == list(range(1, 501))
    assert follower.run().messages("BATCH") == []


def read_rows(path: str) -> list[dict[str, Any]]:
    with pyarrow.ipc.open_file(path) as reader:
        return reader.read_all().to_pylist()


def test_the_executable_goes_on_from_its_own_lines(logged: Database) -> None:
    logged.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
    first = logged.run()
    assert first.code == 0, first.stderr
    state = last_state(map(json.loads, first.stdout.splitlines()))
    logged.execute("INSERT INTO orders VALUES (2); DELETE FROM orders WHERE id = 1")
    second = logged.run(state=state)
    assert second.code == 0, second.stderr
    messages = [json.loads(line) for line in [*first.stdout.splitlines(), *second.stdout.splitlines()]]
    assert folded(messages, "public-orders") == table(logged, "orders")
    assert "WARNING" not in second.stderr
