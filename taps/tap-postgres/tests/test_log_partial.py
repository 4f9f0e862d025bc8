"""Tables of which the log would give a part only: refused, as the rest would be missing without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.services.changes import Follower, table

if TYPE_CHECKING:
    from conftest import Database

ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, v text, w text)"


def published(database: Database, what: str) -> None:
    database.execute(f"{ORDERS}; INSERT INTO orders VALUES (1, 'a', 'b')")
    database.execute(f"CREATE PUBLICATION {database.name} FOR TABLE orders {what}")


def only(database: Database, stream: str) -> Follower:
    catalog = database.catalog()
    for entry in catalog["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = entry["tap_stream_id"] == stream
    return Follower(database, catalog=catalog)


def test_a_table_that_others_inherit_from(logged: Database) -> None:
    """Rows of the children are in each SELECT of it, and their changes are those of other tables."""
    logged.execute(f"{ORDERS}; CREATE TABLE old_orders (more int) INHERITS (orders)")
    said = logged.refusal(only(logged, "public-orders").settings["catalog"])
    assert "stream 'public-orders': rows of tables that inherit from it" in said
    assert "public.old_orders" in said
    with logged.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_publication").fetchone() == (0,)


def test_a_table_that_inherits(logged: Database) -> None:
    logged.execute(
        f"{ORDERS}; CREATE TABLE old_orders (more int, PRIMARY KEY (id)) INHERITS (orders);"
        "INSERT INTO old_orders VALUES (1, 'a', 'b', 2)"
    )
    follower = only(logged, "public-old_orders")
    follower.run()
    follower.after("UPDATE old_orders SET more = 3; INSERT INTO orders VALUES (7)")
    assert follower.rows("public-old_orders") == table(logged, "old_orders")


def test_a_publication_of_some_columns(logged: Database) -> None:
    """A change would come with nulls where the table has values."""
    published(logged, "(id, v)")
    said = logged.refusal()
    assert f"publication '{logged.name}' leaves column 'w' of public.orders out" in said
    catalog = logged.catalog()
    for each in catalog["streams"][0]["metadata"]:
        if each["breadcrumb"] == ["properties", "w"]:
            each["metadata"]["selected"] = False
    follower = Follower(logged, catalog=catalog)
    follower.run()
    follower.after("UPDATE orders SET v = 'c', w = 'd'")
    assert follower.rows() == {1: {"id": 1, "v": "c"}}


def test_a_publication_of_some_rows(logged: Database) -> None:
    """A row that is not in it would stay in the target as the first reading has found it."""
    published(logged, "WHERE (id > 1)")
    assert f"publication '{logged.name}' leaves rows of public.orders out" in logged.refusal()
