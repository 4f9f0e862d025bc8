"""Streams of changes: their columns, and how a table's description in the stream changes them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dativo_protocol.columns import Decimal, Integer, String
from dativo_protocol.errors import CatalogError
from dativo_protocol.postgres import PgRelation, PgRelationColumn
from tap_postgres.connections import Connections
from tap_postgres.log_plan import changes_schema, metadata_names, read_at
from tap_postgres.relations import LogStream, Relations
from tap_postgres.run import options_of
from tap_postgres.tap import PostgresTap
from tap_postgres.toast import ToastReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from psycopg.rows import TupleRow
    from tap_postgres.tables import StreamPlan

    from conftest import Database

ORDERS = "CREATE TABLE orders (id int PRIMARY KEY, v text, n numeric(5,2))"
INT4, INT8, TEXT, NUMERIC, DROPPED = 23, 20, 25, 1700, 999_999
HEADER = 4


def plan_of(database: Database, **settings: Any) -> StreamPlan:
    typed = database.typed(**settings)
    tap = PostgresTap(typed)
    with Connections(typed) as connections:
        (plan,) = tap.plans(tap.discover(), connections)
    return plan


@pytest.fixture
def plan(logged: Database) -> StreamPlan:
    logged.execute(ORDERS)
    return plan_of(logged)


def test_columns_of_a_change(plan: StreamPlan) -> None:
    names = ["id", "v", "n", "_sdc_lsn", "_sdc_deleted_at"]
    assert plan.arrow_schema.names == names
    assert list(plan.message.schema["properties"]) == names
    assert plan.message.bookmark_properties == ("_sdc_lsn",)
    assert plan.message.schema["required"] == ["id"]
    assert plan.message.schema["properties"]["_sdc_deleted_at"]["type"] == ["string", "null"]


def test_metadata_columns_have_an_order() -> None:
    assert metadata_names(["_sdc_xid", "_sdc_lsn"]) == ("_sdc_lsn", "_sdc_xid", "_sdc_deleted_at")
    assert metadata_names([]) == ("_sdc_deleted_at",)


def test_without_a_position_nothing_is_the_bookmark(logged: Database) -> None:
    logged.execute(ORDERS)
    plan = plan_of(logged, replication_metadata_columns=[])
    assert plan.message.bookmark_properties is None
    assert "_sdc_lsn" not in plan.arrow_schema.names


def test_both_decoders_fill_the_same_columns(plan: StreamPlan) -> None:
    changes = changes_schema(plan)
    assert changes.names == plan.arrow_schema.names
    assert changes.types == plan.arrow_schema.types
    sources = {field.name: (field.metadata or {}).get(b"dativo.source") for field in changes}
    assert sources == {"id": None, "v": None, "n": None, "_sdc_lsn": b"lsn", "_sdc_deleted_at": b"deleted_at"}
    assert all(b"dativo.pg" in (field.metadata or {}) for field in plan.arrow_schema)


def test_rows_of_a_snapshot_have_its_position(plan: StreamPlan) -> None:
    assert [part.as_string(None) for part in read_at(plan, 77).constants] == [
        "77::pg_catalog.int8",
        "NULL::pg_catalog.timestamptz",
    ]


@pytest.mark.parametrize(
    ("column", "settings", "said"),
    [
        ("b boolean", {"column_types": {"public-t": {"b": "text"}}}, "cannot make text of boolean"),
        ("b inet", {"column_types": {"public-t": {"b": "text"}}}, "cannot make text of inet"),
        ("b char(3)", {"column_types": {"public-t": {"b": "text"}}}, r"cannot make text of character\(3\)"),
    ],
)
def test_casts_that_the_log_does_not_make(
    logged: Database, column: str, settings: dict[str, Any], said: str
) -> None:
    logged.execute(f"CREATE TABLE t (id int PRIMARY KEY, {column})")
    with pytest.raises(CatalogError, match=said):
        plan_of(logged, **settings)


def test_casts_that_read_the_same_text(logged: Database) -> None:
    logged.execute("CREATE TABLE t (id int PRIMARY KEY, n numeric, at date)")
    plan = plan_of(logged, column_types={"public-t": {"n": "decimal(38,9)", "at": "text"}})
    assert plan.forms["n"].type == Decimal(38, 9)
    assert plan.forms["at"].type == String()


@pytest.fixture
def side(logged: Database) -> Iterator[psycopg.Connection[TupleRow]]:
    with logged.connect() as connection:
        yield connection


def relation(plan: StreamPlan, *columns: tuple[str, int, int], **more: Any) -> PgRelation:
    described = tuple(PgRelationColumn(name, name == "id", oid, typmod) for name, oid, typmod in columns)
    given = {"relid": plan.table.oid, "schema": "public", "table": "orders", "identity": "d"}
    return PgRelation(**given | more, columns=described)


AS_IT_IS = (("id", INT4, -1), ("v", TEXT, -1), ("n", NUMERIC, HEADER + (5 << 16 | 2)))


def relations(logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan) -> Relations:
    return Relations([LogStream.of(plan)], side, logged.typed())


def test_a_table_as_it_is(logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan) -> None:
    found = relations(logged, side, plan).adapt(relation(plan, *AS_IT_IS))
    assert found is not None
    stream, is_news = found
    assert stream.plan is plan
    assert not is_news


def test_a_table_that_nobody_reads(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    others = relation(plan, *AS_IT_IS, relid=1, table="others")
    assert relations(logged, side, plan).adapt(others) is None


def test_a_table_that_was_made_anew(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    """As with a publication of all tables, where a dropped one comes back by its name."""
    assert relations(logged, side, plan).adapt(relation(plan, *AS_IT_IS, relid=1)) is not None


def test_a_column_that_is_gone_stays(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    found = relations(logged, side, plan).adapt(relation(plan, *AS_IT_IS[:2]))
    assert found is not None
    assert found[0].plan is plan


def adapted(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan, *columns: tuple[str, int, int]
) -> StreamPlan:
    found = relations(logged, side, plan).adapt(relation(plan, *columns))
    assert found is not None
    assert found[1], "that is news"
    return found[0].plan


def test_a_column_that_came(logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan) -> None:
    logged.execute("ALTER TABLE orders ADD big int8")
    after = adapted(logged, side, plan, *AS_IT_IS, ("big", INT8, -1))
    assert after.forms["big"].type == Integer()
    assert after.arrow_schema.names == ["id", "v", "n", "big", "_sdc_lsn", "_sdc_deleted_at"]
    assert len(after.select_list) == len(after.forms)


def test_a_column_that_came_and_went(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    """The stream is behind the table: only the stream still knows the column, by a type that may be gone."""
    after = adapted(logged, side, plan, *AS_IT_IS, ("was", INT8, -1), ("mood", DROPPED, -1))
    assert (after.forms["was"].type, after.forms["mood"].type) == (Integer(), String())


def test_a_column_of_another_type(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    logged.execute("ALTER TABLE orders ALTER v TYPE int8 USING v::int8")
    after = adapted(logged, side, plan, AS_IT_IS[0], ("v", INT8, -1), AS_IT_IS[2])
    assert after.forms["v"].type == Integer()


def test_a_stream_that_is_behind_a_wider_type(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    """Old changes are read as what the column is now, if that has place for them: no type comes and goes."""
    before = (("id", INT4, -1), ("v", INT4, -1), ("n", NUMERIC, HEADER + (5 << 16 | 2)))
    found = relations(logged, side, plan).adapt(relation(plan, *before))
    assert found is not None
    assert not found[1]
    assert found[0].plan.forms["v"].type == String()


def test_a_stream_that_is_behind_a_narrower_type(
    logged: Database, side: psycopg.Connection[TupleRow], plan: StreamPlan
) -> None:
    after = adapted(logged, side, plan, AS_IT_IS[0], AS_IT_IS[1], ("n", TEXT, -1))
    assert after.forms["n"].type == String()


def test_a_column_that_is_left_out_stays_so(logged: Database, side: psycopg.Connection[TupleRow]) -> None:
    logged.execute(ORDERS)
    typed = logged.typed()
    tap = PostgresTap(typed)
    catalog = logged.catalog()
    for each in catalog["streams"][0]["metadata"]:
        if each["breadcrumb"] == ["properties", "v"]:
            each["metadata"]["selected"] = False
    from dativo_protocol.catalog import parse_catalog

    with Connections(typed) as connections:
        (plan,) = tap.plans(parse_catalog(catalog), connections)
    found = relations(logged, side, plan).adapt(relation(plan, *AS_IT_IS))
    assert found is not None
    assert "v" not in found[0].plan.forms
    retyped = (AS_IT_IS[0], ("v", INT8, -1), AS_IT_IS[2])
    found = relations(logged, side, plan).adapt(relation(plan, *retyped))
    assert found is not None
    assert "v" not in found[0].plan.forms


@pytest.mark.parametrize(("altered", "found"), [("DROP n", "large"), ("DROP id", None)])
def test_large_values_are_read_from_the_table_whatever_its_name_is_now(
    plan: StreamPlan, logged: Database, altered: str, found: str | None
) -> None:
    logged.execute("INSERT INTO orders VALUES (1, 'large', 1.5); ALTER TABLE orders RENAME TO past")
    logged.execute(f"ALTER TABLE past {altered}")
    changed = pa.RecordBatch.from_pylist([{"id": 1}], schema=plan.arrow_schema)
    unchanged = pa.array([[1, 2]], pa.list_(pa.int16()))
    settings = logged.typed()
    with Connections(settings) as connections, connections.read("test") as connection:
        reader = ToastReader(connection, options_of(settings), threading.Event())
        (row,) = reader.filled(plan, changed, unchanged).to_pylist()
    assert (row["v"], row["n"]) == (found, None)
