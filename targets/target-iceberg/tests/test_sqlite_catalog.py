"""The default catalog is the one that pyiceberg would have made, and both work on the same file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType
from target_iceberg.catalogs import CATALOG_FILE, open_catalog
from target_iceberg.sqlite_catalog import SqliteCatalog

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.catalog import Catalog

SCHEMA = Schema(NestedField(7, "id", LongType(), required=True), NestedField(9, "name", StringType()))


@pytest.fixture
def ours(tmp_path: Path) -> Catalog:
    return open_catalog({}, str(tmp_path / "lake"), None)


@pytest.fixture
def theirs(tmp_path: Path) -> SqlCatalog:
    (tmp_path / "lake").mkdir(exist_ok=True)
    uri = f"sqlite:///{tmp_path}/lake/{CATALOG_FILE}"
    return SqlCatalog("default", uri=uri, warehouse=f"file://{tmp_path}/lake")


def layout(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
        ).fetchall()
        return [(*t, *row) for t in tables for row in connection.execute(f"PRAGMA table_info({t[0]})")]


def test_its_file_is_laid_out_as_that_of_pyiceberg(tmp_path: Path) -> None:
    SqlCatalog("default", uri=f"sqlite:///{tmp_path}/theirs.db")
    SqliteCatalog("default", tmp_path / "ours.db", {})
    assert layout(tmp_path / "ours.db") == layout(tmp_path / "theirs.db")
    with closing(sqlite3.connect(tmp_path / "ours.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_each_has_what_the_other_has_made(first: str, ours: Catalog, theirs: SqlCatalog) -> None:
    makers = {"ours": ours, "theirs": theirs}
    maker, other = makers.pop(first), next(iter(makers.values()))
    maker.create_namespace_if_not_exists(("shop", "eu"))
    made = maker.create_table(("shop", "eu", "orders"), SCHEMA, properties={"a": "b"})
    found = other.load_table(("shop", "eu", "orders"))
    assert found.metadata == made.metadata
    assert found.name() == made.name() == ("shop", "eu", "orders")
    assert found.metadata_location == made.metadata_location
    assert theirs.list_namespaces() == [("shop",)]
    assert other.namespace_exists("shop")
    with pytest.raises(TableAlreadyExistsError):
        other.create_table(("shop", "eu", "orders"), SCHEMA)


def test_it_numbers_columns_and_places_tables_as_pyiceberg_does(ours: Catalog, theirs: SqlCatalog) -> None:
    ours.create_namespace_if_not_exists("shop")
    made = [catalog.create_table(("shop", name), SCHEMA) for catalog, name in ((ours, "a"), (theirs, "b"))]
    assert made[0].schema() == made[1].schema()
    assert made[0].location().removesuffix("a") == made[1].location().removesuffix("b")


def test_a_namespace_may_say_where_its_tables_are(ours: Catalog, tmp_path: Path) -> None:
    ours.create_namespace("there", {"location": f"file://{tmp_path}/elsewhere/"})
    assert ours.create_table(("there", "c"), SCHEMA).location() == f"file://{tmp_path}/elsewhere/c"


def test_names_are_no_patterns_and_only_what_is_below_counts(ours: Catalog) -> None:
    ours.create_namespace_if_not_exists("a_b.c")
    assert ours.namespace_exists("a_b")
    assert ours.namespace_exists(("a_b", "c"))
    assert not ours.namespace_exists("axb")
    assert not ours.namespace_exists("a")
    assert not ours.namespace_exists("%")


def test_what_is_not_there_is_said_to_be_missing(ours: Catalog) -> None:
    with pytest.raises(NoSuchNamespaceError):
        ours.create_table(("shop", "orders"), SCHEMA)
    with pytest.raises(NoSuchTableError):
        ours.load_table(("shop", "orders"))


def test_a_view_is_no_table(ours: Catalog, tmp_path: Path) -> None:
    ours.create_namespace_if_not_exists("shop")
    ours.create_table(("shop", "orders"), SCHEMA)
    with closing(sqlite3.connect(tmp_path / "lake" / CATALOG_FILE)) as connection, connection:
        connection.execute("UPDATE iceberg_tables SET iceberg_type = 'VIEW'")
    with pytest.raises(NoSuchTableError):
        ours.load_table(("shop", "orders"))


def test_a_file_that_an_older_pyiceberg_has_made_is_brought_up_to_date(
    tmp_path: Path, theirs: SqlCatalog
) -> None:
    theirs.create_namespace("shop")
    theirs.create_table(("shop", "orders"), SCHEMA)
    with closing(sqlite3.connect(tmp_path / "lake" / CATALOG_FILE)) as connection, connection:
        connection.execute("ALTER TABLE iceberg_tables DROP COLUMN iceberg_type")
    catalog = open_catalog({}, str(tmp_path / "lake"), None)
    assert catalog.load_table(("shop", "orders")).schema().column_names == ["id", "name"]
    catalog.create_table(("shop", "lines"), SCHEMA)
    assert sorted(catalog.list_tables("shop")) == [("shop", "lines"), ("shop", "orders")]


def test_all_of_a_transaction_is_written_or_nothing(tmp_path: Path) -> None:
    catalog = SqliteCatalog("default", tmp_path / "catalog.db", {"warehouse": f"file://{tmp_path}"})
    catalog.create_namespace_if_not_exists("shop")
    with suppress(ZeroDivisionError), catalog.transaction() as connection:
        connection.execute("DELETE FROM iceberg_namespace_properties")
        raise ZeroDivisionError
    assert catalog.namespace_exists("shop")


def test_it_takes_no_sqlalchemy(tmp_path: Path) -> None:
    """That is what it is for."""
    script = """
import sys
from target_iceberg.catalogs import open_catalog
from pyiceberg.schema import Schema
catalog = open_catalog({}, sys.argv[1], None)
catalog.create_namespace_if_not_exists("shop")
catalog.create_table(("shop", "orders"), Schema())
print([name for name in ("sqlalchemy", "requests") if name in sys.modules])
"""
    command = [sys.executable, "-c", script, str(tmp_path / "lake")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"[]\n"
