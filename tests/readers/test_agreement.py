"""The comparison itself: it finds what differs, and tells which reader and which rows."""

from pathlib import Path

import pytest
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField, StringType

from tests.readers import READERS, assert_readers_agree, rows_by
from tests.readers.tables import NAMESPACE, append_rows, open_sqlite_catalog

ROWS = [{"id": 1, "name": "one"}, {"id": 2, "name": None}, {"id": 2, "name": None}]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "name", StringType()))
    table = open_sqlite_catalog(tmp_path / "lake").create_table((NAMESPACE, "t"), schema)
    append_rows(table, ROWS)
    return table


def test_all_readers_see_the_same_rows(table: Table) -> None:
    assert_readers_agree(table, ROWS)


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_is_really_asked(table: Table, reader: str) -> None:
    for wrong in (ROWS[:2], [*ROWS[:2], {"id": 3}], [*ROWS, ROWS[0]]):
        with pytest.raises(AssertionError, match=f"^{reader} reads .*otherwise"):
            assert_readers_agree(table, wrong, [reader])


@pytest.mark.parametrize("reader", READERS)
def test_the_newest_version_is_read(table: Table, reader: str) -> None:
    other = table.catalog.load_table((NAMESPACE, "t"))
    append_rows(other, [{"id": 4, "name": "four"}])
    assert_readers_agree(table, [*ROWS, {"id": 4, "name": "four"}], [reader])


def test_a_version_without_rows_is_read(tmp_path: Path) -> None:
    catalog = open_sqlite_catalog(tmp_path / "lake")
    empty = catalog.create_table((NAMESPACE, "empty"), Schema(NestedField(1, "id", LongType())))
    for reader in READERS:
        if reader != "chdb":  # it refuses tables without any snapshot
            assert rows_by(reader, empty) == []
    append_rows(empty, [{"id": 1}])
    empty.delete("id = 1")
    assert_readers_agree(empty, [])


def test_columns_added_later_are_null_in_older_rows(table: Table) -> None:
    with table.update_schema() as update:
        update.add_column("more", LongType())
    append_rows(table, [{"id": 5, "more": 6}])
    assert_readers_agree(table, [*ROWS, {"id": 5, "more": 6}])
