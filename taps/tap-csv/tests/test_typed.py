"""Batches of text typed for a stream: columns in its order, bad rows and values as the settings say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dativo_protocol.columns import Column, Date, Integer, Number, String, TimestampTz
from dativo_protocol.errors import CatalogError, SchemaError
from tap_csv.errors import BadRowError, BadValueError
from tap_csv.plan import ByFiles, ByKey, FullTable, StreamPlan, plan_stream
from tap_csv.rows import open_csv
from tap_csv.sources import list_files
from tap_csv.typed import RowTyper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_csv.definitions import Definition

from dativo_protocol.discovery import catalog_entry

PROPERTIES: dict[str, Any] = {
    "id": {"type": "integer"},
    "name": {"type": ["string", "null"]},
    "score": {"type": ["number", "null"]},
    "day": {"type": ["string", "null"], "format": "date"},
}


def plan_of(definition: Definition, *, keys: tuple[str, ...] = ("id",), **properties: Any) -> StreamPlan:
    schema = {"type": "object", "properties": properties or PROPERTIES}
    return plan_stream(catalog_entry("rows", schema, key_properties=keys), definition)


@pytest.fixture
def typed(tmp_path: Path, define: Callable[..., Definition]) -> Callable[..., tuple[pa.Table, RowTyper]]:
    """Types the rows of a file whose content is given."""

    def make(
        content: bytes, plan: Callable[[Definition], StreamPlan] = plan_of, **raw: Any
    ) -> tuple[pa.Table, RowTyper]:
        (tmp_path / "rows.csv").write_bytes(content)
        definition = define(**raw)
        with open_csv(list_files(definition.path)[0], definition) as opened:
            typer = RowTyper(plan(definition), opened)
            batches = [typer.typed(batch).rows for batch in opened.batches(typer.columns)]
        return pa.Table.from_batches(batches), typer

    return make


def test_columns_come_in_the_order_and_with_the_types_of_the_stream(typed: Any) -> None:
    table, _ = typed(b"day,unknown,name,id\n2024-05-01,x,a,1\n")
    assert [str(field.type) for field in table.schema] == ["int64", "string", "double", "date32[day]"]
    (row,) = table.to_pylist()
    assert (row["id"], row["name"], row["score"], str(row["day"])) == (1, "a", None, "2024-05-01")


def test_only_columns_of_the_stream_are_asked_for(typed: Any) -> None:
    _, typer = typed(b"day,unknown,name,id\n2024-05-01,x,a,1\n")
    assert typer.columns == ["id", "name", "day"]


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (
            b"id,score\n1,1.5\n2,x\n",
            BadValueError,
            "rows.csv:3: column 'score': expected number, got text of 1",
        ),
        (b"id,day\n1,2024-02-30\n", BadValueError, "rows.csv:2: column 'day': expected date, got a date"),
        (b"id,name\n1,a\n,b\n", BadRowError, "rows.csv:3: key column 'id' is null"),
        (b"id,name\n1,a\n2,\xff\n", BadRowError, "rows.csv:3: column 'name' has bytes that are not utf-8"),
        (b"id,name\n1,a\n\xff,b\n", BadRowError, "rows.csv:3: column 'id' has bytes that are not utf-8"),
    ],
)
def test_what_is_bad_fails(typed: Any, content: bytes, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        typed(content)
    assert message in str(caught.value)


def test_the_instruction_names_the_column(typed: Any) -> None:
    with pytest.raises(BadValueError) as caught:
        typed(b"id,score\n1,x\n")
    assert 'types: {"score": "string"}' in caught.value.instruction


def test_bad_rows_of_every_kind_are_left_out_and_counted_once(typed: Any) -> None:
    table, typer = typed(b"id,name\n1,a\n2,\xff\n,b\n,\xff\n5,e\n", on_bad_row="skip")
    assert table.column("id").to_pylist() == [1, 5]
    assert (typer.left_out.count, typer.left_out.first) == (3, 2)


def test_bad_values_become_null_and_are_counted(typed: Any) -> None:
    table, typer = typed(b"id,score,day\n1,x,2024-05-01\n2,1,2024-05-99\n3,y,z\n", on_bad_value="null")
    assert table.column("score").to_pylist() == [None, 1.0, None]
    assert table.column("day").null_count == 2
    assert (typer.nulled.count, typer.nulled.first) == (4, 1)


def test_types_chosen_in_the_settings_are_read_leniently(typed: Any) -> None:
    with pytest.raises(BadValueError, match="digits with a leading zero"):
        typed(b"id\n007\n")
    table, _ = typed(b"id\n007\n", types={"id": "integer"})
    assert table.column("id").to_pylist() == [7]


def test_metadata_columns_are_made_not_read(typed: Any, define: Callable[..., Definition]) -> None:
    import dataclasses

    def plan(definition: Definition) -> StreamPlan:
        with_metadata = dataclasses.replace(definition, add_metadata_columns=True)
        return plan_of(
            with_metadata,
            id={"type": "integer"},
            _sdc_source_file={"type": "string"},
            _sdc_source_file_mtime={"type": "string", "format": "date-time"},
            _sdc_source_lineno={"type": "integer"},
        )

    table, typer = typed(b"id\n1\n2,3\n4\n", plan, on_bad_row="skip")
    assert typer.columns == ["id"]
    assert table.column("_sdc_source_lineno").to_pylist() == [1, 3]
    assert {name.rpartition("/")[2] for name in table.column("_sdc_source_file").to_pylist()} == {"rows.csv"}
    modified = table.column("_sdc_source_file_mtime")[0].as_py()
    assert abs((datetime.now(UTC) - modified).total_seconds()) < 300


def test_a_stream_without_columns_still_has_rows(typed: Any) -> None:
    table, typer = typed(b"a\n1\n2\n", lambda definition: plan_of(definition, keys=(), b={"type": "string"}))
    assert typer.columns == []
    assert table.column("b").to_pylist() == [None, None]


class TestPlan:
    """What a catalog entry and a definition make of a stream."""

    def test_readable_types(self, define: Callable[..., Definition]) -> None:
        plan = plan_of(
            define(),
            keys=(),
            anything={},
            uuid={"type": "string", "format": "uuid"},
            at={"type": ["string", "null"], "format": "date-time"},
            day={"type": "string", "format": "date"},
            n={"type": ["null", "number"]},
        )
        assert [column.type for column in plan.columns] == [
            String(),
            String(),
            TimestampTz(),
            Date(),
            Number(),
        ]

    def test_json_text_is_written_as_text(self, define: Callable[..., Definition]) -> None:
        """A field `{"a": 1}` is text in a CSV file; as JSON it would become an object."""
        field = plan_of(define(), keys=(), anything={}).arrow_schema.field("anything")
        assert (field.type, field.metadata) == (pa.string(), None)

    @pytest.mark.parametrize(
        "node", [{"type": "object", "properties": {"a": {}}}, {"contentEncoding": "base64"}]
    )
    def test_unreadable_types(self, define: Callable[..., Definition], node: dict[str, Any]) -> None:
        with pytest.raises(SchemaError, match="/properties/x"):
            plan_of(define(), keys=(), x={"type": "string"} | node)

    def test_full_table_is_what_nobody_asked_otherwise(self, define: Callable[..., Definition]) -> None:
        assert plan_of(define()).replication == FullTable()

    def test_the_settings_decide_where_the_catalog_does_not(self, define: Callable[..., Definition]) -> None:
        by_key = plan_of(define(replication_key="score"))
        assert by_key.replication == ByKey(Column("score", Number()))
        assert by_key.message.bookmark_properties == ("score",)
        assert plan_of(define(incremental_by="file_mtime")).replication == ByFiles()

    @pytest.mark.parametrize(
        ("said", "replication"),
        [
            ({"replication_method": "FULL_TABLE"}, FullTable()),
            ({"replication_method": "INCREMENTAL", "replication_key": "id"}, ByKey(Column("id", Integer()))),
            ({"replication_method": "INCREMENTAL"}, ByKey(Column("score", Number()))),
            ({"replication_key": "_sdc_source_file_mtime"}, ByFiles()),
        ],
    )
    def test_the_catalog_wins(
        self, define: Callable[..., Definition], said: dict[str, Any], replication: object
    ) -> None:
        from dativo_protocol.catalog import parse_entry

        document = dict(catalog_entry("rows", {"type": "object", "properties": PROPERTIES}).document)
        plan = plan_stream(parse_entry(document | said), define(replication_key="score"))
        assert plan.replication == replication

    def test_deselected_columns_are_known_as_such(self, define: Callable[..., Definition]) -> None:
        from dativo_protocol.catalog import parse_entry

        document = dict(catalog_entry("rows", {"type": "object", "properties": PROPERTIES}).document)
        document["metadata"] = [{"breadcrumb": ["properties", "day"], "metadata": {"selected": False}}]
        plan = plan_stream(parse_entry(document), define())
        assert (plan.deselected, "day" in plan.message.schema["properties"]) == ({"day"}, False)

    def test_a_key_that_is_not_there(self, define: Callable[..., Definition]) -> None:
        with pytest.raises(CatalogError, match="key property 'no' is not in its schema"):
            plan_of(define(), keys=("no",))
