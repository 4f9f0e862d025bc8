"""Every type of the type table through every reader, with nulls and the ends of its range: a score."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from dativo_protocol.arrow import arrow_type
from dativo_protocol.columns import (
    Binary,
    Boolean,
    Column,
    ColumnType,
    Date,
    Integer,
    JsonText,
    ListOf,
    MapOf,
    Number,
    String,
    Struct,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
)
from dativo_protocol.columns import Decimal as DecimalColumn
from dativo_protocol.typetable import TYPE_TABLE
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from tests.readers import READERS, assert_readers_agree
from tests.readers.agreement import differing_columns
from tests.readers.canonical import canonical_rows
from tests.readers.limits import refuses, seen_by
from tests.readers.tables import NAMESPACE, append_rows, open_sqlite_catalog

TYPES: dict[str, ColumnType] = {
    "JSON text" if row.type == JsonText() else str(arrow_type(row.type)): row.type for row in TYPE_TABLE
}

PAIR = Struct((Column("x", Integer()), Column("y", String())))
VALUES: dict[ColumnType, list[Any]] = {
    Boolean(): [True, False],
    Integer(): [0, -1, 2**63 - 1, -(2**63)],
    Number(): [0.0, -0.5, 1.7976931348623157e308, 5e-324, float("inf"), float("nan")],
    String(): ["", "plain", "äöü 🎉", "tab\tquote\"'\\", "x" * 100_000],
    JsonText(): ["{}", '{"a": [1, null, "ü"]}', "null"],
    Binary(): [b"", b"\x00\xff\xfe", b"text"],
    Uuid(): [bytes(16), bytes(range(16)), b"\xff" * 16],
    Date(): [date(1970, 1, 1), date(1, 1, 1), date(9999, 12, 31)],
    Time(): [time(0, 0), time(23, 59, 59), time(12, 30, 15, 999_999)],
    TimestampTz(): [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2024, 2, 29, 1, 2, 3, 4, UTC),
    ],
    Timestamp(): [datetime(1970, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)],  # noqa: DTZ001
    PAIR: [{"x": 1, "y": "one"}, {"x": None, "y": None}],
    MapOf(Integer()): [{}, {"a": 1, "b": None}],
    ListOf(String()): [[], ["a", None, ""]],
    ListOf(PAIR): [[], [{"x": 1, "y": None}, None]],
}


def values_of(type_: ColumnType) -> list[Any]:
    """Values of a type; every type has null among them."""
    if isinstance(type_, DecimalColumn):
        most = Decimal((0, (9,) * type_.precision, -type_.scale))
        return [Decimal(0), most, most.copy_negate(), Decimal((0, (1,), -type_.scale)), None]
    return [*VALUES[type_], None]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return open_sqlite_catalog(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def table(catalog: Catalog) -> Table:
    """A column for each type, a row for each value."""
    return _make(catalog, "types", [f"c{at}" for at in range(len(TYPES))])


@pytest.fixture(scope="module")
def taken(catalog: Catalog, table: Table) -> dict[str, Table]:
    """For each reader the table, or one of those of its columns that do not make the reader refuse it."""
    return {reader: _taken_by(reader, catalog, table) for reader in READERS}


def _taken_by(reader: str, catalog: Catalog, table: Table) -> Table:
    fields = table.schema().fields
    names = [field.name for field in fields if not refuses(reader, field.field_type)]
    return table if len(names) == len(fields) else _make(catalog, f"types_for_{reader}", names)


def _make(catalog: Catalog, name: str, columns: list[str]) -> Table:
    types = enumerate(TYPES.values())
    fields = [pa.field(f"c{at}", arrow_type(type_)) for at, type_ in types if f"c{at}" in columns]
    table = catalog.create_table((NAMESPACE, name), pa.schema(_for_iceberg(field) for field in fields))
    append_rows(table, pa.Table.from_pylist(rows(), schema=pa.schema(fields)))
    return table


def rows() -> list[dict[str, Any]]:
    """Values of all types side by side."""
    columns = {f"c{at}": values_of(type_) for at, type_ in enumerate(TYPES.values())}
    most = max(len(values) for values in columns.values())
    return [{name: (values + [None] * most)[at] for name, values in columns.items()} for at in range(most)]


def _for_iceberg(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.uuid()) if pa.types.is_fixed_size_binary(field.type) else field


@pytest.mark.parametrize("reader", READERS)
def test_every_type_is_read_as_well_as_the_reader_can(
    table: Table, taken: dict[str, Table], reader: str
) -> None:
    assert_readers_agree(table, rows(), [reader])
    assert_readers_agree(taken[reader], rows(), [reader])


def test_the_score(table: Table, taken: dict[str, Table], capsys: pytest.CaptureFixture[str]) -> None:
    """Which columns each reader gives exactly: all, but for what the reader itself cannot hold."""
    marks = {reader: _marks(table, taken[reader], reader) for reader in READERS}
    lines = [f"{'':34}" + "".join(f"{reader:>12}" for reader in READERS)]
    for at, name in enumerate(TYPES):
        lines.append(f"{name[:33]:34}" + "".join(f"{marks[reader][f'c{at}']:>12}" for reader in READERS))
    scores = {reader: list(marks[reader].values()).count("exact") for reader in READERS}
    lines.append(f"{'exact':34}" + "".join(f"{f'{scores[each]}/{len(TYPES)}':>12}" for each in READERS))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert all(scores[reader] == len(TYPES) for reader in {"duckdb", "datafusion"} & {*READERS})
    assert marks == {reader: _known_marks(table, reader) for reader in READERS}


def _marks(table: Table, taken: Table, reader: str) -> dict[str, str]:
    """What the reader makes of each column."""
    known, inexact = taken.schema().column_names, differing_columns(taken, rows(), reader)
    names = [field.name for field in table.schema().fields]
    return {
        name: "refused" if name not in known else "limit" if name in inexact else "exact" for name in names
    }


def _known_marks(table: Table, reader: str) -> dict[str, str]:
    """What the reader is known to make of them."""
    wanted = canonical_rows(rows(), table.schema())
    marks = {}
    for field in table.schema().fields:
        exact = all(seen_by(reader, row[field.name], field.field_type) == row[field.name] for row in wanted)
        marks[field.name] = "refused" if refuses(reader, field.field_type) else "exact" if exact else "limit"
    return marks
