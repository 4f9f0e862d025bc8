"""One table, every reader, the same rows."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from tests.readers.canonical import Row, canonical_rows, in_order
from tests.readers.errors import ReaderError
from tests.readers.limits import refuses, seen_by
from tests.readers.sources import SOURCES

_SLOW = "spark"
_ASKED = os.environ.get("DATIVO_READERS")

READERS = tuple(_ASKED.split(",")) if _ASKED else tuple(reader for reader in SOURCES if reader != _SLOW)
"""Those that every test asks; `DATIVO_READERS` names others. Spark takes long to start: `make test-spark`."""

QUICK_READERS = READERS if _ASKED else ("duckdb",)
"""For tests that read again and again."""

_SHOWN = 5


def assert_readers_agree(
    table: Table,
    expected: pa.Table | Iterable[Mapping[str, Any]],
    readers: Sequence[str] = READERS,
) -> None:
    """Hold the newest version of a table against the rows it must have, in any order, in every reader.

    Args:
        table: loaded from its catalog; it is refreshed first.
        expected: rows of Python values, as `pa.Table.to_pylist` gives them; missing columns are null.
        readers: names of those to ask.
    """
    table.refresh()
    rows = expected.to_pylist() if isinstance(expected, pa.Table) else expected
    wanted = canonical_rows(rows, table.schema())
    for reader in readers:
        if refuses(reader, table.schema().as_struct()):
            _assert_refused(reader, table)
            continue
        seen = in_order([seen_by(reader, row, table.schema().as_struct()) for row in wanted])
        difference = _difference(rows_by(reader, table), seen)
        assert not difference, f"{reader} reads {table.metadata_location} otherwise:\n{difference}"


def _assert_refused(reader: str, table: Table) -> None:
    try:
        rows_by(reader, table)
    except ReaderError:
        return
    raise AssertionError(f"{reader} reads {table.metadata_location}, which it was known to refuse")


def rows_by(reader: str, table: Table) -> list[Row]:
    """All rows of the loaded version of a table as this reader sees them, in canonical form and order.

    Raises:
        ReaderError: the reader refuses the table.
    """
    rows = SOURCES[reader](table.metadata_location, table.io.properties)
    return canonical_rows(rows.to_pylist(), table.schema())


def _difference(found: list[Row], wanted: list[Row]) -> str:
    if found == wanted:
        return ""
    lines = [f"{len(found)} rows, not {len(wanted)}"] if len(found) != len(wanted) else []
    lines += [f"  too much: {row}" for row in _without(found, wanted)[:_SHOWN]]
    lines += [f"  missing:  {row}" for row in _without(wanted, found)[:_SHOWN]]
    return "\n".join(lines)


def _without(rows: list[Row], others: list[Row]) -> list[Row]:
    left: dict[str, int] = {}
    for row in others:
        left[repr(row)] = left.get(repr(row), 0) + 1
    missing = []
    for row in rows:
        left[repr(row)] = left.get(repr(row), 0) - 1
        if left[repr(row)] < 0:
            missing.append(row)
    return missing


def differing_columns(table: Table, expected: Iterable[Mapping[str, Any]], reader: str) -> set[str]:
    """Names of the columns whose values, as a whole, this reader does not give exactly as they are."""
    wanted, found = canonical_rows(expected, table.schema()), rows_by(reader, table)
    return {
        name
        for name in table.schema().column_names
        if "." not in name
        and in_order([{name: row[name]} for row in wanted]) != in_order([{name: row[name]} for row in found])
    }
